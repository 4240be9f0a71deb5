//! The walker, or who reads from it, is killed while it streams.

use crate::finding::{Finding, signal_name};
use crate::subject::{Attack, Subject, tracer};
use crate::tally::{Outcome, Row, Table};
use anyhow::{Context, Result, ensure};
use pyheap_tests::{Debugger, Interpreter, Python, Session, processes_like};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Objects that make a walk long enough to be hit at many moments.
const OBJECTS: u32 = 100_000;

/// A dump that takes longer will not end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is hit by what.
const ATTACKS: [(Victim, Signal); 7] = [
    (Victim::Walker, Signal::KILL),
    (Victim::Walker, Signal::SEGV),
    (Victim::Walker, Signal::TERM),
    (Victim::Walker, Signal::STOP),
    (Victim::Reader, Signal::KILL),
    (Victim::Reader, Signal::TERM),
    (Victim::Reader, Signal::HUP),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Walker,
    Reader,
}

/// Kills walkers and readers of both debuggers, `count` times each.
///
/// # Errors
/// The interpreter is not there.
pub fn prove(debuggers: &[Debugger], count: usize) -> Result<Table> {
    let python = Interpreter::usual().find()?;
    let mut rows = Vec::new();
    for &debugger in debuggers {
        for (victim, signal) in ATTACKS {
            let name =
                format!("{} to the {}", signal_name(signal.as_raw()), format!("{victim:?}").to_lowercase());
            let titles = [&debugger.to_string(), name.as_str()];
            let mut row = Row::new(&titles);
            // Each walker that is stopped keeps its debugger waiting.
            let count = if signal == Signal::STOP { count.div_ceil(10) } else { count };
            if let Err(error) = debugger.find() {
                row = Row::skipped(&titles, &format!("{error:#}"));
            } else if let Err(error) = series(&python, debugger, victim, signal, count, &mut row) {
                row.fail(&format!("{error:#}").replace('\n', " "));
            }
            eprintln!("{}: {} tried, {} lost: {}", titles.join(", "), row.tried(), row.lost(), row.found());
            rows.push(row);
        }
    }
    Ok(Table {
        name: "stream",
        heading: "Walker and reader are killed",
        text: "The target runs on while its copy streams. The copy or the debugger is hit when a part of the file has arrived, a different \
               part each time. Afterwards the target is examined as above; the debugger ends, and so does the copy."
            .into(),
        columns: vec!["dump by", "attack"],
        rows,
    })
}

fn series(
    python: &Python,
    debugger: Debugger,
    victim: Victim,
    signal: Signal,
    count: usize,
    row: &mut Row,
) -> Result<()> {
    let mut subject = Subject::with_objects(python, "idle", OBJECTS)?;
    let folder = tempfile::tempdir()?;
    let whole = fs::metadata(debugger.dump(subject.pid(), "--detach", folder.path())?)?.len();
    for turn in 0..count {
        let folder = tempfile::tempdir()?;
        let begin = Instant::now();
        let session = debugger.start(subject.pid(), &["pyheap-dump -o heap.cbor --detach"], folder.path())?;
        let threshold = whole * turn as u64 / count as u64;
        let hit = moment(&subject, session, folder.path(), threshold)?;
        let Some((mut session, walker)) = hit else {
            row.add(&Outcome::default());
            continue;
        };
        send(if victim == Victim::Walker { walker } else { session.pid() }, signal);
        let mut findings = Vec::new();
        let ended = loop {
            if session.ended()? {
                break true;
            }
            if begin.elapsed() > PATIENCE {
                break false;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        if !ended {
            findings.push(Finding::DebuggerHangs);
            send(walker, Signal::KILL);
            session.wait_at_most(PATIENCE)?;
        } else if signal == Signal::STOP {
            // A walker that nobody reads from any more may end now.
            send(walker, Signal::CONT);
        }
        findings.extend(subject.examine(Attack { lasted: begin.elapsed(), tracer_killed: false })?);
        let outcome = Outcome { reached: true, in_breakpoint: false, findings };
        row.add(&outcome);
        if outcome.findings.iter().any(Finding::is_loss) {
            subject = Subject::with_objects(python, "idle", OBJECTS)?;
        }
    }
    subject.finish()
}

/// Waits until the target runs on and so many bytes have arrived; the walker, unless the dump ends before.
fn moment(
    subject: &Subject,
    mut session: Session,
    folder: &Path,
    bytes: u64,
) -> Result<Option<(Session, u32)>> {
    let begin = Instant::now();
    let arrived = || -> Result<u64> {
        let mut size = 0;
        for entry in fs::read_dir(folder)? {
            size = size.max(entry?.metadata().map(|data| data.len()).unwrap_or(0));
        }
        Ok(size)
    };
    loop {
        let walker = processes_like(subject.pid())?.first().copied();
        if let Some(walker) = walker
            && tracer(subject.pid()).context("the target is gone")? == 0
            && arrived()? >= bytes
        {
            return Ok(Some((session, walker)));
        }
        if session.ended()? {
            return Ok(None);
        }
        ensure!(begin.elapsed() < PATIENCE, "neither does the file grow nor the dump end");
    }
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _ = kill_process(pid, signal);
    }
}

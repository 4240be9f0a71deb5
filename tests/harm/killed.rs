//! The debugger is killed, hung up on or interrupted at every step of a dump.

use crate::finding::Finding;
use crate::subject::{Attack, Subject};
use crate::tally::{Outcome, Row, Table};
use crate::watched::{Call, Watched};
use crate::way::Way;
use anyhow::{Context, Result, bail, ensure};
use pyheap_tests::{Interpreter, Python};
use rustix::process::Signal;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A debugger that was told to end and has not ended by then never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is done to the debugger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A signal to the debugger.
    Signal(Signal),
    /// A signal to the server through which it traces.
    ServerSignal(Signal),
    /// Its terminal goes away.
    Hangup,
    /// Ctrl-C on its terminal.
    Interrupt,
}

impl Deed {
    /// Those that make sense for a way to dump.
    fn of(way: Way) -> Vec<Self> {
        if !way.dumps() {
            return vec![Self::Signal(Signal::KILL)];
        }
        if way.has_terminal() {
            return vec![Self::Hangup, Self::Interrupt, Self::Signal(Signal::KILL)];
        }
        let mut deeds = [Signal::KILL, Signal::TERM, Signal::HUP, Signal::INT].map(Self::Signal).to_vec();
        if way.has_server() {
            deeds.extend([Signal::KILL, Signal::TERM].map(Self::ServerSignal));
        }
        deeds
    }

    /// Whether nobody is left who could put the target in order.
    fn kills_tracer(self) -> bool {
        matches!(self, Self::Signal(Signal::KILL) | Self::ServerSignal(_))
    }

    fn perform(self, watched: &mut Watched) -> Result<()> {
        match self {
            Self::Signal(signal) => watched.signal_debugger(signal),
            Self::ServerSignal(signal) => watched.signal_tracer(signal)?,
            Self::Hangup => watched.close_terminal(),
            Self::Interrupt => watched.type_interrupt()?,
        }
        Ok(())
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |signal: Signal| crate::finding::signal_name(signal.as_raw());
        match self {
            Self::Signal(signal) => f.write_str(name(*signal)),
            Self::ServerSignal(signal) => write!(f, "{} to lldb-server", name(*signal)),
            Self::Hangup => f.write_str("terminal closed"),
            Self::Interrupt => f.write_str("Ctrl-C"),
        }
    }
}

/// Attacks of one sort on one process.
#[derive(Clone, Copy, Debug)]
struct Series {
    way: Way,
    kind: &'static str,
    deed: Deed,
    count: usize,
    /// Where between two steps its moments lie, from 0 to 1.
    phase: f64,
}

/// Attacks every way of dumping, `count` times each, and says what followed.
///
/// # Errors
/// An attack cannot be carried out.
pub fn prove(ways: &[Way], kinds: &[&'static str], count: usize, workers: usize) -> Result<Table> {
    let python = Interpreter::usual().find()?;
    let mut rows = Vec::new();
    let mut queue = VecDeque::new();
    for &way in ways {
        if let Err(error) = way.available() {
            rows.push((rows.len(), Row::skipped(&[&way.to_string(), "", ""], &format!("{error:#}"))));
            continue;
        }
        let deeds = Deed::of(way);
        // For comparison a few are enough.
        let count = if way.dumps() { count } else { count.div_ceil(10) };
        let each = count.div_ceil(deeds.len() * kinds.len());
        for &deed in &deeds {
            for kind in kinds {
                let place = queue.len() + rows.len();
                // Multiples of the golden ratio fill an interval evenly, however many there are.
                let phase = (place as f64 * 0.618_034).fract();
                queue.push_back((place, Series { way, kind, deed, count: each, phase }));
            }
        }
    }
    let queue = Mutex::new(queue);
    let done = Mutex::new(rows);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(|| work(&queue, &done, &python))).collect();
        running
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
    })?;
    let mut rows = done.into_inner().unwrap_or_default();
    rows.sort_by_key(|(place, _)| *place);
    Ok(Table {
        name: "killed",
        heading: "The debugger is killed, hung up on or interrupted",
        text: "A dump's system calls that touch the target are counted by strace (ptrace, writes to its memory, \
               waits). Then the dump is taken again and again: behind one of these calls, a different one each \
               time, spread over the whole dump, strace holds the process that traces the target, and the attack \
               takes place. *Reached* are the attacks before whose moment the dump had not ended. Afterwards the \
               target answers, its sleeps took their time, its code equals the files that it was loaded from, its \
               signal mask and its pending signals are what they were, nobody is stopped, it loads and imports an \
               extension, and exits with 0; what does not hold is named. *Lost at a breakpoint* are targets that \
               compute in Python, so that they may have to be stopped by a breakpoint, and were lost where it stood \
               in their code at the very moment of SIGKILL. Rows *without pyheap* show what a debugger's own attach \
               and detach cost; they count in no sum."
            .into(),
        columns: vec!["dump by", "attack", "target"],
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    })
}

type Queue = Mutex<VecDeque<(usize, Series)>>;

fn work(queue: &Queue, done: &Mutex<Vec<(usize, Row)>>, python: &Python) -> Result<()> {
    loop {
        let Some((place, series)) = queue.lock().ok().and_then(|mut queue| queue.pop_front()) else {
            return Ok(());
        };
        let titles = [series.way.to_string(), series.deed.to_string(), series.kind.to_owned()];
        let titles = titles.each_ref().map(String::as_str);
        let begin = Instant::now();
        let mut row = Row::new(&titles);
        row.comparison = !series.way.dumps();
        if let Err(error) = series.run(python, &mut row) {
            row.fail(&format!("{error:#}").replace('\n', " "));
        }
        eprintln!(
            "{}: {} tried, {} lost: {} ({:.0?})",
            titles.join(", "),
            row.tried(),
            row.lost(),
            row.found(),
            begin.elapsed()
        );
        if let Ok(mut done) = done.lock() {
            done.push((place, row));
        }
    }
}

impl Series {
    fn run(self, python: &Python, row: &mut Row) -> Result<()> {
        let mut subject = Subject::start(python, self.kind)?;
        let calls = self.calls(&mut subject)?;
        for turn in 0..self.count {
            // Spread evenly, and elsewhere in each series.
            let part = (turn as f64 + self.phase) / self.count as f64;
            let index = (part * calls.len() as f64) as usize;
            let call = calls.get(index).context("no calls")?;
            let outcome =
                self.attack(&mut subject, call).with_context(|| format!("{call:?} of {}", calls.len()))?;
            row.add(&outcome);
            if outcome.findings.iter().any(Finding::is_loss) {
                subject = Subject::start(python, self.kind)?;
            }
        }
        subject.finish()
    }

    /// The calls of a dump that is left in peace.
    fn calls(self, subject: &mut Subject) -> Result<Vec<Call>> {
        let folder = tempfile::tempdir()?;
        let begin = Instant::now();
        let mut watched = Watched::start(self.way, subject.pid(), None, folder.path())?;
        ensure!(watched.end(PATIENCE)?.is_some(), "an undisturbed dump does not end: {}", watched.text()?);
        ensure!(
            !self.way.dumps() || folder.path().join("heap.cbor").is_file(),
            "an undisturbed dump fails: {}",
            watched.text()?
        );
        let findings = subject.examine(Attack { lasted: begin.elapsed(), tracer_killed: false })?;
        ensure!(findings.is_empty(), "after an undisturbed dump: {findings:?}");
        watched.calls()
    }

    fn attack(self, subject: &mut Subject, call: &Call) -> Result<Outcome> {
        let folder = tempfile::tempdir()?;
        let begin = Instant::now();
        let mut watched = Watched::start(self.way, subject.pid(), Some(call), folder.path())?;
        let reached = watched.held()?;
        let mut in_breakpoint = false;
        if reached {
            // Only a process that holds the GIL all the time may have to be stopped by a breakpoint.
            in_breakpoint = self.kind == "busy" && self.deed.kills_tracer() && subject.has_breakpoint();
            self.deed.perform(&mut watched)?;
            watched.release()?;
        }
        let ended = watched.end(PATIENCE)?.is_some();
        let attack = Attack { lasted: begin.elapsed(), tracer_killed: reached && self.deed.kills_tracer() };
        let mut findings = subject.examine(attack)?;
        if !ended {
            findings.push(Finding::DebuggerHangs);
        }
        Ok(Outcome { reached, in_breakpoint, findings })
    }
}

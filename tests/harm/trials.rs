//! Dumps of targets of many kinds: each must live on, undisturbed.

use crate::condition::{Condition, code_findings};
use crate::finding::{Finding, of_end};
use crate::tally::{Outcome, Row};
use anyhow::{Context, Result, ensure};
use pyheap_tests::{Debugger, Heap, Interpreter, Python, Target, processes_like};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A target that does not answer for so long hangs; a dump that takes longer does not end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A copy of the target that nobody reads from ends by then.
const WALKER_PATIENCE: Duration = Duration::from_secs(5);

/// How a target is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// As it is.
    Plain,
    /// With an option of the interpreter's.
    Options(&'static [&'static str]),
    /// With a variable of the environment.
    Environment(&'static str, &'static str),
    /// As number 1 of a namespace of processes.
    Namespace,
    /// From a copy of the interpreter that it removes.
    Copy,
    /// Stopped by SIGSTOP before the dump.
    Stopped,
}

/// A target and what to expect of it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Name in the table.
    pub name: String,
    /// Of `targets/`.
    pub script: &'static str,
    /// For the script.
    pub arguments: Vec<String>,
    /// How it is started.
    pub setup: Setup,
    /// Whether it makes threads, children and descriptors all the time, so that these cannot be compared.
    pub lively: bool,
    /// Whether it can end by itself with 0.
    pub ends: bool,
    /// Whether the dump must succeed.
    pub dumps: bool,
    /// Whether it is the same on every interpreter, so that one is enough.
    pub one_interpreter: bool,
}

/// Dumps every target with every debugger, so many times each.
///
/// # Errors
/// The interpreter is not there.
pub fn run(trials: &[Trial], debuggers: &[Debugger], times: usize, workers: usize) -> Result<Vec<Row>> {
    let usual = Interpreter::usual().find()?;
    let others = Interpreter::all().into_iter().filter(|&interpreter| interpreter != Interpreter::usual());
    let others: Vec<_> = others.filter_map(|interpreter| interpreter.find().ok()).collect();
    let queue: VecDeque<_> = trials
        .iter()
        .flat_map(|trial| debuggers.iter().map(move |&debugger| (trial.clone(), debugger)))
        .enumerate()
        .collect();
    let queue = Mutex::new(queue);
    let rows = Mutex::new(Vec::new());
    let work = || {
        while let Some((place, (trial, debugger))) = queue.lock().ok().and_then(|mut queue| queue.pop_front())
        {
            let mut row = Row::new(&[&trial.name, &debugger.to_string()]);
            // What depends on the interpreter does not depend on the debugger as well.
            let more = if trial.one_interpreter || debugger != Debugger::Gdb { &[][..] } else { &others };
            let pythons = std::iter::once(&usual).chain(more);
            if let Err(error) = debugger.find() {
                row = Row::skipped(&[&trial.name, &debugger.to_string()], &format!("{error:#}"));
            } else {
                for python in pythons {
                    if let Err(error) = trial.run(python, debugger, times, &mut row) {
                        row.fail(&format!("{}: {error:#}", python.version_text()).replace('\n', " "));
                    }
                }
            }
            eprintln!(
                "{}, {debugger}: {} tried, {} lost: {}",
                trial.name,
                row.tried(),
                row.lost(),
                row.found()
            );
            if let Ok(mut rows) = rows.lock() {
                rows.push((place, row));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut rows = rows.into_inner().unwrap_or_default();
    rows.sort_by_key(|(place, _)| *place);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

impl Trial {
    fn run(&self, python: &Python, debugger: Debugger, times: usize, row: &mut Row) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut running: Option<(Target, u32)> = None;
        for _ in 0..times {
            let (mut target, pid) = match running.take() {
                Some(running) => running,
                None => self.start(python, folder.path())?,
            };
            let mut findings = self.dump(&mut target, pid, debugger, folder.path())?;
            findings.sort();
            findings.dedup();
            let outcome = Outcome { reached: true, in_breakpoint: false, findings };
            row.add(&outcome);
            if !outcome.findings.iter().any(Finding::is_loss) {
                running = Some((target, pid));
            }
        }
        if let Some((target, _)) = running
            && self.ends
        {
            target.finish()?;
        }
        Ok(())
    }

    fn start(&self, python: &Python, folder: &Path) -> Result<(Target, u32)> {
        let mut command = Command::new(&python.path);
        match self.setup {
            Setup::Options(options) => drop(command.args(options)),
            Setup::Environment(name, value) => drop(command.env(name, value)),
            Setup::Namespace => {
                command = Command::new("unshare");
                command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).arg(&python.path);
            }
            Setup::Copy => {
                let copy = folder.join("python");
                fs::copy(&python.path, &copy)?;
                command = Command::new(copy);
                let home = python.path.ancestors().nth(2).context("the interpreter's home")?;
                command.env("PYTHONHOME", home);
            }
            Setup::Plain | Setup::Stopped => {}
        }
        command.arg(Target::script(self.script)).args(&self.arguments);
        let mut target = Target::start(command)?;
        target.set_patience(PATIENCE);
        target.ask("check")?;
        let mut pid = target.pid();
        if self.setup == Setup::Namespace {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
            pid = children.trim().parse().context("the process in the namespace")?;
        }
        Ok((target, pid))
    }

    fn dump(&self, target: &mut Target, pid: u32, debugger: Debugger, folder: &Path) -> Result<Vec<Finding>> {
        let stopped = self.setup == Setup::Stopped;
        if stopped {
            send(pid, Signal::STOP);
            await_state(pid, 'T')?;
        }
        let before = Condition::of(pid)?;
        let file = folder.join("heap.cbor");
        let _ = fs::remove_file(&file);
        let session = debugger.start(pid, &["pyheap-dump -o heap.cbor --detach --force"], folder)?;
        let mut findings = Vec::new();
        match session.wait_at_most(PATIENCE) {
            Ok(transcript) => {
                if file.is_file() {
                    findings.extend(missing(target, &file).map(Finding::NoDump));
                } else {
                    let reason = reason(&transcript.text());
                    findings.push(if self.dumps {
                        Finding::NoDump(reason)
                    } else {
                        Finding::Refused(reason)
                    });
                }
            }
            Err(_) => findings.push(Finding::DebuggerHangs),
        }
        let begin = Instant::now();
        // A target that makes copies of itself has others than walkers.
        while !self.lively && processes_like(pid).is_ok_and(|walkers| !walkers.is_empty()) {
            if begin.elapsed() > WALKER_PATIENCE {
                findings.push(Finding::Walker);
                for walker in processes_like(pid)? {
                    send(walker, Signal::KILL);
                }
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(status) = target.exit_status()? {
            findings.push(of_end(status, ""));
            return Ok(findings);
        }
        let (Ok(now), Ok(code)) = (Condition::of(pid), code_findings(pid)) else {
            findings.push(self.silence(target)?);
            return Ok(findings);
        };
        findings.extend(code);
        let changes = before.findings(&now);
        findings.extend(changes.into_iter().filter(|finding| !self.lively || *finding == Finding::Stopped));
        if stopped {
            if !now.is_stopped() {
                findings.push(Finding::Result("state: it no longer stands".into()));
            }
            send(pid, Signal::CONT);
        }
        match target.ask("check") {
            Ok(faults) => findings.extend(
                faults.as_array().into_iter().flatten().map(|fault| Finding::Result(fault.to_string())),
            ),
            Err(_) => findings.push(self.silence(target)?),
        }
        Ok(findings)
    }

    /// Why it does not answer.
    fn silence(&self, target: &mut Target) -> Result<Finding> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(1) {
            if let Some(status) = target.exit_status()? {
                return Ok(of_end(status, ""));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(Finding::Hang)
    }
}

/// What is not in a dump that the target promises.
fn missing(target: &Target, file: &Path) -> Option<String> {
    let Ok(sound) = target.number("sound") else { return None };
    let heap = match Heap::open(file) {
        Ok(heap) => heap,
        Err(error) => return Some(format!("{error:#}")),
    };
    let Some(number) = heap.number(sound) else { return Some("sound objects are missing".into()) };
    let items = heap.referents(number).len();
    (items != 100).then(|| format!("a sound list has {items} of 100 items"))
}

/// The line in which the command says why there is no dump, shortened.
fn reason(text: &str) -> String {
    const LENGTH: usize = 90;
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines()
        .find(|line| line.contains("pyheap-dump:"))
        .or_else(|| lines().next_back())
        .unwrap_or("not a word");
    let line = line.rsplit("pyheap-dump: ").next().unwrap_or(line).replace('|', " ");
    line.chars().take(LENGTH).collect()
}

fn await_state(pid: u32, state: char) -> Result<()> {
    let begin = Instant::now();
    loop {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        if stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(state)) {
            return Ok(());
        }
        ensure!(begin.elapsed() < PATIENCE, "the target does not come to state {state}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may be gone already.
        let _ = kill_process(pid, signal);
    }
}

//! A process under attack, and how it fares.

use crate::condition::{Condition, code_findings};
use crate::finding::{Finding, KERNEL_ERRNOS, of_end};
use anyhow::{Context, Result, ensure};
use pyheap_tests::{Python, Target, processes_like};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// A process that does not answer for so long hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A copy of a process that nobody reads from ends by then.
const WALKER_PATIENCE: Duration = Duration::from_secs(8);

/// How long a target may take to be what it was; what is wrong after that stays wrong.
const SETTLING: Duration = Duration::from_secs(1);

/// Between two looks at what only `/proc` tells.
const MOMENT: Duration = Duration::from_millis(1);

/// How long a sleep may last beyond its time and the attack's.
const SLEEP_SLACK: Duration = Duration::from_secs(2);

/// A process that runs `steady.py`.
#[derive(Debug)]
pub struct Subject {
    target: Target,
    before: Condition,
    errors: PathBuf,
    folder: tempfile::TempDir,
}

/// What an attack was, as far as it matters for what may follow.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// How long it took.
    pub lasted: Duration,
    /// Whether whoever traced the process went away without a chance to put it in order.
    pub tracer_killed: bool,
}

impl Subject {
    /// What a process does while it is attacked.
    pub const KINDS: [&str; 6] = ["idle", "napping", "busy", "vectors", "accepting", "polling"];

    /// Starts one.
    ///
    /// # Errors
    /// It does not start, or this machine cannot run this kind.
    pub fn start(python: &Python, kind: &'static str) -> Result<Self> {
        Self::with_objects(python, kind, 0)
    }

    /// The same with so many objects more, thrice.
    ///
    /// # Errors
    /// As for [`Subject::start`].
    pub fn with_objects(python: &Python, kind: &'static str, objects: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let errors = folder.path().join("errors");
        let mut command = Command::new(&python.path);
        command.arg(Target::script("steady.py")).arg(kind).stderr(File::create(&errors)?);
        command.env("OBJECTS", objects.to_string());
        if kind == "vectors" {
            command.arg(vector_library()?);
        }
        let mut target = Target::start(command)?;
        target.set_patience(PATIENCE);
        // What the first of each question allocates is there from then on.
        for question in ["round", "load", "round", "load"] {
            target.ask(question)?;
        }
        let before = Condition::of(target.pid())?;
        Ok(Self { target, before, errors, folder })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.target.pid()
    }

    /// Whether a breakpoint stands in its code.
    pub fn has_breakpoint(&self) -> bool {
        code_findings(self.pid()).is_ok_and(|findings| findings.contains(&Finding::Breakpoint))
    }

    /// What is wrong with it after an attack, once the debugger is gone.
    ///
    /// # Errors
    /// The machine does not tell.
    pub fn examine(&mut self, attack: Attack) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let begin = Instant::now();
        // The kernel lets go of it once the tracer is gone; a copy ends when it finds that nobody reads.
        while tracer(self.pid()).unwrap_or(0) != 0 && begin.elapsed() < PATIENCE {
            std::thread::sleep(MOMENT);
        }
        // A thread that goes back by itself first ends what it was doing for the tracer, which may be a fork.
        let settling = Instant::now();
        while Condition::of(self.pid()).is_ok_and(|now| !self.before.findings(&now).is_empty())
            && settling.elapsed() < SETTLING
        {
            std::thread::sleep(MOMENT);
        }
        let walkers = || processes_like(self.pid()).unwrap_or_default();
        while !walkers().is_empty() && begin.elapsed() < WALKER_PATIENCE {
            std::thread::sleep(MOMENT);
        }
        for walker in walkers() {
            findings.push(Finding::Walker);
            // What is left once is not left again.
            kill(walker);
        }
        if let Some(status) = self.target.exit_status()? {
            return Ok(self.ended(status));
        }
        let now = Condition::of(self.pid());
        let code = code_findings(self.pid());
        let (Ok(now), Ok(code)) = (now, code) else { return self.silent() };
        findings.extend(code);
        findings.extend(self.before.findings(&now));
        for question in ["round", "load"] {
            let Ok(answer) = self.target.ask(question) else {
                if findings.contains(&Finding::Stopped) {
                    return Ok(findings);
                }
                findings.extend(self.silent()?);
                return Ok(findings);
            };
            if question == "round" {
                findings.extend(
                    answer.as_array().into_iter().flatten().filter_map(|fault| read_fault(fault, attack)),
                );
            } else if answer != true {
                findings.push(Finding::Result("load".into()));
            }
        }
        // The same for what it has now.
        self.before = Condition::of(self.pid())?;
        Ok(findings)
    }

    /// Ends it, after it has imported an extension, and checks that it exits with 0.
    ///
    /// # Errors
    /// It does not.
    pub fn finish(mut self) -> Result<()> {
        ensure!(self.target.ask("extension")? == "1.4142", "a wrong result of an extension");
        self.target.ask("leave")?;
        self.target.finish()?;
        self.folder.close()?;
        Ok(())
    }

    /// Why it does not answer.
    fn silent(&mut self) -> Result<Vec<Finding>> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(1) {
            if let Some(status) = self.target.exit_status()? {
                return Ok(self.ended(status));
            }
            std::thread::sleep(MOMENT);
        }
        Ok(vec![Finding::Hang])
    }

    fn ended(&self, status: ExitStatus) -> Vec<Finding> {
        vec![of_end(status, &fs::read_to_string(&self.errors).unwrap_or_default())]
    }
}

/// A fault as `steady.py` tells it.
fn read_fault(fault: &Value, attack: Attack) -> Option<Finding> {
    const EINTR: i64 = 4;
    let number = fault["number"].as_i64().unwrap_or(0);
    if KERNEL_ERRNOS.contains(&number) {
        return Some(Finding::KernelErrno(number));
    }
    match fault["what"].as_str().unwrap_or_default() {
        "nap" if fault["result"] == -1 && number == EINTR && attack.tracer_killed => {
            Some(Finding::SleepInterrupted)
        }
        "nap" => Some(Finding::Sleep),
        "longest" => {
            let limit = attack.lasted + SLEEP_SLACK;
            (fault["lasted"].as_f64().unwrap_or(0.0) > limit.as_secs_f64()).then_some(Finding::Sleep)
        }
        "registers" => Some(Finding::Registers),
        other => Some(Finding::Result(format!("{other} {number}"))),
    }
}

/// The process that traces this one, or 0.
pub fn tracer(pid: u32) -> Result<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).context("no TracerPid")?;
    Ok(line.trim().parse()?)
}

fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// The library that keeps patterns in vector registers, compiled once.
fn vector_library() -> Result<PathBuf> {
    let source = Target::script("vectors.c");
    let folder = pyheap_tests::project().join("target/harm");
    fs::create_dir_all(&folder)?;
    let library = folder.join("libvectors.so");
    let lock = File::create(folder.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    if is_newer(&source, &library) {
        ensure!(fs::read_to_string("/proc/cpuinfo")?.contains(" avx2 "), "this processor has no AVX2");
        let status = Command::new("gcc")
            .args(["-O2", "-mavx2", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .status()
            .context("gcc")?;
        ensure!(status.success(), "gcc: {status}");
    }
    Ok(library)
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    time(file) > time(than)
}

//! A dump under strace, which counts the system calls that touch the target and can hold the caller at any of them.
//!
//! strace stops the process that traces the target behind the call that was asked for. What happens then to the debugger happens at that
//! very moment of the dump, on every machine alike, however slow.

use crate::way::{SERVER_PID, Way};
use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The calls by which a debugger changes a process. Waits are left out: how many there are depends on the clock.
const CALLS: &str = "ptrace,pwrite64,process_vm_writev,tgkill";

/// What strace writes once the process stands still.
const STOPPED: &str = "--- stopped by SIGSTOP ---";

/// A dump that takes longer than this will not end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call among those that are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Name of the system call.
    pub name: String,
    /// Which one of this name, from 1 on.
    pub occurrence: usize,
}

/// A debugger at work.
#[derive(Debug)]
pub struct Watched {
    process: Child,
    way: Way,
    log: File,
    lines: Vec<u8>,
    terminal: Option<File>,
    output: Output,
    folder: PathBuf,
}

/// Where the debugger's words go.
#[derive(Debug)]
enum Output {
    File(PathBuf),
    Terminal(Vec<u8>),
}

impl Watched {
    /// Starts a dump of a process that is to be held behind a call, if one is named.
    ///
    /// # Errors
    /// A program is missing.
    pub fn start(way: Way, pid: u32, hold: Option<&Call>, folder: &Path) -> Result<Self> {
        let fifo = folder.join("calls");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0)?;
        // Both ends, so that opening waits for nobody.
        let log = rustix::fs::open(&fifo, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
        let mut strace: Vec<String> =
            ["-DDD", "-qq", "-ttt", "-s", "8", "-I", "never", "-e"].map(str::to_owned).to_vec();
        strace.push(format!("trace={CALLS}"));
        strace.push("-o".into());
        strace.push(fifo.to_string_lossy().into_owned());
        if let Some(call) = hold {
            strace.push("-e".into());
            strace.push(format!("inject={}:signal=STOP:when={}", call.name, call.occurrence));
        }
        let mut command = way.command(pid, &strace, folder)?;
        let (terminal, output) = if way.has_terminal() {
            let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
            grantpt(&main)?;
            unlockpt(&main)?;
            let name = ptsname(&main, Vec::new())?;
            let end = File::options().read(true).write(true).open(name.to_str()?)?;
            command.stdin(end.try_clone()?).stdout(end.try_clone()?).stderr(end);
            (Some(File::from(main)), Output::Terminal(Vec::new()))
        } else {
            let path = folder.join("output");
            let file = File::create(&path)?;
            command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
            (None, Output::File(path))
        };
        let process = command.spawn().with_context(|| format!("{command:?}"))?;
        let log = File::from(log);
        Ok(Self { process, way, log, lines: Vec::new(), terminal, output, folder: folder.to_owned() })
    }

    /// Waits until the dump is held where it was to be; `false` if it ends without having come there.
    ///
    /// # Errors
    /// Neither happens.
    pub fn held(&mut self) -> Result<bool> {
        let begin = Instant::now();
        loop {
            self.pump()?;
            if String::from_utf8_lossy(&self.lines).contains(STOPPED) {
                return Ok(true);
            }
            if self.process.try_wait()?.is_some() {
                return Ok(false);
            }
            ensure!(begin.elapsed() < PATIENCE, "the dump neither stops nor ends: {}", self.text()?);
        }
    }

    /// Lets go of what is held.
    pub fn release(&self) -> Result<()> {
        send(self.tracer()?, Signal::CONT);
        Ok(())
    }

    /// Sends a signal to the debugger.
    pub fn signal_debugger(&self, signal: Signal) {
        send(self.process.id(), signal);
    }

    /// Sends a signal to the process that traces the target.
    pub fn signal_tracer(&self, signal: Signal) -> Result<()> {
        send(self.tracer()?, signal);
        Ok(())
    }

    /// Closes the terminal, as when a connection is lost.
    pub fn close_terminal(&mut self) {
        self.terminal = None;
    }

    /// Types a line.
    ///
    /// # Errors
    /// There is no terminal.
    fn type_line(&mut self, line: &str) -> Result<()> {
        let terminal = self.terminal.as_mut().context("no terminal")?;
        Ok(terminal.write_all(format!("{line}\n").as_bytes())?)
    }

    /// Types Ctrl-C.
    ///
    /// # Errors
    /// There is no terminal.
    pub fn type_interrupt(&mut self) -> Result<()> {
        Ok(self.terminal.as_mut().context("no terminal")?.write_all(&[3])?)
    }

    /// Waits for the debugger's end; `None` if it had to be killed because it does not end.
    ///
    /// # Errors
    /// Its state cannot be read.
    pub fn end(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        if self.terminal.is_some() {
            // Read when the debugger comes to it. Not earlier: Ctrl-C takes away what was typed before it.
            self.type_line("detach")?;
            self.type_line("quit")?;
        }
        let begin = Instant::now();
        loop {
            self.pump()?;
            if let Some(status) = self.process.try_wait()? {
                return Ok(Some(status));
            }
            if begin.elapsed() > limit {
                self.process.kill()?;
                self.process.wait()?;
                return Ok(None);
            }
        }
    }

    /// The lines in which strace tells the calls, after the end.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn trace(&mut self) -> Result<String> {
        self.pump()?;
        Ok(String::from_utf8_lossy(&self.lines).into_owned())
    }

    /// All calls, after the end, from the one on that attaches.
    ///
    /// # Errors
    /// It never attached.
    pub fn calls(&mut self) -> Result<Vec<Call>> {
        let text = self.trace()?;
        let mut calls: Vec<Call> = Vec::new();
        let mut attached = None;
        for line in text.lines() {
            // A time comes first.
            let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
            let Some((name, arguments)) =
                call.split_once('(').filter(|(name, _)| CALLS.split(',').any(|call| call == *name))
            else {
                continue;
            };
            let occurrence = 1 + calls.iter().filter(|call| call.name == name).count();
            if arguments.starts_with("PTRACE_ATTACH") || arguments.starts_with("PTRACE_SEIZE") {
                attached = Some(calls.len());
            }
            calls.push(Call { name: name.to_owned(), occurrence });
        }
        let Some(attached) = attached else { bail!("the debugger did not attach: {}", self.text()?) };
        Ok(calls.split_off(attached))
    }

    /// What the debugger wrote.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn text(&self) -> Result<String> {
        Ok(match &self.output {
            Output::File(path) => String::from_utf8_lossy(&fs::read(path)?).into_owned(),
            Output::Terminal(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        })
    }

    /// Process id of what traces the target.
    fn tracer(&self) -> Result<u32> {
        if !self.way.has_server() {
            return Ok(self.process.id());
        }
        let text = fs::read_to_string(self.folder.join(SERVER_PID)).context("the server's process id")?;
        Ok(text.trim().parse()?)
    }

    /// Takes what strace and the terminal have for us; waits a moment if it is nothing.
    fn pump(&mut self) -> Result<()> {
        let mut buffer = [0; 1 << 16];
        let mut sources = vec![PollFd::new(&self.log, PollFlags::IN)];
        if let Some(terminal) = &self.terminal {
            sources.push(PollFd::new(terminal, PollFlags::IN));
        }
        let moment = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        poll(&mut sources, Some(&moment))?;
        let ready: Vec<_> = sources.iter().map(PollFd::revents).collect();
        if ready.first().is_some_and(|events| events.contains(PollFlags::IN)) {
            let length = self.log.read(&mut buffer)?;
            self.lines.extend_from_slice(&buffer[..length]);
        }
        if let (Some(events), Some(terminal), Output::Terminal(bytes)) =
            (ready.get(1), self.terminal.as_mut(), &mut self.output)
            && events.contains(PollFlags::IN)
            // A terminal whose other end is closed says EIO.
            && let Ok(length) = terminal.read(&mut buffer)
        {
            bytes.extend_from_slice(&buffer[..length]);
        }
        Ok(())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A held server would stay for ever; it may as well be gone.
        if let Ok(tracer) = self.tracer() {
            send(tracer, Signal::CONT);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may be gone already, which is as good.
        let _ = kill_process(pid, signal);
    }
}

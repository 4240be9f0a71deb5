//! Taking hold of all threads of a process that runs.
//!
//! All are told to stop before the first one is waited for, so that they do so at the same time. New threads may begin until the last one
//! stands: what a seized thread starts is traced from its first instruction on.

use crate::ptrace::Thread;
use crate::tracer::{TO_STOP, Tracer};
use pyheap_process::{Obstacle, access};
use pyheap_session::DebuggerError;
use std::fs;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long somebody else who lets the process go may take.
const TO_BE_FREE: Duration = Duration::from_millis(500);

/// How long a thread that waits in the kernel is waited for before anything is stopped.
const TO_LEAVE_THE_KERNEL: Duration = Duration::from_secs(2);

/// A break between two looks.
const BREAK: Duration = Duration::from_millis(1);

impl Tracer {
    /// Seizes and stops all threads.
    pub(crate) fn seize_all(&mut self) -> Result<(), DebuggerError> {
        self.await_kernel()?;
        let began = Instant::now();
        while self.seize_new(began)? {
            self.collect(began + TO_STOP)?;
        }
        self.selected = Thread::new(self.process);
        self.select_a_living_one()
    }

    /// A thread in an uninterruptible wait, for a disk or for a child that it has made by `vfork`, does not stop before that is over, and the
    /// others would stand still for as long. So this is waited for first.
    fn await_kernel(&self) -> Result<(), DebuggerError> {
        let deadline = Instant::now() + TO_LEAVE_THE_KERNEL;
        let mut waits = self.waits()?;
        while !waits.is_empty() {
            sleep(BREAK);
            // Whoever was switched to meanwhile waits for something else by now.
            let now = self.waits()?;
            waits.retain(|wait| now.contains(wait));
            if let Some((thread, _)) = waits.first().filter(|_| Instant::now() > deadline) {
                let reason = format!(
                    "thread {} waits in the kernel (state D) for a disk, or for a child that has not begun its program; the process is \
                     untouched. Try again later",
                    thread.id()
                );
                return Err(self.failed("stop the process", reason));
            }
        }
        Ok(())
    }

    /// The threads in an uninterruptible wait, each with the number of times that it has been waiting so far.
    fn waits(&self) -> Result<Vec<(Thread, String)>, DebuggerError> {
        let waits = |&thread: &Thread| {
            let stat =
                fs::read_to_string(format!("/proc/{}/task/{}/stat", self.process, thread.id())).ok()?;
            let (_, fields) = stat.rsplit_once(") ")?;
            if !fields.starts_with('D') {
                return None;
            }
            let status = self.status(thread);
            let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            Some((thread, switches.to_owned()))
        };
        Ok(self.listed()?.iter().filter_map(waits).collect())
    }

    /// Seizes the threads that are not held yet, and tells them to stop. False if there are none.
    fn seize_new(&mut self, began: Instant) -> Result<bool, DebuggerError> {
        let mut found = false;
        for thread in self.listed()? {
            if self.threads.contains_key(&thread) {
                continue;
            }
            match thread.seize() {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => continue,
                // A first thread that has ended before the others can be traced by nobody, and need not be.
                Err(_) if self.is_zombie(thread) => continue,
                // New, and ours by birth: it stops by itself, and may be told to all the same.
                Err(_) if self.is_ours(thread) => {}
                // Whoever has let it go a moment ago may not be through with it.
                Err(error) if error.raw_os_error() == Some(libc::EPERM) && began.elapsed() < TO_BE_FREE => {
                    found = true;
                    sleep(BREAK);
                    continue;
                }
                Err(error) => return Err(self.refused(&error)),
            }
            found = true;
            self.threads.insert(thread, 0);
            match thread.interrupt() {
                Err(error) if error.raw_os_error() != Some(libc::ESRCH) => {
                    return Err(self.failed("stop a thread", error));
                }
                _ => drop(self.moving.insert(thread)),
            }
        }
        Ok(found)
    }

    /// Waits for all that were told to stop.
    fn collect(&mut self, deadline: Instant) -> Result<(), DebuggerError> {
        while let Some(&thread) = self.moving.first() {
            match thread.wait(deadline) {
                Ok(Some(event)) => {
                    self.moving.remove(&thread);
                    self.stopped(thread, event)?;
                }
                Ok(None) => {
                    let state = self.status(thread);
                    let state = state.lines().find_map(|line| line.strip_prefix("State:\t"));
                    let state = state.unwrap_or("unknown");
                    let reason = format!("thread {} stays in state {state}", thread.id());
                    return Err(self.failed("stop a thread", reason));
                }
                Err(error) => return Err(self.failed("stop a thread", error)),
            }
        }
        Ok(())
    }

    fn listed(&self) -> Result<Vec<Thread>, DebuggerError> {
        let entries =
            fs::read_dir(format!("/proc/{}/task", self.process)).map_err(|_| DebuggerError::Exited)?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        Ok(names.map(Thread::new).collect())
    }

    fn is_zombie(&self, thread: Thread) -> bool {
        self.status(thread).lines().any(|line| line.starts_with("State:\tZ"))
    }

    fn is_ours(&self, thread: Thread) -> bool {
        let ours = format!("TracerPid:\t{}", std::process::id());
        self.status(thread).lines().any(|line| line == ours)
    }

    fn refused(&self, error: &io::Error) -> DebuggerError {
        let process = self.process;
        match access::reason(process) {
            _ if error.raw_os_error() != Some(libc::EPERM) => self.failed("trace the process", error),
            obstacle @ Obstacle::Traced { .. } => DebuggerError::Traced { process, obstacle },
            obstacle => DebuggerError::NoPermission { process, obstacle },
        }
    }
}

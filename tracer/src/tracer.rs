//! A debugger of our own: all threads of a process, held by `PTRACE_SEIZE` and `PTRACE_INTERRUPT`.
//!
//! Unlike an attach, that sends no signal: a process that is stopped stays stopped, and nothing is pending when it is let go. If this process
//! dies, the kernel lets all threads go as they stand, which they survive at any moment, except while a breakpoint stands.

use crate::borrowed::{Borrowed, CallError, Wake};
use crate::breakpoints::Breakpoints;
use crate::ptrace::{Event, Resume, Thread};
use libc::SIGTRAP;
use pyheap_process::ProcessMemory;
use pyheap_session::{Debugger, DebuggerError, Instruction, Listener, Returned, Signal, StandardError, Stop};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

/// How long a thread may take to stop: one that the kernel keeps in an uninterruptible wait does not.
pub const TO_STOP: Duration = Duration::from_secs(2);

/// A break between two looks at threads that run.
const BREAK: Duration = Duration::from_micros(50);

/// Whether the user has asked to stop.
pub type Interrupted = Box<dyn FnMut() -> bool>;

/// A process whose threads this thread of this process traces, from [`Debugger::prepare`] to [`Debugger::restore`].
pub struct Tracer {
    pub(crate) process: u32,
    description: String,
    interrupted: Interrupted,
    listener: StandardError,
    /// All threads, with the signal that each is to get when it goes on, or 0.
    pub(crate) threads: BTreeMap<Thread, i32>,
    /// Those of them that have been told to stop, and have not been seen to.
    pub(crate) moving: BTreeSet<Thread>,
    pub(crate) selected: Thread,
    /// Threads that stand at the address of a breakpoint that they have come to.
    at_breakpoint: Vec<Thread>,
    borrowed: Option<Borrowed>,
}

impl Tracer {
    /// For a process that runs. `description` is what dumps name as the debugger.
    pub fn new(process: u32, description: String, interrupted: Interrupted) -> Self {
        Self {
            process,
            description,
            interrupted,
            listener: StandardError::new(),
            threads: BTreeMap::new(),
            moving: BTreeSet::new(),
            selected: Thread::new(process),
            at_breakpoint: Vec::new(),
            borrowed: None,
        }
    }

    pub(crate) fn status(&self, thread: Thread) -> String {
        fs::read_to_string(format!("/proc/{}/task/{}/status", self.process, thread.id())).unwrap_or_default()
    }

    pub(crate) fn failed(&self, operation: &str, reason: impl ToString) -> DebuggerError {
        DebuggerError::Failed {
            debugger: "pyheap",
            operation: operation.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// Takes note of why a thread has stopped, and of the signal that it was about to get.
    pub(crate) fn stopped(&mut self, thread: Thread, event: Event) -> Result<(), DebuggerError> {
        match event {
            Event::Signal(signal) => drop(self.threads.insert(thread, signal)),
            Event::Ended => {
                thread.reap();
                self.threads.remove(&thread);
            }
            Event::Began(other) => drop(self.began(other, None)),
            Event::Stop | Event::SystemCall | Event::Other => {}
        }
        if self.threads.is_empty() { Err(DebuggerError::Exited) } else { Ok(()) }
    }

    /// A thread or process that one of ours has started, and that we trace therefore. It stops before its first instruction. Processes are none
    /// of our business, once there is no breakpoint of ours in their memory. True for a thread.
    fn began(&mut self, other: Thread, breakpoints: Option<&Breakpoints<'_>>) -> bool {
        // It may have been found otherwise, and have stopped already.
        if self.moving.remove(&other) || !self.threads.contains_key(&other) {
            let _ = other.wait(Instant::now() + TO_STOP);
        }
        let is_thread = fs::exists(format!("/proc/{}/task/{}", self.process, other.id())).unwrap_or(false);
        if is_thread {
            self.threads.entry(other).or_insert(0);
        } else {
            if let (Some(breakpoints), Ok(memory)) = (breakpoints, ProcessMemory::open(other.id())) {
                breakpoints.remove_from(&memory);
            }
            let _ = other.detach(0);
        }
        is_thread
    }

    /// Threads that have come to a breakpoint execute the instruction there while it does not stand.
    fn leave_breakpoints(&mut self) {
        for thread in std::mem::take(&mut self.at_breakpoint) {
            let signal = Event::Signal(SIGTRAP);
            if thread.step().is_ok() {
                match thread.wait(Instant::now() + TO_STOP) {
                    Ok(Some(event)) if event != signal => drop(self.stopped(thread, event)),
                    _ => {}
                }
            }
        }
    }

    /// Lets all threads run until one does what is waited for, and stops them again, whatever happened.
    fn run_to(
        &mut self,
        breakpoints: &Breakpoints<'_>,
        signal: Option<Signal>,
        limit: Duration,
    ) -> Result<Stop, DebuggerError> {
        let mut running: Vec<Thread> = self.threads.keys().copied().collect();
        let watched = self.watch(&mut running, breakpoints, signal, limit);
        let mut stop = *watched.as_ref().unwrap_or(&Stop::TimeLimit);
        for thread in running {
            thread.interrupt().ok();
            let Ok(Some(event)) = thread.wait(Instant::now() + TO_STOP) else { continue };
            match self.reached(thread, event, breakpoints, signal) {
                // One is enough; the others come there again, or have nothing to be told.
                Some(reached) if stop == Stop::TimeLimit => (stop, self.selected) = (reached, thread),
                Some(_) => {}
                None => match event {
                    // The breakpoints still stand, also in what it has forked.
                    Event::Began(other) => drop(self.began(other, Some(breakpoints))),
                    _ => self.stopped(thread, event)?,
                },
            }
        }
        watched?;
        self.select_a_living_one()?;
        Ok(stop)
    }

    /// Lets all threads run until one does what is waited for. `running` are those that run then.
    fn watch(
        &mut self,
        running: &mut Vec<Thread>,
        breakpoints: &Breakpoints<'_>,
        signal: Option<Signal>,
        limit: Duration,
    ) -> Result<Stop, DebuggerError> {
        let deadline = Instant::now() + limit;
        for &thread in running.iter() {
            self.resume(thread)?;
        }
        let mut stop = Stop::TimeLimit;
        while stop == Stop::TimeLimit && Instant::now() < deadline {
            let mut at_rest = true;
            for thread in running.clone() {
                let event = thread.look().map_err(|error| self.failed("wait for a thread", error))?;
                let Some(event) = event else { continue };
                at_rest = false;
                if let Some(reached) = self.reached(thread, event, breakpoints, signal) {
                    running.retain(|&other| other != thread);
                    stop = reached;
                    self.selected = thread;
                    break;
                }
                match event {
                    Event::Began(other) => {
                        if self.began(other, Some(breakpoints)) {
                            self.resume(other)?;
                            running.push(other);
                        }
                    }
                    _ => self.stopped(thread, event)?,
                }
                if self.threads.contains_key(&thread) {
                    self.resume(thread)?;
                } else {
                    running.retain(|&other| other != thread);
                }
            }
            if at_rest {
                std::thread::sleep(BREAK);
            }
        }
        Ok(stop)
    }

    /// If the selected thread has ended, selects another one.
    pub(crate) fn select_a_living_one(&mut self) -> Result<(), DebuggerError> {
        if !self.threads.contains_key(&self.selected) {
            let first = self.threads.keys().next();
            self.selected = *first.ok_or(DebuggerError::Exited)?;
        }
        Ok(())
    }

    fn resume(&mut self, thread: Thread) -> Result<(), DebuggerError> {
        let signal = self.threads.insert(thread, 0).unwrap_or(0);
        match thread.resume(Resume::Freely, signal) {
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => {
                Err(self.failed("resume a thread", error))
            }
            _ => Ok(()),
        }
    }

    /// What a thread has come to, if it is waited for. At a breakpoint it is set back to the instruction that this replaces.
    fn reached(
        &mut self,
        thread: Thread,
        event: Event,
        breakpoints: &Breakpoints<'_>,
        signal: Option<Signal>,
    ) -> Option<Stop> {
        let Event::Signal(number) = event else { return None };
        if signal.is_some_and(|signal| signal.number == number) {
            return Some(Stop::Signal { thread: thread.id() });
        }
        if number != SIGTRAP {
            return None;
        }
        let registers = thread.registers().ok()?;
        let address = breakpoints.hit(registers.program_counter())?;
        thread.set_registers(&registers.with_program_counter(address)).ok()?;
        self.at_breakpoint.push(thread);
        Some(Stop::At(address))
    }
}

impl Debugger for Tracer {
    fn description(&self) -> String {
        self.description.clone()
    }

    fn process(&mut self) -> Result<u32, DebuggerError> {
        Ok(self.process)
    }

    fn holds(&self) -> bool {
        false
    }

    fn prepare(&mut self) -> Result<(), DebuggerError> {
        self.seize_all()
    }

    fn restore(&mut self) -> Result<(), DebuggerError> {
        self.detach()
    }

    fn borrow(&mut self, signal_return: u64) -> Result<(), DebuggerError> {
        let memory = self.memory()?;
        let is_about_to_get_a_signal = self.threads.get(&self.selected).is_some_and(|&signal| signal != 0);
        let by_signal = || Wake::by_signal(self.process, self.selected).ok();
        let wake = is_about_to_get_a_signal.then(by_signal).flatten().unwrap_or(Wake::Interrupt);
        let borrowed = Borrowed::new(self.process, self.selected, memory, signal_return, wake);
        self.borrowed = Some(borrowed.map_err(|error| self.call_failed(error))?);
        Ok(())
    }

    fn call(&mut self, function: u64, arguments: &[u64]) -> Result<Returned, DebuggerError> {
        match &mut self.borrowed {
            Some(borrowed) => {
                let returned = borrowed.call(function, arguments);
                returned.map_err(|error| self.call_failed(error))
            }
            None => Err(self.failed("call a function in the process", "no thread is borrowed")),
        }
    }

    fn give_back(&mut self) -> Result<(), DebuggerError> {
        let Some(borrowed) = self.borrowed.take() else { return Ok(()) };
        borrowed.give_back().map_err(|error| self.call_failed(error))
    }

    fn run(&mut self, stops: &[u64], signal: Option<Signal>, limit: Duration) -> Result<Stop, DebuggerError> {
        let memory = self.memory()?;
        self.leave_breakpoints();
        let breakpoints = Breakpoints::insert(&memory, stops);
        let breakpoints = breakpoints.map_err(|error| self.failed("insert a breakpoint", error))?;
        self.run_to(&breakpoints, signal, limit)
    }

    fn selected_thread(&mut self) -> Result<u32, DebuggerError> {
        Ok(self.selected.id())
    }

    fn seccomp_filter(&mut self, index: u32) -> Result<Option<Vec<Instruction>>, DebuggerError> {
        self.selected.seccomp_filter(index).map_err(|error| self.failed("read seccomp filters", error))
    }

    fn second_argument(&mut self) -> Result<u64, DebuggerError> {
        let registers = self.selected.registers().map_err(|error| self.failed("read registers", error))?;
        Ok(registers.second_argument())
    }

    fn attach(&mut self, process: u32) -> Result<(), DebuggerError> {
        // `prepare` takes hold of it.
        self.process = process;
        Ok(())
    }

    fn detach(&mut self) -> Result<(), DebuggerError> {
        let mut result = Ok(());
        for (thread, signal) in std::mem::take(&mut self.threads) {
            match self.let_go(thread, signal) {
                Err(error) if error.raw_os_error() != Some(libc::ESRCH) => {
                    result = Err(self.failed("let a thread go", error));
                }
                _ => {}
            }
        }
        result
    }

    fn check_interrupt(&mut self) -> Result<(), DebuggerError> {
        if (self.interrupted)() { Err(DebuggerError::Interrupted) } else { Ok(()) }
    }

    fn listener(&mut self) -> &mut dyn Listener {
        &mut self.listener
    }
}

impl Tracer {
    fn memory(&self) -> Result<ProcessMemory, DebuggerError> {
        ProcessMemory::open(self.process).map_err(|error| self.failed("open the process's memory", error))
    }

    /// A thread can only be let go where it stands. One that did not stop in time, and is still traced, would stop at its next signal, for good.
    fn let_go(&self, thread: Thread, signal: i32) -> std::io::Result<()> {
        match thread.detach(signal) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) && thread.interrupt().is_ok() => {
                match thread.wait(Instant::now() + TO_STOP)? {
                    Some(Event::Signal(signal)) => thread.detach(signal),
                    _ => thread.detach(0),
                }
            }
            result => result,
        }
    }

    fn call_failed(&self, error: CallError) -> DebuggerError {
        match error {
            CallError::Ended => DebuggerError::Exited,
            error => self.failed("call a function in the process", error),
        }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        drop(self.borrowed.take());
        // The kernel would do it at the end of this process; whatever the error, there is no other way.
        let _ = self.detach();
    }
}

//! How LLDB does what the commands ask of a debugger.

use crate::call::Call;
use crate::ffi::{self, Breakpoint, Process, Target};
use pyheap_session::{Debugger, DebuggerError, Instruction, Listener, Returned, Signal, StandardError, Stop};
use pyheap_tracer::Tracer;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A call that takes longer is given up; none of ours takes a second.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the process runs at a time, so that the user can interrupt.
const INTERRUPT_LATENCY: Duration = Duration::from_millis(500);

/// How long an interrupt of the process is given before it is repeated.
const INTERRUPT_AGAIN: Duration = Duration::from_millis(100);

/// How long a signal that is to stop the process is given before the process is interrupted. An interrupt of a process that has stopped
/// meanwhile would stop it again after the detach.
const SIGNAL_EXPECTED: Duration = Duration::from_secs(1);

/// What happens to a signal while the commands are at work: it does not stop the process, is not shown, and reaches the process.
const PASS: [bool; 3] = [false, false, false];

/// The same for a signal that is waited for: it stops the process and does not reach it.
const CATCH: [bool; 3] = [true, false, true];

/// Signals that LLDB itself stops the process with; the numbers are the same on x86_64 and AArch64.
const DEBUGGERS_OWN: [i32; 4] = [SIGINT, SIGTRAP, SIGSTOP, SIGTSTP];
const SIGINT: i32 = 2;
const SIGTRAP: i32 = 5;
const SIGSTOP: i32 = 19;
const SIGTSTP: i32 = 20;

// LLDB's StateType.
const STOPPED: i32 = 5;
const RUNNING: i32 = 6;
const EXITED: i32 = 10;

/// LLDB, through its SB API.
pub struct Lldb {
    debugger: ffi::Debugger,
    target: Target,
    process: Process,
    session: Option<Session>,
    call: Option<Call>,
    listener: StandardError,
}

/// What the user had set up.
struct Session {
    was_async: bool,
    breakpoints: Vec<Breakpoint>,
    signals: Vec<(i32, [bool; 3])>,
    thread: u64,
    frame: u32,
    ran: bool,
    detached: bool,
}

impl Lldb {
    /// The debugger that a command was typed into.
    pub fn new(mut debugger: ffi::Debugger) -> Self {
        let mut target = debugger.selected_target();
        let process = target.process();
        Self { debugger, target, process, session: None, call: None, listener: StandardError::new() }
    }

    fn delete(&mut self, breakpoints: &[Breakpoint]) {
        for breakpoint in breakpoints {
            self.target.delete_breakpoint(breakpoint);
        }
    }

    /// Does what lets the process run, and returns when it has stopped again; another thread interrupts it when the time is over, by
    /// `signal` if there is one that stops it. Returns whether it was.
    fn limited(
        &mut self,
        limit: Duration,
        signal: Option<Signal>,
        resume: impl FnOnce() -> Result<(), String>,
    ) -> Result<bool, String> {
        let expired = AtomicBool::new(false);
        let (stopped, wait) = channel::<()>();
        // The process is used by two threads at once; LLDB allows that, and this handle is the second thread's.
        let mut second = self.target.process();
        // After an interrupt of its own LLDB waits for 100 ms whether another thread stops, too; breakpoints stand all the while.
        let mut interrupt = signal.and_then(|signal| interrupting(second.id(), signal));
        thread::scope(|scope| {
            let (second, expired) = (&second, &expired);
            scope.spawn(move || {
                let mut pause = limit;
                // More than once if need be: LLDB loses an interrupt that comes before the process really runs.
                while wait.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    expired.store(true, Ordering::Relaxed);
                    pause = match interrupt.take().map(|interrupt| interrupt()) {
                        Some(Ok(())) => SIGNAL_EXPECTED,
                        _ => {
                            second.interrupt();
                            INTERRUPT_AGAIN
                        }
                    };
                }
            });
            let result = resume();
            drop(stopped);
            result
        })?;
        Ok(expired.load(Ordering::Relaxed))
    }

    /// Lets the process run until a thread comes to one of `stops` or is about to receive `signal`.
    fn run_to(
        &mut self,
        stops: &[u64],
        signal: Option<Signal>,
        limit: Duration,
    ) -> Result<Stop, DebuggerError> {
        let began = Instant::now();
        loop {
            let left = limit.saturating_sub(began.elapsed());
            let mut process = self.target.process();
            let expired = self
                .limited(left.min(INTERRUPT_LATENCY), signal, || process.resume().check())
                .map_err(|reason| failed("let the process run", reason))?;
            if self.process.state() != STOPPED {
                return Err(DebuggerError::Exited);
            }
            let mut thread = self.process.selected_thread();
            let at = thread.newest_frame().program_counter();
            if stops.contains(&at) {
                return Ok(Stop::At(at));
            }
            if signal.is_some_and(|signal| thread.signal() == Some(signal.number)) {
                return Ok(Stop::Signal { thread: thread.id() as u32 });
            }
            // LLDB tells of an interrupt only the thread that executes the command, so that has to come back from time to time.
            self.check_interrupt()?;
            match expired {
                true if began.elapsed() < limit => {}
                true => return Ok(Stop::TimeLimit),
                false => return Ok(Stop::Other),
            }
        }
    }
}

/// Sends a signal to a process.
fn interrupting(pid: u64, signal: Signal) -> Option<impl FnOnce() -> rustix::io::Result<()> + Send> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    let signal = rustix::process::Signal::from_named_raw(signal.number)?;
    Some(move || rustix::process::kill_process(pid, signal))
}

impl Debugger for Lldb {
    fn description(&self) -> String {
        let version = ffi::version();
        let version = version.lines().next().unwrap_or_default();
        format!("LLDB {}", version.strip_prefix("lldb version ").unwrap_or(version))
    }

    fn process(&mut self) -> Result<u32, DebuggerError> {
        let none = |text: String| Err(DebuggerError::NoProcess(text));
        let pid = self.process.id();
        let state = self.process.state();
        if pid == 0 || state == EXITED {
            return none(
                "no process is being debugged: attach to one, for instance with `process attach -p PID`"
                    .into(),
            );
        }
        if state == RUNNING {
            return none(format!("process {pid} is running: stop it with `process interrupt` first"));
        }
        // A core file and a process on another machine have process ids, too, but no process here is traced.
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        let traced = tracer.and_then(|pid| pid.trim().parse::<u32>().ok()).is_some_and(|tracer| tracer != 0);
        if state != STOPPED || !traced {
            return none(format!(
                "process {pid} is not a live process that this LLDB is attached to: core files and remote targets are not supported"
            ));
        }
        Ok(pid as u32)
    }

    fn release(&mut self) -> Result<Option<Box<dyn Debugger>>, DebuggerError> {
        // An attach stops by this signal. Anything else the user has waited for: then the process is to be seen as it stands.
        if self.process.selected_thread().signal() != Some(SIGSTOP) {
            return Ok(None);
        }
        let pid = self.process()?;
        self.process.detach().check().map_err(|reason| failed("detach", reason))?;
        self.other(pid).map(Some)
    }

    fn other(&mut self, pid: u32) -> Result<Box<dyn Debugger>, DebuggerError> {
        let interpreter = self.debugger.interpreter();
        let interrupted = Box::new(move || interpreter.was_interrupted());
        Ok(Box::new(Tracer::new(pid, self.description(), interrupted)))
    }

    fn prepare(&mut self) -> Result<(), DebuggerError> {
        let mut thread = self.process.selected_thread();
        let session = self.session.insert(Session {
            was_async: self.debugger.is_async(),
            breakpoints: Vec::new(),
            signals: Vec::new(),
            thread: thread.id(),
            frame: thread.selected_frame(),
            ran: false,
            detached: false,
        });
        self.debugger.set_async(false);
        for mut breakpoint in self.target.breakpoints() {
            if breakpoint.is_enabled() {
                breakpoint.set_enabled(false);
                session.breakpoints.push(breakpoint);
            }
        }
        let mut signals = self.process.signals();
        for signal in signals.numbers() {
            let handling = signals.handling(signal);
            if !DEBUGGERS_OWN.contains(&signal) && handling != PASS {
                session.signals.push((signal, handling));
                signals.set_handling(signal, PASS);
            }
        }
        Ok(())
    }

    fn restore(&mut self) -> Result<(), DebuggerError> {
        let Some(mut session) = self.session.take() else { return Ok(()) };
        let mut signals = self.process.signals();
        for &(signal, handling) in &session.signals {
            signals.set_handling(signal, handling);
        }
        for breakpoint in &mut session.breakpoints {
            breakpoint.set_enabled(true);
        }
        if !session.detached
            && let Some(mut thread) = self.process.thread(session.thread)
        {
            self.process.select_thread(&thread);
            if !session.ran && session.frame != 0 {
                thread.select_frame(session.frame);
            }
        }
        self.debugger.set_async(session.was_async);
        Ok(())
    }

    fn borrow(&mut self, _signal_return: u64) -> Result<(), DebuggerError> {
        let mut thread = self.process.selected_thread();
        let (mut process, mut interpreter) = (self.target.process(), self.debugger.interpreter());
        let call = Call::prepare(&mut process, &mut interpreter, &mut thread).map_err(call_failed)?;
        self.call = Some(call);
        Ok(())
    }

    fn call(&mut self, function: u64, arguments: &[u64]) -> Result<Returned, DebuggerError> {
        let Some(call) = &self.call else { return Err(call_failed("no thread is borrowed".into())) };
        // Not the selected one: whenever the process stops, LLDB may select another.
        let mut thread = self.process.thread(call.thread()).ok_or(DebuggerError::Exited)?;
        let mut process = self.target.process();
        call.begin(&mut process, &mut thread, function, arguments).map_err(call_failed)?;
        let return_address = call.return_address();
        let mut result = self.limited(CALL_TIMEOUT, None, || thread.run_to(return_address));
        // A process that was stopped when LLDB attached receives that signal now, once; it stays stopped after the detach nevertheless.
        if result == Ok(false) && self.process.state() == STOPPED && thread.signal() == Some(SIGSTOP) {
            self.debugger.interpreter().execute("thread plan discard 1");
            result = self.limited(CALL_TIMEOUT, None, || thread.run_to(return_address));
        }
        if self.process.state() != STOPPED {
            return Err(DebuggerError::Exited);
        }
        let returned = |_| self.call.as_ref().map_or(Ok(None), |call| call.result(&mut thread));
        match result.and_then(returned) {
            Ok(Some(returned)) => Ok(returned),
            result => {
                self.debugger.interpreter().execute("thread plan discard 1");
                let reason = result.err().unwrap_or_else(|| format!("it does not return from {function:#x}"));
                Err(call_failed(reason))
            }
        }
    }

    fn give_back(&mut self) -> Result<(), DebuggerError> {
        let Some(call) = self.call.take() else { return Ok(()) };
        if self.process.state() != STOPPED {
            return Err(DebuggerError::Exited);
        }
        let mut thread = self.process.thread(call.thread()).ok_or(DebuggerError::Exited)?;
        let restored = call.restore(&self.process, &mut self.debugger.interpreter(), &mut thread);
        restored.map_err(call_failed)
    }

    fn run(&mut self, stops: &[u64], signal: Option<Signal>, limit: Duration) -> Result<Stop, DebuggerError> {
        if let Some(session) = &mut self.session {
            session.ran = true;
        }
        let breakpoints: Vec<Breakpoint> =
            stops.iter().map(|&address| self.target.break_at(address)).collect();
        if let Some(signal) = signal {
            self.process.signals().set_handling(signal.number, CATCH);
        }
        let result = self.run_to(stops, signal, limit);
        self.delete(&breakpoints);
        if let Some(signal) = signal {
            self.process.signals().set_handling(signal.number, PASS);
        }
        result
    }

    fn selected_thread(&mut self) -> Result<u32, DebuggerError> {
        Ok(self.process.selected_thread().id() as u32)
    }

    fn seccomp_filter(&mut self, _: u32) -> Result<Option<Vec<Instruction>>, DebuggerError> {
        // Only the tracer may, and that is LLDB's server.
        Err(failed("read seccomp filters", "its server does not offer them".to_owned()))
    }

    fn second_argument(&mut self) -> Result<u64, DebuggerError> {
        let register = if cfg!(target_arch = "aarch64") { "x1" } else { "rsi" };
        let value = self.process.selected_thread().newest_frame().register(register);
        value.ok_or_else(|| failed("read a register", register.to_owned()))
    }

    fn attach(&mut self, pid: u32) -> Result<(), DebuggerError> {
        self.debugger.set_async(false);
        self.debugger.interpreter().execute(&format!("process attach -p {pid}"));
        self.target = self.debugger.selected_target();
        self.process = self.target.process();
        self.process().map(drop)
    }

    fn detach(&mut self) -> Result<(), DebuggerError> {
        self.process.detach().check().map_err(|reason| failed("detach", reason))?;
        if let Some(session) = &mut self.session {
            session.detached = true;
        }
        Ok(())
    }

    fn check_interrupt(&mut self) -> Result<(), DebuggerError> {
        match self.debugger.interpreter().was_interrupted() {
            true => Err(DebuggerError::Interrupted),
            false => Ok(()),
        }
    }

    fn listener(&mut self) -> &mut dyn Listener {
        &mut self.listener
    }
}

fn call_failed(reason: String) -> DebuggerError {
    failed("call a function in the process", reason)
}

fn failed(operation: &str, reason: String) -> DebuggerError {
    DebuggerError::Failed { debugger: "LLDB", operation: operation.to_owned(), reason }
}

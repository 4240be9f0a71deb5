//! How GDB does what the commands ask of a debugger.

use crate::settings::Settings;
use pyheap_process::ProcessMemory;
use pyheap_session::{Debugger, DebuggerError, Instruction, Listener, Returned, Signal, StandardError, Stop};
use pyheap_tracer::{Borrowed, CallError, Thread, Tracer, Wake};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::time::Duration;

/// The signal that an attach stops with; the same on x86_64 and AArch64.
const SIGSTOP: i32 = 19;

/// GDB, through its embedded Python.
pub struct Gdb<'py> {
    gdb: Bound<'py, PyModule>,
    glue: Bound<'py, PyAny>,
    settings: Option<Settings<'py>>,
    borrowed: Option<Borrowed>,
    listener: StandardError,
}

impl<'py> Gdb<'py> {
    /// The GDB that this module was imported into.
    pub fn new(gdb: Bound<'py, PyModule>, glue: Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self { gdb, glue, settings: None, borrowed: None, listener: StandardError::new() })
    }

    fn execute(&self, command: &str) -> Result<String, DebuggerError> {
        execute(&self.gdb, command).map_err(|error| self.failed(&format!("execute `{command}`"), &error))
    }

    fn failed(&self, operation: &str, error: &PyErr) -> DebuggerError {
        failed(self.gdb.py(), operation, error)
    }

    fn program_counter(&self) -> PyResult<u64> {
        self.gdb.call_method0("newest_frame")?.call_method0("pc")?.extract()
    }

    fn value(&self, expression: &str) -> PyResult<u64> {
        let value = self.gdb.call_method1("parse_and_eval", (expression,))?;
        // Through an unsigned type of the full width, so that negative numbers and pointers come out alike.
        let int = self.gdb.py().import("builtins")?.getattr("int")?;
        int.call1((value,))?.call_method1("__and__", (u64::MAX,))?.extract()
    }

    /// Ids of the process and of the selected thread.
    fn selected(&self) -> PyResult<(u32, u32)> {
        let inferior = self.gdb.call_method0("selected_inferior")?;
        let thread = self.gdb.call_method0("selected_thread")?;
        let (_, native, _): (u64, u32, u64) = thread.getattr("ptid")?.extract()?;
        Ok((inferior.getattr("pid")?.extract()?, native))
    }

    /// Lets the process run. What ends the run in time is a signal that nobody cares for, `signal` or another one: if it comes too late, the next
    /// run meets it, or the process ignores it. GDB's own interrupt is the user's alone.
    fn try_run(&self, stops: &[u64], signal: Option<Signal>, limit: Duration) -> PyResult<Option<Stop>> {
        let (process, _) = self.selected()?;
        let Some(timer) = signal.or_else(|| Signal::unused(process, process)) else {
            return Err(PyRuntimeError::new_err(
                "the process catches or blocks every signal that could stop it in time",
            ));
        };
        Ok(self.resume(stops, timer, limit)?.map(|end| match end {
            End { at, .. } if stops.contains(&at) => Stop::At(at),
            End { signal: stopped, thread, .. } if signal.is_some() && stopped == timer.name => {
                Stop::Signal { thread }
            }
            End { signal: stopped, .. } if stopped == timer.name => Stop::TimeLimit,
            End { .. } => Stop::Other,
        }))
    }

    /// Lets the process run until it stops; nothing if it has ended instead.
    fn resume(&self, stops: &[u64], timer: Signal, limit: Duration) -> PyResult<Option<End>> {
        let gdb = &self.gdb;
        let internal = PyDict::new(gdb.py());
        internal.set_item("internal", true)?;
        let mut breakpoints = Breakpoints(Vec::new());
        for address in stops {
            let breakpoint = gdb.getattr("Breakpoint")?.call((format!("*{address:#x}"),), Some(&internal))?;
            breakpoint.setattr("silent", true)?;
            breakpoints.0.push(breakpoint);
        }
        // To stop implies to print; what is printed is taken with the output of `continue`.
        execute(gdb, &format!("handle {} stop nopass", timer.name))?;
        let run = self.glue.call_method1("Run", (limit.as_secs_f64(), self.selected()?.0, timer.number))?;
        let result = execute(gdb, "continue");
        run.call_method0("end")?;
        drop(breakpoints);
        execute(gdb, &format!("handle {} nostop noprint pass", timer.name))?;
        result?;
        let inferior = gdb.call_method0("selected_inferior")?;
        if inferior.call_method0("threads")?.len()? == 0 {
            return Ok(None);
        }
        let signal: String = run.getattr("signal")?.extract().unwrap_or_default();
        if signal == INTERRUPT {
            return Err(PyKeyboardInterrupt::new_err(()));
        }
        Ok(Some(End { at: self.program_counter()?, thread: self.selected()?.1, signal }))
    }
}

/// How a run of the process ended.
struct End {
    /// Where the selected thread stands.
    at: u64,
    /// Its id.
    thread: u32,
    /// The signal that stopped it; empty if it was none.
    signal: String,
}

/// The signal by which GDB interrupts the process for the user.
const INTERRUPT: &str = "SIGINT";

impl Debugger for Gdb<'_> {
    fn description(&self) -> String {
        let version = self.gdb.getattr("VERSION").and_then(|version| version.extract::<String>());
        format!("GDB {}", version.unwrap_or_default())
    }

    fn process(&mut self) -> Result<u32, DebuggerError> {
        let look = || -> PyResult<(u32, usize, bool)> {
            let inferior = self.gdb.call_method0("selected_inferior")?;
            let threads = inferior.call_method0("threads")?.len()?;
            let thread = self.gdb.call_method0("selected_thread")?;
            let running = !thread.is_none() && thread.call_method0("is_running")?.is_truthy()?;
            Ok((inferior.getattr("pid")?.extract()?, threads, running))
        };
        let (pid, threads, running) = look().map_err(|error| self.failed("look at its process", &error))?;
        let none = |text: String| Err(DebuggerError::NoProcess(text));
        if pid == 0 || threads == 0 {
            return none(
                "no process is being debugged: attach to one, for instance with `attach PID`".into(),
            );
        }
        if running {
            return none(format!("process {pid} is running: stop it with `interrupt` first"));
        }
        // A core file and a remote target have process ids, too, but no process here is traced.
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        if tracer.and_then(|pid| pid.trim().parse().ok()) != Some(std::process::id()) {
            return none(format!(
                "process {pid} is not a live process that this GDB is attached to: core files and remote targets are not supported"
            ));
        }
        Ok(pid)
    }

    fn release(&mut self) -> Result<Option<Box<dyn Debugger>>, DebuggerError> {
        let (process, thread) =
            self.selected().map_err(|error| self.failed("tell its selected thread", &error))?;
        // An attach stops by this signal. Anything else the user has waited for: then the process is to be seen as it stands.
        let attached = Thread::new(thread).signal_information();
        if attached.is_none_or(|information| information.signal() != SIGSTOP) {
            return Ok(None);
        }
        self.execute("detach")?;
        self.other(process).map(Some)
    }

    fn other(&mut self, pid: u32) -> Result<Box<dyn Debugger>, DebuggerError> {
        let interrupted = Box::new(|| Python::attach(|py| py.check_signals().is_err()));
        Ok(Box::new(Tracer::new(pid, self.description(), interrupted)))
    }

    fn prepare(&mut self) -> Result<(), DebuggerError> {
        let settings = self.settings.insert(Settings::new(self.gdb.clone()));
        settings.apply().map_err(|error| failed(self.gdb.py(), "set itself up", &error))
    }

    fn restore(&mut self) -> Result<(), DebuggerError> {
        let restored = self.settings.take().map_or(Ok(()), Settings::restore);
        restored.map_err(|error| self.failed("restore its settings", &error))
    }

    // Not by GDB's own calls: versions before 14 cannot make them on processors with AMX, and a GDB that is killed during one leaves
    // the thread with registers that are not its own. This thread is the tracer, and while GDB believes that the process stands still it
    // does not look.
    fn borrow(&mut self, signal_return: u64) -> Result<(), DebuggerError> {
        let (process, thread) =
            self.selected().map_err(|error| self.failed("tell its selected thread", &error))?;
        let memory = ProcessMemory::open(process).map_err(|error| call_failed(&error))?;
        let thread = Thread::new(thread);
        let wake = Wake::by_signal(process, thread).map_err(ended_or_failed)?;
        let borrowed = Borrowed::new(process, thread, memory, signal_return, wake);
        self.borrowed = Some(borrowed.map_err(ended_or_failed)?);
        Ok(())
    }

    fn call(&mut self, function: u64, arguments: &[u64]) -> Result<Returned, DebuggerError> {
        match &mut self.borrowed {
            Some(borrowed) => borrowed.call(function, arguments).map_err(ended_or_failed),
            None => Err(call_failed(&"no thread is borrowed")),
        }
    }

    fn give_back(&mut self) -> Result<(), DebuggerError> {
        self.borrowed.take().map_or(Ok(()), |borrowed| borrowed.give_back().map_err(ended_or_failed))
    }

    fn run(&mut self, stops: &[u64], signal: Option<Signal>, limit: Duration) -> Result<Stop, DebuggerError> {
        if let Some(settings) = &mut self.settings {
            settings.process_ran();
        }
        match self.try_run(stops, signal, limit) {
            Ok(Some(stop)) => Ok(stop),
            Ok(None) => Err(DebuggerError::Exited),
            Err(error) => Err(self.failed("let the process run", &error)),
        }
    }

    fn selected_thread(&mut self) -> Result<u32, DebuggerError> {
        let selected = self.selected().map_err(|error| self.failed("tell its selected thread", &error))?;
        Ok(selected.1)
    }

    fn seccomp_filter(&mut self, index: u32) -> Result<Option<Vec<Instruction>>, DebuggerError> {
        let thread = self.selected_thread()?;
        Thread::new(thread).seccomp_filter(index).map_err(|error| DebuggerError::Failed {
            debugger: "GDB",
            operation: "read seccomp filters".to_owned(),
            reason: error.to_string(),
        })
    }

    fn second_argument(&mut self) -> Result<u64, DebuggerError> {
        let register = if cfg!(target_arch = "aarch64") { "$x1" } else { "$rsi" };
        self.value(register).map_err(|error| self.failed("read a register", &error))
    }

    fn attach(&mut self, pid: u32) -> Result<(), DebuggerError> {
        self.execute(&format!("attach {pid}")).map(drop)
    }

    fn detach(&mut self) -> Result<(), DebuggerError> {
        if let Some(settings) = &mut self.settings {
            settings.unlock().map_err(|error| failed(self.gdb.py(), "restore its settings", &error))?;
        }
        self.execute("detach").map(drop)
    }

    fn check_interrupt(&mut self) -> Result<(), DebuggerError> {
        self.gdb.py().check_signals().map_err(|error| self.failed("look for an interrupt", &error))
    }

    fn listener(&mut self) -> &mut dyn Listener {
        &mut self.listener
    }
}

fn call_failed(reason: &dyn std::fmt::Display) -> DebuggerError {
    let operation = "call a function in the process".to_owned();
    DebuggerError::Failed { debugger: "GDB", operation, reason: reason.to_string() }
}

fn ended_or_failed(error: CallError) -> DebuggerError {
    match error {
        CallError::Ended => DebuggerError::Exited,
        error => call_failed(&error),
    }
}

/// Breakpoints of our own, deleted whatever happens.
struct Breakpoints<'py>(Vec<Bound<'py, PyAny>>);

impl Drop for Breakpoints<'_> {
    fn drop(&mut self) {
        for breakpoint in &self.0 {
            // Where the process has ended, GDB may have deleted them already.
            let _ = breakpoint.call_method0("delete");
        }
    }
}

/// Executes a GDB command and returns what it printed.
pub fn execute(gdb: &Bound<'_, PyModule>, command: &str) -> PyResult<String> {
    // The arguments are the command, whether it comes from a terminal, and whether to return its output.
    gdb.call_method1("execute", (command, false, true))?.extract()
}

fn failed(py: Python<'_>, operation: &str, error: &PyErr) -> DebuggerError {
    if error.is_instance_of::<PyKeyboardInterrupt>(py) {
        return DebuggerError::Interrupted;
    }
    DebuggerError::Failed {
        debugger: "GDB",
        operation: operation.to_owned(),
        reason: error.value(py).to_string(),
    }
}

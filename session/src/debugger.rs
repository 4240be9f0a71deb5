//! What the commands ask of a debugger.

use crate::listener::Listener;
use pyheap_process::seccomp::Instruction;
use pyheap_process::{Obstacle, Signal};
use std::time::Duration;

/// Why a debugger did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DebuggerError {
    /// No process is being debugged, or none that these commands can work on.
    #[error("{0}")]
    NoProcess(String),
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The process ended meanwhile.
    #[error("the process ended")]
    Exited,
    /// The kernel refuses to let it be traced.
    #[error("no permission to trace process {process}: {obstacle}")]
    NoPermission {
        /// Its id.
        process: u32,
        /// Why, and what to run instead.
        obstacle: Obstacle,
    },
    /// Another debugger holds it.
    #[error("process {process} cannot be traced: {obstacle}")]
    Traced {
        /// Its id.
        process: u32,
        /// Which, and what to do.
        obstacle: Obstacle,
    },
    /// The debugger refused.
    #[error("{debugger} failed to {operation}: {reason}")]
    Failed {
        /// Its name.
        debugger: &'static str,
        /// What it was to do.
        operation: String,
        /// What it says.
        reason: String,
    },
}

/// Why the process stopped again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A thread came to this address; it is the selected one.
    At(u64),
    /// This thread was about to receive the signal that was waited for, and does not receive it; it is the selected one.
    Signal {
        /// Its id, as this process sees it.
        thread: u32,
    },
    /// The time was over: every thread stands wherever it was.
    TimeLimit,
    /// Something else stopped it, such as a signal; every thread stands wherever it was.
    Other,
}

/// What a function left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The result of its last system call: a negative error number where that failed.
    pub system_call: u64,
    /// The register that the injected code's entries keep their results in.
    pub kept: u64,
}

/// A debugger that holds a live process.
///
/// All addresses are the target's. The process is stopped when a command begins; it runs only within [`Self::run`] and
/// [`Self::call`], and after [`Self::detach`].
pub trait Debugger {
    /// Name and version, such as `GDB 13.1`.
    fn description(&self) -> String;

    /// The process's id, as this process sees it. Fails if there is none, if it runs, or if it is a core file or on another machine.
    fn process(&mut self) -> Result<u32, DebuggerError>;

    /// Whether the process stands still when a command begins. A debugger of which that is not so stops it in [`Self::prepare`] and lets it go
    /// in [`Self::restore`].
    fn holds(&self) -> bool {
        true
    }

    /// For a command after which the process runs on anyway: lets go of it at once, and returns what takes its place. The process is stopped
    /// for less time then, and there is no moment at which it could not do without its debugger. `None`, with everything as it was, where
    /// that cannot be, or where the user has stopped the process at a place that matters.
    fn release(&mut self) -> Result<Option<Box<dyn Debugger>>, DebuggerError> {
        Ok(None)
    }

    /// What holds another process, one that this debugger has not attached to, for the time of a command.
    fn other(&mut self, pid: u32) -> Result<Box<dyn Debugger>, DebuggerError> {
        Err(DebuggerError::NoProcess(format!("process {pid} is not the one that is being debugged")))
    }

    /// Remembers the user's settings, breakpoints and selection, puts the breakpoints out of action and sets up what the other
    /// operations need.
    fn prepare(&mut self) -> Result<(), DebuggerError>;

    /// Undoes [`Self::prepare`]: settings and breakpoints are as they were; the same thread is selected and, if the process did not
    /// run, the same frame. Works after [`Self::detach`] and after errors, too.
    fn restore(&mut self) -> Result<(), DebuggerError>;

    /// Takes the selected thread away from what it does, for calls. From here to [`Self::give_back`] it goes back by itself if the
    /// debugger dies, wherever the debugger's means allow that. `signal_return` is the address of code that calls `rt_sigreturn`.
    fn borrow(&mut self, signal_return: u64) -> Result<(), DebuggerError>;

    /// Calls the function at `function` on the borrowed thread while all others stand still.
    fn call(&mut self, function: u64, arguments: &[u64]) -> Result<Returned, DebuggerError>;

    /// The borrowed thread is where it was, in every register. Does nothing if none is borrowed.
    fn give_back(&mut self) -> Result<(), DebuggerError>;

    /// Lets all threads run until one of them comes to one of `stops` or is about to receive `signal`, which is kept from it, and for
    /// `limit` at most: then the debugger may send that very signal. No breakpoint is left inserted, and without `stops` none is inserted.
    fn run(&mut self, stops: &[u64], signal: Option<Signal>, limit: Duration) -> Result<Stop, DebuggerError>;

    /// Id of the selected thread, as this process sees it.
    fn selected_thread(&mut self) -> Result<u32, DebuggerError>;

    /// The seccomp filter of the selected thread with this index, or `None` behind the last one. Fails where filters cannot be read.
    fn seccomp_filter(&mut self, index: u32) -> Result<Option<Vec<Instruction>>, DebuggerError>;

    /// Second integer argument of the function at whose first instruction the selected thread stands.
    fn second_argument(&mut self) -> Result<u64, DebuggerError>;

    /// Takes hold of process `pid` again, after [`Self::detach`].
    fn attach(&mut self, pid: u32) -> Result<(), DebuggerError>;

    /// Lets the process go for good.
    fn detach(&mut self) -> Result<(), DebuggerError>;

    /// Fails with [`DebuggerError::Interrupted`] if the user has asked to stop. Called about ten times a second in long operations.
    fn check_interrupt(&mut self) -> Result<(), DebuggerError>;

    /// Who is told of what happens beside the results of commands.
    fn listener(&mut self) -> &mut dyn Listener;
}

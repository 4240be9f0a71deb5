//! Why the program failed, and the exit status that says so.

use crate::processes::NoTarget;
use pyheap_process::ProcessError;
use pyheap_session::{DebuggerError, SessionError};
use std::io;

/// Why the program failed.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The dump or the table failed.
    #[error("{0}")]
    Session(#[from] SessionError),
    /// The number that was given is not that of a process.
    #[error("{0}")]
    NoTarget(#[from] NoTarget),
    /// Signals cannot be caught.
    #[error("failed to catch signals: {0}")]
    Signals(io::Error),
    /// The outcome cannot be told.
    #[error("failed to write to standard output: {0}")]
    Output(io::Error),
}

impl ProgramError {
    /// The exit status, as the help lists them. `signal`: what has asked to stop.
    pub fn exit_status(&self, signal: Option<u8>) -> u8 {
        match self {
            Self::NoTarget(_) => 3,
            Self::Signals(_) => 1,
            Self::Output(_) => 9,
            Self::Session(error) => match error {
                SessionError::Usage(_) => 2,
                SessionError::Debugger(error) => match error {
                    DebuggerError::NoProcess(_) | DebuggerError::Exited => 3,
                    DebuggerError::NoPermission { .. } => 4,
                    DebuggerError::Traced { .. } => 6,
                    DebuggerError::Interrupted => signal.map_or(1, |signal| 128 + signal),
                    DebuggerError::Failed { .. } => 1,
                },
                SessionError::Process(error) => match error {
                    ProcessError::NoSuchProcess { .. } => 3,
                    ProcessError::NoPermission { .. } => 4,
                    ProcessError::NotPython { .. }
                    | ProcessError::MissingSymbol { .. }
                    | ProcessError::NoCLibrary { .. }
                    | ProcessError::NoSignalReturn { .. }
                    | ProcessError::FileReplaced { .. }
                    | ProcessError::Architecture { .. }
                    | ProcessError::UnknownVersion { .. }
                    | ProcessError::Elf { .. } => 5,
                    ProcessError::Traced { .. } => 6,
                    ProcessError::Io { .. } => 1,
                },
                SessionError::Unsupported(_) => 5,
                SessionError::NoSafePoint { .. } => 7,
                SessionError::Refused { .. } | SessionError::Seccomp { .. } => 8,
                SessionError::Exists(_)
                | SessionError::File { .. }
                | SessionError::NoFile { .. }
                | SessionError::Overtaken { .. } => 9,
                SessionError::WalkerDied { .. }
                | SessionError::Silent { .. }
                | SessionError::MemoryLimit { .. }
                | SessionError::Walk { .. } => 10,
                SessionError::Image(_)
                | SessionError::Ask { .. }
                | SessionError::Repair { .. }
                | SessionError::Map { .. }
                | SessionError::Write { .. }
                | SessionError::Injected { .. }
                | SessionError::Pipe(_)
                | SessionError::Stream(_)
                | SessionError::Records(_) => 1,
            },
        }
    }
}

//! Why the program failed, and the exit status that says so.

use crate::processes::NoTarget;
use pyheap_process::ProcessError;
use pyheap_session::{DebuggerError, SessionError};
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why the program failed.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The dump or the table failed.
    #[error("{0}")]
    Session(#[from] SessionError),
    /// The number that was given is not that of a process.
    #[error("{0}")]
    NoTarget(#[from] NoTarget),
    /// Several dumps cannot go to one pipe.
    #[error("-o - takes one dump, made by this program: name a file or a folder")]
    OneStream,
    /// A condition that can never hold.
    #[error("the process has no memory limit, of which a part could be used: use 'rss>SIZE'")]
    NoLimit,
    /// The folder for several dumps cannot be made.
    #[error("failed to make the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// This program cannot be run for one of several processes, or does not know where it is.
    #[error("failed to run this program again: {0}")]
    Program(io::Error),
    /// What loads pyheap into a debugger is not there.
    #[error("there is no {name} beside {} nor in lib/pyheap: install pyheap's plugins, too", folder.display())]
    NoInitFile {
        /// Its name.
        name: &'static str,
        /// Where this program is.
        folder: PathBuf,
    },
    /// The debugger is not there.
    #[error("failed to start {name}: {source}; without --debugger none is needed")]
    NoDebugger {
        /// Its name.
        name: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The debugger has failed, and said why.
    #[error("{name} failed: {status}")]
    Debugger {
        /// Its name.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
    },
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
            Self::OneStream | Self::NoLimit => 2,
            Self::Signals(_)
            | Self::Program(_)
            | Self::NoInitFile { .. }
            | Self::NoDebugger { .. }
            | Self::Debugger { .. } => 1,
            Self::Output(_) | Self::Folder { .. } => 9,
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
                    ProcessError::NoSuchProcess { .. }
                    | ProcessError::OtherProgram { .. }
                    | ProcessError::Borrows { .. }
                    | ProcessError::Zombie { .. } => 3,
                    ProcessError::NoPermission { .. } => 4,
                    ProcessError::NotPython { .. }
                    | ProcessError::MissingSymbol { .. }
                    | ProcessError::NoCLibrary { .. }
                    | ProcessError::NoSignalReturn { .. }
                    | ProcessError::FileReplaced { .. }
                    | ProcessError::Architecture { .. }
                    | ProcessError::UnknownVersion { .. }
                    | ProcessError::Misnamed { .. }
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
                | SessionError::ReadPipe(_)
                | SessionError::Stream(_)
                | SessionError::Records(_) => 1,
            },
        }
    }
}

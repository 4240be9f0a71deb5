//! Why the program fails, and with which exit code.

use pyheap_engine::{AskError, OpenError};
use pyheap_ui::ServeError;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use thiserror::Error;

/// What `--help` says of exit codes. Those of wrong options are clap's.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  the question is answered
  1  the answer cannot be written, or takes too long
  2  wrong usage: options, arguments, an invalid expression
  3  the input cannot be read, or is no dump that this version reads
  4  the input is a dump, but too damaged to be used
  5  the address or type that was asked for is not in the dump
  6  `verify`: a check failed";

/// A failure.
#[derive(Debug, Error)]
pub enum Failure {
    /// The dump cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The question has no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The answer cannot be expressed.
    #[error("cannot write {format}: {reason}")]
    Rendering {
        /// In this format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The dump cannot be served.
    #[error(transparent)]
    Serve(ServeError),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The answer cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// A check of `verify` failed; which one stands in its answer.
    #[error("the dump does not pass all checks")]
    Verification,
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Open(error) => Self::Open(error),
            other => Self::Serve(other),
        }
    }
}

impl Failure {
    /// Whoever reads the output has had enough: no failure.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }

    /// What the person who sees the error can try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open(error) => error.hint(),
            Self::Serve(ServeError::Listen { .. }) => Some("leave --port out to take a free one"),
            Self::Ask(AskError::TooLong { .. }) => Some("allow more with --timeout, or ask for less"),
            _ => None,
        }
    }

    /// See [`EXIT_CODES`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Rendering { .. } | Self::Output(_) | Self::Serve(_) | Self::File { .. } => 1,
            Self::Open(OpenError::Cancelled(_)) => 1,
            Self::Ask(AskError::Cancelled(_) | AskError::TooLong { .. } | AskError::Interpreter) => 1,
            Self::Ask(AskError::NoObject { .. } | AskError::NoInstance { .. }) => 5,
            Self::Ask(_) => 2,
            Self::Open(error) if error.is_damage() => 4,
            Self::Open(_) => 3,
            Self::Verification => 6,
        }
    }
}

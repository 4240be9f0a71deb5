//! Why a dump cannot be opened, and why a question has no answer.

use crate::watch::Cancelled;
use pyheap_format::reader::ReadError;
use pyheap_import::ImportError;
use std::io;
use std::time::Duration;
use thiserror::Error;

/// Why a dump cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It cannot be read, or is no dump of a version that is known.
    #[error("{name}: {source}{}", cause(source))]
    Read {
        /// What was to be opened.
        name: String,
        /// What is wrong with it.
        source: ReadError,
    },
    /// It has another format and cannot be imported.
    #[error("{name}: {source}")]
    Import {
        /// What was to be opened.
        name: String,
        /// What is wrong with it.
        source: ImportError,
    },
    /// The watch said so.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why the operating system does not give the file.
fn cause(error: &ReadError) -> String {
    match error {
        ReadError::Io(cause) => format!(": {cause}"),
        _ => String::new(),
    }
}

impl OpenError {
    /// What the person who sees the error can try, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { source, .. } => source.hint(),
            Self::Import { .. } | Self::Cancelled(_) => None,
        }
    }

    /// Whether the file is a dump, but damaged so that nothing of it can be used; otherwise it is none, or cannot be
    /// read at all.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Read {
                source: ReadError::Empty | ReadError::Header { .. } | ReadError::Compression { .. },
                ..
            } | Self::Import { source: ImportError::Damaged { .. }, .. }
        )
    }
}

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// No object is there.
    #[error("no object of the dump is at {address:#x}: addresses are what `id()` answered in the process")]
    NoObject {
        /// In the target's address space.
        address: u64,
    },
    /// Whoever finds out by searching what objects contain could as well be shown it.
    #[error("what objects contain is hidden, and so it cannot be searched")]
    Concealed,
    /// No object is of the type.
    #[error("no object of the dump is of type {name}: give it as `types` prints it")]
    NoInstance {
        /// As it was asked for.
        name: String,
    },
    /// Objects can be recognised in dumps of one process only.
    #[error(
        "the dumps are of different processes: objects cannot be recognised; compare two of them by type"
    )]
    DifferentProcesses,
    /// The expression cannot be parsed.
    #[error("invalid CEL expression: {reason}")]
    Syntax {
        /// What the parser says.
        reason: String,
    },
    /// The expression has a value, but not true or false.
    #[error("the expression is {value}, but must be true or false")]
    NoCondition {
        /// Its value for some object.
        value: String,
    },
    /// The expression has no value for any object.
    #[error("the expression has no value for any object: {reason}{}", can_use(names.as_deref()))]
    NoValue {
        /// Why, for the first object.
        reason: String,
        /// What expressions can use, where this one uses something else.
        names: Option<String>,
    },
    /// The time is up.
    #[error(
        "the query takes longer than {} s: {looked_at} of {objects} objects were looked at by then, {found} of them found",
        time.as_secs()
    )]
    TooLong {
        /// What it might take.
        time: Duration,
        /// Objects that were looked at.
        looked_at: u64,
        /// Objects of the dump.
        objects: u64,
        /// Objects that were found.
        found: u64,
    },
    /// A bug of the interpreter.
    #[error("the interpreter of expressions failed")]
    Interpreter,
    /// The watch said so.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn can_use(names: Option<&str>) -> String {
    names.map_or_else(String::new, |names| format!("; an expression can use {names}"))
}

/// An analysis that cannot be kept.
pub(crate) type Kept = io::Result<()>;

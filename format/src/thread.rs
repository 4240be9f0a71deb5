//! The thread record: a map with text keys, one for each thread of the interpreter.

use crate::vocabulary::ObjectNumber;
use alloc::string::String;
use alloc::vec::Vec;

/// A thread of the interpreter.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Thread {
    /// Name in `threading`.
    pub name: Option<String>,
    /// `threading.get_ident()`.
    pub ident: u64,
    /// Operating system's thread id, in the target's PID namespace.
    pub native_id: Option<u64>,
    /// Daemon flag.
    pub daemon: Option<bool>,
    /// The interpreter has a thread state for it.
    pub alive: bool,
    /// Number of its `threading.Thread` object.
    pub object: Option<ObjectNumber>,
    /// Innermost frame first.
    pub frames: Vec<Frame>,
}

/// A Python frame of a thread.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Frame {
    /// `co_filename`.
    pub file: String,
    /// Current line.
    pub line: Option<u32>,
    /// `co_qualname`, or `co_name` before 3.11.
    pub function: String,
    /// Object number of the code object.
    pub code: ObjectNumber,
    /// Name and object number of each bound local variable, in the order of declaration.
    pub locals: Vec<(String, ObjectNumber)>,
}

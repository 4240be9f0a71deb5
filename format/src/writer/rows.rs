//! What the walker hands to the writer.

use crate::vocabulary::{ObjectFlags, ObjectNumber, TypeNumber};
use alloc::string::String;
use alloc::vec::Vec;

/// An object, but for its edges and preview.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectRow {
    /// In the target's address space.
    pub address: u64,
    /// Number of its type.
    pub type_number: TypeNumber,
    /// Flags.
    pub flags: ObjectFlags,
    /// `sys.getsizeof`, bytes.
    pub shallow: u64,
    /// Bytes kept from the allocator.
    pub allocated: u64,
    /// `ob_refcnt`.
    pub refcount: u64,
    /// `len()`, where flagged.
    pub length: u64,
}

/// A type.
#[derive(Clone, Debug)]
pub struct TypeRow<'a> {
    /// Number of the type object.
    pub object: ObjectNumber,
    /// Its address.
    pub address: u64,
    /// `__module__`.
    pub module: &'a str,
    /// `__qualname__`.
    pub qualname: &'a str,
    /// `tp_basicsize`, bytes.
    pub basicsize: u64,
    /// `tp_itemsize`, bytes.
    pub itemsize: u64,
    /// `tp_flags`.
    pub flags: u64,
    /// Number of `tp_base`.
    pub base: Option<TypeNumber>,
}

/// A thread.
#[derive(Clone, Debug, Default)]
pub struct ThreadRow {
    /// Name in `threading`.
    pub name: Option<String>,
    /// `threading.get_ident()`.
    pub ident: u64,
    /// Operating system's id.
    pub native_id: Option<u64>,
    /// Daemon flag.
    pub daemon: Option<bool>,
    /// There is a thread state for it.
    pub alive: bool,
    /// Its `threading.Thread`.
    pub object: Option<ObjectNumber>,
    /// Innermost first.
    pub frames: Vec<FrameRow>,
}

/// A frame of a thread.
#[derive(Clone, Debug, Default)]
pub struct FrameRow {
    /// `co_filename`.
    pub file: String,
    /// Current line.
    pub line: Option<u32>,
    /// `co_qualname` or `co_name`.
    pub function: String,
    /// The code object.
    pub code: ObjectNumber,
    /// Bound local variables.
    pub locals: Vec<(String, ObjectNumber)>,
}

/// The walker's own totals; the writer adds those that it counts itself.
#[derive(Clone, Debug, Default)]
pub struct SummaryRow<'a> {
    /// Calls of `tp_traverse` that were ended.
    pub hung: u64,
    /// Nanoseconds.
    pub walk_ns: u64,
    /// Bytes.
    pub walker_memory: u64,
    /// Pools with at least one object.
    pub pools: u64,
    /// Bytes used in them.
    pub pools_used: u64,
    /// Bytes free in them.
    pub pools_free: u64,
    /// Why the walk ended early.
    pub error: Option<&'a str>,
}

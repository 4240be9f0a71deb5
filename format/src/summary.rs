//! The summary record: a map with text keys, the walker's last record.

use alloc::borrow::Cow;

/// The walker's totals.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Summary<'a> {
    /// Objects written.
    pub objects: u64,
    /// Edges written.
    pub edges: u64,
    /// Types written.
    pub types: u64,
    /// Sum of shallow sizes, bytes.
    pub shallow_size: u64,
    /// Sum of allocated sizes, bytes, static objects left out.
    pub allocated_size: u64,
    /// Objects flagged unreadable.
    pub unreadable: u64,
    /// Objects flagged opaque.
    pub opaque: u64,
    /// Objects flagged estimated.
    pub estimated: u64,
    /// Calls of `tp_traverse` that the watchdog ended.
    pub hung: u64,
    /// Duration of the walk, nanoseconds.
    pub walk_ns: u64,
    /// Memory that the walker itself used, bytes.
    pub walker_memory: u64,
    /// pymalloc pools that hold at least one recorded object: their number.
    pub pools: u64,
    /// Bytes of these pools in recorded objects.
    pub pools_used: u64,
    /// Bytes of these pools in free blocks.
    pub pools_free: u64,
    /// Why the walk ended early, where it did.
    pub error: Option<Cow<'a, str>>,
}

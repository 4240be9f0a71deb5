//! What the walker hands to the writer.

use crate::vocabulary::{ObjectFlags, ObjectNumber, TypeNumber};

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

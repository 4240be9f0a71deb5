//! `Py_TPFLAGS_…` (`Include/object.h`): a bit has one meaning in all versions that have it.

pub(crate) const STATIC_BUILTIN: u64 = 1 << 1;
pub(crate) const INLINE_VALUES: u64 = 1 << 2;
pub(crate) const MANAGED_WEAKREF: u64 = 1 << 3;
pub(crate) const MANAGED_DICT: u64 = 1 << 4;
pub(crate) const HEAPTYPE: u64 = 1 << 9;
pub(crate) const READY: u64 = 1 << 12;
pub(crate) const HAVE_GC: u64 = 1 << 14;
pub(crate) const UNICODE_SUBCLASS: u64 = 1 << 28;
pub(crate) const TYPE_SUBCLASS: u64 = 1 << 31;

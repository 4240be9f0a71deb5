//! Readers of CPython's structures that hold no state: tables of dicts, texts, numbers, line tables.

pub(crate) mod dicts;
pub(crate) mod lines;
pub(crate) mod strings;

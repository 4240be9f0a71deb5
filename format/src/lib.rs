//! The pyheap dump format: its vocabulary, the streaming writer that runs inside the target, and the reader.
//!
//! `docs/format.md` is normative; this crate follows it. Without the feature `std` the crate is `no_std` (with `alloc`) and holds the
//! vocabulary and the [`writer`] only.
//!
//! The crate does not interpret a heap: no graph, no CPython layouts, no rendering. `examples/types.rs` is a whole program that reads a dump.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(unsafe_code)]

extern crate alloc;

#[cfg(feature = "std")]
pub mod header;
pub mod names;
#[cfg(feature = "std")]
pub mod reader;
pub mod record;
pub mod summary;
#[cfg(feature = "std")]
pub mod text;
pub mod thread;
pub mod vocabulary;
pub mod writer;

pub use names::{FieldName, RootName};
pub use summary::Summary;
pub use thread::{Frame, Thread};
pub use vocabulary::{Digest, Edge, EdgeKind, EdgeName, EdgeSource, ObjectFlags, PreviewKind, RootKind};

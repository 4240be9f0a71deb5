//! Knows CPython's layouts per version; walks a heap through a [`Memory`] and emits the records of `pyheap-format`.
//!
//! The crate is `no_std` with `alloc` and forbids unsafe code: whether the memory is the walker's own (a copy-on-write child of the
//! target), another process's or a file is the business of the [`Memory`] that it is given. It knows nothing of debuggers, processes
//! or files.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

extern crate alloc;

mod debug_offsets;
pub mod interpreter;
pub mod layout;
pub mod memory;
mod read;
mod requests;
mod types;
mod walk;

pub use interpreter::{GilState, Interpreter, Unsupported};
pub use memory::{Memory, Traversal, Unreadable};
pub use requests::{DropRequest, PendingCall, Store};
pub use walk::{Data, Extents, Failure, Options, Progress, Walk};

//! Harness of the live tests: real debuggers, real interpreters, real dumps.
//!
//! A [`Target`] is an interpreter that runs a script of `targets/` and talks with the test over pipes; a [`Debugger`] runs pyheap's
//! commands on it; a [`Footprint`] is what the target has of the machine, the same before and after; an [`Oracle`] is what the
//! interpreter itself says of its heap. [`Suite`] registers tests for every debugger and interpreter. Nothing here knows CPython's
//! layouts, and nothing waits by the clock where the other side can say that it is ready.
#![forbid(unsafe_code)]

mod container;
mod debugger;
mod footprint;
mod heap;
mod installation;
mod interpreter;
mod oracle;
mod packages;
mod suite;
mod target;
mod text;

pub use container::{DockerEngine, PYTHON_INSIDE, make_root};
pub use debugger::{Debugger, Session, Transcript};
pub use footprint::{Change, Footprint, processes_like, processes_like_except, running};
pub use heap::{Heap, Referent};
pub use installation::{analyze, analyze_json, binary, project};
pub use interpreter::{Interpreter, Python};
pub use oracle::{Description, Oracle};
pub use packages::packages;
pub use suite::{Suite, Verdict, skipped};
pub use target::Target;
pub use text::assert_text_unchanged;

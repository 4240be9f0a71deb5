//! The browser UI of pyheap: serves a dump as pages for people and as JSON for programs.
//!
//! It asks `pyheap-engine` only: what a page shows, `/api/v1` answers too. The server listens on the loopback interface
//! unless told otherwise; whoever asks must know its token. Nothing a request names reaches the file system, and no
//! request changes anything. What takes long on a large dump is made once, by a thread of its own, while pages that need
//! it say so.
#![forbid(unsafe_code)]

mod access;
mod api;
mod cells;
mod chart;
mod heap;
mod link;
mod offline;
mod page;
mod preparation;
mod server;
mod trouble;
mod views;

pub use offline::write_report;
pub use server::{Options, ServeError, Server};

//! Opens a dump, in any format that is read, and answers questions about it: one method of [`Engine`] per question,
//! one value of `pyheap-report` per answer.
//!
//! An engine owns the dump, its analysis and what else answers need; all of it is made when it is first needed and
//! kept. It is `Send + Sync`: a server holds one in an `Arc` for days and asks it from any thread. Long work tells of
//! its progress through a [`Watch`], and ends where that says so. Nothing is printed, and no list is cut without
//! saying how long it is.
//!
//! ```
//! use pyheap_engine::{Engine, Options, Order, Page, Source, unwatched};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dump = concat!(env!("CARGO_MANIFEST_DIR"), "/../format/tests/dumps/version-1.0.cbor");
//! let engine = Engine::open(Source::File(dump.into()), &Options::default(), &unwatched)?;
//! let types = engine.types(Order::Allocated, Page::first(10), &unwatched)?;
//! println!("{} types; the largest is {}", types.types_total, types.types[0].type_name);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod cache;
mod engine;
mod error;
mod indexes;
mod lookup;
mod page;
mod questions;
mod source;
mod watch;

pub use engine::{Caching, Engine, Options};
pub use error::{AskError, OpenError};
pub use indexes::Measure;
pub use page::{Order, Page};
pub use questions::{FlameBy, FlameCut, Selection};
pub use source::Source;
pub use watch::{Cancelled, Step, Watch, unwatched};

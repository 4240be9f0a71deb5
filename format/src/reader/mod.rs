//! Reads dumps: a stream as it arrives ([`FrameScanner`], [`Record`]), or a whole file in place ([`Dump`]).
//!
//! ```
//! use pyheap_format::reader::Dump;
//! # use std::path::Path;
//!
//! # fn main() -> Result<(), pyheap_format::reader::ReadError> {
//! # let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dumps/version-1.0.cbor"));
//! let dump = Dump::open(path)?;
//! let cache = dump.find(0x7F00_0000_1680).and_then(|number| dump.object(number)).expect("no object at this address");
//! assert_eq!(dump.types()[cache.type_number as usize].full_name(), "app.Cache");
//! for edge in dump.edges_of(cache.number) {
//!     println!("{:?} of object {}", edge.name.kind(), edge.target);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here trusts its input: a reader never panics, whatever the bytes, and allocates in proportion to them.

mod available;
mod column;
mod compression;
mod decoded;
mod digests;
mod dump;
mod edges;
mod error;
mod frame;
mod items;
mod load;
mod mapping;
mod objects;
mod previews;
mod roots;
mod scan;
mod types;

pub use column::Compact;
pub use decoded::Record;
pub use digests::DigestChunk;
pub use dump::Dump;
pub use edges::EdgeChunk;
pub use error::{FrameError, Malformed, ReadError};
pub use frame::{Frame, FrameScanner};
pub use objects::{Object, ObjectChunk};
pub use previews::PreviewChunk;
pub use roots::{Root, RootChunk};
pub use types::Type;

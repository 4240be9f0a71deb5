//! Reads dumps: a stream as it arrives ([`FrameScanner`], [`Record`]), or a whole file in place ([`Dump`]).
//!
//! Nothing here trusts its input: a reader never panics, whatever the bytes, and allocates in proportion to them.

mod available;
mod column;
mod compression;
mod decoded;
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
pub use dump::Dump;
pub use edges::EdgeChunk;
pub use error::{FrameError, Malformed, ReadError};
pub use frame::{Frame, FrameScanner};
pub use objects::{Object, ObjectChunk};
pub use previews::PreviewChunk;
pub use roots::{Root, RootChunk};
pub use types::Type;

//! Dumps of other formats as pyheap dumps: bytes in, bytes out; no files, no printing, no analysis.
//!
//! One format is known: `.pyheap`, version 1, as the Python implementation of pyheap (0.x) wrote it. All its integers are big-endian; a
//! *text* is a u16 length and so many bytes of UTF-8; a *list* is a u32 count and so many items; an *address* is a u64.
//!
//! ```text
//! file        magic: u64 = 123000321, version: u32 = 1, created: text, flags: u64 (bit 0: objects have a representation),
//!             well-known types: list of (name: text, address), threads: list of thread,
//!             frequent attributes: list of text, common types: list of (address, attributes),
//!             objects: list of object, types: list of (address, name: text), magic: u64
//! thread      name: text, alive: u8, daemon: u8, frames: list of frame, innermost first
//! frame       file: text, line: u32, function: text, locals: list of (name: text, address)
//! object      address, type: address, size: u32 (sys.getsizeof),
//!             content: list of address for exactly list, set and tuple, list of (key: address, value: address) for exactly dict,
//!             other referents: list of address, attributes (unless its type is a common one),
//!             representation: text (if the flag is set, and not for exactly list, set, tuple and dict)
//! attributes  list of (attribute name: i16 length and bytes, or -1 - n for frequent attribute n; value: address)
//! ```
//!
//! Such a file knows neither reference counts, nor roots, nor what an object keeps from the allocator: [`import`] says in its notes what
//! stands in for them.
#![forbid(unsafe_code)]

mod convert;
mod edges;
mod legacy;
mod previews;
mod types;

pub use convert::{Imported, import};
pub use legacy::{ImportError, is_legacy};

//! The commands: each reads a dump and makes a report value.

mod cycles;
mod diff;
mod dominators;
mod groups;
mod holding;
mod info;
mod leaks;
mod native_refs;
mod object;
mod paths;
mod query;
mod retained_heap;
mod summary;
mod threads;
mod types;
mod verify;
mod waste;

pub use cycles::cycles;
pub use diff::{diff, diff_three};
pub use dominators::dominators;
pub use groups::{modules, types_retained};
pub use holding::held_object;
pub use info::info;
pub use leaks::leaks;
pub use native_refs::native_refs;
pub use paths::{merged_paths, object_at, paths};
pub use query::query;
pub use retained_heap::retained_heap;
pub use summary::summary;
pub use threads::threads;
pub use types::types;
pub use verify::verify;
pub use waste::waste;

use crate::units;
use pyheap_format::reader::Dump;
use pyheap_heap::{Limits, represent};
use serde::Serialize;

/// An object in one line.
#[derive(Debug, Serialize)]
pub struct Mention {
    /// Hex; null where the object is not in the dump.
    pub address: Option<String>,
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    pub repr: String,
}

impl Mention {
    /// The object of this number.
    pub fn of(dump: &Dump, number: u32) -> Self {
        Self::within(dump, number, Limits { depth: 2, items: 8, text: usize::MAX })
    }

    /// The object of this number, its representation short enough for a line among many.
    pub fn line(dump: &Dump, number: u32) -> Self {
        Self::within(dump, number, Limits::LINE)
    }

    fn within(dump: &Dump, number: u32, limits: Limits) -> Self {
        let object = dump.object(number);
        let class = object.as_ref().and_then(|object| dump.types().get(object.type_number as usize));
        Self {
            address: object.as_ref().map(|object| units::address(object.address)),
            type_name: class.map(|class| class.full_name()),
            repr: represent(dump, number, limits),
        }
    }
}

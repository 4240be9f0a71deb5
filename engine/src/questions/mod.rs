//! The questions: each is a method of [`crate::Engine`], in a file of its own.

pub(crate) mod cycles;
mod diff;
mod dominators;
pub(crate) mod duplicates;
mod flame;
mod groups;
mod info;
mod leaks;
mod native_refs;
mod object;
pub(crate) mod objects;
mod parts;
mod paths;
mod query;
mod retained_heap;
mod search;
mod summary;
mod threads;
mod type_groups;
mod verify;
mod waste;

pub use flame::{FlameBy, FlameCut};
pub use objects::Selection;

use pyheap_format::reader::Dump;
use pyheap_heap::{Limits, Node, represent};
use pyheap_report::{Mention, units};

/// An object as a value in its own right.
const VALUE: Limits = Limits { depth: 2, items: 8, text: usize::MAX };

/// The object of this number, its representation within limits.
fn mention(dump: &Dump, number: Node, limits: Limits) -> Mention {
    let object = dump.object(number);
    let class = object.as_ref().and_then(|object| dump.types().get(object.type_number as usize));
    Mention {
        address: object.as_ref().map(|object| units::address(object.address)),
        type_name: class.map(|class| class.full_name()),
        repr: represent(dump, number, limits),
    }
}

/// The object of this number, short enough for a line among many.
fn line(dump: &Dump, number: Node) -> Mention {
    mention(dump, number, Limits::LINE)
}

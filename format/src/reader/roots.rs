//! Roots records: what holds objects from outside the heap.

use super::column::Column;
use super::error::Malformed;
use super::items::Items;
use crate::vocabulary::{NONE, NameNumber, ObjectNumber, RootKind};

/// A root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// What holds the object.
    pub kind: RootKind,
    /// Index of the thread in [`super::Dump::threads`], where a thread holds it.
    pub thread: Option<u32>,
    /// Index of the frame in the thread, innermost first, where a frame holds it.
    pub frame: Option<u32>,
    /// Name number.
    pub name: Option<NameNumber>,
    /// The object; it dangles where it is no object of the dump.
    pub object: ObjectNumber,
}

/// Where in a body the columns of a roots record stand.
#[derive(Clone, Debug)]
pub(super) struct RootsLayout {
    kinds: Column<u8>,
    threads: Column<u32>,
    frames: Column<u32>,
    names: Column<u32>,
    objects: Column<u32>,
}

impl RootsLayout {
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let items = &mut Items::new(body);
        items.array(6, "an array of 6 elements")?;
        let count = Some(items.number("the number of roots")? as usize);
        Ok(Self {
            kinds: Column::read(body, items, count, "kinds")?,
            threads: Column::read(body, items, count, "threads")?,
            frames: Column::read(body, items, count, "frames")?,
            names: Column::read(body, items, count, "names")?,
            objects: Column::read(body, items, count, "objects")?,
        })
    }

    pub(super) fn of<'a>(&self, body: &'a [u8]) -> RootChunk<'a> {
        RootChunk {
            kinds: self.kinds.of(body),
            threads: self.threads.of(body),
            frames: self.frames.of(body),
            names: self.names.of(body),
            objects: self.objects.of(body),
        }
    }
}

/// Roots in place.
#[derive(Clone, Copy, Debug)]
pub struct RootChunk<'a> {
    kinds: &'a [u8],
    threads: &'a [u32],
    frames: &'a [u32],
    names: &'a [u32],
    objects: &'a [u32],
}

impl<'a> RootChunk<'a> {
    /// The roots of known kinds in sequence.
    pub fn iter(&self) -> impl Iterator<Item = Root> + use<'a> {
        let optional = |number: u32| (number != NONE).then_some(number);
        let places = self.threads.iter().zip(self.frames).zip(self.names);
        self.kinds.iter().zip(places).zip(self.objects).filter_map(
            move |((kind, ((thread, frame), name)), object)| {
                Some(Root {
                    kind: RootKind::from_number(*kind)?,
                    thread: optional(*thread),
                    frame: optional(*frame),
                    name: optional(*name),
                    object: *object,
                })
            },
        )
    }
}

//! Previews records: a few bytes of the content of some objects.

use super::column::Column;
use super::error::Malformed;
use super::items::Items;
use crate::vocabulary::{ObjectNumber, PreviewKind};
use std::ops::Range;

/// Where in a body the columns of a previews record stand.
#[derive(Clone, Debug)]
pub(super) struct PreviewsLayout {
    objects: Column<u32>,
    kinds: Column<u8>,
    ends: Column<u32>,
    data: Range<usize>,
}

impl PreviewsLayout {
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let items = &mut Items::new(body);
        items.array(5, "an array of 5 elements")?;
        let count = items.number("the number of previews")? as usize;
        let layout = Self {
            objects: Column::read(body, items, Some(count), "objects")?,
            kinds: Column::read(body, items, Some(count), "kinds")?,
            ends: Column::read(body, items, Some(count), "ends")?,
            data: items.bytes("the data")?,
        };
        let chunk = layout.of(body);
        if !chunk.objects.is_sorted_by(|a, b| a < b) {
            return Err(Malformed::Column { column: "objects", problem: "not strictly increasing" });
        }
        if !chunk.ends.is_sorted() || chunk.ends.last().is_some_and(|end| *end as usize > chunk.data.len()) {
            return Err(Malformed::Column { column: "ends", problem: "not positions in the data" });
        }
        Ok(layout)
    }

    pub(super) fn of<'a>(&self, body: &'a [u8]) -> PreviewChunk<'a> {
        PreviewChunk {
            objects: self.objects.of(body),
            kinds: self.kinds.of(body),
            ends: self.ends.of(body),
            data: body.get(self.data.clone()).unwrap_or_default(),
        }
    }
}

/// Previews in place, in the order of their objects' numbers.
#[derive(Clone, Copy, Debug)]
pub struct PreviewChunk<'a> {
    objects: &'a [u32],
    kinds: &'a [u8],
    ends: &'a [u32],
    data: &'a [u8],
}

impl<'a> PreviewChunk<'a> {
    /// Numbers of the objects that have a preview here, strictly increasing.
    pub fn objects(&self) -> &'a [ObjectNumber] {
        self.objects
    }

    /// The preview of an object, if it stands here and is of a known kind.
    pub fn find(&self, object: ObjectNumber) -> Option<(PreviewKind, &'a [u8])> {
        self.get(self.objects.binary_search(&object).ok()?)
    }

    /// The previews of known kinds in sequence.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectNumber, PreviewKind, &'a [u8])> + use<'a> {
        let chunk = *self;
        self.objects.iter().enumerate().filter_map(move |(row, object)| {
            let (kind, data) = chunk.get(row)?;
            Some((*object, kind, data))
        })
    }

    fn get(&self, row: usize) -> Option<(PreviewKind, &'a [u8])> {
        let start = match row.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        let kind = PreviewKind::from_number(*self.kinds.get(row)?)?;
        Some((kind, self.data.get(start..*self.ends.get(row)? as usize)?))
    }
}

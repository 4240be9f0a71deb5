//! Digests records: what stands for the whole content of some objects.

use super::column::Column;
use super::error::Malformed;
use super::items::Items;
use crate::vocabulary::{Digest, ObjectNumber};

/// Where in a body the columns of a digests record stand.
#[derive(Clone, Debug)]
pub(super) struct DigestsLayout {
    objects: Column<u32>,
    digests: Column<u64>,
    flags: Column<u8>,
}

impl DigestsLayout {
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let items = &mut Items::new(body);
        items.array(4, "an array of 4 elements")?;
        let count = items.number("the number of digests")? as usize;
        let layout = Self {
            objects: Column::read(body, items, Some(count), "objects")?,
            digests: Column::read(body, items, Some(count), "digests")?,
            flags: Column::read(body, items, Some(count), "flags")?,
        };
        if !layout.of(body).objects.is_sorted_by(|a, b| a < b) {
            return Err(Malformed::Column { column: "objects", problem: "not strictly increasing" });
        }
        Ok(layout)
    }

    pub(super) fn of<'a>(&self, body: &'a [u8]) -> DigestChunk<'a> {
        DigestChunk {
            objects: self.objects.of(body),
            digests: self.digests.of(body),
            flags: self.flags.of(body),
        }
    }
}

/// Digests in place, in the order of their objects' numbers.
#[derive(Clone, Copy, Debug)]
pub struct DigestChunk<'a> {
    objects: &'a [u32],
    digests: &'a [u64],
    flags: &'a [u8],
}

impl<'a> DigestChunk<'a> {
    /// Numbers of the objects that have a digest here, strictly increasing.
    pub fn objects(&self) -> &'a [ObjectNumber] {
        self.objects
    }

    /// The digest of an object, if it stands here.
    pub fn find(&self, object: ObjectNumber) -> Option<Digest> {
        self.get(self.objects.binary_search(&object).ok()?)
    }

    /// The digests in sequence.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectNumber, Digest)> + use<'a> {
        let chunk = *self;
        self.objects.iter().enumerate().filter_map(move |(row, object)| Some((*object, chunk.get(row)?)))
    }

    fn get(&self, row: usize) -> Option<Digest> {
        Some(Digest { value: *self.digests.get(row)?, uniform: self.flags.get(row)? & 1 != 0 })
    }
}

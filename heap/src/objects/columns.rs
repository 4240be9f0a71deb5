//! The objects of a dump by number, read from its columns where they stand.

use pyheap_format::reader::{Compact, Dump, ObjectChunk, Type};
use pyheap_format::vocabulary::{OBJECTS_PER_RECORD, ObjectNumber, TypeNumber};
use pyheap_format::{ObjectFlags, PreviewKind};

/// The objects of a dump. A number beyond the last object, which dangling edges have, reads as an object without
/// size and without type.
#[derive(Clone, Debug)]
pub struct Objects<'a> {
    chunks: Vec<ObjectChunk<'a>>,
    types: &'a [Type],
    count: usize,
}

impl<'a> Objects<'a> {
    /// The objects of a dump.
    pub fn of(dump: &'a Dump) -> Self {
        Self::new(dump.object_chunks(), dump.types())
    }

    /// From all chunks of a dump, in their order.
    pub fn new(chunks: impl IntoIterator<Item = ObjectChunk<'a>>, types: &'a [Type]) -> Self {
        let chunks: Vec<_> = chunks.into_iter().collect();
        let count = chunks.iter().map(ObjectChunk::len).sum();
        Self { chunks, types, count }
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The chunks, in their order.
    pub fn chunks(&self) -> &[ObjectChunk<'a>] {
        &self.chunks
    }

    /// All types of the dump.
    pub fn types(&self) -> &'a [Type] {
        self.types
    }

    /// Whether a preview is the whole content of a text or of bytes.
    pub fn is_whole(&self, object: ObjectNumber, kind: PreviewKind, data: &[u8]) -> bool {
        let length = match kind {
            // Every byte but those that continue a character starts one.
            PreviewKind::Text => data.iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u64,
            PreviewKind::Bytes => data.len() as u64,
            _ => return false,
        };
        self.length(object) == Some(length)
    }

    fn place(&self, object: ObjectNumber) -> Option<(&ObjectChunk<'a>, usize)> {
        let object = object as usize;
        Some((self.chunks.get(object / OBJECTS_PER_RECORD)?, object % OBJECTS_PER_RECORD))
    }

    fn number(&self, object: ObjectNumber, column: impl Fn(&ObjectChunk<'a>) -> Compact<'a>) -> u64 {
        self.place(object).map_or(0, |(chunk, row)| column(chunk).get(row))
    }

    /// Flags; none for numbers beyond the last object.
    pub fn flags(&self, object: ObjectNumber) -> ObjectFlags {
        let flags = self.place(object).and_then(|(chunk, row)| chunk.flags().get(row));
        ObjectFlags(flags.copied().unwrap_or_default())
    }

    /// Number of the object's type.
    pub fn type_number(&self, object: ObjectNumber) -> Option<TypeNumber> {
        let (chunk, row) = self.place(object)?;
        chunk.type_number(row)
    }

    /// The object's type.
    pub fn type_of(&self, object: ObjectNumber) -> Option<&'a Type> {
        self.types.get(self.type_number(object)? as usize)
    }

    /// What `sys.getsizeof` answers, bytes.
    pub fn shallow(&self, object: ObjectNumber) -> u64 {
        self.number(object, ObjectChunk::shallow)
    }

    /// What the object keeps from the allocator, bytes: nothing when it is static.
    pub fn allocated(&self, object: ObjectNumber) -> u64 {
        if self.flags(object).contains(ObjectFlags::STATIC) {
            0
        } else {
            self.number(object, ObjectChunk::allocated)
        }
    }

    /// `len()`, items, where it has one.
    pub fn length(&self, object: ObjectNumber) -> Option<u64> {
        let has_length = self.flags(object).contains(ObjectFlags::HAS_LENGTH);
        has_length.then(|| self.number(object, ObjectChunk::lengths))
    }

    /// `ob_refcnt` as it stood in memory.
    pub fn refcount(&self, object: ObjectNumber) -> u64 {
        self.number(object, ObjectChunk::refcounts)
    }

    /// Address in the target.
    pub fn address(&self, object: ObjectNumber) -> u64 {
        self.place(object).map_or(0, |(chunk, row)| {
            let (low, high) = chunk.address_columns();
            match (low.get(row), high.get(row)) {
                (Some(&low), Some(&high)) => u64::from(low) | u64::from(high) << 32,
                _ => 0,
            }
        })
    }
}

//! Objects records: the columns of up to 8192 objects.

use super::column::{Column, Compact, CompactColumn};
use super::error::Malformed;
use super::items::Items;
use crate::vocabulary::{ESCAPE, OBJECTS_PER_RECORD, ObjectFlags, ObjectNumber, TypeNumber};

/// An object, but for its edges and preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its number.
    pub number: ObjectNumber,
    /// In the target's address space; 0 where the record that described it is lost.
    pub address: u64,
    /// Number of its type: an index of [`super::Dump::types`].
    pub type_number: TypeNumber,
    /// What is known of it.
    pub flags: ObjectFlags,
    /// What `sys.getsizeof` answers, bytes.
    pub shallow: u64,
    /// What it keeps from the allocator, bytes.
    pub allocated: u64,
    /// `ob_refcnt` as it stood in memory.
    pub refcount: u64,
    /// `len()`, items, where it has one.
    pub length: Option<u64>,
}

/// Where in a body the columns of an objects record stand.
#[derive(Clone, Debug)]
pub(super) struct ObjectsLayout {
    first: ObjectNumber,
    first_edge: u64,
    address_low: Column<u32>,
    address_high: Column<u16>,
    flags: Column<u8>,
    types: CompactColumn,
    shallow: CompactColumn,
    allocated: CompactColumn,
    refcounts: CompactColumn,
    lengths: CompactColumn,
    edge_counts: CompactColumn,
}

impl ObjectsLayout {
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let items = &mut Items::new(body);
        items.array(12, "an array of 12 elements")?;
        let first = items.number("the first object's number")?;
        let count = items.number("the number of objects")? as usize;
        if !(1..=OBJECTS_PER_RECORD).contains(&count) || first.checked_add(count as u32).is_none() {
            return Err(Malformed::Column { column: "count", problem: "not a possible number of objects" });
        }
        Ok(Self {
            first,
            first_edge: items.unsigned("the first edge's number")?,
            address_low: Column::read(body, items, Some(count), "address_low")?,
            address_high: Column::read(body, items, Some(count), "address_high")?,
            flags: Column::read(body, items, Some(count), "flags")?,
            types: CompactColumn::read(body, items, count, "type")?,
            shallow: CompactColumn::read(body, items, count, "shallow")?,
            allocated: CompactColumn::read(body, items, count, "allocated")?,
            refcounts: CompactColumn::read(body, items, count, "refcount")?,
            lengths: CompactColumn::read(body, items, count, "length")?,
            edge_counts: CompactColumn::read(body, items, count, "edge_count")?,
        })
    }

    pub(super) fn of<'a>(&self, body: &'a [u8], last_type: TypeNumber) -> ObjectChunk<'a> {
        ObjectChunk {
            first: self.first,
            first_edge: self.first_edge,
            last_type,
            lost: false,
            address_low: self.address_low.of(body),
            address_high: self.address_high.of(body),
            flags: self.flags.of(body),
            types: self.types.of(body),
            shallow: self.shallow.of(body),
            allocated: self.allocated.of(body),
            refcounts: self.refcounts.of(body),
            lengths: self.lengths.of(body),
            edge_counts: self.edge_counts.of(body),
        }
    }
}

/// The place of objects whose record is lost: they keep their numbers, so that edges to and from the others stay right.
#[derive(Clone, Debug)]
pub(super) struct LostObjects {
    pub(super) first: ObjectNumber,
    pub(super) count: usize,
    pub(super) first_edge: u64,
    /// Edges of all of them; which belong to which is not known, so the first one gets them.
    pub(super) edges: [u64; 1],
}

impl LostObjects {
    pub(super) fn chunk(&self, last_type: TypeNumber) -> ObjectChunk<'_> {
        static NUMBERS: [u32; OBJECTS_PER_RECORD] = [0; OBJECTS_PER_RECORD];
        static SMALL: [u16; OBJECTS_PER_RECORD] = [0; OBJECTS_PER_RECORD];
        static FLAGS: [u8; OBJECTS_PER_RECORD] = [ObjectFlags::UNREADABLE.0; OBJECTS_PER_RECORD];
        static EDGE_COUNTS: [u16; OBJECTS_PER_RECORD] = {
            let mut counts = [0; OBJECTS_PER_RECORD];
            counts[0] = ESCAPE;
            counts
        };
        let small = SMALL.get(..self.count).unwrap_or(&SMALL);
        let zeros = Compact { values: small, escape_at: &[], escape_values: &[] };
        ObjectChunk {
            first: self.first,
            first_edge: self.first_edge,
            last_type,
            lost: true,
            address_low: NUMBERS.get(..self.count).unwrap_or(&NUMBERS),
            address_high: small,
            flags: FLAGS.get(..self.count).unwrap_or(&FLAGS),
            types: zeros,
            shallow: zeros,
            allocated: zeros,
            refcounts: zeros,
            lengths: zeros,
            edge_counts: Compact {
                values: EDGE_COUNTS.get(..self.count).unwrap_or(&EDGE_COUNTS),
                escape_at: &[0],
                escape_values: &self.edges,
            },
        }
    }
}

/// The columns of consecutive objects, in place. All columns have [`Self::len`] rows.
#[derive(Clone, Copy, Debug)]
pub struct ObjectChunk<'a> {
    first: ObjectNumber,
    first_edge: u64,
    last_type: TypeNumber,
    lost: bool,
    address_low: &'a [u32],
    address_high: &'a [u16],
    flags: &'a [u8],
    types: Compact<'a>,
    shallow: Compact<'a>,
    allocated: Compact<'a>,
    refcounts: Compact<'a>,
    lengths: Compact<'a>,
    edge_counts: Compact<'a>,
}

impl<'a> ObjectChunk<'a> {
    /// Number of the first object; the others follow it.
    pub fn first(&self) -> ObjectNumber {
        self.first
    }

    /// Number of objects, at most [`OBJECTS_PER_RECORD`].
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    /// Whether there is none; no chunk that was read is empty.
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }

    /// Number of the first object's first edge. The edges of the objects follow each other without a gap, in a dump over the chunks too.
    pub fn first_edge(&self) -> u64 {
        self.first_edge
    }

    /// The record of these objects is lost: they have no address, no size and an unknown type, and the first one has all their edges.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Addresses in the target's address space.
    pub fn addresses(&self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        self.address_low
            .iter()
            .zip(self.address_high)
            .map(|(low, high)| u64::from(*low) | u64::from(*high) << 32)
    }

    /// Low halves and high parts of the addresses, where they stand.
    pub fn address_columns(&self) -> (&'a [u32], &'a [u16]) {
        (self.address_low, self.address_high)
    }

    /// [`ObjectFlags`] of each object.
    pub fn flags(&self) -> &'a [u8] {
        self.flags
    }

    /// Type numbers: in a chunk of a [`super::Dump`] always indices of its types.
    pub fn types(&self) -> impl Iterator<Item = TypeNumber> + Clone + use<'a> {
        let (lost, last) = (self.lost, self.last_type);
        self.types.iter().map(move |number| clamp(number, lost, last))
    }

    /// Type number of the object in row `row`.
    pub fn type_number(&self, row: usize) -> Option<TypeNumber> {
        (row < self.len()).then(|| clamp(self.types.get(row), self.lost, self.last_type))
    }

    /// What `sys.getsizeof` answers, bytes.
    pub fn shallow(&self) -> Compact<'a> {
        self.shallow
    }

    /// What the objects keep from the allocator, bytes.
    pub fn allocated(&self) -> Compact<'a> {
        self.allocated
    }

    /// `ob_refcnt`.
    pub fn refcounts(&self) -> Compact<'a> {
        self.refcounts
    }

    /// `len()`, meaningful where [`ObjectFlags::HAS_LENGTH`] is set.
    pub fn lengths(&self) -> Compact<'a> {
        self.lengths
    }

    /// Number of edges of each object.
    pub fn edge_counts(&self) -> Compact<'a> {
        self.edge_counts
    }

    /// The object in row `row` of the chunk.
    pub fn object(&self, row: usize) -> Option<Object> {
        let flags = ObjectFlags(*self.flags.get(row)?);
        let address = u64::from(*self.address_low.get(row)?) | u64::from(*self.address_high.get(row)?) << 32;
        Some(Object {
            number: self.first + row as u32,
            address,
            type_number: clamp(self.types.get(row), self.lost, self.last_type),
            flags,
            shallow: self.shallow.get(row),
            allocated: self.allocated.get(row),
            refcount: self.refcounts.get(row),
            length: flags.contains(ObjectFlags::HAS_LENGTH).then(|| self.lengths.get(row)),
        })
    }

    pub(super) fn largest_type(&self) -> u64 {
        if self.lost {
            return u64::from(u32::MAX);
        }
        let small =
            self.types.raw().iter().copied().filter(|value| *value != ESCAPE).max().unwrap_or_default();
        self.types.escape_values.iter().copied().max().unwrap_or_default().max(u64::from(small))
    }
}

fn clamp(number: u64, lost: bool, last: TypeNumber) -> TypeNumber {
    if lost { last } else { number.min(u64::from(last)) as TypeNumber }
}

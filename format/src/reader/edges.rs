//! Edges records: targets and names of up to 65536 edges.

use super::column::Column;
use super::error::Malformed;
use super::items::Items;
use crate::vocabulary::{EDGES_PER_RECORD, Edge, EdgeName, NONE};

/// Where in a body the columns of an edges record stand.
#[derive(Clone, Debug)]
pub(super) struct EdgesLayout {
    first: u64,
    targets: Column<u32>,
    names: Column<u32>,
}

impl EdgesLayout {
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let items = &mut Items::new(body);
        items.array(4, "an array of 4 elements")?;
        let first = items.unsigned("the first edge's number")?;
        let count = items.unsigned("the number of edges")? as usize;
        if !(1..=EDGES_PER_RECORD).contains(&count) {
            return Err(Malformed::Column { column: "count", problem: "not a possible number of edges" });
        }
        Ok(Self {
            first,
            targets: Column::read(body, items, Some(count), "targets")?,
            names: Column::read(body, items, Some(count), "names")?,
        })
    }

    pub(super) fn of<'a>(&self, body: &'a [u8]) -> EdgeChunk<'a> {
        EdgeChunk { first: self.first, targets: self.targets.of(body), names: self.names.of(body) }
    }
}

/// The columns of consecutive edges, in place.
#[derive(Clone, Copy, Debug)]
pub struct EdgeChunk<'a> {
    first: u64,
    targets: &'a [u32],
    names: &'a [u32],
}

impl<'a> EdgeChunk<'a> {
    /// The place of edges whose record is lost: they keep their numbers and dangle.
    pub(super) fn lost(first: u64) -> Self {
        static TARGETS: [u32; EDGES_PER_RECORD] = [NONE; EDGES_PER_RECORD];
        static NAMES: [u32; EDGES_PER_RECORD] = [0; EDGES_PER_RECORD];
        Self { first, targets: &TARGETS, names: &NAMES }
    }

    /// Number of the first edge; the others follow it.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Number of edges, at most [`EDGES_PER_RECORD`].
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is none; no chunk that was read is empty.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Object numbers. Those that are no object of the dump dangle: the dump is incomplete.
    pub fn targets(&self) -> &'a [u32] {
        self.targets
    }

    /// Packed names, see [`EdgeName`].
    pub fn names(&self) -> &'a [u32] {
        self.names
    }

    /// The part that begins behind so many edges, with so many at most: found at once, however far behind.
    pub fn part(&self, skip: usize, most: usize) -> Self {
        let cut = |column: &'a [u32]| {
            let rest = column.get(skip..).unwrap_or_default();
            rest.get(..most).unwrap_or(rest)
        };
        Self { first: self.first + skip as u64, targets: cut(self.targets), names: cut(self.names) }
    }

    /// The edges in sequence.
    pub fn iter(&self) -> impl Iterator<Item = Edge> + Clone + use<'a> {
        self.targets
            .iter()
            .zip(self.names)
            .map(|(target, name)| Edge { target: *target, name: EdgeName(*name) })
    }
}

//! A dump in memory, its columns in place.

use super::digests::{DigestChunk, DigestsLayout};
use super::edges::{EdgeChunk, EdgesLayout};
use super::error::ReadError;
use super::load::{Loader, Section};
use super::mapping::Bytes;
use super::objects::{LostObjects, Object, ObjectChunk, ObjectsLayout};
use super::previews::{PreviewChunk, PreviewsLayout};
use super::roots::{Root, RootsLayout};
use super::types::Type;
use crate::header::{Footer, Header};
use crate::summary::Summary;
use crate::thread::Thread;
use crate::vocabulary::{
    EDGES_PER_RECORD, Edge, EdgeKind, EdgeName, NameNumber, OBJECTS_PER_RECORD, ObjectNumber, PreviewKind,
    TypeNumber,
};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

/// Objects of one record: read, or lost.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the small variant is rare: only damage makes it")]
pub(super) enum ObjectsSlot {
    Read(Section<ObjectsLayout>),
    Lost(LostObjects),
}

/// Edges of one record: read, or lost.
#[derive(Debug)]
pub(super) enum EdgesSlot {
    Read(Section<EdgesLayout>),
    Lost { first: u64 },
}

/// A dump, opened: every record's checksum is verified, every column is checked against its record, and read in place from then on.
///
/// What is damaged or cut off is left out and told by [`Self::warnings`]. The promises to those who go through a dump in bulk hold
/// for every dump that opens: object chunks follow each other without a gap, and so do edge chunks; an object chunk's first edge is
/// the sum of all edge counts before it; type numbers are indices of [`Self::types`]; sums of sizes and of edge counts fit a u64.
/// Not promised, because an incomplete dump cannot keep it: that edges' targets are objects of the dump, and that the last edges that
/// objects count are there ([`Self::edge_count`] tells how many are).
#[derive(Debug)]
pub struct Dump {
    pub(super) bytes: Bytes,
    pub(super) header: Header,
    pub(super) summary: Option<Summary<'static>>,
    pub(super) footer: Option<Footer>,
    pub(super) complete: bool,
    pub(super) warnings: Vec<String>,
    pub(super) names: Vec<Option<Box<str>>>,
    pub(super) types: Vec<Type>,
    pub(super) threads: Vec<Thread>,
    pub(super) objects: Vec<ObjectsSlot>,
    pub(super) object_count: u32,
    pub(super) edges: Vec<EdgesSlot>,
    pub(super) edge_count: u64,
    pub(super) previews: Vec<Section<PreviewsLayout>>,
    pub(super) content_digests: Vec<Section<DigestsLayout>>,
    pub(super) roots: Vec<Section<RootsLayout>>,
    pub(super) digest: u64,
    pub(super) concealed: Option<RandomState>,
}

impl Dump {
    /// Opens a dump by mapping it into memory; what is not a regular file is read to its end first.
    ///
    /// # Errors
    ///
    /// [`ReadError`] where nothing of the file can be used: it is no dump, of another version, or its header is gone.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Loader::load(Bytes::open(path)?)
    }

    /// Opens a dump that was read from elsewhere, such as standard input.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReadError> {
        Loader::load(Bytes::copied(bytes))
    }

    /// As [`Self::from_bytes`], without a copy where the buffer is aligned.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn from_vec(bytes: Vec<u8>) -> Result<Self, ReadError> {
        Loader::load(Bytes::owned(bytes))
    }

    /// Where the dump comes from.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The walker's totals, where its last record is there.
    pub fn summary(&self) -> Option<&Summary<'static>> {
        self.summary.as_ref()
    }

    /// What was known only at the end, where the last record is there.
    pub fn footer(&self) -> Option<&Footer> {
        self.footer.as_ref()
    }

    /// Whether everything that was to be in the dump is there and undamaged.
    pub fn complete(&self) -> bool {
        self.complete
    }

    /// What is missing or damaged, in sentences without a final stop.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A number that two dumps share only if the same can be read from them: made of the checksums of all records and of the places of
    /// what is damaged. Another version of this crate may give another number.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// From now on nobody is to be shown what objects contain: [`Self::seal`] stands for it.
    pub fn conceal(&mut self) {
        self.concealed = Some(RandomState::new());
    }

    /// Whether contents are not to be shown.
    pub fn is_concealed(&self) -> bool {
        self.concealed.is_some()
    }

    /// What stands for a content that is not to be shown: the same for equal contents, of a key that nobody knows, so that it cannot be
    /// found by trying. None where contents may be shown.
    pub fn seal(&self, content: &[u8]) -> Option<u32> {
        Some(self.concealed.as_ref()?.hash_one(content) as u32)
    }

    /// The interpreter's threads.
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// The roots, those of kinds that a later minor version added left out.
    pub fn roots(&self) -> impl Iterator<Item = Root> + '_ {
        self.roots.iter().flat_map(|section| section.layout.of(section.body(self.bytes.as_slice())).iter())
    }

    /// All types, by number. Where objects of unknown type are in the dump, the last one is a type `<unknown>`, object 0xFFFFFFFF.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// The name of this number, if it was recorded.
    pub fn name(&self, number: NameNumber) -> Option<&str> {
        self.names.get(number as usize)?.as_deref()
    }

    /// Number of objects; their numbers are those below it.
    pub fn object_count(&self) -> u32 {
        self.object_count
    }

    /// Number of edges that are in the dump.
    pub fn edge_count(&self) -> u64 {
        self.edge_count
    }

    /// The columns of all objects, in the order of their numbers.
    pub fn object_chunks(&self) -> impl Iterator<Item = ObjectChunk<'_>> + Clone {
        self.objects.iter().map(|slot| self.object_chunk(slot))
    }

    /// The columns of all edges, in the order of their numbers.
    pub fn edge_chunks(&self) -> impl Iterator<Item = EdgeChunk<'_>> + Clone {
        self.edges.iter().map(|slot| self.edge_chunk(slot))
    }

    /// The previews, in the order of their objects' numbers.
    pub fn preview_chunks(&self) -> impl Iterator<Item = PreviewChunk<'_>> + Clone {
        self.previews.iter().map(|section| section.layout.of(section.body(self.bytes.as_slice())))
    }

    /// The digests of contents, in the order of their objects' numbers.
    pub fn digest_chunks(&self) -> impl Iterator<Item = DigestChunk<'_>> + Clone {
        self.content_digests.iter().map(|section| section.layout.of(section.body(self.bytes.as_slice())))
    }

    /// The object of this number.
    pub fn object(&self, number: ObjectNumber) -> Option<Object> {
        let (chunk, row) = self.locate(number)?;
        chunk.object(row)
    }

    /// The object at this address in the target's address space. Goes through all addresses.
    pub fn find(&self, address: u64) -> Option<ObjectNumber> {
        if address == 0 {
            return None;
        }
        let (low, high) = (address as u32, address >> 32);
        self.object_chunks().find_map(|chunk| {
            let (lows, highs) = chunk.address_columns();
            let rows = lows.iter().zip(highs);
            let row = rows.into_iter().position(|(l, h)| *l == low && u64::from(*h) == high)?;
            Some(chunk.first() + row as u32)
        })
    }

    /// The edges of an object, in their order. Those that an incomplete dump does not hold are left out.
    pub fn edges_of(&self, number: ObjectNumber) -> impl Iterator<Item = Edge> + '_ {
        let (start, count) = self.edge_range(number).unwrap_or_default();
        let end = start.saturating_add(count).min(self.edge_count);
        let slots = start as usize / EDGES_PER_RECORD..end.div_ceil(EDGES_PER_RECORD as u64) as usize;
        self.edges.get(slots).unwrap_or_default().iter().flat_map(move |slot| {
            let chunk = self.edge_chunk(slot);
            let skip = start.saturating_sub(chunk.first()) as usize;
            let take = end.saturating_sub(chunk.first() + skip as u64) as usize;
            chunk.part(skip, take).iter()
        })
    }

    /// Number of an object's edges, those included that an incomplete dump does not hold.
    pub fn edge_count_of(&self, number: ObjectNumber) -> u64 {
        self.edge_range(number).unwrap_or_default().1
    }

    /// Number of an object's first edge and of its edges.
    fn edge_range(&self, number: ObjectNumber) -> Option<(u64, u64)> {
        let (chunk, row) = self.locate(number)?;
        let counts = chunk.edge_counts();
        Some((chunk.first_edge().saturating_add(counts.sum_to(row)?), counts.get(row)))
    }

    /// The preview of an object: the first bytes of its content.
    pub fn preview(&self, number: ObjectNumber) -> Option<(PreviewKind, &[u8])> {
        let bytes = self.bytes.as_slice();
        let behind = self.previews.partition_point(|section| {
            section.layout.of(section.body(bytes)).objects().first().is_some_and(|first| *first <= number)
        });
        let section = self.previews.get(behind.checked_sub(1)?)?;
        section.layout.of(section.body(bytes)).find(number)
    }

    /// The edge from an object to its type, which is not recorded: the type's number, and whether the object owns a reference to it.
    pub fn type_edge(&self, object: &Object) -> Option<Edge> {
        let class = self.types.get(object.type_number as usize)?;
        (class.object < self.object_count).then(|| {
            let owned = class.is_heap_type() && !object.flags.contains(crate::ObjectFlags::IMMORTAL);
            let name = EdgeName::new(EdgeKind::Field, crate::EdgeSource::Layout, owned, EdgeName::UNRECORDED);
            Edge { target: class.object, name }
        })
    }

    fn last_type(&self) -> TypeNumber {
        self.types.len().saturating_sub(1) as TypeNumber
    }

    fn locate(&self, number: ObjectNumber) -> Option<(ObjectChunk<'_>, usize)> {
        let slot = self.objects.get(number as usize / OBJECTS_PER_RECORD)?;
        let row = number as usize % OBJECTS_PER_RECORD;
        Some((self.object_chunk(slot), row))
    }

    fn object_chunk<'a>(&'a self, slot: &'a ObjectsSlot) -> ObjectChunk<'a> {
        match slot {
            ObjectsSlot::Read(section) => {
                section.layout.of(section.body(self.bytes.as_slice()), self.last_type())
            }
            ObjectsSlot::Lost(lost) => lost.chunk(self.last_type()),
        }
    }

    fn edge_chunk(&self, slot: &EdgesSlot) -> EdgeChunk<'_> {
        match slot {
            EdgesSlot::Read(section) => section.layout.of(section.body(self.bytes.as_slice())),
            EdgesSlot::Lost { first } => EdgeChunk::lost(*first),
        }
    }
}

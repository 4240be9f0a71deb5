//! Writes the walker's records as the walk goes: bounded buffers, one call of the sink per record.
//!
//! The writer numbers objects, edges, types and names in the order in which they are handed to it, and cuts them into records. It writes neither header
//! nor footer: those are the business of whoever receives the stream.
//!
//! ```
//! use pyheap_format::reader::FrameScanner;
//! use pyheap_format::writer::{ObjectRow, TypeRow, Writer};
//! use pyheap_format::Summary;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut stream = Vec::new();
//! let mut writer = Writer::new(&mut stream);
//! let type_number = writer.type_row(&TypeRow {
//!     object: 0,
//!     address: 0x1000,
//!     module: "builtins",
//!     qualname: "type",
//!     basicsize: 880,
//!     itemsize: 40,
//!     flags: 0,
//!     base: None,
//! });
//! writer.object(&ObjectRow { address: 0x1000, type_number, shallow: 408, allocated: 0, ..ObjectRow::default() })?;
//! writer.finish(&Summary::default())?;
//!
//! let mut scanner = FrameScanner::new();
//! scanner.feed(&stream);
//! while let Some(frame) = scanner.next_frame()? {
//!     println!("a record of kind {}, {} bytes", frame.kind, frame.record.len());
//! }
//! # Ok(())
//! # }
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

use crate::record::{self, kind};
use crate::summary::Summary;
use crate::thread::Thread;
use crate::vocabulary::{
    Digest, EDGES_PER_RECORD, Edge, NameNumber, OBJECTS_PER_RECORD, ObjectFlags, ObjectNumber, PreviewKind,
    RootKind, TypeNumber,
};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use ciborium_ll::Header;
use columns::{DigestColumns, ObjectColumns, PreviewColumns, RootColumns};
use encode::{push, push_column, push_optional, push_text};

mod columns;
mod encode;
mod maps;
mod rows;

pub use rows::{ObjectRow, TypeRow};

/// Previews are flushed when their data reaches this many bytes.
const PREVIEW_BYTES: usize = 256 * 1024;

/// Digests are flushed when there are this many.
const DIGESTS_PER_RECORD: usize = 4096;

/// Roots are flushed when there are this many.
const ROOTS_PER_RECORD: usize = 4096;

/// Where the records go.
pub trait Sink {
    /// Why bytes were not taken.
    type Error;

    /// Takes all of `bytes`, one whole record.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

#[cfg(feature = "std")]
impl Sink for Vec<u8> {
    type Error = core::convert::Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

impl<S: Sink> Sink for &mut S {
    type Error = S::Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        (**self).write(bytes)
    }
}

/// What the writer counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Objects.
    pub objects: u64,
    /// Edges.
    pub edges: u64,
    /// Types.
    pub types: u64,
    /// Names.
    pub names: u64,
    /// Bytes.
    pub shallow_size: u64,
    /// Bytes, without static objects.
    pub allocated_size: u64,
    /// Flagged objects.
    pub unreadable: u64,
    /// Flagged objects.
    pub opaque: u64,
    /// Flagged objects.
    pub estimated: u64,
}

/// Encoded items that wait for the head of their record.
#[derive(Default)]
struct Items {
    first: u64,
    count: u64,
    encoded: Vec<u8>,
}

impl Items {
    fn drain_into(&mut self, body: &mut Vec<u8>) {
        push(body, Header::Array(Some(2)));
        push(body, Header::Positive(self.first));
        push(body, Header::Array(Some(self.count as usize)));
        body.extend_from_slice(&self.encoded);
        self.encoded.clear();
        self.first += self.count;
        self.count = 0;
    }
}

/// Writes records into a [`Sink`].
pub struct Writer<S> {
    sink: S,
    record: Vec<u8>,
    names: Items,
    types: Items,
    objects: ObjectColumns,
    /// Edges of the object under way.
    pending_edges: u64,
    first_edge_in_record: u64,
    edge_targets: Vec<u32>,
    edge_names: Vec<u32>,
    previews: PreviewColumns,
    digests: DigestColumns,
    roots: RootColumns,
    totals: Totals,
}

impl<S: Sink> Writer<S> {
    /// A writer with empty buffers.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            record: Vec::new(),
            names: Items::default(),
            types: Items::default(),
            objects: ObjectColumns::default(),
            pending_edges: 0,
            first_edge_in_record: 0,
            edge_targets: Vec::new(),
            edge_names: Vec::new(),
            previews: PreviewColumns::default(),
            digests: DigestColumns::default(),
            roots: RootColumns::default(),
            totals: Totals::default(),
        }
    }

    /// What was written so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Numbers a name. The caller keeps track of which names it has numbered.
    pub fn name(&mut self, text: &str) -> NameNumber {
        push_text(&mut self.names.encoded, text);
        self.names.count += 1;
        self.totals.names += 1;
        (self.totals.names - 1) as NameNumber
    }

    /// Numbers a type.
    pub fn type_row(&mut self, row: &TypeRow<'_>) -> TypeNumber {
        let out = &mut self.types.encoded;
        push(out, Header::Array(Some(8)));
        push(out, Header::Positive(u64::from(row.object)));
        push(out, Header::Positive(row.address));
        push_text(out, row.module);
        push_text(out, row.qualname);
        push(out, Header::Positive(row.basicsize));
        push(out, Header::Positive(row.itemsize));
        push(out, Header::Positive(row.flags));
        push_optional(out, row.base.map(u64::from));
        self.types.count += 1;
        self.totals.types += 1;
        (self.totals.types - 1) as TypeNumber
    }

    /// Adds an edge to the object under way: the one that the next [`Self::object`] ends.
    pub fn edge(&mut self, edge: Edge) -> Result<(), S::Error> {
        self.edge_targets.push(edge.target);
        self.edge_names.push(edge.name.0);
        self.pending_edges += 1;
        if self.edge_targets.len() == EDGES_PER_RECORD {
            self.flush_edges()?;
        }
        Ok(())
    }

    /// Edges of the object under way so far.
    pub fn pending_edges(&self) -> u64 {
        self.pending_edges
    }

    /// Sets the preview of the object under way; at most one per object.
    pub fn preview(&mut self, kind: PreviewKind, data: &[u8]) -> Result<(), S::Error> {
        self.previews.objects.push(self.totals.objects as u32);
        self.previews.kinds.push(kind as u8);
        self.previews.data.extend_from_slice(data);
        self.previews.ends.push(self.previews.data.len() as u32);
        if self.previews.data.len() >= PREVIEW_BYTES || self.previews.objects.len() >= EDGES_PER_RECORD {
            self.flush_previews()?;
        }
        Ok(())
    }

    /// Sets the digest of the content of the object under way; at most one per object.
    pub fn digest(&mut self, digest: Digest) -> Result<(), S::Error> {
        self.digests.objects.push(self.totals.objects as u32);
        self.digests.digests.push(digest.value);
        self.digests.flags.push(u8::from(digest.uniform));
        if self.digests.objects.len() == DIGESTS_PER_RECORD {
            self.flush_digests()?;
        }
        Ok(())
    }

    /// Ends the object under way: its number is the count of objects before it.
    pub fn object(&mut self, row: &ObjectRow) -> Result<(), S::Error> {
        let columns = &mut self.objects;
        columns.address_low.push(row.address as u32);
        columns.address_high.push((row.address >> 32) as u16);
        columns.flags.push(row.flags.0);
        columns.type_number.push(u64::from(row.type_number));
        columns.shallow.push(row.shallow);
        columns.allocated.push(row.allocated);
        columns.refcount.push(row.refcount);
        columns.length.push(row.length);
        columns.edge_count.push(self.pending_edges);
        self.totals.edges += self.pending_edges;
        self.pending_edges = 0;
        self.totals.objects += 1;
        self.totals.shallow_size += row.shallow;
        if !row.flags.contains(ObjectFlags::STATIC) {
            self.totals.allocated_size += row.allocated;
        }
        self.totals.unreadable += u64::from(row.flags.contains(ObjectFlags::UNREADABLE));
        self.totals.opaque += u64::from(row.flags.contains(ObjectFlags::OPAQUE));
        self.totals.estimated += u64::from(row.flags.contains(ObjectFlags::ESTIMATED));
        if self.objects.flags.len() == OBJECTS_PER_RECORD {
            self.flush_objects()?;
        }
        Ok(())
    }

    /// Adds a root.
    pub fn root(
        &mut self,
        kind: RootKind,
        thread: u32,
        frame: u32,
        name: NameNumber,
        object: ObjectNumber,
    ) -> Result<(), S::Error> {
        self.roots.kinds.push(kind as u8);
        self.roots.threads.push(thread);
        self.roots.frames.push(frame);
        self.roots.names.push(name);
        self.roots.objects.push(object);
        if self.roots.kinds.len() == ROOTS_PER_RECORD {
            self.flush_roots()?;
        }
        Ok(())
    }

    /// Writes a thread record.
    pub fn thread(&mut self, thread: &Thread) -> Result<(), S::Error> {
        self.start();
        maps::push_thread(&mut self.record, thread);
        self.finish_record(kind::THREAD)
    }

    /// Writes what is buffered and the summary: the walk is over. What the writer counts itself takes the place of what stands in `summary`.
    pub fn finish(&mut self, summary: &Summary<'_>) -> Result<(), S::Error> {
        self.flush_edges()?;
        self.flush_objects()?;
        self.flush_previews()?;
        self.flush_digests()?;
        self.flush_roots()?;
        self.flush_names_and_types()?;
        self.start();
        let totals = &self.totals;
        let counted = Summary {
            objects: totals.objects,
            edges: totals.edges,
            types: totals.types,
            shallow_size: totals.shallow_size,
            allocated_size: totals.allocated_size,
            unreadable: totals.unreadable,
            opaque: totals.opaque,
            estimated: totals.estimated,
            error: summary.error.as_deref().map(Cow::Borrowed),
            ..*summary
        };
        maps::push_summary(&mut self.record, &counted);
        self.finish_record(kind::SUMMARY)
    }

    fn flush_names_and_types(&mut self) -> Result<(), S::Error> {
        if self.names.count > 0 {
            self.start();
            self.names.drain_into(&mut self.record);
            self.finish_record(kind::NAMES)?;
        }
        if self.types.count > 0 {
            self.start();
            self.types.drain_into(&mut self.record);
            self.finish_record(kind::TYPES)?;
        }
        Ok(())
    }

    fn flush_objects(&mut self) -> Result<(), S::Error> {
        self.flush_names_and_types()?;
        let count = self.objects.flags.len();
        if count == 0 {
            return Ok(());
        }
        self.start();
        let out = &mut self.record;
        let columns = &mut self.objects;
        push(out, Header::Array(Some(12)));
        push(out, Header::Positive(self.totals.objects - count as u64));
        push(out, Header::Positive(count as u64));
        push(out, Header::Positive(columns.first_edge));
        push_column(out, 70, &columns.address_low);
        push_column(out, 69, &columns.address_high);
        push_column(out, 64, &columns.flags);
        let compacts = [
            &mut columns.type_number,
            &mut columns.shallow,
            &mut columns.allocated,
            &mut columns.refcount,
            &mut columns.length,
            &mut columns.edge_count,
        ];
        for compact in compacts {
            push(out, Header::Array(Some(3)));
            push_column(out, 69, &compact.values);
            push_column(out, 70, &compact.escape_at);
            push_column(out, 71, &compact.escape_values);
            compact.clear();
        }
        columns.address_low.clear();
        columns.address_high.clear();
        columns.flags.clear();
        columns.first_edge = self.totals.edges;
        self.finish_record(kind::OBJECTS)
    }

    fn flush_edges(&mut self) -> Result<(), S::Error> {
        let count = self.edge_targets.len();
        if count == 0 {
            return Ok(());
        }
        self.start();
        let out = &mut self.record;
        push(out, Header::Array(Some(4)));
        push(out, Header::Positive(self.first_edge_in_record));
        push(out, Header::Positive(count as u64));
        push_column(out, 70, &self.edge_targets);
        push_column(out, 70, &self.edge_names);
        self.first_edge_in_record += count as u64;
        self.edge_targets.clear();
        self.edge_names.clear();
        self.finish_record(kind::EDGES)
    }

    fn flush_previews(&mut self) -> Result<(), S::Error> {
        let count = self.previews.objects.len();
        if count == 0 {
            return Ok(());
        }
        self.start();
        let out = &mut self.record;
        let columns = &mut self.previews;
        push(out, Header::Array(Some(5)));
        push(out, Header::Positive(count as u64));
        push_column(out, 70, &columns.objects);
        push_column(out, 64, &columns.kinds);
        push_column(out, 70, &columns.ends);
        push(out, Header::Bytes(Some(columns.data.len())));
        out.extend_from_slice(&columns.data);
        columns.objects.clear();
        columns.kinds.clear();
        columns.ends.clear();
        columns.data.clear();
        self.finish_record(kind::PREVIEWS)
    }

    fn flush_digests(&mut self) -> Result<(), S::Error> {
        let count = self.digests.objects.len();
        if count == 0 {
            return Ok(());
        }
        self.start();
        let out = &mut self.record;
        let columns = &mut self.digests;
        push(out, Header::Array(Some(4)));
        push(out, Header::Positive(count as u64));
        push_column(out, 70, &columns.objects);
        push_column(out, 71, &columns.digests);
        push_column(out, 64, &columns.flags);
        columns.objects.clear();
        columns.digests.clear();
        columns.flags.clear();
        self.finish_record(kind::DIGESTS)
    }

    fn flush_roots(&mut self) -> Result<(), S::Error> {
        let count = self.roots.kinds.len();
        if count == 0 {
            return Ok(());
        }
        self.flush_names_and_types()?;
        self.start();
        let out = &mut self.record;
        let columns = &mut self.roots;
        push(out, Header::Array(Some(6)));
        push(out, Header::Positive(count as u64));
        push_column(out, 64, &columns.kinds);
        for column in [&mut columns.threads, &mut columns.frames, &mut columns.names, &mut columns.objects] {
            push_column(out, 70, column);
            column.clear();
        }
        columns.kinds.clear();
        self.finish_record(kind::ROOTS)
    }

    /// Starts a record in the buffer, with room for its head.
    fn start(&mut self) {
        self.record.clear();
        self.record.resize(record::BODY_OFFSET, 0);
    }

    /// Fills in the head of the record in the buffer and hands it to the sink.
    fn finish_record(&mut self, kind: u8) -> Result<(), S::Error> {
        let Some((head, body)) = self.record.split_at_mut_checked(record::BODY_OFFSET) else {
            return Ok(());
        };
        head.copy_from_slice(&record::record_head(kind, crc32fast::hash(body), body.len() as u32));
        let padding = record::record_padding(body.len());
        self.record.extend_from_slice(padding);
        self.sink.write(&self.record)
    }
}

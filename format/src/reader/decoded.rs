//! A record's body, taken apart.

use super::digests::{DigestChunk, DigestsLayout};
use super::edges::{EdgeChunk, EdgesLayout};
use super::error::Malformed;
use super::objects::{ObjectChunk, ObjectsLayout};
use super::previews::{PreviewChunk, PreviewsLayout};
use super::roots::{RootChunk, RootsLayout};
use super::types::{Type, read_names, read_types};
use crate::header::{Footer, Header};
use crate::record::kind;
use crate::summary::Summary;
use crate::thread::Thread;
use crate::vocabulary::TypeNumber;
use serde::de::DeserializeOwned;

/// A record of a stream, taken apart; columns stay where they are.
#[derive(Debug)]
pub enum Record<'a> {
    /// Where the dump comes from.
    Header(Header),
    /// Number of the first name, and the names.
    Names(u64, Vec<Box<str>>),
    /// Number of the first type, and the types.
    Types(u64, Vec<Type>),
    /// Objects.
    Objects(ObjectChunk<'a>),
    /// Edges.
    Edges(EdgeChunk<'a>),
    /// Previews.
    Previews(PreviewChunk<'a>),
    /// Digests of contents.
    Digests(DigestChunk<'a>),
    /// A thread.
    Thread(Thread),
    /// Roots.
    Roots(RootChunk<'a>),
    /// The walker's totals: its last record.
    Summary(Summary<'static>),
    /// The last record.
    Footer(Footer),
    /// A kind that a later minor version added.
    Unknown(u8),
}

impl<'a> Record<'a> {
    /// Takes a body apart. It must stand in memory as [`super::Frame::body`] does: columns are used in place.
    pub fn decode(kind: u8, body: &'a [u8]) -> Result<Self, Malformed> {
        Ok(match kind {
            kind::HEADER => Self::Header(map(body)?),
            kind::NAMES => {
                let (first, names) = read_names(body)?;
                Self::Names(first, names)
            }
            kind::TYPES => {
                let (first, types) = read_types(body)?;
                Self::Types(first, types)
            }
            kind::OBJECTS => Self::Objects(ObjectsLayout::read(body)?.of(body, TypeNumber::MAX)),
            kind::EDGES => Self::Edges(EdgesLayout::read(body)?.of(body)),
            kind::PREVIEWS => Self::Previews(PreviewsLayout::read(body)?.of(body)),
            kind::DIGESTS => Self::Digests(DigestsLayout::read(body)?.of(body)),
            kind::THREAD => Self::Thread(map(body)?),
            kind::ROOTS => Self::Roots(RootsLayout::read(body)?.of(body)),
            kind::SUMMARY => Self::Summary(map(body)?),
            kind::FOOTER => Self::Footer(map(body)?),
            unknown => Self::Unknown(unknown),
        })
    }
}

/// Reads a map with text keys.
pub(super) fn map<T: DeserializeOwned>(body: &[u8]) -> Result<T, Malformed> {
    ciborium::from_reader(body).map_err(|error| Malformed::Map(error.to_string()))
}

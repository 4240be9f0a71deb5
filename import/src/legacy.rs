//! The legacy format as it stands in the file: borrowed, not interpreted.

use std::collections::HashSet;
use thiserror::Error;
use winnow::binary::{be_i16, be_u8, be_u16, be_u32, be_u64, length_take};
use winnow::combinator::repeat;
use winnow::error::ContextError;
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::take;

const MAGIC: u64 = 123_000_321;
const VERSION: u32 = 1;
const WITH_REPRESENTATIONS: u64 = 1;

type Input<'a> = LocatingSlice<&'a [u8]>;
type Parsed<T> = Result<T, ContextError>;

/// Why nothing of a file can be imported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// It starts differently.
    #[error("this is no dump of the Python implementation of pyheap")]
    Foreign,
    /// Another version than the one that was released.
    #[error("the .pyheap file has version {found}, but only version 1 is known")]
    Version {
        /// Version of the file.
        found: u32,
    },
    /// It ends, or is damaged, before its objects.
    #[error("the .pyheap file is cut off or damaged before its first object, at byte {offset} of {length}")]
    Damaged {
        /// From the start of the file, bytes.
        offset: usize,
        /// Of the file, bytes.
        length: usize,
    },
}

/// Whether a file is, by its first bytes, a dump of the Python implementation.
pub fn is_legacy(file: &[u8]) -> bool {
    file.starts_with(&MAGIC.to_be_bytes())
}

/// A file, as far as it can be read.
#[derive(Debug)]
pub(crate) struct File<'a> {
    pub(crate) created: String,
    /// Names of builtin types, by address.
    pub(crate) well_known: Vec<(u64, String)>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) frequent_attributes: Vec<&'a [u8]>,
    pub(crate) objects: Vec<Object<'a>>,
    /// Names of types, by address.
    pub(crate) types: Vec<(u64, String)>,
    /// Where the file is cut off or damaged, bytes from its start.
    pub(crate) damaged_at: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) name: String,
    pub(crate) alive: bool,
    pub(crate) daemon: bool,
    pub(crate) frames: Vec<Frame>,
}

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) function: String,
    pub(crate) locals: Vec<(String, u64)>,
}

/// A run of addresses where it stands in the file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Addresses<'a>(&'a [u8]);

impl<'a> Addresses<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = u64> + 'a {
        self.0.as_chunks().0.iter().map(|bytes| u64::from_be_bytes(*bytes))
    }

    pub(crate) fn len(self) -> usize {
        self.0.len() / 8
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// What objects of some builtin types contain.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a> {
    /// Of a list or tuple.
    Sequence(Addresses<'a>),
    Set(Addresses<'a>),
    /// Keys and values in turn.
    Dict(Addresses<'a>),
    /// The type is none of these.
    Other,
}

#[derive(Clone, Debug)]
pub(crate) struct Object<'a> {
    pub(crate) address: u64,
    pub(crate) class: u64,
    pub(crate) size: u32,
    pub(crate) content: Content<'a>,
    /// Without those that are content.
    pub(crate) referents: Addresses<'a>,
    /// Encoded: see [`File::attributes`].
    attributes: &'a [u8],
    pub(crate) representation: Option<&'a [u8]>,
}

impl<'a> File<'a> {
    /// Reads a file; what is behind damage is left out.
    pub(crate) fn read(file: &'a [u8]) -> Result<Self, ImportError> {
        let mut input = LocatingSlice::new(file);
        if be_u64::<_, ContextError>.parse_next(&mut input) != Ok(MAGIC) {
            return Err(ImportError::Foreign);
        }
        match be_u32::<_, ContextError>.parse_next(&mut input) {
            Ok(VERSION) | Err(_) => {}
            Ok(found) => return Err(ImportError::Version { found }),
        }
        match front(&mut input) {
            Ok((mut read, layout)) => {
                if read.objects_and_types(&mut input, &layout).is_err() {
                    read.damaged_at = Some(input.current_token_start());
                }
                Ok(read)
            }
            Err(_) => Err(ImportError::Damaged { offset: input.current_token_start(), length: file.len() }),
        }
    }

    fn objects_and_types(&mut self, input: &mut Input<'a>, layout: &Layout) -> Parsed<()> {
        let count = be_u32.parse_next(input)?;
        for _ in 0..count {
            // An object that is cut off leaves the place of the damage at its start.
            let start = *input;
            match object(input, layout) {
                Ok(object) => self.objects.push(object),
                Err(error) => {
                    *input = start;
                    return Err(error);
                }
            }
        }
        self.types = list(input, |input| Ok((be_u64.parse_next(input)?, text(input)?)))?;
        be_u64.verify(|magic| *magic == MAGIC).void().parse_next(input)
    }

    /// The attributes of an object, of its class and of that one's bases; none for objects of the most common types.
    pub(crate) fn attributes(&self, object: &Object<'a>) -> impl Iterator<Item = (&'a [u8], u64)> {
        let mut input = LocatingSlice::new(object.attributes);
        std::iter::from_fn(move || attribute(&mut input).ok()).map(|(name, value)| match name {
            AttributeName::Written(name) => (name, value),
            AttributeName::Frequent(index) => {
                (self.frequent_attributes.get(index).copied().unwrap_or(b"?"), value)
            }
        })
    }
}

/// What decides which parts an object has.
struct Layout {
    dict: Option<u64>,
    set: Option<u64>,
    list: Option<u64>,
    tuple: Option<u64>,
    without_attributes: HashSet<u64>,
    with_representations: bool,
}

/// Everything before the objects.
fn front<'a>(input: &mut Input<'a>) -> Parsed<(File<'a>, Layout)> {
    let created = text(input)?;
    let flags = be_u64.parse_next(input)?;
    let well_known = list(input, |input| {
        let name = text(input)?;
        Ok((be_u64.parse_next(input)?, name))
    })?;
    let threads = list(input, thread)?;
    let frequent_attributes = list(input, bytes)?;
    let common = list(input, |input| {
        let class = be_u64.parse_next(input)?;
        skip_attributes(input)?;
        Ok(class)
    })?;
    let of_name = |wanted: &str| {
        well_known.iter().find_map(|(address, name): &(u64, String)| (name == wanted).then_some(*address))
    };
    let layout = Layout {
        dict: of_name("dict"),
        set: of_name("set"),
        list: of_name("list"),
        tuple: of_name("tuple"),
        without_attributes: common.into_iter().collect(),
        with_representations: flags & WITH_REPRESENTATIONS != 0,
    };
    let file = File {
        created,
        well_known,
        threads,
        frequent_attributes,
        objects: Vec::new(),
        types: Vec::new(),
        damaged_at: None,
    };
    Ok((file, layout))
}

fn thread(input: &mut Input<'_>) -> Parsed<Thread> {
    Ok(Thread {
        name: text(input)?,
        alive: be_u8.parse_next(input)? != 0,
        daemon: be_u8.parse_next(input)? != 0,
        frames: list(input, frame)?,
    })
}

fn frame(input: &mut Input<'_>) -> Parsed<Frame> {
    Ok(Frame {
        file: text(input)?,
        line: be_u32.parse_next(input)?,
        function: text(input)?,
        locals: list(input, |input| Ok((text(input)?, be_u64.parse_next(input)?)))?,
    })
}

fn object<'a>(input: &mut Input<'a>, layout: &Layout) -> Parsed<Object<'a>> {
    let address = be_u64.parse_next(input)?;
    let class = be_u64.parse_next(input)?;
    let size = be_u32.parse_next(input)?;
    let is = |of: Option<u64>| of == Some(class);
    let content = if is(layout.dict) {
        Content::Dict(addresses(input, 2)?)
    } else if is(layout.list) || is(layout.tuple) {
        Content::Sequence(addresses(input, 1)?)
    } else if is(layout.set) {
        Content::Set(addresses(input, 1)?)
    } else {
        Content::Other
    };
    let referents = addresses(input, 1)?;
    let attributes = if layout.without_attributes.contains(&class) { &[] } else { skip_attributes(input)? };
    let represented = layout.with_representations && matches!(content, Content::Other);
    let representation = if represented { Some(bytes(input)?) } else { None };
    Ok(Object { address, class, size, content, referents, attributes, representation })
}

/// A list of items of `width` addresses each.
fn addresses<'a>(input: &mut Input<'a>, width: u64) -> Parsed<Addresses<'a>> {
    let count = be_u32.parse_next(input)?;
    let length = u64::from(count) * width * 8;
    Ok(Addresses(take(usize::try_from(length).unwrap_or(usize::MAX)).parse_next(input)?))
}

enum AttributeName<'a> {
    Written(&'a [u8]),
    Frequent(usize),
}

fn attribute<'a>(input: &mut Input<'a>) -> Parsed<(AttributeName<'a>, u64)> {
    let number = be_i16.parse_next(input)?;
    let name = match usize::try_from(number) {
        Ok(length) => AttributeName::Written(take(length).parse_next(input)?),
        Err(_) => AttributeName::Frequent((-1 - i32::from(number)) as usize),
    };
    Ok((name, be_u64.parse_next(input)?))
}

/// The encoded attributes of a list.
fn skip_attributes<'a>(input: &mut Input<'a>) -> Parsed<&'a [u8]> {
    let count = be_u32.parse_next(input)?;
    repeat::<_, _, (), _, _>(count as usize, attribute.void()).take().parse_next(input)
}

fn bytes<'a>(input: &mut Input<'a>) -> Parsed<&'a [u8]> {
    length_take(be_u16).parse_next(input)
}

fn text(input: &mut Input<'_>) -> Parsed<String> {
    Ok(String::from_utf8_lossy(bytes(input)?).into_owned())
}

/// A list; nothing is allocated for items that are not there.
fn list<'a, T>(input: &mut Input<'a>, mut item: impl FnMut(&mut Input<'a>) -> Parsed<T>) -> Parsed<Vec<T>> {
    let count = be_u32.parse_next(input)?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(input)?);
    }
    Ok(items)
}

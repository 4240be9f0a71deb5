//! Opens a dump: goes through its records once, checks them and keeps where their columns stand.

use super::available;
use super::compression::{decompress, is_compressed};
use super::decoded::map;
use super::digests::DigestsLayout;
use super::dump::{Dump, EdgesSlot, ObjectsSlot};
use super::edges::EdgesLayout;
use super::error::{Malformed, ReadError};
use super::mapping::Bytes;
use super::objects::{LostObjects, ObjectsLayout};
use super::previews::PreviewsLayout;
use super::roots::RootsLayout;
use super::scan::{Found, Scan};
use super::types::{Type, read_names, read_types};
use crate::Summary;
use crate::header::Header;
use crate::record::{BODY_OFFSET, kind};
use crate::vocabulary::{EDGES_PER_RECORD, FORMAT_VERSION, OBJECTS_PER_RECORD, ObjectNumber, TypeNumber};
use serde::Deserialize;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// The least that an object or an edge takes in a file, bytes: bounds how many a damaged part can have held.
const OBJECT_BYTES: usize = 19;
const EDGE_BYTES: usize = 8;

/// Warnings of one kind of damage are told one by one up to here.
const WARNINGS: usize = 20;

/// A record's body and where its columns stand in it.
#[derive(Debug)]
pub(super) struct Section<T> {
    pub(super) body: Range<usize>,
    pub(super) layout: T,
}

impl<T> Section<T> {
    pub(super) fn body<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        file.get(self.body.clone()).unwrap_or_default()
    }
}

/// The part of a header that every version has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Version {
    format: String,
    version: (u32, u32),
}

/// What opening has found so far.
pub(super) struct Loader {
    dump: Dump,
    /// Sums over all objects so far; that they fit is promised to readers.
    edge_sum: u64,
    shallow_sum: u64,
    allocated_sum: u64,
    largest_type: Option<u64>,
    /// Bytes of damaged records that lost objects or edges may have stood in.
    damaged: usize,
    last_previewed: Option<u32>,
    last_digested: Option<u32>,
    untold: usize,
}

impl Loader {
    pub(super) fn load(bytes: Bytes) -> Result<Dump, ReadError> {
        if !is_compressed(bytes.as_slice()) {
            return Self::load_plain(bytes, None);
        }
        // The rest is for what is made of the dump, and for everybody else.
        let most = available::memory() / 4 * 3;
        let (content, problem) = decompress(bytes.as_slice(), most)?;
        // Not both at once: the compressed bytes may have been read into memory.
        drop(bytes);
        Self::load_plain(Bytes::owned(content), problem)
    }

    /// Loads a dump that is not, or no longer, compressed; `problem` tells that its end could not be decompressed.
    fn load_plain(bytes: Bytes, problem: Option<String>) -> Result<Dump, ReadError> {
        let header = read_header(bytes.as_slice())?;
        let mut loader = Self {
            dump: Dump {
                // Taken out while the records are gone through, put back at the end.
                bytes: Bytes::copied(&[]),
                header,
                summary: None,
                footer: None,
                complete: false,
                warnings: Vec::new(),
                names: Vec::new(),
                types: Vec::new(),
                threads: Vec::new(),
                objects: Vec::new(),
                object_count: 0,
                edges: Vec::new(),
                edge_count: 0,
                previews: Vec::new(),
                content_digests: Vec::new(),
                roots: Vec::new(),
                digest: 0,
                concealed: None,
            },
            edge_sum: 0,
            shallow_sum: 0,
            allocated_sum: 0,
            largest_type: None,
            damaged: 0,
            last_previewed: None,
            last_digested: None,
            untold: 0,
        };
        if let Some(problem) = problem {
            loader.warn(problem);
        }
        loader.records(bytes.as_slice());
        loader.finish();
        loader.dump.bytes = bytes;
        Ok(loader.dump)
    }

    fn records(&mut self, file: &[u8]) {
        let mut scan = Scan::new(file);
        let mut digest = DefaultHasher::new();
        while let Some(found) = scan.next() {
            match &found {
                // The head of a record holds its kind, its length and the checksum of its body, which has just been verified.
                Found::Record { body, .. } => {
                    file.get(body.start.saturating_sub(BODY_OFFSET)..body.start).hash(&mut digest);
                }
                Found::Damaged(range) | Found::CutOff(range) => range.hash(&mut digest),
            }
            match found {
                Found::Record { kind: kind::HEADER, .. } => {}
                Found::Record { kind, body } => {
                    let content = file.get(body.clone()).unwrap_or_default();
                    if let Err(reason) = self.record(kind, body.clone(), content) {
                        self.damaged += body.len();
                        self.warn(format!(
                            "the {} record at byte {} is left out: {reason}",
                            name_of(kind),
                            body.start
                        ));
                    }
                    if kind == kind::FOOTER && scan.position() < file.len() {
                        let rest = file.len() - scan.position();
                        self.warn(format!("{rest} bytes behind the footer are ignored"));
                        break;
                    }
                }
                Found::Damaged(range) => {
                    self.damaged += range.len();
                    self.warn(format!(
                        "{} bytes at byte {} are damaged: what was recorded there is lost",
                        range.len(),
                        range.start
                    ));
                }
                Found::CutOff(range) => {
                    self.warn(format!("the file is cut off within the record at byte {}", range.start));
                }
            }
        }
        self.dump.digest = digest.finish();
    }

    fn record(&mut self, kind: u8, body: Range<usize>, content: &[u8]) -> Result<(), Malformed> {
        match kind {
            kind::NAMES => {
                let (first, names) = read_names(content)?;
                let first = self.numbered("names", first, self.dump.names.len())?;
                self.dump.names.resize(first, None);
                self.dump.names.extend(names.into_iter().map(Some));
            }
            kind::TYPES => {
                let (first, types) = read_types(content)?;
                let first = self.numbered("types", first, self.dump.types.len())?;
                self.dump.types.resize(first, Type::unknown());
                self.dump.types.extend(types);
            }
            kind::OBJECTS => {
                self.objects(Section { body, layout: ObjectsLayout::read(content)? }, content)?
            }
            kind::EDGES => self.edges(Section { body, layout: EdgesLayout::read(content)? }, content)?,
            kind::PREVIEWS => {
                self.previews(Section { body, layout: PreviewsLayout::read(content)? }, content)?
            }
            kind::DIGESTS => {
                self.digests(Section { body, layout: DigestsLayout::read(content)? }, content)?
            }
            kind::THREAD => self.dump.threads.push(map(content)?),
            kind::ROOTS => self.dump.roots.push(Section { body, layout: RootsLayout::read(content)? }),
            kind::SUMMARY => self.dump.summary = Some(map(content)?),
            kind::FOOTER => self.dump.footer = Some(map(content)?),
            _ => {}
        }
        Ok(())
    }

    /// Where a run of names or types belongs: behind those before it, with room only for what damage can have taken.
    fn numbered(&self, column: &'static str, first: u64, have: usize) -> Result<usize, Malformed> {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        if first < have || first - have > self.damaged {
            return Err(Malformed::Column { column, problem: "out of sequence" });
        }
        Ok(first)
    }

    fn objects(&mut self, section: Section<ObjectsLayout>, body: &[u8]) -> Result<(), Malformed> {
        let chunk = section.layout.of(body, TypeNumber::MAX);
        let wrong = |column, problem| Err(Malformed::Column { column, problem });
        let have = self.dump.object_count as usize;
        let first = chunk.first() as usize;
        let whole = first.is_multiple_of(OBJECTS_PER_RECORD) && have.is_multiple_of(OBJECTS_PER_RECORD);
        if first < have || !whole || (first - have) > self.damaged / OBJECT_BYTES {
            return wrong("first", "out of sequence");
        }
        let gap = first - have;
        let edges = chunk.first_edge();
        if edges < self.edge_sum || (gap == 0 && edges != self.edge_sum) {
            return wrong("first_edge", "not the sum of the edges before");
        }
        let sums = (
            chunk.edge_counts().sum_to(chunk.len()).and_then(|sum| sum.checked_add(edges)),
            chunk.shallow().sum_to(chunk.len()).and_then(|sum| sum.checked_add(self.shallow_sum)),
            chunk.allocated().sum_to(chunk.len()).and_then(|sum| sum.checked_add(self.allocated_sum)),
        );
        let (Some(edge_sum), Some(shallow_sum), Some(allocated_sum)) = sums else {
            return wrong("sizes", "their sum exceeds 2^64");
        };
        self.lose_objects(gap, edges - self.edge_sum);
        (self.edge_sum, self.shallow_sum, self.allocated_sum) = (edge_sum, shallow_sum, allocated_sum);
        self.largest_type = self.largest_type.max(Some(chunk.largest_type()));
        self.dump.object_count += chunk.len() as u32;
        self.dump.objects.push(ObjectsSlot::Read(section));
        Ok(())
    }

    /// Fills a gap of objects, and gives the first of them the edges that belong there.
    fn lose_objects(&mut self, gap: usize, edges: u64) {
        let mut edges = edges;
        for _ in 0..gap / OBJECTS_PER_RECORD {
            self.dump.objects.push(ObjectsSlot::Lost(LostObjects {
                first: self.dump.object_count,
                count: OBJECTS_PER_RECORD,
                first_edge: self.edge_sum,
                edges: [edges],
            }));
            self.edge_sum += edges;
            edges = 0;
            self.dump.object_count += OBJECTS_PER_RECORD as u32;
            self.largest_type = Some(u64::MAX);
        }
    }

    fn edges(&mut self, section: Section<EdgesLayout>, body: &[u8]) -> Result<(), Malformed> {
        let chunk = section.layout.of(body);
        let have = self.dump.edge_count;
        let room = (self.damaged / EDGE_BYTES) as u64;
        let first = chunk.first();
        let record = EDGES_PER_RECORD as u64;
        let whole = first.is_multiple_of(record) && have.is_multiple_of(record);
        if first < have || !whole || first - have > room {
            return Err(Malformed::Column { column: "first", problem: "out of sequence" });
        }
        for lost in (have..first).step_by(EDGES_PER_RECORD) {
            self.dump.edges.push(EdgesSlot::Lost { first: lost });
        }
        self.dump.edge_count = first + chunk.len() as u64;
        self.dump.edges.push(EdgesSlot::Read(section));
        Ok(())
    }

    fn previews(&mut self, section: Section<PreviewsLayout>, body: &[u8]) -> Result<(), Malformed> {
        follows(&mut self.last_previewed, section.layout.of(body).objects())?;
        self.dump.previews.push(section);
        Ok(())
    }

    fn digests(&mut self, section: Section<DigestsLayout>, body: &[u8]) -> Result<(), Malformed> {
        follows(&mut self.last_digested, section.layout.of(body).objects())?;
        self.dump.content_digests.push(section);
        Ok(())
    }

    fn finish(&mut self) {
        let damaged = !self.dump.warnings.is_empty();
        let unknown = match self.largest_type {
            Some(largest) => largest >= self.dump.types.len() as u64,
            None => false,
        };
        if unknown {
            self.dump.types.push(Type::unknown());
            self.warn("some objects are of a type that was not recorded; they are shown as <unknown>".into());
        }
        match (&self.dump.summary, &self.dump.footer) {
            (None, _) => self.warn(format!(
                "the dump is incomplete: it ends before the walk did, with {} objects; what they refer to may be missing",
                self.dump.object_count
            )),
            (Some(Summary { error: Some(error), .. }), _) => {
                let warning = format!("the dump is incomplete: the walk ended early: {error}");
                self.warn(warning);
            }
            (Some(_), None) => self.warn("the dump is incomplete: its footer is missing".into()),
            (Some(summary), Some(_)) => {
                let found = (u64::from(self.dump.object_count), self.dump.edge_count);
                let told = (summary.objects, summary.edges);
                if found != told && !damaged {
                    self.warn(format!(
                        "the dump holds {} objects and {} edges, but its summary counts {} and {}",
                        found.0, found.1, told.0, told.1
                    ));
                } else if !unknown {
                    self.dump.complete = !damaged;
                }
            }
        }
        if self.untold > 0 {
            let warning = format!("and {} more damaged places", self.untold);
            self.dump.warnings.push(warning);
        }
    }

    fn warn(&mut self, warning: String) {
        if self.dump.warnings.len() < WARNINGS {
            self.dump.warnings.push(warning);
        } else {
            self.untold += 1;
        }
    }
}

fn read_header(file: &[u8]) -> Result<Header, ReadError> {
    if file.is_empty() {
        return Err(ReadError::Empty);
    }
    if !file.starts_with(&[0x84, kind::HEADER, 0x1A]) {
        return Err(ReadError::Foreign { start: file.iter().copied().take(8).collect() });
    }
    let reason = |reason: String| ReadError::Header { reason };
    let body = match Scan::new(file).next() {
        Some(Found::Record { body, .. }) => file.get(body).unwrap_or_default(),
        Some(Found::CutOff(_)) | None => return Err(reason("the file ends within it".into())),
        Some(Found::Damaged(_)) => return Err(reason("its checksum is wrong".into())),
    };
    let version: Version = map(body).map_err(|error| reason(error.to_string()))?;
    if version.format != "pyheap" {
        return Err(ReadError::Foreign { start: file.iter().copied().take(8).collect() });
    }
    let (found, supported) = (version.version, FORMAT_VERSION.0);
    if found.0 < supported {
        return Err(ReadError::TooOld { found, supported });
    }
    if found.0 > supported {
        return Err(ReadError::TooNew { found, supported });
    }
    map(body).map_err(|error| reason(error.to_string()))
}

/// Whether these objects come behind the last ones of their kind, which they are from now on.
fn follows(last: &mut Option<ObjectNumber>, objects: &[ObjectNumber]) -> Result<(), Malformed> {
    let (Some(first), Some(end)) = (objects.first(), objects.last()) else { return Ok(()) };
    if last.is_some_and(|before| before >= *first) {
        return Err(Malformed::Column { column: "objects", problem: "not strictly increasing" });
    }
    *last = Some(*end);
    Ok(())
}

fn name_of(kind: u8) -> &'static str {
    match kind {
        kind::NAMES => "names",
        kind::TYPES => "types",
        kind::OBJECTS => "objects",
        kind::EDGES => "edges",
        kind::PREVIEWS => "previews",
        kind::DIGESTS => "digests",
        kind::THREAD => "thread",
        kind::ROOTS => "roots",
        kind::SUMMARY => "summary",
        kind::FOOTER => "footer",
        _ => "unknown",
    }
}

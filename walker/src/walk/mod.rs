//! The walk: every object once, numbered at first sight, written in that order.

mod data;
mod edges;
mod extents;
mod index;
mod names;
mod sizes;
mod threads;
mod type_table;

use crate::interpreter::Interpreter;
use crate::layout::{ReferenceCount, fixed, flag};
use crate::memory::{Memory, Traversal, Unreadable};
use crate::read::strings;
use crate::types::kinds::Kind;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
pub(crate) use edges::{MOST_ELEMENTS, Reach};
pub use extents::Extents;
use index::{Full, Index};
use pyheap_format::Summary;
use pyheap_format::vocabulary::{Edge, EdgeKind, EdgeName, EdgeSource, NONE, ObjectFlags, RootKind};
use pyheap_format::writer::{ObjectRow, Sink, Writer};
pub(crate) use sizes::{Measure, rounded};
use type_table::UNREADABLE_TYPE;
pub(crate) use type_table::{Member, TypeInfo};

/// What to walk and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Characters or bytes to keep of a str or bytes; 0 keeps none.
    pub str_repr_len: u32,
    /// Bytes of the largest content that gets a digest; without previews none does.
    pub digest_limit: u64,
    /// Address range of the object file that holds the interpreter: objects in it are static.
    pub image: Range<u64>,
    /// Variables of everything that is loaded: they can hold objects, and be objects.
    pub data: Vec<Data>,
    /// What is mapped; where nothing is known, sizes are believed whose last byte can be read.
    pub extents: Extents,
}

/// Memory that no object owns, as a whole: the variables of a library.
#[derive(Clone, Debug)]
pub struct Data {
    /// Where it stands.
    pub range: Range<u64>,
    /// Whose it is.
    pub of: String,
}

/// Why a walk ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The sink takes no more.
    Sink,
    /// More than 2^32 objects, or no memory for the walker's own tables.
    Full,
}

/// Why something about one object could not be found out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The target's memory: the object is marked, the walk goes on.
    Unreadable,
    /// The walk must end.
    Failure(Failure),
}

impl From<Unreadable> for Fault {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}

impl From<Full> for Fault {
    fn from(Full: Full) -> Self {
        Self::Failure(Failure::Full)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Whether there is more to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Call [`Walk::step`] again.
    More,
    /// All objects are written; call [`Walk::finish`].
    Done,
}

/// A value that may be a reference: in a slot of an evaluation stack of unknown depth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Possible {
    pub address: u64,
    pub thread: u32,
    pub frame: u32,
}

/// A referent that an object's layout names, until it is known whether `tp_traverse` visits it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub target: u64,
    pub kind: EdgeKind,
    pub owned: bool,
    pub payload: u32,
    pub visited: bool,
}

/// A walk under way.
pub struct Walk<'m, M, S> {
    pub(crate) memory: &'m M,
    pub(crate) interpreter: Interpreter,
    pub(crate) options: Options,
    pub(crate) writer: Writer<S>,
    /// Objects by address; its list is the queue.
    pub(crate) objects: Index,
    next: u32,
    pub(crate) type_index: Index,
    /// By number in `type_index`: the type's number, unless it is none.
    pub(crate) type_numbers: Vec<Option<u32>>,
    pub(crate) types: Vec<TypeInfo>,
    pub(crate) members: Vec<Member>,
    pub(crate) last_type: Option<(u64, u32, TypeInfo)>,
    /// Names read from the target, by the address of the string.
    name_index: Index,
    name_numbers: Vec<u32>,
    /// `subtype_traverse`: the `tp_traverse` of classes made by a class statement; 0 if unknown.
    pub(crate) python_class_traverse: u64,
    /// Address of the type `str`.
    pub(crate) str_type: u64,
    /// `lookdict` (3.8 to 3.10): the lookup function of dicts whose keys are not all strings.
    pub(crate) general_lookup: u64,
    /// The dicts of interned strings, which count no references to them.
    pub(crate) interned: Vec<u64>,
    /// Whether a dict visits the values that it shares with an instance; unknown until there is one.
    pub(crate) dict_visits_values: Option<bool>,
    pub(crate) possible: Vec<Possible>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) visited: Vec<u64>,
    pub(crate) scratch: Vec<u8>,
    heads: Vec<u64>,
    list: ListWalk,
    pub(crate) hung: u64,
    pub(crate) pools: Index,
    pub(crate) last_pool: u64,
    pub(crate) pools_used: u64,
    pub(crate) pools_free: u64,
}

/// Where the walk of the collector's lists stands.
#[derive(Clone, Copy, Default)]
struct ListWalk {
    head: u64,
    at: u64,
    /// Brent's cycle detection: a damaged list need not come back to its head.
    mark: u64,
    steps: u64,
    limit: u64,
}

/// How far ahead of the walk the processor is told which object comes.
const OBJECTS_AHEAD: u32 = 12;

/// Objects between two looks at the clock.
const OBJECTS_PER_LOOK: u32 = 64;

impl<'m, M: Memory, S: Sink> Walk<'m, M, S> {
    /// Starts a walk: finds roots and threads and writes their records.
    pub fn start(
        memory: &'m M,
        interpreter: Interpreter,
        mut options: Options,
        sink: S,
    ) -> Result<Self, Failure> {
        options.data.sort_unstable_by_key(|data| data.range.start);
        let heads = interpreter.generation_heads();
        let mut walk = Self {
            memory,
            interpreter,
            options,
            writer: Writer::new(sink),
            objects: Index::new(),
            next: 0,
            type_index: Index::new(),
            type_numbers: Vec::new(),
            types: Vec::new(),
            members: Vec::new(),
            last_type: None,
            name_index: Index::new(),
            name_numbers: Vec::new(),
            python_class_traverse: 0,
            str_type: 0,
            general_lookup: 0,
            interned: Vec::new(),
            dict_visits_values: None,
            possible: Vec::new(),
            candidates: Vec::new(),
            visited: Vec::new(),
            scratch: Vec::new(),
            heads,
            list: ListWalk::default(),
            hung: 0,
            pools: Index::new(),
            last_pool: 0,
            pools_used: 0,
            pools_free: 0,
        };
        names::register(&mut walk.writer);
        match walk.begin() {
            Ok(()) | Err(Fault::Unreadable) => Ok(walk),
            Err(Fault::Failure(failure)) => Err(failure),
        }
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.register_unreadable_type()?;
        self.python_class_traverse = self.find_python_class_traverse().ok().flatten().unwrap_or(0);
        self.write_interpreter_roots()?;
        self.write_threads()
    }

    /// `tp_traverse` of `importlib._bootstrap.ModuleSpec`: a class that every interpreter has and that a class statement made.
    fn find_python_class_traverse(&self) -> Result<Option<u64>, Unreadable> {
        let Some(module) = self.loaded_module(b"_frozen_importlib")? else { return Ok(None) };
        match self.module_attribute(module, b"ModuleSpec")? {
            Some(class) => self.traverse_of_type(class).map(Some),
            None => Ok(None),
        }
    }

    /// Writes objects until `expired` says that it is time to pause, or all are written.
    pub fn step(&mut self, mut expired: impl FnMut() -> bool) -> Result<Progress, Failure> {
        loop {
            let mut written = 0;
            while let Some(address) = self.objects.address(self.next) {
                if let Some(ahead) = self.objects.address(self.next.saturating_add(OBJECTS_AHEAD)) {
                    self.memory.prefetch(ahead);
                }
                self.write_object(address)?;
                self.next += 1;
                written += 1;
                if written % OBJECTS_PER_LOOK == 0 && expired() {
                    return Ok(Progress::More);
                }
            }
            if !self.find_unseen()? {
                return Ok(Progress::Done);
            }
        }
    }

    /// Writes the last roots and the summary.
    pub fn finish(&mut self, walk_ns: u64, walker_memory: u64, error: Option<&str>) -> Result<(), Failure> {
        for possible in core::mem::take(&mut self.possible) {
            if let Some(object) = self.objects.get(possible.address) {
                self.root(RootKind::Possible, possible.thread, possible.frame, NONE, object)?;
            }
        }
        self.write_data()?;
        let row = Summary {
            hung: self.hung,
            walk_ns,
            walker_memory,
            pools: self.pools.len() as u64,
            pools_used: self.pools_used,
            pools_free: self.pools_free,
            error: error.map(Cow::Borrowed),
            ..Summary::default()
        };
        self.writer.finish(&row).map_err(|_| Failure::Sink)
    }

    /// Ends a walk that was cut short while an object was under way, which counts as unreadable: what was walked is written, and the
    /// summary says why there is no more.
    pub fn abandon(&mut self, walk_ns: u64, walker_memory: u64, error: &str) -> Result<(), Failure> {
        if let Some(address) = self.objects.address(self.next) {
            let flags = ObjectFlags::UNREADABLE;
            let row = ObjectRow { address, type_number: UNREADABLE_TYPE, flags, ..ObjectRow::default() };
            self.writer.object(&row).map_err(|_| Failure::Sink)?;
            self.next += 1;
        }
        let row = Summary {
            hung: self.hung,
            walk_ns,
            walker_memory,
            error: Some(Cow::Borrowed(error)),
            ..Summary::default()
        };
        self.writer.finish(&row).map_err(|_| Failure::Sink)
    }

    /// Objects written so far.
    pub fn objects_written(&self) -> u32 {
        self.next
    }

    /// Goes on along the collector's lists to the next object that the walk has not seen.
    fn find_unseen(&mut self) -> Result<bool, Failure> {
        loop {
            let list = &mut self.list;
            if list.head == 0 {
                let Some(head) = self.heads.pop() else { return Ok(false) };
                *list = ListWalk { head, at: head, mark: head, steps: 0, limit: 64 };
            }
            // Only the forward links: the backward ones hold counts during a collection.
            let next = self.memory.word(list.at).map(|next| next & !3);
            match next {
                Ok(next) if next != list.head && next != list.mark && next != 0 => {
                    list.at = next;
                    list.steps += 1;
                    if list.steps == list.limit {
                        list.mark = next;
                        list.limit *= 2;
                    }
                    let (_, new) = self.objects.intern(next + fixed::GC_HEAD).map_err(|_| Failure::Full)?;
                    if new {
                        return Ok(true);
                    }
                }
                _ => list.head = 0,
            }
        }
    }

    fn write_object(&mut self, address: u64) -> Result<(), Failure> {
        let mut row = ObjectRow { address, type_number: UNREADABLE_TYPE, ..ObjectRow::default() };
        let number = self.next;
        match self.describe(number, &mut row) {
            Ok(()) => {}
            Err(Fault::Unreadable) => row.flags.insert(ObjectFlags::UNREADABLE),
            Err(Fault::Failure(failure)) => return Err(failure),
        }
        self.writer.object(&row).map_err(|_| Failure::Sink)
    }

    /// Fills in the row and writes edges and preview of the object.
    fn describe(&mut self, number: u32, row: &mut ObjectRow) -> Result<(), Fault> {
        let refcount = self.memory.word(row.address)?;
        let type_address = self.memory.word(row.address + fixed::OB_TYPE)?;
        let (type_number, info) = self.type_at(type_address)?;
        row.type_number = type_number;
        row.refcount = refcount;
        match self.interpreter.layout.features.reference_count {
            ReferenceCount::Immortal if (refcount as i32) < 0 => row.flags.insert(ObjectFlags::IMMORTAL),
            ReferenceCount::Immortal | ReferenceCount::Plain => {}
            ReferenceCount::Half => {
                row.refcount = u64::from(refcount as u32);
                if (refcount as i32) < 0 {
                    row.flags.insert(ObjectFlags::IMMORTAL);
                }
            }
        }
        let gc = self.is_gc(row.address, &info)?;
        if gc && self.memory.word(row.address - fixed::GC_HEAD)? != 0 {
            row.flags.insert(ObjectFlags::TRACKED);
        }
        self.measure(row, &info, gc)?;
        if info.kind == Kind::Type && !gc {
            self.root(RootKind::Static, NONE, NONE, NONE, number)?;
        }
        self.write_preview(row, &info)?;
        self.write_digest(row, &info)?;
        self.write_referents(row, &info, gc)
    }

    /// The number of the object at `address`.
    pub(crate) fn intern(&mut self, address: u64) -> Result<u32, Fault> {
        Ok(self.objects.intern(address)?.0)
    }

    /// Writes an edge of the object under way, unless there is no target.
    #[inline]
    pub(crate) fn edge(
        &mut self,
        target: u64,
        kind: EdgeKind,
        source: EdgeSource,
        owned: bool,
        payload: u32,
    ) -> Result<(), Fault> {
        if target == 0 {
            return Ok(());
        }
        if !is_plausible(target) {
            return Err(Fault::Unreadable);
        }
        let target = self.intern(target)?;
        let name = EdgeName::new(kind, source, owned, payload);
        self.writer.edge(Edge { target, name }).map_err(|_| Fault::Failure(Failure::Sink))
    }

    pub(crate) fn root(
        &mut self,
        kind: RootKind,
        thread: u32,
        frame: u32,
        name: u32,
        object: u32,
    ) -> Result<(), Failure> {
        self.writer.root(kind, thread, frame, name, object).map_err(|_| Failure::Sink)
    }

    /// The number of the name that the `str` at `address` is.
    pub(crate) fn name_of(&mut self, address: u64) -> Result<u32, Fault> {
        let (slot, new) = self.name_index.intern(address)?;
        if new {
            let text = strings::text(self.memory, &self.interpreter, address, strings::NAME_LIMIT)
                .unwrap_or_default();
            let number = self.writer.name(&text);
            self.name_numbers.push(number);
        }
        Ok(self.name_numbers.get(slot as usize).copied().unwrap_or(EdgeName::UNRECORDED))
    }

    /// The number of the name that the C string at `address` is.
    pub(crate) fn c_name(&mut self, address: u64) -> Result<u32, Fault> {
        let (slot, new) = self.name_index.intern(address)?;
        if new {
            let mut buffer = [0; 128];
            let text = strings::c_string(self.memory, address, &mut buffer).unwrap_or_default();
            let number = self.writer.name(&String::from_utf8_lossy(text));
            self.name_numbers.push(number);
        }
        Ok(self.name_numbers.get(slot as usize).copied().unwrap_or(EdgeName::UNRECORDED))
    }

    /// The text of the `str` at `address`, if it is one that can be read.
    pub(crate) fn text(&self, address: u64, limit: u64) -> Option<String> {
        if address == 0 {
            return None;
        }
        let type_address = self.memory.word(address + fixed::OB_TYPE).ok()?;
        if self.flags_of_type(type_address).ok()? & flag::UNICODE_SUBCLASS == 0 {
            return None;
        }
        strings::text(self.memory, &self.interpreter, address, limit).ok()
    }

    /// Calls `tp_traverse` and collects what it visits in `self.visited`.
    pub(crate) fn collect_visited(&mut self, traverse: u64, address: u64) -> Traversal {
        let visited = &mut self.visited;
        visited.clear();
        self.memory.traverse(traverse, address, &mut |referent| {
            if visited.len() < visited.capacity() || visited.try_reserve(visited.len().max(64)).is_ok() {
                visited.push(referent);
            }
        })
    }
}

/// Whether `address` can be that of an object.
pub(crate) fn is_plausible(address: u64) -> bool {
    (4096..1 << 47).contains(&address) && address.is_multiple_of(8)
}

//! The edges of an object: what its layout names, and what `tp_traverse` visits beyond that.

use crate::dicts::{DictTable, values_header};
use crate::fields::{self, Field};
use crate::kinds::Kind;
use crate::layout::{ABSENT, CodeCache, InstanceValues, StructSequence, flag};
use crate::memory::{Memory, Traversal, Unreadable};
use crate::names;
use crate::types::TypeInfo;
use crate::walk::{Candidate, Fault, Walk, is_plausible};
use pyheap_format::FieldName;
use pyheap_format::vocabulary::{EdgeKind, EdgeSource, ObjectFlags};
use pyheap_format::writer::{ObjectRow, Sink};

/// Where the references that a layout names go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// They are edges, and `tp_traverse` is known to visit them.
    Visited,
    /// They are edges, and `tp_traverse` is known to omit them.
    Omitted,
    /// Whether `tp_traverse` visits them will be seen.
    Unknown,
}

/// Elements in a sequence of this length or longer mean that it is damaged.
const MOST_ELEMENTS: u64 = 1 << 40;

/// Up to this many referents are matched by comparing all with all.
const FEW: usize = 24;

/// Offsets in `PyDateTime_DateTime` and `PyDateTime_Time` (`Include/datetime.h`, 3.8 to 3.15).
const HASTZINFO: u64 = 24;
const DATETIME_TZINFO: u64 = 40;
const TIME_TZINFO: u64 = 32;

/// How far before an instance its pointers to dict and values stand (`pycore_object.h`, 3.11 to 3.13).
const MANAGED_DICT: u64 = 24;
const MANAGED_VALUES: u64 = 32;

/// Attributes that inline values can hold.
const MOST_INLINE: u64 = 255;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// Writes the edges of the object of `row`.
    pub(crate) fn write_referents(
        &mut self,
        row: &mut ObjectRow,
        info: &TypeInfo,
        gc: bool,
    ) -> Result<(), Fault> {
        if info.closed {
            let reach = if gc { Reach::Visited } else { Reach::Omitted };
            self.layout_referents(row.address, info, reach)?;
            if is_opaque(info) {
                row.flags.insert(ObjectFlags::OPAQUE);
            }
            return Ok(());
        }
        self.candidates.clear();
        self.visited.clear();
        let layout = self.layout_referents(row.address, info, Reach::Unknown);
        let traversal = match (gc, info.traverse) {
            (true, 1..) => self.collect_visited(info.traverse, row.address),
            _ => Traversal::Complete,
        };
        match traversal {
            Traversal::Complete => {}
            Traversal::Unsupported if self.candidates.is_empty() => row.flags.insert(ObjectFlags::OPAQUE),
            Traversal::Unsupported => {}
            Traversal::Faulted => row.flags.insert(ObjectFlags::UNREADABLE),
            Traversal::Hung => {
                self.hung += 1;
                row.flags.insert(ObjectFlags::UNREADABLE);
            }
        }
        let written = self.write_matched(info);
        layout.and(written)
    }

    /// Hands over a reference in a field of the object's structure.
    #[inline]
    pub(crate) fn refer_field(
        &mut self,
        reach: Reach,
        target: u64,
        owned: bool,
        name: FieldName,
    ) -> Result<(), Fault> {
        self.refer(reach, target, EdgeKind::Field, owned, names::field(name))
    }

    /// Hands over one reference that the layout names.
    #[inline]
    pub(crate) fn refer(
        &mut self,
        reach: Reach,
        target: u64,
        kind: EdgeKind,
        owned: bool,
        payload: u32,
    ) -> Result<(), Fault> {
        match reach {
            Reach::Visited => self.edge(target, kind, EdgeSource::Traverse, owned, payload),
            Reach::Omitted => self.edge(target, kind, EdgeSource::Layout, owned, payload),
            Reach::Unknown => {
                if target != 0 {
                    self.candidates.try_reserve(1).map_err(|_| crate::index::Full)?;
                    self.candidates.push(Candidate { target, kind, owned, payload, visited: false });
                }
                Ok(())
            }
        }
    }

    fn layout_referents(&mut self, address: u64, info: &TypeInfo, reach: Reach) -> Result<(), Fault> {
        match info.kind {
            Kind::List => {
                let items = self.memory.word(address + 24)?;
                let length = self.memory.word(address + 16)?;
                if length > self.memory.word(address + 32)? {
                    return Err(Unreadable { address, length: 40 }.into());
                }
                self.elements(items, length, reach)?;
            }
            Kind::Tuple => {
                let length = self.memory.word(address + 16)?;
                let items = address + u64::from(self.interpreter.layout.offsets.tuple_items);
                self.elements(items, length, reach)?;
                if info.sequence_fields > length {
                    let reach = match self.interpreter.layout.features.struct_sequence {
                        StructSequence::Visible => Reach::Omitted,
                        StructSequence::All => reach,
                    };
                    self.elements_from(items, length, info.sequence_fields, reach)?;
                }
            }
            Kind::Dict | Kind::OrderedDict => self.dict_entries(address, reach)?,
            Kind::Set => self.set_members(address, reach)?,
            Kind::Function => {
                let fields = fields::function_fields(&self.interpreter.layout.offsets);
                self.fields(address, &fields, reach)?;
            }
            Kind::Code => self.code_referents(address, reach)?,
            Kind::Type => self.type_referents(address, reach)?,
            Kind::Generator => self.generator_referents(address, info, reach)?,
            Kind::Frame => self.frame_object_referents(address, reach)?,
            Kind::Exception => {
                let fields = fields::exception_fields(&self.interpreter.layout.offsets);
                self.fields(address, &fields, reach)?;
            }
            Kind::Deque => self.deque_elements(address, reach)?,
            Kind::NdArray => self.array_referents(address, reach)?,
            Kind::DateTime => self.time_zone(address, DATETIME_TZINFO, reach)?,
            Kind::Time => self.time_zone(address, TIME_TZINFO, reach)?,
            Kind::LruCache => self.lru_links(address, reach)?,
            _ => {}
        }
        self.fields(address, info.fields, reach)?;
        self.instance_referents(address, info, reach)
    }

    /// Fixed fields of a structure; absent ones are left out.
    pub(crate) fn fields(&mut self, address: u64, fields: &[Field], reach: Reach) -> Result<(), Fault> {
        for field in fields {
            if field.offset != ABSENT {
                let target = self.memory.word(address + u64::from(field.offset))?;
                self.refer_field(reach, target, field.owned, field.name)?;
            }
        }
        Ok(())
    }

    fn elements(&mut self, items: u64, length: u64, reach: Reach) -> Result<(), Fault> {
        self.elements_from(items, 0, length, reach)
    }

    fn elements_from(&mut self, items: u64, first: u64, length: u64, reach: Reach) -> Result<(), Fault> {
        if length > MOST_ELEMENTS {
            return Err(Unreadable { address: items, length: usize::MAX }.into());
        }
        let mut missing = 0;
        for position in first..length {
            match self.memory.word(items + position * 8)? {
                0 => missing += 1,
                element => self.refer(reach, element, EdgeKind::Element, true, missing)?,
            }
        }
        Ok(())
    }

    fn dict_entries(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let table = DictTable::read(self.memory, &self.interpreter, address)?;
        // Values inside an instance are the instance's to visit.
        let value_reach = if table.embedded && reach == Reach::Visited { Reach::Omitted } else { reach };
        let mut keys_visited = table.general || (table.lookup != 0 && table.lookup == self.general_lookup);
        for position in 0..table.entries {
            let Some(entry) = table.entry(self.memory, position)? else { continue };
            if !keys_visited && table.lookup != 0 && self.memory.word(entry.key + 8)? != self.str_type {
                // Only the general lookup function takes such a key.
                self.general_lookup = table.lookup;
                keys_visited = true;
            }
            let key_reach = match reach {
                Reach::Visited if !keys_visited => Reach::Omitted,
                other => other,
            };
            self.refer(key_reach, entry.key, EdgeKind::Key, table.values == 0, 0)?;
            self.refer(value_reach, entry.value, EdgeKind::Value, !table.embedded, 0)?;
        }
        Ok(())
    }

    fn set_members(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let mask = self.memory.word(address + 32)?;
        let table = self.memory.word(address + 40)?;
        if mask > MOST_ELEMENTS {
            return Err(Unreadable { address, length: 40 }.into());
        }
        for position in 0..=mask {
            let key = self.memory.word(table + position * 16)?;
            // The entry of a removed member has a hash that no object has.
            if key != 0 && self.memory.word(table + position * 16 + 8)? != u64::MAX {
                self.refer(reach, key, EdgeKind::Member, true, 0)?;
            }
        }
        Ok(())
    }

    fn code_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let fields = fields::code_fields(&self.interpreter.layout.offsets);
        self.fields(address, &fields, reach)?;
        let place = address + u64::from(self.interpreter.layout.offsets.co_cached);
        match self.interpreter.layout.features.code_cache {
            CodeCache::Nothing => Ok(()),
            CodeCache::Instructions => {
                let cached = self.memory.word(place)?;
                self.refer_field(reach, cached, true, FieldName::CoCachedCode)
            }
            CodeCache::Structure => {
                let cached = self.memory.word(place)?;
                if cached == 0 {
                    return Ok(());
                }
                let names = [
                    FieldName::CoCachedCode,
                    FieldName::CoCachedVarnames,
                    FieldName::CoCachedCellvars,
                    FieldName::CoCachedFreevars,
                ];
                for (place, name) in (cached..).step_by(8).zip(names) {
                    let target = self.memory.word(place)?;
                    self.refer_field(reach, target, true, name)?;
                }
                Ok(())
            }
        }
    }

    fn type_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let flags = self.flags_of_type(address)?;
        let offsets = self.interpreter.layout.offsets.clone();
        let all = fields::type_fields(&offsets);
        if flags & flag::HEAPTYPE == 0 {
            let state = self.static_type_state(address, flags)?;
            if let Some(state) = state {
                let dict = self.memory.word(state + u64::from(offsets.static_type_state_dict))?;
                self.refer_field(reach, dict, true, FieldName::Dict)?;
                let subclasses = self.memory.word(state + u64::from(offsets.static_type_state_subclasses))?;
                self.refer_field(reach, subclasses, true, FieldName::Subclasses)?;
            }
            for field in all {
                let shared = matches!(
                    field.name,
                    FieldName::Dict
                        | FieldName::Bases
                        | FieldName::Base
                        | FieldName::Mro
                        | FieldName::TpCache
                );
                if (shared || field.name == FieldName::Subclasses && state.is_none())
                    && (field.name != FieldName::Dict || state.is_none())
                {
                    let target = self.memory.word(address + u64::from(field.offset))?;
                    // A static type does not own its base.
                    let owned = field.name != FieldName::Base;
                    self.refer_field(reach, target, owned, field.name)?;
                }
            }
            return Ok(());
        }
        self.fields(address, &all, reach)?;
        let keys = self.memory.word(address + u64::from(offsets.ht_cached_keys))?;
        if keys != 0 {
            let table = DictTable::of_keys(self.memory, &self.interpreter, keys, 0)?;
            for position in 0..table.entries {
                let key = table.key(self.memory, position)?;
                self.refer_field(reach, key, true, FieldName::CachedKeys)?;
            }
        }
        Ok(())
    }

    fn deque_elements(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        /// Elements per block, and the offset of the link to the next one.
        const BLOCK: u64 = 64;
        const NEXT: u64 = 8 + BLOCK * 8;
        let length = self.memory.word(address + 16)?;
        let mut block = self.memory.word(address + 24)?;
        let mut place = self.memory.word(address + 40)?;
        if length > MOST_ELEMENTS || place >= BLOCK {
            return Err(Unreadable { address, length: 48 }.into());
        }
        for _ in 0..length {
            if place == BLOCK {
                block = self.memory.word(block + NEXT)?;
                place = 0;
            }
            let element = self.memory.word(block + 8 + place * 8)?;
            self.refer(reach, element, EdgeKind::Element, true, 0)?;
            place += 1;
        }
        Ok(())
    }

    /// The links of `lru_cache`'s list, a ring which the wrapper is part of. The list owns a reference to each, as the dict does.
    fn lru_links(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        /// Offset of the link to the next one (`Modules/_functoolsmodule.c`, 3.8 to 3.15).
        const NEXT: u64 = 24;
        let mut link = self.memory.word(address + NEXT)?;
        // Brent's cycle detection: a damaged ring need not come back to its start.
        let (mut mark, mut steps, mut limit) = (address, 0u64, 64);
        while link != address && link != mark && link != 0 {
            self.refer_field(reach, link, true, FieldName::Link)?;
            self.link_referents(link, reach)?;
            steps += 1;
            if steps == limit {
                mark = link;
                limit *= 2;
            }
            link = self.memory.word(link + NEXT)?;
        }
        Ok(())
    }

    /// What a link owns: the wrapper visits it in the place of its links, which the collector does not track.
    fn link_referents(&mut self, link: u64, reach: Reach) -> Result<(), Fault> {
        for field in fields::constant_fields(b"functools._lru_list_elem") {
            let target = self.memory.word(link + u64::from(field.offset))?;
            self.refer_field(reach, target, false, field.name)?;
        }
        let class = self.memory.word(link + 8)?;
        if self.flags_of_type(class)? & flag::HEAPTYPE != 0 {
            self.refer_field(reach, class, false, FieldName::Class)?;
        }
        Ok(())
    }

    /// `tzinfo` of a `datetime` or `time`: there is room for it only where `hastzinfo` says so.
    fn time_zone(&mut self, address: u64, tzinfo: u64, reach: Reach) -> Result<(), Fault> {
        if self.memory.byte(address + HASTZINFO)? != 0 {
            let target = self.memory.word(address + tzinfo)?;
            self.refer_field(reach, target, true, FieldName::Tzinfo)?;
        }
        Ok(())
    }

    /// Slots and members, dict, inline values.
    fn instance_referents(&mut self, address: u64, info: &TypeInfo, reach: Reach) -> Result<(), Fault> {
        let (start, end) = info.members;
        for member in start..end {
            if let Some(&member) = self.members.get(member as usize) {
                let target = self.memory.word(address + u64::from(member.offset))?;
                // A member may hold what its structure's fields name already, or be the instance's dict.
                if i64::from(member.offset) != info.dictoffset
                    && !info.fields.iter().any(|field| field.offset == member.offset)
                {
                    self.refer(reach, target, EdgeKind::Attribute, true, member.name)?;
                }
            }
        }
        let mut dict_reach = reach;
        if let Some(inline) = self.inline_values(address, info)? {
            if reach == Reach::Visited {
                // The values are visited in place of the dict that may go with them.
                dict_reach = Reach::Omitted;
            }
            for position in 0..inline.count {
                let value = self.memory.word(inline.values + position * 8)?;
                if value != 0 {
                    let name = if position < inline.keys.entries {
                        self.name_of(inline.keys.key(self.memory, position)?)?
                    } else {
                        u32::MAX
                    };
                    self.refer(reach, value, EdgeKind::Attribute, true, name)?;
                }
            }
        }
        match self.instance_dict(address, info)? {
            0 => Ok(()),
            dict => self.refer_field(dict_reach, dict, true, FieldName::Dict),
        }
    }

    /// Values that an instance keeps without a dict of its own (3.11 and later).
    pub(crate) fn inline_values(
        &self,
        address: u64,
        info: &TypeInfo,
    ) -> Result<Option<InlineValues>, Unreadable> {
        if !info.has(flag::MANAGED_DICT) {
            return Ok(None);
        }
        let kind = self.interpreter.layout.features.instance_values;
        let values = match kind {
            InstanceValues::Dict => return Ok(None),
            InstanceValues::BeforeObject => match self.memory.word(address - MANAGED_VALUES)? {
                0 => return Ok(None),
                values => values,
            },
            InstanceValues::Tagged => {
                let word = self.memory.word(address - MANAGED_DICT)?;
                if word & 1 == 0 {
                    return Ok(None);
                }
                word + 1
            }
            InstanceValues::Inline => {
                let header = address + info.basicsize;
                if !info.has(flag::INLINE_VALUES) || self.memory.byte(header + values_header::VALID)? == 0 {
                    return Ok(None);
                }
                header + values_header::SIZE
            }
        };
        let keys =
            self.memory.word(info.address + u64::from(self.interpreter.layout.offsets.ht_cached_keys))?;
        if keys == 0 {
            return Ok(None);
        }
        let keys = DictTable::of_keys(self.memory, &self.interpreter, keys, 0)?;
        let count = match kind {
            InstanceValues::Inline => {
                u64::from(self.memory.byte(values - values_header::SIZE + values_header::CAPACITY)?)
            }
            InstanceValues::Dict | InstanceValues::BeforeObject | InstanceValues::Tagged => {
                keys.entries.min(MOST_INLINE)
            }
        };
        Ok(Some(InlineValues { values, count, keys }))
    }

    /// The address of an instance's dict, 0 if it has none.
    pub(crate) fn instance_dict(&self, address: u64, info: &TypeInfo) -> Result<u64, Unreadable> {
        // These name their dict among their fields.
        if matches!(info.kind, Kind::Function | Kind::Exception | Kind::Type)
            || info.fields.iter().any(|field| field.name == FieldName::Dict)
        {
            return Ok(0);
        }
        if info.has(flag::MANAGED_DICT) {
            match self.interpreter.layout.features.instance_values {
                InstanceValues::Dict => {}
                InstanceValues::BeforeObject => return self.memory.word(address - MANAGED_DICT),
                InstanceValues::Tagged | InstanceValues::Inline => {
                    let word = self.memory.word(address - MANAGED_DICT)?;
                    return Ok(if word & 1 != 0 { 0 } else { word });
                }
            }
        }
        let dict = match info.dictoffset {
            0 => return Ok(0),
            offset @ 1.. => self.memory.word(address.wrapping_add_signed(offset))?,
            offset => {
                let items = (self.memory.word(address + 16)? as i64).unsigned_abs();
                if items > MOST_ELEMENTS {
                    return Err(Unreadable { address, length: 24 });
                }
                let size = (info.basicsize + items * info.itemsize).next_multiple_of(8);
                self.memory.word((address + size).wrapping_add_signed(offset))?
            }
        };
        Ok(dict)
    }

    /// Writes the candidates, each marked with whether `tp_traverse` visited it, and what it visited besides.
    fn write_matched(&mut self, info: &TypeInfo) -> Result<(), Fault> {
        // Instances of heap types visit their type, which is not recorded as an edge.
        if info.has(flag::HEAPTYPE)
            && let Some(place) = self.visited.iter().position(|&visited| visited == info.address)
        {
            self.visited.remove(place);
        }
        if self.visited.len() <= FEW {
            for candidate in &mut self.candidates {
                if let Some(place) = self.visited.iter().position(|&visited| visited == candidate.target) {
                    self.visited.remove(place);
                    candidate.visited = true;
                }
            }
        } else {
            match_sorted(&mut self.candidates, &mut self.visited);
        }
        let candidates = core::mem::take(&mut self.candidates);
        let visited = core::mem::take(&mut self.visited);
        let mut result = Ok(());
        for candidate in &candidates {
            let source = if candidate.visited { EdgeSource::Traverse } else { EdgeSource::Layout };
            // A member that native code declares but does not visit is borrowed: `sqlite3.Connection` has ten.
            let borrowed = candidate.kind == EdgeKind::Attribute
                && !candidate.visited
                && info.has(flag::HAVE_GC)
                && !info.is_python_class();
            let owned = candidate.owned && !borrowed;
            let edge = self.edge(candidate.target, candidate.kind, source, owned, candidate.payload);
            result = keep_first(result, edge)?;
        }
        for &target in visited.iter().filter(|&&target| is_plausible(target)) {
            let edge = self.edge(target, EdgeKind::Unnamed, EdgeSource::Traverse, true, 0);
            result = keep_first(result, edge)?;
        }
        self.candidates = candidates;
        self.visited = visited;
        result
    }
}

/// Values of an instance, and the shared keys that go with them.
pub(crate) struct InlineValues {
    pub values: u64,
    pub count: u64,
    pub keys: DictTable,
}

/// Goes on after an unreadable target, remembering it; ends at once at a failure.
fn keep_first(so_far: Result<(), Fault>, edge: Result<(), Fault>) -> Result<Result<(), Fault>, Fault> {
    match edge {
        Err(Fault::Failure(failure)) => Err(Fault::Failure(failure)),
        Err(fault) => Ok(so_far.and(Err(fault))),
        Ok(()) => Ok(so_far),
    }
}

/// Marks the candidates that are among `visited`, one for one, and leaves the others in `visited`.
fn match_sorted(candidates: &mut [Candidate], visited: &mut alloc::vec::Vec<u64>) {
    const TAKEN: u64 = u64::MAX;
    visited.sort_unstable();
    let sorted = visited.clone();
    for candidate in candidates {
        // Of equal addresses the last one that is free is taken, and the first of a run counts how many are.
        let start = sorted.partition_point(|&address| address < candidate.target);
        if sorted.get(start) != Some(&candidate.target) {
            continue;
        }
        let end = sorted.partition_point(|&address| address <= candidate.target);
        let free = visited.get(start..end).map_or(0, |run| run.partition_point(|&address| address != TAKEN));
        if let Some(last) = free.checked_sub(1).and_then(|last| visited.get_mut(start + last)) {
            *last = TAKEN;
            candidate.visited = true;
        }
    }
    visited.retain(|&address| address != TAKEN);
}

/// Whether only native code knows what objects of this type refer to.
fn is_opaque(info: &TypeInfo) -> bool {
    info.kind == Kind::Object
        && !info.has(flag::HAVE_GC)
        && info.fields.is_empty()
        && info.members.0 == info.members.1
        && info.basicsize > 16
        && !info.is_python_class()
}

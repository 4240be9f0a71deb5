//! The edges of an object: what its layout names, and what `tp_traverse` visits beyond that.

use crate::layout::{ABSENT, flag};
use crate::memory::{Memory, Traversal, Unreadable};
use crate::types::fields::Field;
use crate::types::kinds::Kind;
use crate::walk::TypeInfo;
use crate::walk::names;
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
pub(crate) const MOST_ELEMENTS: u64 = 1 << 40;

/// Up to this many referents are matched by comparing all with all.
const FEW: usize = 24;

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
                    self.candidates.try_reserve(1).map_err(|_| crate::walk::index::Full)?;
                    self.candidates.push(Candidate { target, kind, owned, payload, visited: false });
                }
                Ok(())
            }
        }
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

    pub(crate) fn elements(&mut self, items: u64, length: u64, reach: Reach) -> Result<(), Fault> {
        self.elements_from(items, 0, length, reach)
    }

    pub(crate) fn elements_from(
        &mut self,
        items: u64,
        first: u64,
        length: u64,
        reach: Reach,
    ) -> Result<(), Fault> {
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

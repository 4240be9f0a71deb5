//! References as the reference counts see them: the graph of owning edges, and what the counts say beyond it.

use crate::graph::csr::{Graph, NO_NODE, Node};
use crate::objects::columns::Objects;
use crate::objects::labels::{Label, LabelledEdge, LabelledEdges};
use pyheap_format::reader::{Dump, EdgeChunk, Root, Type};
use pyheap_format::vocabulary::{ObjectNumber, TypeNumber};
use pyheap_format::{EdgeName, FieldName, ObjectFlags, RootKind};

/// The graph of owning edges between objects, with the number of references that it explains for each object.
#[derive(Debug)]
pub struct References {
    /// A row per object: the targets of its owning edges in their order, then its type if that is a heap type.
    pub graph: Graph,
    /// By object: the references that edges and roots own. Saturates.
    pub explained: Vec<u32>,
}

/// References that the edges and roots of the dump do not explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deficit {
    /// The object that is referred to.
    pub object: ObjectNumber,
    /// Its reference count minus the references that are known. Negative: more references are known than counted.
    pub missing: i64,
}

/// By type: the object of the type, where its instances own a reference to it.
pub(crate) fn heap_type_objects(types: &[Type], objects: usize) -> Vec<Node> {
    let object =
        |of: &Type| if of.is_heap_type() && (of.object as usize) < objects { of.object } else { NO_NODE };
    types.iter().map(object).collect()
}

impl References {
    /// Reads the edges of all objects, in the order of both. Edges that own nothing and edges that dangle are left out.
    pub fn read<'a>(objects: &Objects<'a>, edges: impl IntoIterator<Item = EdgeChunk<'a>>) -> Self {
        let edges: Vec<EdgeChunk<'a>> = edges.into_iter().collect();
        let count = objects.len();
        let type_objects = heap_type_objects(objects.types(), count);
        let mut explained = vec![0u32; count];
        // Room for all edges and one type edge per object would be more than is needed; the vector grows less often
        // than it copies when it starts from the edges alone.
        let mut graph = Graph::with_capacity(count + 8, edges.iter().map(EdgeChunk::len).sum());
        let mut source = EdgeSource { rest: edges.iter(), targets: &[], names: &[] };
        for chunk in objects.chunks() {
            let rows = chunk.types().zip(chunk.flags()).zip(chunk.edge_counts().iter());
            for ((type_number, &flags), edge_count) in rows {
                graph.start_node();
                source.take(edge_count, |targets, names| {
                    for (&target, &name) in targets.iter().zip(names) {
                        if EdgeName(name).owned() && (target as usize) < count {
                            explained[target as usize] = explained[target as usize].saturating_add(1);
                            graph.push_target(target);
                        }
                    }
                });
                let type_object = type_objects.get(type_number as usize).copied().unwrap_or(NO_NODE);
                if type_object != NO_NODE {
                    if !ObjectFlags(flags).contains(ObjectFlags::IMMORTAL) {
                        explained[type_object as usize] = explained[type_object as usize].saturating_add(1);
                    }
                    graph.push_target(type_object);
                }
            }
        }
        Self { graph, explained }
    }

    /// Counts the references that roots own. Of the possible ones, slots of evaluation stacks and C variables, those
    /// are real whose objects have more references than are otherwise known; these are counted too, and returned.
    pub fn explain_roots(&mut self, objects: &Objects<'_>, roots: &[Root]) -> Vec<Root> {
        for root in roots {
            if let (
                Some(explained),
                RootKind::Interpreter | RootKind::Local | RootKind::Stack | RootKind::Thread,
            ) = (self.explained.get_mut(root.object as usize), root.kind)
            {
                *explained = explained.saturating_add(1);
            }
        }
        let mut real = Vec::new();
        for root in roots.iter().filter(|root| root.kind.is_possible()) {
            if let Some(explained) = self.explained.get_mut(root.object as usize)
                && u64::from(*explained) < objects.refcount(root.object)
            {
                *explained += 1;
                real.push(*root);
            }
        }
        real
    }

    /// Where frames are objects (CPython 3.10 and before), a thread holds each frame that it is in, not only the
    /// innermost one that its thread state names: counts these references, and returns them as roots.
    pub fn explain_frames(&mut self, dump: &Dump, objects: &Objects<'_>, roots: &[Root]) -> Vec<Root> {
        let is_frame = |object: Node| {
            objects
                .type_of(object)
                .is_some_and(|class| class.module == "builtins" && class.qualname == "frame")
        };
        let mut held = Vec::new();
        for root in roots.iter().filter(|root| root.kind == RootKind::Thread && is_frame(root.object)) {
            let mut frame = root.object;
            // No chain is longer than there are objects, even in a damaged dump.
            for _ in 0..objects.len() {
                let Some(caller) = caller_of(dump, frame).filter(|&caller| is_frame(caller)) else { break };
                let explained = &mut self.explained[caller as usize];
                if u64::from(*explained) < objects.refcount(caller) {
                    *explained += 1;
                    held.push(Root { object: caller, ..*root });
                }
                frame = caller;
            }
        }
        held
    }

    /// Objects whose reference count is not the number of known references, in ascending order. Immortal, static and
    /// unreadable objects are left out: their counts mean nothing.
    pub fn deficits(&self, objects: &Objects<'_>) -> Vec<Deficit> {
        let without = ObjectFlags::IMMORTAL.0 | ObjectFlags::STATIC.0 | ObjectFlags::UNREADABLE.0;
        let mut deficits = Vec::new();
        let mut explained = self.explained.iter();
        for chunk in objects.chunks() {
            let rows = chunk.flags().iter().zip(chunk.refcounts().iter()).zip(&mut explained);
            for (row, ((flags, refcount), &explained)) in rows.enumerate() {
                if refcount != u64::from(explained) && flags & without == 0 {
                    let missing = (refcount as i64).saturating_sub(i64::from(explained));
                    deficits.push(Deficit { object: chunk.first() + row as u32, missing });
                }
            }
        }
        deficits
    }
}

/// The frame that called this one.
fn caller_of(dump: &Dump, frame: Node) -> Option<Node> {
    let is_caller = |edge: &LabelledEdge<'_>| edge.label == Label::Field(Some(FieldName::FBack.text()));
    LabelledEdges::new(dump, frame).find(is_caller).map(|edge| edge.target)
}

/// The edges of a dump in sequence, across their chunks.
struct EdgeSource<'a, 'b> {
    rest: std::slice::Iter<'b, EdgeChunk<'a>>,
    targets: &'a [u32],
    names: &'a [u32],
}

impl<'a> EdgeSource<'a, '_> {
    /// Hands the next `count` edges out in runs of targets and names; fewer where the dump ends before.
    fn take(&mut self, mut count: u64, mut run: impl FnMut(&'a [u32], &'a [u32])) {
        while count > 0 {
            if self.targets.is_empty() {
                let Some(chunk) = self.rest.next() else { return };
                (self.targets, self.names) = (chunk.targets(), chunk.names());
            }
            let length =
                usize::try_from(count).unwrap_or(usize::MAX).min(self.targets.len()).min(self.names.len());
            if length == 0 {
                return;
            }
            let (targets, names) = (self.targets.split_at(length), self.names.split_at(length));
            run(targets.0, names.0);
            (self.targets, self.names) = (targets.1, names.1);
            count -= length as u64;
        }
    }
}

/// Types whose objects CPython itself keeps references to in places that no dump shows (interned strings, caches of
/// code): a deficit alone does not make them roots.
pub(crate) fn exempt_types(types: &[Type]) -> Vec<bool> {
    let exempt = |of: &Type| {
        of.module == "builtins" && matches!(of.qualname.as_str(), "str" | "bytes" | "int" | "code")
    };
    types.iter().map(exempt).collect()
}

/// Whether a type number is marked in a table by type.
pub(crate) fn marked(table: &[bool], type_number: Option<TypeNumber>) -> bool {
    type_number.and_then(|number| table.get(number as usize)).copied().unwrap_or_default()
}

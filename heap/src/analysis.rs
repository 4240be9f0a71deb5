//! A dump, analysed: who holds what, and how much of it.

use crate::components::Cycles;
use crate::dominators::DominatorTree;
use crate::graph::{Graph, Node};
use crate::holders::{HeldGraph, Holders, NodeKind};
use crate::objects::Objects;
use crate::references::Deficit;
use crate::retained::retained_by_group;
use pyheap_format::reader::{Dump, Root};

/// A dump with its dominator tree and the retained size of everything.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// The dump itself.
    pub dump: &'a Dump,
    /// Its objects, by number.
    pub objects: Objects<'a>,
    /// Its roots.
    pub roots: Vec<Root>,
    /// The nodes that are no objects.
    pub holders: Holders,
    /// Owning references; an object's row ends with its type if that is a heap type.
    pub graph: Graph,
    /// Who dominates whom.
    pub tree: DominatorTree,
    /// Reference counts that do not agree with the known references.
    pub deficits: Vec<Deficit>,
    /// Objects that are roots because native code holds them, in ascending order.
    pub native: Vec<Node>,
    /// Number of objects that nothing holds.
    pub garbage: usize,
    retained: Vec<u64>,
}

/// Sums of a group of objects: of a type, of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupSizes {
    /// Number of objects.
    pub count: u64,
    /// Sum of their shallow sizes, bytes.
    pub shallow: u64,
    /// Sum of their allocated sizes, bytes.
    pub allocated: u64,
    /// Allocated bytes that would be freed if all of them went.
    pub retained: u64,
}

impl<'a> Analysis<'a> {
    /// Analyses a dump.
    pub fn new(dump: &'a Dump) -> Self {
        let objects = Objects::new(dump.object_chunks(), dump.types());
        let roots: Vec<Root> = dump.roots().collect();
        let held = HeldGraph::new(&objects, dump.edge_chunks(), &roots, dump.threads().len());
        let garbage = held.garbage().len();
        let HeldGraph { graph, search, holders, deficits, native } = held;
        let tree = DominatorTree::new(&graph, search);
        let retained = tree.sums(|node| objects.allocated(node));
        Self { dump, objects, roots, holders, graph, tree, deficits, native, garbage, retained }
    }

    /// Allocated bytes that would be freed if this node went: with a thread what only it holds, with the root everything.
    pub fn retained(&self, node: Node) -> u64 {
        self.retained.get(node as usize).copied().unwrap_or_default()
    }

    /// Allocated bytes of all objects.
    pub fn total(&self) -> u64 {
        self.retained(self.holders.root())
    }

    /// Shallow sizes summed over what each node dominates.
    pub fn retained_shallow(&self) -> Vec<u64> {
        self.tree.sums(|node| self.objects.shallow(node))
    }

    /// The objects of largest retained size, largest first; of equal ones the one that holds the others comes first.
    pub fn largest(&self, count: usize) -> Vec<Node> {
        self.largest_of(0..self.holders.objects(), count)
    }

    /// The nodes of largest retained size among those given.
    pub fn largest_of(&self, nodes: impl Iterator<Item = Node>, count: usize) -> Vec<Node> {
        let rank = |node: Node| (std::cmp::Reverse(self.retained(node)), self.tree.rank(node));
        let mut largest: Vec<Node> = Vec::with_capacity(count.saturating_mul(2).min(1 << 20));
        let mut least = 0;
        for node in nodes.filter(|_| count > 0) {
            if self.retained(node) < least {
                continue;
            }
            largest.push(node);
            if largest.len() >= count.saturating_mul(2).max(64) {
                largest.sort_unstable_by_key(|&node| rank(node));
                largest.truncate(count);
                least = if largest.len() == count { self.retained(largest[count - 1]) } else { 0 };
            }
        }
        largest.sort_unstable_by_key(|&node| rank(node));
        largest.truncate(count);
        largest
    }

    /// Sums by type number.
    pub fn by_type(&self) -> Vec<GroupSizes> {
        self.by_group(self.objects.types().len(), |type_number| type_number)
    }

    /// Sums by the module that defines the objects' types: for each module its name and sums, in order of first use.
    pub fn by_module(&self) -> Vec<(&'a str, GroupSizes)> {
        let mut names: Vec<&'a str> = Vec::new();
        let mut numbers = std::collections::HashMap::new();
        let module_of: Vec<u32> = self
            .objects
            .types()
            .iter()
            .map(|of| {
                let module = if of.module.is_empty() { "builtins" } else { of.module.as_str() };
                *numbers.entry(module).or_insert_with(|| {
                    names.push(module);
                    names.len() as u32 - 1
                })
            })
            .collect();
        let sums = self.by_group(names.len(), |type_number| module_of[type_number as usize]);
        names.into_iter().zip(sums).collect()
    }

    fn by_group(&self, groups: usize, group_of_type: impl Fn(u32) -> u32) -> Vec<GroupSizes> {
        let mut sums = vec![GroupSizes::default(); groups];
        for chunk in self.objects.chunks() {
            let sizes = chunk.shallow().iter().zip(chunk.allocated().iter()).zip(chunk.flags());
            for (type_number, ((shallow, allocated), &flags)) in chunk.types().zip(sizes) {
                let sum = &mut sums[group_of_type(type_number) as usize];
                sum.count += 1;
                sum.shallow += shallow;
                let is_static = flags & pyheap_format::ObjectFlags::STATIC.0 != 0;
                sum.allocated += if is_static { 0 } else { allocated };
            }
        }
        let group_of = |node: Node| match self.holders.kind(node) {
            NodeKind::Object => self.objects.type_number(node).map(&group_of_type),
            _ => None,
        };
        let children = self.tree.children();
        let retained = retained_by_group(&children, self.holders.root(), &self.retained, groups, group_of);
        for (sum, retained) in sums.iter_mut().zip(retained) {
            sum.retained = retained;
        }
        sums
    }

    /// The cycles of owning references among objects; the graph's type edges count.
    pub fn cycles(&self) -> Cycles {
        Cycles::new(&self.graph, |node| node < self.holders.objects())
    }
}

//! A dump, analysed: who holds what, and how much of it.

use crate::components::Cycles;
use crate::dominators::DominatorTree;
use crate::graph::{Graph, Node};
use crate::holders::{HeldGraph, Holders, NodeKind};
use crate::objects::Objects;
use crate::references::Deficit;
use crate::retained::retained_by_group;
use crate::totals::{Total, TypeTotals};
use pyheap_format::reader::{Dump, Root, Type};
use std::cell::OnceCell;
use std::collections::HashMap;

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
    /// Who dominates whom.
    pub tree: DominatorTree,
    /// Reference counts that do not agree with the known references.
    pub deficits: Vec<Deficit>,
    /// Objects that are roots because native code holds them, in ascending order.
    pub native: Vec<Node>,
    /// Number of objects that nothing holds.
    pub garbage: usize,
    pub(crate) retained: Vec<u64>,
    pub(crate) graph: OnceCell<Graph>,
}

/// Sums of a group of objects: of a type, of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupSizes {
    /// Their number and sizes.
    pub total: Total,
    /// Allocated bytes that would be freed if all of them went.
    pub retained: u64,
}

impl<'a> Analysis<'a> {
    /// Analyses a dump.
    pub fn new(dump: &'a Dump) -> Self {
        let objects = Objects::new(dump.object_chunks(), dump.types());
        let roots: Vec<Root> = dump.roots().collect();
        let held = HeldGraph::new(dump, &objects, &roots);
        let garbage = held.garbage().len();
        let HeldGraph { graph, referrers, search, holders, deficits, native } = held;
        let tree = DominatorTree::new(&referrers, search);
        drop(referrers);
        let retained = tree.sums(|node| objects.allocated(node));
        let graph = OnceCell::from(graph);
        Self { dump, objects, roots, holders, tree, deficits, native, garbage, retained, graph }
    }

    /// Owning references; an object's row ends with its type if that is a heap type. Read from the dump again where the analysis was
    /// restored.
    pub fn graph(&self) -> &Graph {
        self.graph.get_or_init(|| HeldGraph::new(self.dump, &self.objects, &self.roots).graph)
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

    /// Sums by the name that `name` gives a type: types of the same name are one group.
    pub fn by_name(&self, name: impl Fn(&Type) -> String) -> Vec<(String, GroupSizes)> {
        let mut numbers = HashMap::new();
        let group_of_type: Vec<u32> = self
            .objects
            .types()
            .iter()
            .map(|class| {
                let next = numbers.len() as u32;
                *numbers.entry(name(class)).or_insert(next)
            })
            .collect();
        let group_of = |node: Node| match self.holders.kind(node) {
            NodeKind::Object => {
                self.objects.type_number(node).and_then(|number| group_of_type.get(number as usize)).copied()
            }
            _ => None,
        };
        let children = self.tree.children();
        let retained =
            retained_by_group(&children, self.holders.root(), &self.retained, numbers.len(), group_of);
        drop(children);
        let mut totals = vec![Total::default(); numbers.len()];
        for (number, total) in TypeTotals::of(self.dump).by_number() {
            if let Some(group) = group_of_type.get(number as usize) {
                totals[*group as usize].add(total);
            }
        }
        let sizes =
            |group: u32| GroupSizes { total: totals[group as usize], retained: retained[group as usize] };
        numbers.into_iter().map(|(name, group)| (name, sizes(group))).collect()
    }

    /// The objects of the types for which `is_wanted` holds, in ascending order.
    pub fn instances(&self, is_wanted: impl Fn(&Type) -> bool) -> Vec<Node> {
        let wanted: Vec<bool> = self.objects.types().iter().map(is_wanted).collect();
        let mut instances = Vec::new();
        for chunk in self.objects.chunks() {
            let numbers = (chunk.first()..).zip(chunk.types());
            let of_type = numbers.filter(|(_, class)| wanted.get(*class as usize) == Some(&true));
            instances.extend(of_type.map(|(object, _)| object));
        }
        instances
    }

    /// The objects that have an edge to this one, in ascending order, whether the edge owns a reference or not.
    pub fn referrers(&self, object: Node) -> Vec<Node> {
        let mut referrers = Vec::new();
        let mut edges = self.dump.edge_chunks().flat_map(|chunk| chunk.targets().iter().copied());
        for chunk in self.objects.chunks() {
            for (referrer, count) in (chunk.first()..).zip(chunk.edge_counts().iter()) {
                // All edges are taken, so that the next object starts with its own.
                let found = edges
                    .by_ref()
                    .take(count as usize)
                    .fold(false, |found, target| found | (target == object));
                if found {
                    referrers.push(referrer);
                }
            }
        }
        referrers
    }

    /// The cycles of owning references among objects; the graph's type edges count.
    pub fn cycles(&self) -> Cycles {
        Cycles::new(self.graph(), |node| node < self.holders.objects())
    }
}

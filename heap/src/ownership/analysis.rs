//! A dump, analysed: who holds what, and how much of it.

use crate::graph::components::Cycles;
use crate::graph::csr::{Graph, Node};
use crate::objects::columns::Objects;
use crate::objects::totals::{Total, TypeTotals};
use crate::ownership::findings::Ownership;
use crate::ownership::holders::NodeKind;
use crate::ownership::retained::retained_by_group;
use pyheap_format::reader::{Dump, Type};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

/// A dump with its dominator tree and the retained size of everything.
///
/// Cheap to make again of a dump and its [`Ownership`], which can be kept without borrowing the dump.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// The dump itself.
    pub dump: &'a Dump,
    /// Its objects, by number.
    pub objects: Objects<'a>,
    /// Who owns whom in it.
    pub ownership: Arc<Ownership>,
}

impl Deref for Analysis<'_> {
    type Target = Ownership;

    fn deref(&self) -> &Ownership {
        &self.ownership
    }
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
        Self::with(dump, Arc::new(Ownership::of(dump)))
    }

    /// A dump with what was found of it before.
    pub fn with(dump: &'a Dump, ownership: Arc<Ownership>) -> Self {
        Self { dump, objects: Objects::of(dump), ownership }
    }

    /// Owning references; an object's row ends with its type if that is a heap type. Read from the dump again where
    /// the analysis was restored.
    pub fn graph(&self) -> &Graph {
        self.ownership.graph(self.dump, &self.objects)
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
        self.by_name_within(&self.tree.children(), name)
    }

    /// As [`Self::by_name`], given the dominator tree from each node to those that it dominates immediately.
    pub fn by_name_within(
        &self,
        children: &Graph,
        name: impl Fn(&Type) -> String,
    ) -> Vec<(String, GroupSizes)> {
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
        let root = self.holders.root();
        let retained = retained_by_group(children, root, &self.ownership.retained, numbers.len(), group_of);
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

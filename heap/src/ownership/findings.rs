//! Who owns whom: what an analysis finds out of a dump, and nothing that the dump itself holds.

use crate::graph::csr::{Graph, Node};
use crate::graph::dominators::DominatorTree;
use crate::objects::columns::Objects;
use crate::ownership::holders::{HeldGraph, Holders};
use crate::ownership::references::Deficit;
use pyheap_format::reader::{Dump, Root};
use std::convert::Infallible;
use std::sync::OnceLock;

/// The steps of an analysis, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Edges and reference counts are read.
    References,
    /// What the roots reach is searched.
    Reachability,
    /// The dominator tree is computed.
    Dominators,
    /// Sizes are summed over the dominator tree.
    RetainedSizes,
}

/// Dominators and retained sizes of a dump. Keep it with the dump that it is of: every method that needs the dump
/// takes it.
#[derive(Debug)]
pub struct Ownership {
    /// The roots.
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
    /// What [`HeldGraph::hidden`] and [`HeldGraph::heads`] are: the graph is read again without a search.
    pub(crate) hidden: Vec<Node>,
    pub(crate) heads: Vec<Node>,
    pub(crate) graph: OnceLock<Graph>,
}

impl Ownership {
    /// Analyses a dump.
    pub fn of(dump: &Dump) -> Self {
        let Ok(ownership) = Self::watched(dump, &mut |_| Ok::<(), Infallible>(()));
        ownership
    }

    /// Analyses a dump and tells of each phase as it begins.
    ///
    /// # Errors
    /// Those of `watch`, which ends the analysis with them.
    pub fn watched<E>(dump: &Dump, watch: &mut dyn FnMut(Phase) -> Result<(), E>) -> Result<Self, E> {
        let objects = Objects::of(dump);
        let roots: Vec<Root> = dump.roots().collect();
        let held = HeldGraph::watched(dump, &objects, &roots, watch)?;
        let garbage = held.garbage().len();
        let HeldGraph { graph, referrers, search, holders, deficits, native, hidden, heads } = held;
        watch(Phase::Dominators)?;
        let tree = DominatorTree::new(&referrers, search);
        drop(referrers);
        watch(Phase::RetainedSizes)?;
        let retained = tree.sums(|node| objects.allocated(node));
        let graph = OnceLock::from(graph);
        Ok(Self { roots, holders, tree, deficits, native, garbage, retained, hidden, heads, graph })
    }

    /// Allocated bytes that would be freed if this node went: with a thread what only it holds, with the root
    /// everything.
    pub fn retained(&self, node: Node) -> u64 {
        self.retained.get(node as usize).copied().unwrap_or_default()
    }

    /// Allocated bytes of all objects.
    pub fn total(&self) -> u64 {
        self.retained(self.holders.root())
    }

    pub(crate) fn graph(&self, dump: &Dump, objects: &Objects<'_>) -> &Graph {
        let read = || HeldGraph::graph_of(dump, objects, &self.roots, &self.hidden, &self.heads);
        self.graph.get_or_init(read)
    }
}

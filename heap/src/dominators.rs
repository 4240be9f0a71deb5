//! Immediate dominators: the node through which every path from the root to a given node leads.
//!
//! Semi-NCA (Georgiadis 2005), iterative and on arrays alone. Path compression without balancing makes its first
//! part O(m log n). Its second part climbs the tree of dominators built so far, which is quadratic on graphs made for
//! the purpose; once the climbs have cost more than a fixed number of steps per node, they use jump pointers and cost
//! O(log n) each. So the whole is O(m log n) on every graph.

use crate::graph::{Graph, NO_NODE, Node};
use crate::order::DepthFirst;
use std::ops::Range;
use std::sync::mpsc::sync_channel;

/// Steps of climbing per node, on average, after which jump pointers pay.
const CLIMBS_PER_NODE: u64 = 16;

/// The dominator tree of the nodes that a search reached.
///
/// Kept in preorder of the search, where a dominator comes before what it dominates: sums over subtrees are one
/// sweep from the end.
#[derive(Clone, Debug)]
pub struct DominatorTree {
    rank: Vec<u32>,
    node: Vec<Node>,
    /// By rank: rank of the immediate dominator; the root's own for the root.
    idom: Vec<u32>,
}

impl DominatorTree {
    /// Computes the tree of a search over all of the graph that can be reached from the search's first node.
    pub fn new(graph: &Graph, search: DepthFirst) -> Self {
        let idom = semi_nca(graph, &search);
        let DepthFirst { rank, node, .. } = search;
        Self { rank, node, idom }
    }

    /// Nodes in preorder, and by rank the rank of the immediate dominator.
    pub(crate) fn parts(&self) -> (&[Node], &[u32]) {
        (&self.node, &self.idom)
    }

    /// A tree over a graph of so many nodes from its parts, if they can be those of one.
    pub(crate) fn checked(nodes: usize, node: Vec<Node>, idom: Vec<u32>) -> Option<Self> {
        let mut rank = vec![NO_NODE; nodes];
        for (at, &node) in node.iter().enumerate() {
            let place = rank.get_mut(node as usize)?;
            if std::mem::replace(place, at as u32) != NO_NODE {
                return None;
            }
        }
        let above = idom.iter().zip(0u32..).skip(1).all(|(idom, rank)| *idom < rank);
        let whole = idom.len() == node.len() && idom.first() == Some(&0);
        (above && whole).then_some(Self { rank, node, idom })
    }

    pub(crate) fn from_parts(search: &DepthFirst, idom: Vec<u32>) -> Self {
        Self { rank: search.rank.clone(), node: search.node.clone(), idom }
    }

    /// Number of nodes in the graph, reached or not.
    pub fn nodes(&self) -> usize {
        self.rank.len()
    }

    /// The nodes of the tree, every dominator before what it dominates. The first one is the root.
    pub fn preorder(&self) -> &[Node] {
        &self.node
    }

    /// Place of a node in the preorder.
    pub fn rank(&self, node: Node) -> Option<u32> {
        Some(self.rank[node as usize]).filter(|&rank| rank != NO_NODE)
    }

    /// Immediate dominator of a node: none for the root and for nodes that were not reached.
    pub fn idom(&self, node: Node) -> Option<Node> {
        match self.rank[node as usize] {
            0 | NO_NODE => None,
            rank => Some(self.node[self.idom[rank as usize] as usize]),
        }
    }

    /// The dominators of a node from its immediate one up to the root.
    pub fn chain(&self, node: Node) -> impl Iterator<Item = Node> {
        std::iter::successors(self.idom(node), |&node| self.idom(node))
    }

    /// For each node the sum of `weight` over what it dominates, itself included; 0 for nodes that were not reached.
    pub fn sums(&self, weight: impl Fn(Node) -> u64) -> Vec<u64> {
        let mut by_rank: Vec<u64> = self.node.iter().map(|&node| weight(node)).collect();
        for rank in (1..by_rank.len()).rev() {
            by_rank[self.idom[rank] as usize] += by_rank[rank];
        }
        let mut sums = vec![0; self.nodes()];
        for (&node, sum) in self.node.iter().zip(by_rank) {
            sums[node as usize] = sum;
        }
        sums
    }

    /// The tree as a graph from each node to those that it dominates immediately.
    pub fn children(&self) -> Graph {
        let mut counts = vec![0u32; self.nodes()];
        for &idom in self.idom.iter().skip(1) {
            counts[self.node[idom as usize] as usize] += 1;
        }
        let mut children = Graph::rows_of_lengths(&counts);
        drop(counts);
        let mut filled = vec![0u32; self.nodes()];
        for (&node, &idom) in self.node.iter().zip(&self.idom).skip(1) {
            let parent = self.node[idom as usize] as usize;
            let at = children.start(parent) + filled[parent] as usize;
            filled[parent] += 1;
            children.targets_mut()[at] = node;
        }
        children
    }
}

/// The predecessors of a node that can matter to its dominators, as ranks.
pub(crate) fn predecessors(referrers: &Graph, search: &DepthFirst, rank: u32) -> impl Iterator<Item = u32> {
    let barrier = search.barrier;
    let row = referrers.targets(search.node[rank as usize]);
    // A single referrer is the parent in the tree, which is where semidominators start from.
    let row = if row.len() == 1 { &[] } else { row };
    let ranks = row.iter().map(|&node| search.rank[node as usize]);
    ranks.filter(move |&predecessor| predecessor != NO_NODE && (predecessor < barrier || rank >= barrier))
}

/// Ranks of immediate dominators, by rank.
fn semi_nca(graph: &Graph, search: &DepthFirst) -> Vec<u32> {
    // By node, not by rank: neighbours in the numbering of a walk refer to neighbours, so turning the graph round
    // stays in the cache.
    let referrers = graph.reversed();
    let semi = semidominators(&referrers, search);
    drop(referrers);
    nearest_common_ancestors(semi, &search.parent)
}

/// Ranks whose predecessors are gathered together: looking them up misses the cache, and misses that do not depend
/// on each other overlap.
const BATCH: u32 = 1 << 14;

/// Batches that are gathered ahead.
const AHEAD: usize = 4;

/// Ranks from which on a second thread that gathers is worth its start.
const MANY_RANKS: usize = 1 << 20;

/// Batches of ranks from the last to the first but the root.
fn batches(ranks: usize) -> impl Iterator<Item = Range<u32>> {
    let first = |end: &u32| end.saturating_sub(BATCH).max(1);
    let ends = std::iter::successors(Some(ranks as u32), move |end| Some(first(end)));
    ends.take_while(|end| *end > 1).map(move |end| first(&end)..end)
}

/// The predecessors of a batch of ranks that can matter, each with its rank, from the last rank to the first.
fn gather(referrers: &Graph, search: &DepthFirst, batch: Range<u32>) -> Vec<(u32, u32)> {
    let of = |rank| predecessors(referrers, search, rank).map(move |predecessor| (rank, predecessor));
    batch.rev().flat_map(of).collect()
}

/// Ranks of semidominators, by rank.
fn semidominators(referrers: &Graph, search: &DepthFirst) -> Vec<u32> {
    let parent = &search.parent;
    let mut sweep = Sweep::new(parent);
    if parent.len() < MANY_RANKS {
        for batch in batches(parent.len()) {
            sweep.pass(batch.clone(), &gather(referrers, search, batch));
        }
        return sweep.semi;
    }
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            for batch in batches(parent.len()) {
                if sender.send((batch.clone(), gather(referrers, search, batch))).is_err() {
                    return;
                }
            }
        });
        for (batch, gathered) in receiver {
            sweep.pass(batch, &gathered);
        }
    });
    sweep.semi
}

/// The sweep over the ranks from the last to the first.
struct Sweep<'a> {
    parent: &'a [u32],
    semi: Vec<u32>,
    forest: Forest,
}

impl<'a> Sweep<'a> {
    fn new(parent: &'a [u32]) -> Self {
        let links = parent.iter().map(|&parent| Link { ancestor: parent, least: parent }).collect();
        Self { parent, semi: parent.to_vec(), forest: Forest { links, path: Vec::new() } }
    }

    fn pass(&mut self, batch: Range<u32>, gathered: &[(u32, u32)]) {
        let mut gathered = gathered.iter().peekable();
        for rank in batch.rev() {
            let mut least = self.parent[rank as usize];
            while let Some((_, predecessor)) = gathered.next_if(|(of, _)| *of == rank) {
                least = least.min(self.forest.least_semidominator(*predecessor, rank));
            }
            self.semi[rank as usize] = least;
            self.forest.links[rank as usize].least = least;
        }
    }
}

/// The forest of the ranks that the sweep has passed, compressed as it is climbed.
struct Forest {
    links: Vec<Link>,
    path: Vec<u32>,
}

/// A rank's way up.
#[derive(Clone, Copy)]
struct Link {
    ancestor: u32,
    /// Least semidominator (not rank) on the way up to the ancestor, that one left out.
    least: u32,
}

impl Forest {
    /// Least semidominator on the way from `from` up to the root of its tree in the forest of ranks above `passed`;
    /// for a rank that was not passed, that rank.
    fn least_semidominator(&mut self, from: u32, passed: u32) -> u32 {
        if from <= passed {
            return from;
        }
        let mut top = from;
        let mut link = self.links[top as usize];
        while link.ancestor > passed {
            self.path.push(top);
            top = link.ancestor;
            link = self.links[top as usize];
        }
        // `top` hangs directly below a rank that was not passed; everything on the path is to hang there too.
        while let Some(rank) = self.path.pop() {
            let below = &mut self.links[rank as usize];
            link.least = link.least.min(below.least);
            *below = link;
        }
        link.least
    }
}

/// Turns semidominators into dominators: the nearest ancestor in the dominator tree built so far, from the parent on,
/// that is not below the semidominator.
fn nearest_common_ancestors(semi: Vec<u32>, parent: &[u32]) -> Vec<u32> {
    let mut idom = semi;
    let mut budget = CLIMBS_PER_NODE.saturating_mul(idom.len() as u64).max(1);
    for rank in 1..idom.len() {
        if budget == 0 {
            climb_by_jumps(&mut idom, parent, rank);
            break;
        }
        let semi = idom[rank];
        let mut above = parent[rank];
        while above > semi {
            above = idom[above as usize];
            budget = budget.saturating_sub(1);
        }
        idom[rank] = above;
    }
    idom
}

/// The rest of [`nearest_common_ancestors`], from `from` on, in O(log n) per rank.
///
/// Beside its parent every rank keeps a jump to an ancestor, chosen by depth such that any ancestor can be found in
/// O(log n) steps (Myers's skew-binary jump pointers).
fn climb_by_jumps(idom: &mut [u32], parent: &[u32], from: usize) {
    let mut depth = vec![0u32; idom.len()];
    let mut jump = vec![0u32; idom.len()];
    for rank in 1..idom.len() {
        if rank >= from {
            let semi = idom[rank];
            let mut above = parent[rank];
            while above > semi {
                let far = jump[above as usize];
                above = if far > semi { far } else { idom[above as usize] };
            }
            idom[rank] = above;
        }
        let above = idom[rank] as usize;
        let far = jump[above] as usize;
        depth[rank] = depth[above] + 1;
        jump[rank] = if depth[above] - depth[far] == depth[far] - depth[jump[far] as usize] {
            jump[far]
        } else {
            above as u32
        };
    }
}

#[cfg(test)]
mod tests;

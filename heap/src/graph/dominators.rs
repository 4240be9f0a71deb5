//! Immediate dominators: the node through which every path from the root to a given node leads.
//!
//! Semi-NCA (Georgiadis 2005), iterative and on arrays alone. Path compression without balancing makes its first
//! part O(m log n). Its second part climbs the tree of dominators built so far, which is quadratic on graphs made for
//! the purpose; once the climbs have cost more than a fixed number of steps per node, they use jump pointers and cost
//! O(log n) each. So the whole is O(m log n) on every graph.

use crate::graph::csr::{Graph, NO_NODE, Node};
use crate::graph::order::{DepthFirst, NodeSet};
use std::hint::black_box;
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
    /// Computes the tree of a search over all that can be reached from the search's first node, from the graph with
    /// its edges turned round.
    ///
    /// By node, not by rank: neighbours in the numbering of a walk refer to neighbours, so turning the graph round
    /// stays in the cache.
    pub fn new(referrers: &Graph, search: DepthFirst) -> Self {
        let idom = nearest_common_ancestors(semidominators(referrers, &search), &search.parent);
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
    let row = referrers.targets(search.node[rank as usize]);
    let ranks = row.iter().map(|&node| search.rank[node as usize]);
    ranks.filter(move |&predecessor| search.can_hold(predecessor, rank))
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

/// What the predecessors of ranks are gathered from.
struct Gatherer<'a> {
    referrers: &'a Graph,
    search: &'a DepthFirst,
    /// The nodes that have more than one referrer. A single one tells nothing new: it is the parent in the tree,
    /// which is where semidominators start from, or is itself only reached through the node.
    shared: NodeSet,
}

impl<'a> Gatherer<'a> {
    fn new(referrers: &'a Graph, search: &'a DepthFirst) -> Self {
        let is_shared = |node: &usize| referrers.start(node + 1) - referrers.start(*node) > 1;
        let shared = NodeSet::of(search.rank.len(), (0..referrers.nodes()).filter(is_shared));
        Self { referrers, search, shared }
    }

    /// The predecessors of a batch of ranks that can matter, each with its rank, from the last rank to the first. In
    /// three loops: the look-ups of one loop do not depend on each other, and so overlap.
    fn gather(&self, batch: Range<u32>) -> Vec<(u32, u32)> {
        let nodes =
            batch.clone().rev().zip(self.search.node[batch.start as usize..batch.end as usize].iter().rev());
        let rows: Vec<(u32, &[Node])> = nodes
            .filter(|(_, node)| self.shared.contains(**node))
            .map(|(rank, node)| (rank, self.referrers.targets(*node)))
            .collect();
        let mut gathered = Vec::with_capacity(rows.iter().map(|(_, row)| row.len()).sum());
        for (rank, row) in rows {
            gathered.extend(row.iter().map(|&node| (rank, node)));
        }
        for (_, predecessor) in &mut gathered {
            *predecessor = self.search.rank[*predecessor as usize];
        }
        gathered.retain(|(rank, predecessor)| self.search.can_hold(*predecessor, *rank));
        gathered
    }
}

/// Ranks of semidominators, by rank.
fn semidominators(referrers: &Graph, search: &DepthFirst) -> Vec<u32> {
    let ranks = search.parent.len();
    let gatherer = Gatherer::new(referrers, search);
    let mut sweep = Sweep::new(&search.parent);
    if ranks < MANY_RANKS {
        for batch in batches(ranks) {
            sweep.pass(&gatherer.gather(batch));
        }
        return sweep.semi;
    }
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            // The receiver goes away only when this function does.
            batches(ranks).try_for_each(|batch| sender.send(gatherer.gather(batch)))
        });
        for gathered in receiver {
            sweep.pass(&gathered);
        }
    });
    sweep.semi
}

/// The sweep over the ranks from the last to the first.
struct Sweep {
    semi: Vec<u32>,
    forest: Forest,
}

/// Links that are looked up ahead of their use: as many as stay in the innermost cache.
const WARMED: usize = 256;

impl Sweep {
    fn new(parent: &[u32]) -> Self {
        let links = parent.iter().map(|&parent| Link { ancestor: parent, least: parent }).collect();
        Self { semi: parent.to_vec(), forest: Forest { links, path: Vec::new() } }
    }

    /// Goes over ranks with their predecessors, from the last rank to the first.
    fn pass(&mut self, gathered: &[(u32, u32)]) {
        for step in gathered.chunks(WARMED) {
            // Climbing waits for each link; these reads wait together.
            let links = &self.forest.links;
            let warmed = step
                .iter()
                .map(|(_, predecessor)| links[links[*predecessor as usize].ancestor as usize].least);
            black_box(warmed.fold(0, |all, least| all ^ least));
            for &(rank, predecessor) in step {
                let least = self.forest.least_semidominator(predecessor, rank);
                let semi = &mut self.semi[rank as usize];
                if least < *semi {
                    *semi = least;
                    self.forest.links[rank as usize].least = least;
                }
            }
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

//! Depth-first numbering, without recursion: chains of millions are ordinary in heaps.

use crate::graph::csr::{Graph, NO_NODE, Node};

/// The nodes that a search has reached, numbered in preorder, with the spanning tree.
///
/// *Ranks* are preorder numbers; a parent's rank is smaller than its children's.
#[derive(Clone, Debug)]
pub struct DepthFirst {
    pub(crate) rank: Vec<u32>,
    /// Nodes that are known to have no edges.
    leaves: NodeSet,
    /// Whether a node has been reached. Says what `rank` says, but from the cache.
    reached: NodeSet,
    pub(crate) node: Vec<Node>,
    pub(crate) parent: Vec<u32>,
    /// Rank from which on nodes do not count as holders of those before.
    pub(crate) barrier: u32,
    stack: Vec<(u32, usize)>,
}

/// A bit per node.
#[derive(Clone, Debug)]
pub(crate) struct NodeSet(Vec<u64>);

impl NodeSet {
    fn new(nodes: usize) -> Self {
        Self(vec![0; nodes.div_ceil(64)])
    }

    /// Of a graph of so many nodes those given.
    pub(crate) fn of(nodes: usize, members: impl Iterator<Item = usize>) -> Self {
        let mut set = Self::new(nodes);
        members.for_each(|node| set.insert(node as Node));
        set
    }

    pub(crate) fn contains(&self, node: Node) -> bool {
        self.0[node as usize / 64] >> (node % 64) & 1 != 0
    }

    fn insert(&mut self, node: Node) {
        self.0[node as usize / 64] |= 1 << (node % 64);
    }
}

impl DepthFirst {
    /// A search that has reached nothing, in a graph that may still grow to so many nodes.
    pub fn new(graph: &Graph, nodes: usize) -> Self {
        let is_leaf = |node: &usize| graph.start(*node) == graph.start(node + 1);
        Self {
            rank: vec![NO_NODE; nodes],
            leaves: NodeSet::of(nodes, (0..graph.nodes()).filter(is_leaf)),
            reached: NodeSet::new(nodes),
            node: Vec::with_capacity(nodes),
            parent: Vec::with_capacity(nodes),
            barrier: u32::MAX,
            stack: Vec::new(),
        }
    }

    /// Reaches whatever is reachable from a node and was not reached before. In the tree the node hangs from the first
    /// node of all. Nothing happens when it has been reached.
    pub fn search(&mut self, graph: &Graph, from: Node) {
        if self.reached(from) {
            return;
        }
        let parent = 0;
        self.stack.clear();
        self.enter(graph, from, parent);
        while let Some((rank, position)) = self.stack.last_mut() {
            let (node, here) = (self.node[*rank as usize] as usize, *rank);
            let end = graph.start(node + 1);
            let mut next = *position;
            while next < end && self.reached.contains(graph.target_at(next)) {
                next += 1;
            }
            if next < end {
                *position = next + 1;
                self.enter(graph, graph.target_at(next), here);
            } else {
                self.stack.pop();
            }
        }
    }

    fn enter(&mut self, graph: &Graph, node: Node, parent: u32) {
        let rank = self.node.len() as u32;
        self.rank[node as usize] = rank;
        self.reached.insert(node);
        self.node.push(node);
        self.parent.push(parent);
        // A leaf needs no place on the stack: most objects are leaves.
        if !self.leaves.contains(node) {
            self.stack.push((rank, graph.start(node as usize)));
        }
    }

    /// From here on nodes that are reached do not count as what holds those that were reached before: garbage refers to
    /// live objects, but it is not what keeps them alive.
    pub fn raise_barrier(&mut self) {
        self.barrier = self.node.len() as u32;
    }

    /// Whether what was reached as the one rank can be what holds the other.
    #[inline]
    pub(crate) fn can_hold(&self, rank: u32, other: u32) -> bool {
        rank != NO_NODE && (rank < self.barrier || other >= self.barrier)
    }

    /// The nodes that were reached since the barrier was raised.
    pub fn behind_barrier(&self) -> &[Node] {
        self.node.get(self.barrier as usize..).unwrap_or_default()
    }

    /// Whether a node has been reached.
    pub fn reached(&self, node: Node) -> bool {
        self.reached.contains(node)
    }

    /// Preorder number of a node that has been reached.
    pub fn rank(&self, node: Node) -> Option<u32> {
        Some(self.rank[node as usize]).filter(|&rank| rank != NO_NODE)
    }

    /// The reached nodes in preorder.
    pub fn preorder(&self) -> &[Node] {
        &self.node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_preorder_and_leaves_the_unreachable_out() {
        let graph = Graph::from_rows([vec![1, 3], vec![2], vec![0], vec![2], vec![0]]);
        let mut search = DepthFirst::new(&graph, graph.nodes());
        search.search(&graph, 0);
        assert_eq!(search.preorder(), [0, 1, 2, 3]);
        assert_eq!(search.parent, [0, 0, 1, 0]);
        assert_eq!(search.rank(4), None);
    }

    #[test]
    fn a_second_search_hangs_below_the_first_node() {
        let graph = Graph::from_rows([vec![1], vec![], vec![1, 3], vec![]]);
        let mut search = DepthFirst::new(&graph, graph.nodes());
        search.search(&graph, 0);
        search.search(&graph, 2);
        assert_eq!(search.preorder(), [0, 1, 2, 3]);
        assert_eq!(search.parent, [0, 0, 0, 2]);
    }
}

//! What each node dominates immediately, the largest first.

use crate::graph::csr::{Graph, Node};
use crate::ownership::findings::Ownership;
use std::cmp::Reverse;

/// The dominator tree from each node to those that it dominates immediately; of these the one that retains most comes
/// first. 8 bytes per object.
#[derive(Debug)]
pub struct Dominated(Graph);

impl Dominated {
    /// Turns the tree of an analysis round.
    pub fn of(ownership: &Ownership) -> Self {
        let mut children = ownership.tree.children();
        for node in 0..children.nodes() {
            let row = children.start(node)..children.start(node + 1);
            let row = children.targets_mut().get_mut(row).unwrap_or_default();
            row.sort_unstable_by_key(|&child| {
                (Reverse(ownership.retained(child)), ownership.tree.rank(child))
            });
        }
        Self(children)
    }

    /// What a node dominates immediately, the largest first; nothing for a number that no node has.
    pub fn by(&self, node: Node) -> &[Node] {
        if (node as usize) < self.0.nodes() { self.0.targets(node) } else { &[] }
    }

    /// The same as a graph.
    pub fn graph(&self) -> &Graph {
        &self.0
    }

    /// A node and all that it dominates, immediately or not, every dominator before what it dominates.
    pub fn subtree(&self, node: Node) -> Vec<Node> {
        let mut found = vec![node];
        let mut next = 0;
        while let Some(&node) = found.get(next) {
            found.extend(self.by(node));
            next += 1;
        }
        found
    }
}

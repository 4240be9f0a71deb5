//! Shortest paths from holders, by breadth-first search in tiers: a path from a better kind of holder wins over a
//! shorter one from a worse kind.

use crate::graph::csr::{Graph, NO_NODE, Node};
use std::collections::HashSet;

/// A tree of shortest paths.
#[derive(Clone, Debug)]
pub struct ShortestPaths {
    parent: Vec<Node>,
    reached: Vec<Node>,
}

impl ShortestPaths {
    /// A search that has reached nothing but the root, in a graph of so many nodes.
    pub fn new(nodes: usize, root: Node) -> Self {
        let mut paths = Self { parent: vec![NO_NODE; nodes], reached: Vec::new() };
        paths.parent[root as usize] = root;
        paths
    }

    /// Adds a tier: reaches what is reachable from the `seeds` (each with the node that holds it) and was not reached
    /// before, over the edges that `row` gives of a node.
    pub fn extend<'a>(
        &mut self,
        seeds: impl IntoIterator<Item = (Node, Node)>,
        row: impl Fn(Node) -> &'a [Node],
    ) {
        let mut next = self.reached.len();
        for (holder, seed) in seeds {
            self.reach(holder, seed);
        }
        while let Some(&node) = self.reached.get(next) {
            next += 1;
            for &target in row(node) {
                self.reach(node, target);
            }
        }
    }

    /// Adds a tier over all edges of the graph.
    pub fn extend_by_graph(&mut self, seeds: impl IntoIterator<Item = (Node, Node)>, graph: &Graph) {
        self.extend(seeds, |node| graph.targets(node));
    }

    fn reach(&mut self, holder: Node, node: Node) {
        if self.parent[node as usize] == NO_NODE {
            self.parent[node as usize] = holder;
            self.reached.push(node);
        }
    }

    /// The nodes that were reached, in the order in which they were, without the root.
    pub fn reached(&self) -> &[Node] {
        &self.reached
    }

    /// Whether a node was reached.
    pub fn is_reached(&self, node: Node) -> bool {
        self.parent[node as usize] != NO_NODE
    }

    /// The node before this one on its path; the root's own for the root.
    pub fn holder(&self, node: Node) -> Option<Node> {
        Some(self.parent[node as usize]).filter(|&parent| parent != NO_NODE)
    }

    /// The first of these nodes whose path does not lead through another of them.
    pub fn entry(&self, nodes: &[Node]) -> Option<Node> {
        let all: HashSet<Node> = nodes.iter().copied().collect();
        nodes.iter().copied().find(|&node| self.holder(node).is_some_and(|holder| !all.contains(&holder)))
    }

    /// The path to a node, from the root to the node itself; empty where there is none.
    pub fn path(&self, node: Node) -> Vec<Node> {
        let mut path: Vec<Node> = self.backwards(node).collect();
        path.reverse();
        path
    }

    fn backwards(&self, node: Node) -> impl Iterator<Item = Node> {
        std::iter::successors(self.holder(node).map(|_| node), |&node| {
            self.holder(node).filter(|&holder| holder != node)
        })
    }

    /// Nodes on the path to a node; none where there is no path, or one that leads through `avoided`.
    pub fn length_without(&self, node: Node, avoided: Node) -> Option<usize> {
        let length =
            self.backwards(node).try_fold(0, |length, node| (node != avoided).then_some(length + 1))?;
        Some(length).filter(|&length| length > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shortest_within_a_tier_and_earlier_tiers_win() {
        // 0 root; 1 -> 2 -> 3 -> 4; 5 -> 4; 6 -> 4, 7
        let graph = Graph::from_rows([
            vec![1, 5, 6],
            vec![2],
            vec![3],
            vec![4],
            vec![],
            vec![4],
            vec![4, 7],
            vec![],
            vec![],
        ]);
        let mut paths = ShortestPaths::new(graph.nodes(), 0);
        paths.extend_by_graph([(0, 1), (0, 5)], &graph);
        paths.extend_by_graph([(0, 6)], &graph);
        assert_eq!(paths.path(3), [0, 1, 2, 3]);
        assert_eq!(paths.path(4), [0, 5, 4]);
        assert_eq!(paths.path(7), [0, 6, 7]);
        assert_eq!(paths.path(0), [0]);
        assert!(paths.path(8).is_empty());
        assert_eq!(paths.length_without(3, 4), Some(4));
        assert_eq!(paths.length_without(3, 2), None);
        assert_eq!(paths.length_without(8, 2), None);
    }
}

//! Parts of the dominator tree for people: cut where little is left, marked where what is held spreads out.

use crate::graph::csr::{Graph, Node};
use crate::ownership::analysis::Analysis;
use std::cmp::Reverse;

/// What to leave out of the tree.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Nodes that retain less, bytes.
    pub least: u64,
    /// Levels below the first node.
    pub depth: usize,
}

/// A node of the cut tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The node.
    pub node: Node,
    /// Level below the first node.
    pub depth: usize,
    /// Retained size, bytes.
    pub retained: u64,
    /// Number of nodes that it dominates immediately.
    pub children: usize,
    /// How many of them are left out.
    pub children_left_out: usize,
    /// See [`Analysis::is_drop`].
    pub is_drop: bool,
}

/// A node is a drop when its largest child has less than this share of what it retains.
const DROP_SHARE: f64 = 0.5;

impl Analysis<'_> {
    /// The dominator tree below a node in preorder, the largest first among siblings.
    pub fn dominator_branches(&self, top: Node, cut: Cut) -> Vec<Branch> {
        let children = self.tree.children();
        let mut branches = Vec::new();
        let mut stack = vec![(top, 0)];
        while let Some((node, depth)) = stack.pop() {
            let all = children.targets(node);
            let mut large: Vec<Node> = if depth < cut.depth {
                all.iter().copied().filter(|&child| self.retained(child) >= cut.least.max(1)).collect()
            } else {
                vec![]
            };
            large.sort_unstable_by_key(|&child| Reverse((self.retained(child), Reverse(child))));
            branches.push(Branch {
                node,
                depth,
                retained: self.retained(node),
                children: all.len(),
                children_left_out: all.len() - large.len(),
                is_drop: self.is_drop(&children, node),
            });
            stack.extend(large.into_iter().rev().map(|child| (child, depth + 1)));
        }
        branches
    }

    /// Whether what a node holds accumulates here: it holds many, the largest of which is much smaller than itself.
    pub fn is_drop(&self, children: &Graph, node: Node) -> bool {
        let row = children.targets(node);
        let largest = row.iter().map(|&child| self.retained(child)).max().unwrap_or_default();
        row.len() > 1 && (largest as f64) < self.retained(node) as f64 * DROP_SHARE
    }

    /// What an object's immediate dominator calls it, if it refers to the object directly.
    pub fn name_within_dominator(&self, node: Node) -> Option<String> {
        let objects = self.holders.objects();
        let dominator = self.tree.idom(node).filter(|&dominator| dominator < objects && node < objects)?;
        Some(self.best_edge(dominator, node)?.name(self.dump))
    }
}

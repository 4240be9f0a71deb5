//! Retained sizes of groups of nodes: of all instances of a type, of a module's classes.

use crate::graph::csr::{Graph, Node};

/// For each group the sum of `retained` over those of its nodes that no other node of the group dominates: what
/// would be freed if all of them went, each byte counted once.
///
/// `children` is the dominator tree from each node to those that it dominates immediately, `retained` a sum over
/// subtrees of it. Nodes of no group have `None`.
pub fn retained_by_group(
    children: &Graph,
    root: Node,
    retained: &[u64],
    groups: usize,
    group_of: impl Fn(Node) -> Option<u32>,
) -> Vec<u64> {
    let mut sums = vec![0u64; groups];
    // How many nodes of each group are among the dominators of the current node.
    let mut above = vec![0u32; groups];
    let mut enter = |node: Node, above: &mut [u32]| {
        if let Some(group) = group_of(node) {
            if above[group as usize] == 0 {
                sums[group as usize] += retained[node as usize];
            }
            above[group as usize] += 1;
        }
    };
    let mut stack = vec![(root, children.start(root as usize))];
    enter(root, &mut above);
    while let Some((node, next)) = stack.last_mut() {
        if *next < children.start(*node as usize + 1) {
            let child = children.target_at(*next);
            *next += 1;
            enter(child, &mut above);
            let start = children.start(child as usize);
            if start < children.start(child as usize + 1) {
                stack.push((child, start));
            } else if let Some(group) = group_of(child) {
                above[group as usize] -= 1;
            }
        } else {
            if let Some(group) = group_of(*node) {
                above[group as usize] -= 1;
            }
            stack.pop();
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DepthFirst, DominatorTree};
    use proptest::prelude::*;

    proptest! {
        /// By the definition, on trees: a node counts for its group unless an ancestor is of the same group.
        #[test]
        fn counts_every_node_of_a_group_once(
            parents in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
            groups in prop::collection::vec(prop::option::of(0..4u32), 61),
        ) {
            let parents: Vec<Node> =
                parents.iter().enumerate().map(|(at, index)| index.index(at + 1) as Node).collect();
            let nodes = parents.len() + 1;
            let mut rows = vec![vec![]; nodes];
            for (at, &parent) in parents.iter().enumerate() {
                rows[parent as usize].push(at as Node + 1);
            }
            let graph = Graph::from_rows(rows);
            let mut search = DepthFirst::new(&graph, nodes);
            search.search(&graph, 0);
            let tree = DominatorTree::new(&graph.reversed(), search);
            let weight = |node: Node| u64::from(node) * 7 + 1;
            let sums = retained_by_group(&tree.children(), 0, &tree.sums(weight), 4, |node| groups[node as usize]);
            for group in 0..4 {
                // Bytes that have a node of the group at or above them.
                let expected: u64 = (0..nodes as Node)
                    .filter(|&node| {
                        let mut line = std::iter::successors(Some(node), |&node| {
                            (node > 0).then(|| parents[node as usize - 1])
                        });
                        line.any(|node| groups[node as usize] == Some(group))
                    })
                    .map(weight)
                    .sum();
                prop_assert_eq!(sums[group as usize], expected);
            }
        }
    }
}

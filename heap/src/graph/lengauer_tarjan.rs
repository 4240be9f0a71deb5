//! Dominators a second time, by the simple Lengauer-Tarjan algorithm: what [`DominatorTree::new`] is verified with.

use crate::graph::csr::Graph;
use crate::graph::dominators::{DominatorTree, predecessors};
use crate::graph::order::DepthFirst;

/// No rank.
const NONE: u32 = u32::MAX;

/// The same tree as [`DominatorTree::new`] gives, in O(m log n), with twice the memory.
pub fn lengauer_tarjan(graph: &Graph, search: &DepthFirst) -> DominatorTree {
    let referrers = graph.reversed();
    let parent = &search.parent;
    let ranks = parent.len();
    let mut forest = Forest {
        ancestor: vec![NONE; ranks],
        label: (0..ranks as u32).collect(),
        semi: (0..ranks as u32).collect(),
        path: Vec::new(),
    };
    let mut idom = vec![0u32; ranks];
    // Ranks by semidominator, as linked lists: first of the list, and next of each rank.
    let mut first = vec![NONE; ranks];
    let mut next = vec![NONE; ranks];

    for rank in (1..ranks as u32).rev() {
        let above = parent[rank as usize];
        let mut semi = above;
        for predecessor in predecessors(&referrers, search, rank) {
            let label = forest.evaluate(predecessor);
            semi = semi.min(forest.semi[label as usize]);
        }
        forest.semi[rank as usize] = semi;
        next[rank as usize] = first[semi as usize];
        first[semi as usize] = rank;
        forest.ancestor[rank as usize] = above;

        let mut waiting = std::mem::replace(&mut first[above as usize], NONE);
        while waiting != NONE {
            let label = forest.evaluate(waiting);
            let settled = forest.semi[label as usize] >= forest.semi[waiting as usize];
            // Not settled: the same dominator as the label's, which is found in the sweep below.
            idom[waiting as usize] = if settled { above } else { label };
            waiting = next[waiting as usize];
        }
    }
    for rank in 1..ranks {
        if idom[rank] != forest.semi[rank] {
            idom[rank] = idom[idom[rank] as usize];
        }
    }
    DominatorTree::from_parts(search, idom)
}

struct Forest {
    ancestor: Vec<u32>,
    /// Rank of least semidominator on the way up to the ancestor.
    label: Vec<u32>,
    semi: Vec<u32>,
    path: Vec<u32>,
}

impl Forest {
    /// The rank of least semidominator on the way from a rank up to the root of its tree, that one left out.
    fn evaluate(&mut self, rank: u32) -> u32 {
        if self.ancestor[rank as usize] == NONE {
            return rank;
        }
        let mut top = rank;
        while self.ancestor[self.ancestor[top as usize] as usize] != NONE {
            self.path.push(top);
            top = self.ancestor[top as usize];
        }
        let (ancestor, mut label) = (self.ancestor[top as usize], self.label[top as usize]);
        while let Some(below) = self.path.pop() {
            if self.semi[label as usize] < self.semi[self.label[below as usize] as usize] {
                self.label[below as usize] = label;
            }
            label = self.label[below as usize];
            self.ancestor[below as usize] = ancestor;
        }
        label
    }
}

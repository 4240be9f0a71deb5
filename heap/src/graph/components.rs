//! Strongly connected components: the cycles of a heap.

use crate::graph::csr::{Graph, NO_NODE, Node};

/// The strongly connected components of more than one node, or of one that refers to itself.
#[derive(Clone, Debug, Default)]
pub struct Cycles {
    members: Vec<Node>,
    ends: Vec<usize>,
}

impl Cycles {
    /// Finds them among the nodes for which `included` holds, by Tarjan's algorithm without recursion.
    pub fn new(graph: &Graph, included: impl Fn(Node) -> bool) -> Self {
        let nodes = graph.nodes();
        let mut cycles = Self::default();
        // Preorder number; once the component is complete, `DONE`.
        const DONE: u32 = u32::MAX - 1;
        let mut number = vec![NO_NODE; nodes];
        let mut low = vec![0u32; nodes];
        let mut numbered = 0u32;
        let mut open: Vec<Node> = Vec::new();
        let mut stack: Vec<(Node, usize)> = Vec::new();

        for start in (0..nodes as Node).filter(|&node| included(node)) {
            if number[start as usize] != NO_NODE {
                continue;
            }
            stack.push((start, graph.start(start as usize)));
            number[start as usize] = numbered;
            low[start as usize] = numbered;
            numbered += 1;
            open.push(start);
            while let Some((node, next)) = stack.last_mut() {
                let node = *node;
                if *next < graph.start(node as usize + 1) {
                    let target = graph.target_at(*next);
                    *next += 1;
                    match number[target as usize] {
                        DONE => {}
                        NO_NODE if !included(target) => {}
                        NO_NODE => {
                            number[target as usize] = numbered;
                            low[target as usize] = numbered;
                            numbered += 1;
                            open.push(target);
                            stack.push((target, graph.start(target as usize)));
                        }
                        seen => low[node as usize] = low[node as usize].min(seen),
                    }
                    continue;
                }
                stack.pop();
                if let Some(&(above, _)) = stack.last() {
                    low[above as usize] = low[above as usize].min(low[node as usize]);
                }
                if low[node as usize] == number[node as usize] {
                    let first = cycles.members.len();
                    while let Some(member) = open.pop() {
                        number[member as usize] = DONE;
                        cycles.members.push(member);
                        if member == node {
                            break;
                        }
                    }
                    if cycles.members.len() - first > 1 || graph.targets(node).contains(&node) {
                        cycles.ends.push(cycles.members.len());
                    } else {
                        cycles.members.truncate(first);
                    }
                }
            }
        }
        cycles
    }

    /// The members of each cycle. A component comes after those that it leads to.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[Node]> + ExactSizeIterator {
        (0..self.ends.len()).map(|at| {
            let start = if at == 0 { 0 } else { self.ends[at - 1] };
            &self.members[start..self.ends[at]]
        })
    }

    /// Number of cycles.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// The nodes from which all `included` ones can be reached, one for each component that no other leads to.
pub fn heads(graph: &Graph, included: impl Fn(Node) -> bool) -> Vec<Node> {
    // A node that finishes last in a search over all nodes belongs to a component that no other leads to; what it does
    // not reach, some node that finished before it does.
    let nodes = graph.nodes();
    let mut seen = vec![false; nodes];
    let mut finished: Vec<Node> = Vec::new();
    let mut stack: Vec<(Node, usize)> = Vec::new();
    for start in (0..nodes as Node).filter(|&node| included(node)) {
        if std::mem::replace(&mut seen[start as usize], true) {
            continue;
        }
        stack.push((start, graph.start(start as usize)));
        while let Some((node, next)) = stack.last_mut() {
            if *next < graph.start(*node as usize + 1) {
                let target = graph.target_at(*next);
                *next += 1;
                if included(target) && !std::mem::replace(&mut seen[target as usize], true) {
                    stack.push((target, graph.start(target as usize)));
                }
            } else {
                finished.push(*node);
                stack.pop();
            }
        }
    }
    let mut heads = Vec::new();
    let mut stack: Vec<Node> = Vec::new();
    for &node in finished.iter().rev() {
        // `seen` is true of every included node by now; from here on it means: not reached from a head.
        if !seen[node as usize] {
            continue;
        }
        heads.push(node);
        seen[node as usize] = false;
        stack.push(node);
        while let Some(node) = stack.pop() {
            for &target in graph.targets(node) {
                if std::mem::replace(&mut seen[target as usize], false) {
                    stack.push(target);
                }
            }
        }
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reachability(rows: &[Vec<Node>]) -> Vec<Vec<bool>> {
        let nodes = rows.len();
        let mut reaches = vec![vec![false; nodes]; nodes];
        for (node, row) in rows.iter().enumerate() {
            for &target in row {
                reaches[node][target as usize] = true;
            }
        }
        for over in 0..nodes {
            for from in 0..nodes {
                for to in 0..nodes {
                    reaches[from][to] |= reaches[from][over] && reaches[over][to];
                }
            }
        }
        reaches
    }

    fn graphs() -> impl Strategy<Value = Vec<Vec<Node>>> {
        (1..16u32).prop_flat_map(|nodes| {
            prop::collection::vec(prop::collection::vec(0..nodes, 0..3), nodes as usize)
        })
    }

    proptest! {
        #[test]
        fn cycles_are_what_reaches_itself(rows in graphs()) {
            let reaches = reachability(&rows);
            let cycles = Cycles::new(&Graph::from_rows(rows.iter().cloned()), |_| true);
            let mut found = vec![None; rows.len()];
            for (number, members) in cycles.iter().enumerate() {
                for &member in members {
                    prop_assert_eq!(found[member as usize].replace(number), None);
                }
            }
            for from in 0..rows.len() {
                for to in 0..rows.len() {
                    let together = reaches[from][to] && reaches[to][from];
                    prop_assert_eq!(found[from].is_some() && found[from] == found[to], together);
                }
            }
        }

        #[test]
        fn heads_reach_everything_and_none_is_superfluous(rows in graphs(), excluded in 0..16u32) {
            let rows: Vec<Vec<Node>> = rows
                .iter()
                .enumerate()
                .map(|(node, row)| {
                    let keep = |&target: &Node| target != excluded && node as Node != excluded;
                    row.iter().copied().filter(keep).collect()
                })
                .collect();
            let reaches = reachability(&rows);
            let heads = heads(&Graph::from_rows(rows.iter().cloned()), |node| node != excluded);
            for node in (0..rows.len()).filter(|&node| node as Node != excluded) {
                let by = |&&head: &&Node| head as usize == node || reaches[head as usize][node];
                prop_assert!(heads.iter().any(|head| by(&head)));
                if heads.contains(&(node as Node)) {
                    prop_assert_eq!(heads.iter().filter(by).count(), 1);
                }
            }
        }
    }
}

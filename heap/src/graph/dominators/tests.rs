use proptest::prelude::*;

use super::*;
use crate::graph::lengauer_tarjan::lengauer_tarjan;

fn searched(graph: &Graph) -> DepthFirst {
    let mut search = DepthFirst::new(graph, graph.nodes());
    search.search(graph, 0);
    search
}

fn idoms(tree: &DominatorTree) -> Vec<Option<Node>> {
    (0..tree.nodes() as Node).map(|node| tree.idom(node)).collect()
}

fn check(rows: &[&[Node]], expected: &[Option<Node>]) {
    let graph = Graph::from_rows(rows.iter().map(|row| row.iter().copied()));
    let tree = DominatorTree::new(&graph.reversed(), searched(&graph));
    assert_eq!(idoms(&tree), expected);
}

/// Nodes reachable from node 0 when one node is taken out.
fn reachable_without(rows: &[Vec<Node>], removed: Option<Node>) -> Vec<bool> {
    let mut reached = vec![false; rows.len()];
    let mut stack = if removed == Some(0) { vec![] } else { vec![0] };
    while let Some(node) = stack.pop() {
        if !std::mem::replace(&mut reached[node as usize], true) {
            stack.extend(rows[node as usize].iter().filter(|&&target| Some(target) != removed));
        }
    }
    reached
}

/// By the definition: `dominated[d][n]` when `n` is not reached once `d` is taken out.
fn dominated(rows: &[Vec<Node>]) -> Vec<Vec<bool>> {
    let all = reachable_without(rows, None);
    (0..rows.len() as Node)
        .map(|removed| {
            let rest = reachable_without(rows, Some(removed));
            all.iter().zip(rest).map(|(&all, rest)| all && !rest).collect()
        })
        .collect()
}

/// Cooper, Harvey and Kennedy's fixed point on a list of predecessors, as a third opinion.
fn fixed_point(rows: &[Vec<Node>]) -> Vec<Option<Node>> {
    let mut postorder = Vec::new();
    let mut seen = vec![false; rows.len()];
    let mut stack = vec![(0, 0)];
    seen[0] = true;
    while let Some((node, next)) = stack.pop() {
        if let Some(&target) = rows[node].get(next) {
            stack.push((node, next + 1));
            if !std::mem::replace(&mut seen[target as usize], true) {
                stack.push((target as usize, 0));
            }
        } else {
            postorder.push(node);
        }
    }
    let mut finished = vec![usize::MAX; rows.len()];
    for (at, &node) in postorder.iter().enumerate() {
        finished[node] = at;
    }
    let mut idom: Vec<Option<usize>> = vec![None; rows.len()];
    idom[0] = Some(0);
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for &node in postorder.iter().rev().filter(|&&node| node != 0) {
            let mut common: Option<usize> = None;
            for source in (0..rows.len()).filter(|&source| idom[source].is_some()) {
                if !rows[source].contains(&(node as Node)) {
                    continue;
                }
                common = Some(match common {
                    None => source,
                    Some(mut left) => {
                        let mut right = source;
                        while left != right {
                            while finished[left] < finished[right] {
                                left = idom[left].unwrap();
                            }
                            while finished[right] < finished[left] {
                                right = idom[right].unwrap();
                            }
                        }
                        left
                    }
                });
            }
            if idom[node] != common {
                idom[node] = common;
                changed = true;
            }
        }
    }
    idom[0] = None;
    idom.iter().map(|idom| idom.map(|idom| idom as Node)).collect()
}

fn graphs() -> impl Strategy<Value = Vec<Vec<Node>>> {
    (1..40u32)
        .prop_flat_map(|nodes| prop::collection::vec(prop::collection::vec(0..nodes, 0..4), nodes as usize))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_the_definition(rows in graphs()) {
        let graph = Graph::from_rows(rows.iter().cloned());
        let tree = DominatorTree::new(&graph.reversed(), searched(&graph));
        let dominated = dominated(&rows);
        for node in 0..rows.len() as Node {
            let chain: Vec<Node> = tree.chain(node).collect();
            for other in 0..rows.len() as Node {
                let dominates = other != node && dominated[other as usize][node as usize];
                prop_assert_eq!(chain.contains(&other), dominates, "does {} dominate {}", other, node);
            }
        }
        // What a node retains is what goes with it.
        let sums = tree.sums(|node| 1 << node);
        for node in 0..rows.len() {
            let lost: u64 = (0..rows.len()).filter(|&other| dominated[node][other]).map(|other| 1 << other).sum();
            prop_assert_eq!(sums[node], lost);
        }
    }

    #[test]
    fn agrees_with_other_algorithms(rows in graphs()) {
        let graph = Graph::from_rows(rows.iter().cloned());
        let search = searched(&graph);
        let second = idoms(&lengauer_tarjan(&graph, &search));
        let first = idoms(&DominatorTree::new(&graph.reversed(), search));
        prop_assert_eq!(&first, &second);
        prop_assert_eq!(&first, &fixed_point(&rows));
    }

    #[test]
    fn climbing_by_jumps_changes_nothing(rows in graphs(), from in 1..40usize) {
        let graph = Graph::from_rows(rows.iter().cloned());
        let search = searched(&graph);
        let semi = semidominators(&graph.reversed(), &search);
        let slow = nearest_common_ancestors(semi.clone(), &search.parent);
        let from = from.min(slow.len());
        let mut fast = slow[..from].to_vec();
        fast.extend(&semi[from..]);
        climb_by_jumps(&mut fast, &search.parent, from);
        prop_assert_eq!(slow, fast);
    }

    #[test]
    fn nodes_behind_the_barrier_hold_nothing_before_it(rows in graphs(), first in 0..40u32) {
        // Node 0 holds the nodes before `first` as far as they are reached; the rest hangs behind the barrier.
        let graph = Graph::from_rows(rows.iter().cloned());
        let mut search = searched(&graph);
        let before = idoms(&DominatorTree::new(&graph.reversed(), search.clone()));
        search.raise_barrier();
        let late = first % rows.len() as u32;
        search.search(&graph, late);
        let after = idoms(&DominatorTree::new(&graph.reversed(), search.clone()));
        prop_assert_eq!(&after, &idoms(&lengauer_tarjan(&graph, &search)));
        for node in (0..rows.len()).filter(|&node| before[node].is_some()) {
            prop_assert_eq!(after[node], before[node]);
        }
    }
}

#[test]
fn the_example_of_lengauer_and_tarjan() {
    // R A B C D E F G H I J K L are 0 to 12.
    check(
        &[
            &[1, 2, 3],
            &[4],
            &[1, 4, 5],
            &[6, 7],
            &[12],
            &[8],
            &[9],
            &[9, 10],
            &[5, 11],
            &[11],
            &[9],
            &[9, 0],
            &[8],
        ],
        &[
            None,
            Some(0),
            Some(0),
            Some(0),
            Some(0),
            Some(0),
            Some(3),
            Some(3),
            Some(0),
            Some(0),
            Some(7),
            Some(0),
            Some(4),
        ],
    );
}

#[test]
fn a_single_node_has_no_dominator() {
    check(&[&[0]], &[None]);
}

#[test]
fn a_doubly_linked_list_is_held_by_its_holder() {
    let nodes = 1000;
    let rows = std::iter::once(vec![1]).chain((1..=nodes).map(|node| {
        let mut row = vec![];
        row.extend((node > 1).then(|| node - 1));
        row.extend((node < nodes).then(|| node + 1));
        row
    }));
    let graph = Graph::from_rows(rows);
    let tree = DominatorTree::new(&graph.reversed(), searched(&graph));
    let retained = tree.sums(|node| if node == 0 { 0 } else { 10_240 });
    assert_eq!(retained[1], 10_240_000);
    assert_eq!(retained[1000], 10_240);
}

/// A chain of `nodes` in which every node also refers to the one before it and to the first.
fn chain(nodes: u32) -> Graph {
    let mut graph = Graph::with_capacity(nodes as usize, 3 * nodes as usize);
    for node in 0..nodes {
        graph.push_node([node.saturating_sub(1), (node + 1).min(nodes - 1), 0]);
    }
    graph
}

#[test]
fn a_chain_of_ten_million_neither_overflows_the_stack_nor_blows_up() {
    let nodes = 10_000_000;
    let graph = chain(nodes);
    let tree = DominatorTree::new(&graph.reversed(), searched(&graph));
    assert!((1..nodes).all(|node| tree.idom(node) == Some(node - 1)));
    assert_eq!(tree.sums(|_| 1)[5_000_000], u64::from(nodes) - 5_000_000);
}

#[test]
fn climbs_that_would_be_quadratic_are_not() {
    // A chain from which every node also leads to one of many ends, and the root leads to each of them: each end climbs
    // the whole chain to the root.
    let chain = 1_000_000u32;
    let mut graph = Graph::with_capacity(2 * chain as usize, 4 * chain as usize);
    graph.push_node(std::iter::once(1).chain(chain..2 * chain));
    for node in 1..chain {
        graph.push_node(
            [(node + 1).min(chain - 1), 2 * chain - 1 - node].into_iter().filter(move |&t| t != node),
        );
    }
    for _ in chain..2 * chain {
        graph.push_node([]);
    }
    let search = searched(&graph);
    let tree = DominatorTree::new(&graph.reversed(), search);
    assert!((1..chain).all(|node| tree.idom(node) == Some(node - 1)));
    assert!((chain..2 * chain).all(|node| tree.idom(node) == Some(0)));
}

#[test]
fn a_hub_with_ten_million_referrers_is_held_by_what_holds_them() {
    let referrers = 10_000_000u32;
    let mut graph = Graph::with_capacity(referrers as usize + 3, 2 * referrers as usize + 2);
    graph.push_node([1]);
    graph.push_node(2..referrers + 2);
    for _ in 0..referrers {
        graph.push_node([referrers + 2]);
    }
    graph.push_node([1]);
    let tree = DominatorTree::new(&graph.reversed(), searched(&graph));
    assert_eq!(tree.idom(referrers + 2), Some(1));
    assert_eq!(tree.idom(2), Some(1));
}

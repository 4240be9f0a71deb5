//! Who refers to what: all edges of a dump, turned round.

use crate::graph::csr::{Graph, Node};
use crate::objects::columns::Objects;
use pyheap_format::reader::Dump;

/// For each object the objects with an edge to it, whether the edge owns a reference or not: 4 bytes per edge and 4
/// per object.
#[derive(Debug)]
pub struct Referrers(Graph);

impl Referrers {
    /// Reads all edges, twice.
    pub fn of(dump: &Dump) -> Self {
        let objects = Objects::of(dump);
        let targets = || dump.edge_chunks().flat_map(|chunk| chunk.targets().iter().copied());
        let mut lengths = vec![0u32; objects.len()];
        for target in targets() {
            if let Some(length) = lengths.get_mut(target as usize) {
                *length += 1;
            }
        }
        let mut graph = Graph::rows_of_lengths(&lengths);
        let mut filled = lengths;
        filled.fill(0);
        let mut edges = targets();
        for chunk in objects.chunks() {
            for (referrer, count) in (chunk.first()..).zip(chunk.edge_counts().iter()) {
                for target in edges.by_ref().take(count as usize) {
                    let Some(filled) = filled.get_mut(target as usize) else { continue };
                    let place = graph.start(target as usize) + *filled as usize;
                    graph.targets_mut()[place] = referrer;
                    *filled += 1;
                }
            }
        }
        Self(graph)
    }

    /// The objects that refer to one, in ascending order.
    pub fn of_object(&self, object: Node) -> Vec<Node> {
        if object as usize >= self.0.nodes() {
            return Vec::new();
        }
        let mut referrers = self.0.targets(object).to_vec();
        referrers.dedup();
        referrers
    }
}

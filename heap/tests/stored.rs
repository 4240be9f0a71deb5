//! Both algorithms find the same dominators in every dump that is kept in the repository.

use pyheap_format::reader::Dump;
use pyheap_heap::{DominatorTree, HeldGraph, Objects, lengauer_tarjan};
use std::fs;
use std::path::Path;

#[test]
fn both_algorithms_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../format/tests/dumps");
    let mut dumps = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let dump = Dump::open(&entry.unwrap().path()).unwrap();
        let objects = Objects::new(dump.object_chunks(), dump.types());
        let roots: Vec<_> = dump.roots().collect();
        let held = HeldGraph::new(&dump, &objects, &roots);
        let second = lengauer_tarjan(&held.graph, &held.search);
        let first = DominatorTree::new(&held.referrers, held.search);
        assert!((0..first.nodes() as u32).all(|node| first.idom(node) == second.idom(node)));
        dumps += 1;
    }
    assert_ne!(dumps, 0);
}

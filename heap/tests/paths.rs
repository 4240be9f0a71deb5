//! Texts of paths over heaps written by hand. Oracle: what a Python programmer would write to get at the same object.

#[expect(dead_code, reason = "the other tests that include it use the rest")]
mod sample;

use pyheap_format::EdgeKind::{Attribute, Element, Field, Key, Unnamed, Value};
use pyheap_format::reader::Dump;
use pyheap_heap::{Analysis, Node};
use sample::{Draft, Heap};

/// A dict of one entry.
fn dict(heap: &mut Heap<'_>, key: &str, value: u32) -> u32 {
    let key = heap.text(key);
    heap.add(&Draft { class: 5, edges: &[(Key, None, key), (Value, None, value)], ..Draft::default() })
}

/// A module of this name, in `sys.modules` alone, with one variable.
fn module(heap: &mut Heap<'_>, name: &str, variable: &str, value: u32) {
    let namespace = dict(heap, variable, value);
    let class = heap.class("builtins.module");
    let module =
        heap.add(&Draft { class, edges: &[(Field, Some("__dict__"), namespace)], ..Draft::default() });
    let modules = dict(heap, name, module);
    heap.root("modules", modules);
}

fn text(dump: &Dump, object: Node) -> String {
    let analysis = Analysis::new(dump);
    analysis.path_text(&analysis.shortest_paths().path(object))
}

/// Each link refers to the one before under `next`; the number of the last link comes first.
fn chain(heap: &mut Heap<'_>, links: u32) -> Vec<u32> {
    let class = heap.class("app.Link");
    let mut chain = vec![heap.add(&Draft { class, ..Draft::default() })];
    for link in 1..links {
        let next = chain[link as usize - 1];
        chain.push(heap.add(&Draft { class, edges: &[(Attribute, Some("next"), next)], ..Draft::default() }));
    }
    chain
}

#[test]
fn modules_are_called_by_their_names() {
    let mut objects = (0, 0);
    let dump = sample::dump(|heap| {
        let item = heap.add(&Draft { class: 13, ..Draft::default() });
        let rows = heap.add(&Draft { class: 3, edges: &[(Element, None, item)], ..Draft::default() });
        module(heap, "app.cache", "ROWS", rows);
        let odd = heap.add(&Draft { class: 13, ..Draft::default() });
        module(heap, "no-name", "x", odd);
        objects = (item, odd);
    });
    assert_eq!(text(&dump, objects.0), "app.cache.ROWS[0]");
    assert_eq!(text(&dump, objects.1), "sys.modules['no-name'].x");
}

#[test]
fn namespaces_that_the_interpreter_holds_are_those_of_modules() {
    let mut objects = (0, 0);
    let dump = sample::dump(|heap| {
        let value = heap.add(&Draft { class: 13, ..Draft::default() });
        let namespace = dict(heap, "hook", value);
        heap.root("sysdict", namespace);
        objects = (value, namespace);
    });
    assert_eq!(text(&dump, objects.0), "sys.hook");
    assert_eq!(text(&dump, objects.1), "sys.__dict__");
}

#[test]
fn a_longer_path_of_names_is_preferred_to_a_shorter_one_without() {
    let mut wanted = 0;
    let dump = sample::dump(|heap| {
        wanted = heap.add(&Draft { class: 13, ..Draft::default() });
        let class = heap.class("app.Cache");
        let opaque = heap.add(&Draft { class, edges: &[(Unnamed, None, wanted)], ..Draft::default() });
        module(heap, "native", "handle", opaque);
        let inner = dict(heap, "k", wanted);
        let outer = heap.add(&Draft { class: 3, edges: &[(Element, None, inner)], ..Draft::default() });
        module(heap, "app", "ROWS", outer);
    });
    assert_eq!(text(&dump, wanted), "app.ROWS[0]['k']");
}

#[test]
fn links_of_a_chain_are_folded_in_linear_time() {
    let mut links = Vec::new();
    let dump = sample::dump(|heap| {
        links = chain(heap, 40_000);
        module(heap, "app", "HEAD", links[39_999]);
    });
    assert_eq!(text(&dump, links[0]), "app.HEAD(.next)…");
    assert_eq!(text(&dump, links[39_997]), "app.HEAD.next.next");
    let analysis = Analysis::new(&dump);
    let merged = analysis.merged_paths(&analysis.shortest_paths(), &links);
    let mut rows: Vec<(&str, u64)> = merged.iter().map(|row| (&*row.path, row.count)).collect();
    rows.sort_unstable();
    let heads =
        [("app.HEAD", 1), ("app.HEAD(.next)…", 39_997), ("app.HEAD.next", 1), ("app.HEAD.next.next", 1)];
    assert_eq!(rows, heads);
}

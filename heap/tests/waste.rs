//! Waste in a heap that is written out by hand.

#[expect(dead_code, reason = "the other tests that include it use the rest")]
mod sample;

use pyheap_format::{EdgeKind, PreviewKind};
use pyheap_heap::{Analysis, Waste, WasteKind};
use sample::{Draft, Heap, dump};

const TEXT: u32 = 1;
const LIST: u32 = 3;
const TUPLE: u32 = 4;
const FLOAT: u32 = 7;

fn text(heap: &mut Heap<'_>, kept: &[u8], length: u64) -> u32 {
    let preview = Some((PreviewKind::Text, kept));
    heap.add(&Draft { class: TEXT, shallow: 64, length: Some(length), preview, ..Draft::default() })
}

fn found(build: impl FnOnce(&mut Heap<'_>), kind: WasteKind) -> Option<(String, u64, u64)> {
    let dump = dump(build);
    let waste: Vec<Waste> = Analysis::new(&dump).waste();
    let of_kind: Vec<&Waste> = waste.iter().filter(|waste| waste.kind == kind).collect();
    assert!(of_kind.len() <= 1, "{of_kind:?}");
    of_kind.first().map(|waste| (waste.type_name.clone(), waste.objects, waste.bytes))
}

#[test]
fn texts_of_equal_content_are_needed_once() {
    let build = |heap: &mut Heap<'_>| {
        for _ in 0..3 {
            text(heap, "gr\u{fc}n".as_bytes(), 4);
        }
        text(heap, b"blue", 4);
    };
    assert_eq!(found(build, WasteKind::DuplicateContent), Some(("str".into(), 2, 128)));
}

#[test]
fn texts_that_the_dump_cut_are_not_compared() {
    let build = |heap: &mut Heap<'_>| {
        text(heap, b"the same beginning", 1000);
        text(heap, b"the same beginning", 1000);
    };
    assert_eq!(found(build, WasteKind::DuplicateContent), None);
}

#[test]
fn texts_that_the_dump_cut_are_compared_by_their_digests() {
    let build = |heap: &mut Heap<'_>| {
        for digest in [1, 1, 2] {
            let preview = Some((PreviewKind::Text, &b"the same beginning"[..]));
            let length = Some(1000);
            heap.add(&Draft {
                class: TEXT,
                shallow: 1049,
                length,
                preview,
                digest: Some(digest),
                ..Draft::default()
            });
        }
    };
    assert_eq!(found(build, WasteKind::DuplicateContent), Some(("str".into(), 1, 1056)));
}

#[test]
fn tuples_of_equal_elements_are_needed_once_and_others_are_not_equal() {
    let build = |heap: &mut Heap<'_>| {
        for word in ["one", "one", "two"] {
            let word = text(heap, word.as_bytes(), 3);
            let inner = [(EdgeKind::Element, None, word)];
            let length = Some(1);
            let inner =
                heap.add(&Draft { class: TUPLE, shallow: 48, length, edges: &inner, ..Draft::default() });
            let outer = [(EdgeKind::Element, None, inner)];
            heap.add(&Draft { class: TUPLE, shallow: 48, length, edges: &outer, ..Draft::default() });
        }
    };
    // One inner and one outer tuple.
    assert_eq!(found(build, WasteKind::DuplicateObject), Some(("tuple".into(), 2, 96)));
}

#[test]
fn tuples_of_the_same_elements_are_needed_once() {
    let build = |heap: &mut Heap<'_>| {
        let word = text(heap, b"word", 4);
        let edges = [(EdgeKind::Element, None, word)];
        for _ in 0..2 {
            let length = Some(1);
            heap.add(&Draft { class: TUPLE, shallow: 64, length, edges: &edges, ..Draft::default() });
        }
    };
    assert_eq!(found(build, WasteKind::DuplicateObject), Some(("tuple".into(), 1, 64)));
}

#[test]
fn room_of_lists_beyond_their_elements_is_unused() {
    let build = |heap: &mut Heap<'_>| {
        let word = text(heap, b"word", 4);
        let edges = [(EdgeKind::Element, None, word)];
        // Room for ten, one used.
        heap.add(&Draft { class: LIST, shallow: 136, length: Some(1), edges: &edges, ..Draft::default() });
    };
    assert_eq!(found(build, WasteKind::OverAllocated), Some(("list".into(), 1, 72)));
}

#[test]
fn empty_lists_are_told() {
    let build = |heap: &mut Heap<'_>| {
        heap.add(&Draft { class: LIST, shallow: 64, length: Some(0), ..Draft::default() });
    };
    assert_eq!(found(build, WasteKind::EmptyContainer), Some(("list".into(), 1, 64)));
}

#[test]
fn numbers_of_one_list_could_stand_in_an_array() {
    let build = |heap: &mut Heap<'_>| {
        let first = heap.next();
        for _ in 0..200 {
            heap.add(&Draft { class: FLOAT, shallow: 32, ..Draft::default() });
        }
        let edges: Vec<_> = (first..first + 200).map(|float| (EdgeKind::Element, None, float)).collect();
        let length = Some(200);
        heap.add(&Draft { class: LIST, shallow: 56 + 1600, length, edges: &edges, ..Draft::default() });
    };
    assert_eq!(found(build, WasteKind::BoxedNumber), Some(("list".into(), 200, 6400)));
}

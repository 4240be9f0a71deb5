//! Representations and names of edges, over heaps written by hand. Oracle: what `repr` of the same objects is in
//! CPython 3.11.

#[expect(dead_code, reason = "the other tests that include it use the rest")]
mod sample;

use proptest::prelude::any;
use proptest::sample::Index;
use pyheap_format::reader::Dump;
use pyheap_format::record::{BODY_OFFSET, record_head, record_length};
use pyheap_format::{EdgeKind, PreviewKind};
use pyheap_heap::{Analysis, LabelledEdges, Limits, represent};
use sample::{Draft, Heap, address};

const LIMITS: Limits = Limits { depth: 3, items: 4, text: 20 };

/// Builds a heap and represents the object whose number `build` returns.
fn check_with(limits: Limits, build: impl FnOnce(&mut Heap<'_>) -> u32, expected: &str) {
    let mut number = 0;
    let dump = sample::dump(|heap| number = build(heap));
    assert_eq!(dump.warnings(), [""; 0]);
    assert_eq!(represent(&dump, number, limits), expected);
}

fn check(build: impl FnOnce(&mut Heap<'_>) -> u32, expected: &str) {
    check_with(LIMITS, build, expected);
}

fn class(heap: &mut Heap<'_>, name: &str) -> u32 {
    heap.class(name)
}

/// An object of class `name` that holds `parts` under `kind`.
fn holder(heap: &mut Heap<'_>, name: &str, kind: EdgeKind, parts: &[u32]) -> u32 {
    let edges: Vec<_> = parts.iter().map(|part| (kind, None, *part)).collect();
    let class = class(heap, name);
    heap.add(&Draft { class, length: Some(parts.len() as u64), edges: &edges, ..Draft::default() })
}

fn previewed(heap: &mut Heap<'_>, name: &str, kind: PreviewKind, data: &[u8]) -> u32 {
    let class = class(heap, name);
    heap.add(&Draft { class, preview: Some((kind, data)), ..Draft::default() })
}

fn int(heap: &mut Heap<'_>, value: u8) -> u32 {
    previewed(heap, "builtins.int", PreviewKind::Integer, &[0, value])
}

#[test]
fn sequences_and_sets() {
    check(|heap| holder(heap, "builtins.list", EdgeKind::Element, &[]), "[]");
    check(|heap| holder(heap, "builtins.tuple", EdgeKind::Element, &[]), "()");
    check(|heap| holder(heap, "builtins.set", EdgeKind::Member, &[]), "set()");
    check(|heap| holder(heap, "builtins.frozenset", EdgeKind::Member, &[]), "frozenset()");
    check(
        |heap| {
            let one = int(heap, 1);
            let tuple = holder(heap, "builtins.tuple", EdgeKind::Element, &[one]);
            let set = holder(heap, "builtins.set", EdgeKind::Member, &[one]);
            let frozen = holder(heap, "builtins.frozenset", EdgeKind::Member, &[one]);
            holder(heap, "builtins.list", EdgeKind::Element, &[tuple, set, frozen])
        },
        "[(1,), {1}, frozenset({1})]",
    );
    check(
        |heap| {
            let one = int(heap, 1);
            holder(heap, "collections.deque", EdgeKind::Element, &[one, one])
        },
        "collections.deque([1, 1])",
    );
}

#[test]
fn long_and_deep_containers_are_cut() {
    let nested = |heap: &mut Heap<'_>| {
        let one = int(heap, 1);
        let inner = holder(heap, "builtins.list", EdgeKind::Element, &[one; 6]);
        holder(heap, "builtins.list", EdgeKind::Element, &[inner, one])
    };
    check(nested, "[[1, 1, 1, 1, …], 1]");
    check_with(Limits { depth: 1, ..LIMITS }, nested, "[[…], 1]");
    check_with(Limits { depth: 0, ..LIMITS }, nested, "[…]");
}

#[test]
fn a_container_within_itself_ends() {
    check(
        |heap| {
            let own = heap.next();
            holder(heap, "builtins.list", EdgeKind::Element, &[own])
        },
        "[[…]]",
    );
}

#[test]
fn missing_elements_do_not_shift_the_others() {
    let dump = sample::dump(|heap| {
        let one = int(heap, 1);
        let class = class(heap, "builtins.tuple");
        // Slots 0 and 3 of five are empty.
        let edges = [(1, one), (1, one), (2, one)];
        heap.add_elements(class, 5, &edges);
    });
    let number = dump.object_count() - 1;
    let names: Vec<_> = LabelledEdges::new(&dump, number).map(|edge| edge.name(&dump)).collect();
    assert_eq!(names, ["__class__", "[1]", "[2]", "[4]"]);
}

#[test]
fn dicts() {
    let build = |heap: &mut Heap<'_>| {
        let (one, two) = (int(heap, 1), int(heap, 2));
        [(EdgeKind::Key, None, one), (EdgeKind::Value, None, two)]
    };
    check(
        |heap| {
            let edges = build(heap);
            let class = class(heap, "builtins.dict");
            heap.add(&Draft { class, length: Some(1), edges: &edges, ..Draft::default() })
        },
        "{1: 2}",
    );
    check(
        |heap| {
            let edges = build(heap);
            let class = class(heap, "collections.OrderedDict");
            heap.add(&Draft { class, length: Some(1), edges: &edges, ..Draft::default() })
        },
        "collections.OrderedDict({1: 2})",
    );
    // A value whose key was not seen is no pair.
    check(
        |heap| {
            let [_, value] = build(heap);
            let class = class(heap, "builtins.dict");
            heap.add(&Draft { class, length: Some(1), edges: &[value], ..Draft::default() })
        },
        "{…}",
    );
}

#[test]
fn values_of_subclasses_are_named() {
    check(|heap| previewed(heap, "app.Color", PreviewKind::Integer, &[0, 3]), "app.Color(3)");
    check(|heap| previewed(heap, "builtins.bool", PreviewKind::Boolean, &[1]), "True");
    check(|heap| previewed(heap, "builtins.bytearray", PreviewKind::Bytes, b"a"), "bytearray(b'a')");
}

#[test]
fn named_things() {
    check(|heap| previewed(heap, "builtins.function", PreviewKind::Name, b"app.run"), "<function app.run>");
    check(|heap| previewed(heap, "builtins.module", PreviewKind::Name, b"app"), "<module 'app'>");
    check(
        |heap| previewed(heap, "builtins.builtin_function_or_method", PreviewKind::Name, b"builtins.len"),
        "<built-in function len>",
    );
    check(|heap| previewed(heap, "app.Meta", PreviewKind::Name, b"app.Model"), "<class 'app.Model'>");
    check(
        |heap| previewed(heap, "builtins.code", PreviewKind::Code, b"run\0/srv/app.py\x0012"),
        "<code object run, file \"/srv/app.py\", line 12>",
    );
}

#[test]
fn things_with_fields() {
    check(
        |heap| {
            let function = previewed(heap, "builtins.function", PreviewKind::Name, b"app.Cache.fill");
            let one = int(heap, 1);
            let edges =
                [(EdgeKind::Field, Some("__func__"), function), (EdgeKind::Field, Some("__self__"), one)];
            let class = class(heap, "builtins.method");
            heap.add(&Draft { class, edges: &edges, ..Draft::default() })
        },
        "<bound method app.Cache.fill of 1>",
    );
    check(
        |heap| {
            let (zero, nine, one) = (int(heap, 0), int(heap, 9), int(heap, 1));
            let edges = [("start", zero), ("stop", nine), ("step", one), ("length", nine)]
                .map(|(name, target)| (EdgeKind::Field, Some(name), target));
            let class = class(heap, "builtins.range");
            heap.add(&Draft { class, edges: &edges, ..Draft::default() })
        },
        "range(0, 9)",
    );
    check(
        |heap| {
            let one = int(heap, 1);
            let args = holder(heap, "builtins.tuple", EdgeKind::Element, &[one]);
            let class = class(heap, "app.Failed");
            heap.add(&Draft { class, edges: &[(EdgeKind::Field, Some("args"), args)], ..Draft::default() })
        },
        "app.Failed(1)",
    );
    let mut at = 0;
    let dump = sample::dump(|heap| {
        let name = previewed(heap, "builtins.str", PreviewKind::Text, b"Cache.fill");
        let class = class(heap, "builtins.coroutine");
        let edges = [(EdgeKind::Field, Some("__qualname__"), name)];
        at = heap.add(&Draft { class, edges: &edges, ..Draft::default() });
    });
    let expected = format!("<coroutine object Cache.fill at 0x{:x}>", address(at));
    assert_eq!(represent(&dump, at, LIMITS), expected);
}

/// A task, the calls that wait in it one for the other, and a variable of the last one.
#[test]
fn paths_through_suspended_calls() {
    let mut path = vec![];
    let dump = sample::dump(|heap| {
        let text = previewed(heap, "builtins.str", PreviewKind::Text, b"payload");
        let mut call = |name: &str, edge| {
            let name = previewed(heap, "builtins.str", PreviewKind::Text, name.as_bytes());
            let class = class(heap, "builtins.coroutine");
            let edges = [(EdgeKind::Field, Some("__qualname__"), name), edge];
            heap.add(&Draft { class, edges: &edges, ..Draft::default() })
        };
        let inner = call("fetch", (EdgeKind::Local, Some("body"), text));
        let outer = call("Handler.get", (EdgeKind::Stack, None, inner));
        let class = class(heap, "_asyncio.Task");
        let task = heap.add(&Draft { class, edges: &[(EdgeKind::Unnamed, None, outer)], ..Draft::default() });
        path = vec![task, outer, inner, text];
    });
    let text = Analysis::new(&dump).path_text(&path);
    let task = format!("_asyncio.Task object at 0x{:x}>", address(path[0]));
    assert!(text.ends_with(&format!("{task}: Handler.get() → fetch(): body")), "{text}");
}

#[test]
fn what_the_dump_does_not_hold() {
    let text = |length| {
        move |heap: &mut Heap<'_>| {
            let class = class(heap, "builtins.str");
            heap.add(&Draft { class, length: Some(length), ..Draft::default() })
        }
    };
    check(text(5), "<str of length 5>");
    check(text(0), "''");
    check(|_| 4_000_000, "<not in the dump>");
    let mut number = 0;
    let dump = sample::dump(|heap| {
        let class = class(heap, "app.Cache");
        number = heap.add(&Draft { class, flags: 2, ..Draft::default() });
    });
    let expected = format!("<unreadable app.Cache object at {:#x}>", address(number));
    assert_eq!(represent(&dump, number, LIMITS), expected);
}

#[test]
fn steps_read_as_python() {
    let mut number = 0;
    let dump = sample::dump(|heap| {
        let key = previewed(heap, "builtins.str", PreviewKind::Text, b"k");
        let one = int(heap, 1);
        let class = class(heap, "app.Cache");
        let edges = [
            (EdgeKind::Field, Some("__dict__"), one),
            (EdgeKind::Attribute, Some("rows"), one),
            (EdgeKind::Element, None, one),
            (EdgeKind::Key, None, key),
            (EdgeKind::Value, None, one),
            (EdgeKind::Cell, None, one),
            (EdgeKind::Local, Some("request"), one),
            (EdgeKind::Unnamed, None, one),
        ];
        number = heap.add(&Draft { class, edges: &edges, ..Draft::default() });
    });
    let names: Vec<_> = LabelledEdges::new(&dump, number).map(|edge| edge.name(&dump)).collect();
    assert_eq!(
        names,
        ["__class__", "__dict__", "rows", "[0]", "key 'k'", "['k']", "cell_contents", "request", "?"]
    );
    let steps: Vec<_> = LabelledEdges::new(&dump, number).map(|edge| edge.step(&dump)).collect();
    assert_eq!(
        steps,
        [
            ".__class__",
            ".__dict__",
            ".rows",
            "[0]",
            ".<key 'k'>",
            "['k']",
            ".cell_contents",
            ".<request>",
            ".?"
        ]
    );
}

#[test]
fn a_dump_without_types_is_represented_too() {
    let bytes = sample::header().to_record();
    let dump = Dump::from_bytes(&bytes).unwrap();
    assert_eq!(represent(&dump, 0, LIMITS), "<not in the dump>");
}

proptest::proptest! {
    /// Damage whose checksum fits reaches every column, name and preview.
    #[test]
    fn damaged_dumps_are_represented_too(damage in proptest::collection::vec((any::<Index>(), 1..=255u8), 1..6)) {
        let (mut bytes, _) = sample::sample();
        let heads = heads(&bytes);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            if heads.iter().any(|(body, length)| (*body..body + length).contains(&at)) {
                bytes[at] ^= byte;
            }
        }
        for (body, length) in heads {
            let kind = bytes[body - BODY_OFFSET];
            let checksum = crc32fast::hash(&bytes[body..body + length]);
            let head = record_head(bytes[body - BODY_OFFSET + 1], checksum, length as u32);
            proptest::prop_assert_eq!(kind, head[0]);
            bytes[body - BODY_OFFSET..body].copy_from_slice(&head);
        }
        if let Ok(dump) = Dump::from_bytes(&bytes) {
            for number in 0..dump.object_count().min(100) {
                let _ = represent(&dump, number, Limits::FULL);
                for edge in LabelledEdges::new(&dump, number).take(100) {
                    let _ = (edge.name(&dump), edge.step(&dump));
                }
            }
        }
    }
}

/// Place and length of each record's body.
fn heads(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + BODY_OFFSET) {
        let length = u32::from_be_bytes(head[8..].try_into().unwrap()) as usize;
        found.push((at + BODY_OFFSET, length));
        at += record_length(length);
    }
    found
}

//! What is told as holding much, over heaps written by hand.

#[expect(dead_code, reason = "the other tests that include it use the rest")]
mod sample;

use pyheap_format::EdgeKind::{Attribute, Element, Key, Value};
use pyheap_format::{Frame, Thread};
use pyheap_heap::{Accumulation, Analysis, Suspect};
use sample::{Draft, Heap};

fn suspects(build: impl FnOnce(&mut Heap<'_>)) -> Vec<Suspect> {
    let dump = sample::dump(build);
    let analysis = Analysis::new(&dump);
    analysis.suspects(100_000, &analysis.shortest_paths())
}

#[test]
fn a_chain_begins_at_its_first_link() {
    let mut head = 0;
    let found = suspects(|heap| {
        let class = heap.class("app.Link");
        for link in 0..1000 {
            let next = [(Attribute, Some("next"), head)];
            let edges = if link == 0 { &[][..] } else { &next };
            head = heap.add(&Draft { class, shallow: 1000, edges, ..Draft::default() });
        }
        let key = heap.text("last");
        let holder = heap.add(&Draft { class: 3, edges: &[(Element, None, head)], ..Draft::default() });
        let edges = [(Key, None, key), (Value, None, holder)];
        let dict = heap.add(&Draft { class: 5, edges: &edges, ..Draft::default() });
        heap.root("codec registry", dict);
    });
    let [suspect] = &found[..] else { panic!("{found:?}") };
    assert_eq!(suspect.accumulation, Accumulation::Point(head));
    let content: Vec<_> = suspect.content.iter().map(|share| (&*share.name, share.count)).collect();
    assert_eq!(content, [("app.Link", 1000)]);
}

#[test]
fn threads_in_the_same_functions_are_one_suspect() {
    let found = suspects(|heap| {
        for size in 0..300 {
            let mailbox = heap.add(&Draft { class: 3, shallow: 1000 + u64::from(size), ..Draft::default() });
            let function = if size < 200 { "serve" } else { "wait" };
            let frame = Frame {
                function: function.into(),
                locals: vec![("mailbox".into(), mailbox)],
                ..Frame::default()
            };
            heap.thread(size, &Thread { frames: vec![frame], ..Thread::default() }, mailbox);
        }
    });
    let counts: Vec<_> =
        found.iter().map(|suspect| (&suspect.accumulation, suspect.content[0].count)).collect();
    assert!(
        matches!(
            counts[..],
            [
                (Accumulation::Threads { count: 200, .. }, 200),
                (Accumulation::Threads { count: 100, .. }, 100)
            ]
        ),
        "{counts:?}"
    );
}

#[test]
fn classes_of_one_name_are_taken_together() {
    let found = suspects(|heap| {
        let mut sessions = Vec::new();
        for _ in 0..300 {
            let object = heap.add(&Draft { class: 0, ..Draft::default() });
            let class = heap.class_of(object, "Session");
            sessions.push(heap.add(&Draft { class, shallow: 1000, ..Draft::default() }));
        }
        let edges: Vec<_> = sessions.iter().map(|session| (Element, None, *session)).collect();
        let list = heap.add(&Draft { class: 3, edges: &edges, ..Draft::default() });
        heap.root("codec registry", list);
    });
    let told: Vec<_> = found.iter().map(|suspect| &suspect.accumulation).collect();
    assert!(
        matches!(told[..], [Accumulation::Type { name, count: 300, .. }] if name == "app.Session"),
        "{found:?}"
    );
}

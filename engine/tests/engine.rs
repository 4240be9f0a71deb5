//! An engine over a stored dump: pages, watches, indexes, threads, and what is kept.

use pyheap_engine::{AskError, Caching, Engine, OpenError, Options, Order, Page, Source, Step, unwatched};
use pyheap_report::Report;
use std::cell::RefCell;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

fn file() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../format/tests/dumps/version-1.0.cbor").into()
}

fn engine() -> Engine {
    Engine::open(Source::File(file()), &Options::default(), &unwatched).unwrap()
}

fn addresses(engine: &Engine) -> Vec<u64> {
    engine.dump().object_chunks().flat_map(|chunk| chunk.addresses()).collect()
}

fn json(report: &impl Report) -> serde_json::Value {
    serde_json::to_value(report).unwrap()
}

#[test]
fn pages_are_parts_of_the_whole() {
    let engine = engine();
    let whole = engine.types(Order::Name, Page::ALL, &unwatched).unwrap();
    assert_eq!((whole.types_total, whole.offset), (whole.types.len() as u64, 0));
    let mut joined = Vec::new();
    for offset in (0..whole.types.len()).step_by(5) {
        let part = engine.types(Order::Name, Page { offset, limit: 5 }, &unwatched).unwrap();
        assert_eq!((part.types_total, part.offset), (whole.types_total, offset as u64));
        joined.extend(part.types.into_iter().map(|row| row.type_name));
    }
    assert_eq!(joined, whole.types.iter().map(|row| row.type_name.clone()).collect::<Vec<_>>());
    let objects = engine.retained_heap(Page { offset: 3, limit: 2 }, &unwatched).unwrap();
    let all = engine.retained_heap(Page::ALL, &unwatched).unwrap();
    assert_eq!(
        json(&objects)["objects"].as_array().unwrap()[..],
        json(&all)["objects"].as_array().unwrap()[3..5]
    );
    assert_eq!(all.objects_total, all.objects.len() as u64);
}

#[test]
fn indexes_answer_as_scans_do() {
    let asked_once = addresses(&engine());
    let engine = engine();
    for (&address, number) in asked_once.iter().zip(0..) {
        assert_eq!(engine.find(address, &unwatched).unwrap(), number);
    }
    assert!(matches!(engine.find(1, &unwatched), Err(AskError::NoObject { address: 1 })));
    assert!(matches!(engine.find(0, &unwatched), Err(AskError::NoObject { .. })));
    for &address in &asked_once {
        let fresh = self::engine().object(address, Page::ALL, &unwatched).unwrap();
        let indexed = engine.object(address, Page::ALL, &unwatched).unwrap();
        assert_eq!(json(&fresh), json(&indexed));
    }
}

#[test]
fn a_watch_sees_the_steps_and_can_end_them() {
    let engine = engine();
    let steps = RefCell::new(Vec::new());
    let watch = |step| {
        steps.borrow_mut().push(step);
        ControlFlow::Continue(())
    };
    let until = |last: usize| {
        let left = RefCell::new(last);
        move |_| {
            let mut left = left.borrow_mut();
            *left = left.saturating_sub(1);
            if *left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    };
    for last in 1..=4 {
        assert!(engine.analyse(&until(last)).is_err(), "ended at step {last}");
    }
    engine.analyse(&watch).unwrap();
    assert_eq!(steps.borrow().len(), 4);
    assert!(steps.borrow().iter().all(|step| matches!(step, Step::Analysing(_))));
    // Nothing is left to be done.
    engine.analyse(&until(1)).unwrap();
    assert!(matches!(engine.query("true", None, Page::ALL, &until(1)), Err(AskError::Cancelled(_))));
}

#[test]
fn many_threads_get_the_same_answers() {
    let engine = Arc::new(engine());
    let asked: Vec<_> = (0..4)
        .map(|_| {
            let engine = engine.clone();
            std::thread::spawn(move || json(&engine.summary(&unwatched).unwrap()))
        })
        .collect();
    let alone = json(&self::engine().summary(&unwatched).unwrap());
    for answer in asked {
        assert_eq!(answer.join().unwrap(), alone);
    }
}

#[test]
fn a_search_finds_what_its_text_is_part_of() {
    let engine = engine();
    let found = engine.search("long text", Page::ALL, &unwatched).unwrap();
    assert_eq!(found.count, 1);
    assert!(found.objects[0].object.repr.contains("of a long text"));
    assert_eq!(engine.search("no such text", Page::ALL, &unwatched).unwrap().count, 0);
}

#[test]
fn a_kept_analysis_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { caching: Caching::Folder(folder.path().to_owned()), redact: false };
    let open = || Engine::open(Source::File(file()), &options, &unwatched).unwrap();
    let computed = open();
    let answer = json(&computed.cycles(Page::ALL, &unwatched).unwrap());
    computed.keep(&unwatched).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let restored = open();
    let steps = RefCell::new(Vec::new());
    let watch = |step| {
        steps.borrow_mut().push(step);
        ControlFlow::Continue(())
    };
    assert_eq!(json(&restored.cycles(Page::ALL, &watch).unwrap()), answer);
    assert_eq!(*steps.borrow(), [Step::Restoring, Step::Searching]);
}

#[test]
fn the_same_dump_opens_from_everywhere() {
    let bytes = fs::read(file()).unwrap();
    let of_memory = Engine::open(Source::Bytes(bytes.clone()), &Options::default(), &unwatched).unwrap();
    assert_eq!(json(&of_memory.info()), json(&engine().info()));
    let error = Engine::open(Source::Bytes(bytes[..40].into()), &Options::default(), &unwatched).unwrap_err();
    assert!(matches!(error, OpenError::Read { .. }) && error.is_damage() && error.hint().is_some());
    let foreign = Engine::open(Source::Bytes(b"#!/bin/sh".into()), &Options::default(), &unwatched);
    assert!(!foreign.unwrap_err().is_damage());
}

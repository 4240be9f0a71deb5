//! The records that are maps, key by key: a field that is not written here does not compile.

use super::encode::{NULL, boolean, push, push_optional, push_text};
use crate::summary::Summary;
use crate::thread::{Frame, Thread};
use alloc::vec::Vec;
use ciborium_ll::Header;

pub(super) fn push_thread(out: &mut Vec<u8>, thread: &Thread) {
    let Thread { name, ident, native_id, daemon, alive, object, frames } = thread;
    push(out, Header::Map(Some(7)));
    push_text(out, "name");
    match name {
        Some(name) => push_text(out, name),
        None => push(out, NULL),
    }
    push_text(out, "ident");
    push(out, Header::Positive(*ident));
    push_text(out, "native_id");
    push_optional(out, *native_id);
    push_text(out, "daemon");
    push(out, daemon.map_or(NULL, boolean));
    push_text(out, "alive");
    push(out, boolean(*alive));
    push_text(out, "object");
    push_optional(out, object.map(u64::from));
    push_text(out, "frames");
    push(out, Header::Array(Some(frames.len())));
    for frame in frames {
        push_frame(out, frame);
    }
}

fn push_frame(out: &mut Vec<u8>, frame: &Frame) {
    let Frame { file, line, function, code, locals } = frame;
    push(out, Header::Map(Some(5)));
    push_text(out, "file");
    push_text(out, file);
    push_text(out, "line");
    push_optional(out, line.map(u64::from));
    push_text(out, "function");
    push_text(out, function);
    push_text(out, "code");
    push(out, Header::Positive(u64::from(*code)));
    push_text(out, "locals");
    push(out, Header::Array(Some(locals.len())));
    for (name, object) in locals {
        push(out, Header::Array(Some(2)));
        push_text(out, name);
        push(out, Header::Positive(u64::from(*object)));
    }
}

pub(super) fn push_summary(out: &mut Vec<u8>, summary: &Summary<'_>) {
    let &Summary {
        objects,
        edges,
        types,
        shallow_size,
        allocated_size,
        unreadable,
        opaque,
        estimated,
        hung,
        walk_ns,
        walker_memory,
        pools,
        pools_used,
        pools_free,
        ref error,
    } = summary;
    let numbers = [
        ("objects", objects),
        ("edges", edges),
        ("types", types),
        ("shallow_size", shallow_size),
        ("allocated_size", allocated_size),
        ("unreadable", unreadable),
        ("opaque", opaque),
        ("estimated", estimated),
        ("hung", hung),
        ("walk_ns", walk_ns),
        ("walker_memory", walker_memory),
        ("pools", pools),
        ("pools_used", pools_used),
        ("pools_free", pools_free),
    ];
    push(out, Header::Map(Some(numbers.len() + 1)));
    for (key, value) in numbers {
        push_text(out, key);
        push(out, Header::Positive(value));
    }
    push_text(out, "error");
    match error {
        Some(error) => push_text(out, error),
        None => push(out, NULL),
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    /// What the reader's own encoder writes of the same value is the same map.
    fn as_serde<T: serde::Serialize>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn maps_are_what_readers_expect() {
        let frame = Frame {
            file: "a.py".into(),
            line: Some(3),
            function: "f".into(),
            code: 8,
            locals: [("x".into(), 9)].into(),
        };
        let thread = Thread {
            name: Some("worker".into()),
            ident: 1,
            native_id: Some(2),
            daemon: Some(true),
            alive: true,
            object: Some(3),
            frames: [frame, Frame::default()].into(),
        };
        for thread in [thread, Thread::default()] {
            let mut bytes = Vec::new();
            push_thread(&mut bytes, &thread);
            assert_eq!(bytes, as_serde(&thread));
        }
        for error in [None, Some("cut".into())] {
            let summary = Summary { objects: 1, pools_free: 1 << 40, error, ..Summary::default() };
            let mut bytes = Vec::new();
            push_summary(&mut bytes, &summary);
            assert_eq!(bytes, as_serde(&summary));
        }
    }
}

//! Dumps of every version that was ever written keep loading: `dumps/version-MAJOR.MINOR.cbor`. A stored dump is never replaced.

use pyheap_format::reader::Dump;
use pyheap_format::{EdgeKind, PreviewKind, RootKind};
use std::path::Path;

#[test]
fn version_1_0() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps/version-1.0.cbor");
    let dump = Dump::open(&path).unwrap();
    assert!(dump.complete(), "{:?}", dump.warnings());
    let header = dump.header();
    assert_eq!((header.version, header.pid, header.python.version.as_str()), ((1, 0), 4711, "3.11.7"));
    assert_eq!((dump.object_count(), dump.edge_count(), dump.types().len()), (27, 18, 14));

    let cache = dump.find(0x7F00_0000_1680).and_then(|number| dump.object(number)).unwrap();
    assert_eq!((cache.shallow, cache.allocated, cache.refcount, cache.length), (48, 48, 1, None));
    assert_eq!(dump.types()[cache.type_number as usize].full_name(), "app.Cache");
    let edge = dump.edges_of(cache.number).next().unwrap();
    assert_eq!((edge.name.kind(), dump.name(edge.name.payload())), (EdgeKind::Field, Some("__dict__")));
    let namespace: Vec<_> = dump.edges_of(edge.target).collect();
    assert_eq!(
        namespace.iter().map(|edge| edge.name.kind()).collect::<Vec<_>>(),
        [EdgeKind::Key, EdgeKind::Value, EdgeKind::Key, EdgeKind::Value]
    );
    assert_eq!(dump.preview(namespace[0].target), Some((PreviewKind::Text, b"rows".as_slice())));

    let root = dump.roots().next().unwrap();
    assert_eq!(
        (root.kind, root.thread, root.frame, root.object),
        (RootKind::Local, Some(0), Some(0), cache.number)
    );
    assert_eq!(dump.threads()[0].frames[0].locals[0], ("self".to_owned(), cache.number));
    assert_eq!(dump.footer().unwrap().pause_ms, 12.25);
}

//! Reads what the writer wrote, whole, cut off and damaged, and compares it with the rows that went in.

use proptest::prelude::*;
use pyheap_format::header::{Footer, Header};
use pyheap_format::reader::{Dump, FrameScanner, ReadError, Record};
use pyheap_format::record::{self, kind};
use pyheap_format::vocabulary::{EDGES_PER_RECORD, FORMAT_VERSION, NONE, OBJECTS_PER_RECORD};
use pyheap_format::writer::{ObjectRow, TypeRow, Writer};
use pyheap_format::{
    Edge, EdgeKind, EdgeName, EdgeSource, Frame, ObjectFlags, PreviewKind, RootKind, Summary, Thread,
};

/// What goes into a dump, object by object.
#[derive(Clone, Debug, Default)]
struct Row {
    object: ObjectRow,
    edges: Vec<Edge>,
    preview: Option<(PreviewKind, Vec<u8>)>,
}

fn header() -> Header {
    Header { format: "pyheap".into(), version: FORMAT_VERSION, pid: 4711, ..Header::default() }
}

fn write(rows: &[Row]) -> Vec<u8> {
    let mut stream = Vec::new();
    {
        let mut writer = Writer::new(Shared(&mut stream));
        writer.name("__dict__");
        writer.name("größe");
        for name in ["type", "str"] {
            writer.type_row(&TypeRow {
                object: 0,
                address: 0x1000,
                module: "builtins",
                qualname: name,
                basicsize: 16,
                itemsize: 1,
                flags: 1 << 9,
                base: (name == "str").then_some(0),
            });
        }
        for row in rows {
            for edge in &row.edges {
                writer.edge(*edge).unwrap();
            }
            if let Some((kind, data)) = &row.preview {
                writer.preview(*kind, data).unwrap();
            }
            writer.object(&row.object).unwrap();
        }
        writer
            .thread(&Thread {
                name: Some("MainThread".into()),
                ident: 7,
                frames: vec![Frame {
                    file: "a.py".into(),
                    line: Some(3),
                    locals: vec![("x".into(), 0)],
                    ..Frame::default()
                }],
                ..Thread::default()
            })
            .unwrap();
        writer.root(RootKind::Local, 0, 0, 1, 0).unwrap();
        writer.root(RootKind::Static, NONE, NONE, NONE, 0).unwrap();
        writer.finish(&Summary { walk_ns: 5, ..Summary::default() }).unwrap();
    }
    let footer = Footer { pause_ms: 1.5, ..Footer::default() };
    [header().to_record(), stream, footer.to_record()].concat()
}

/// Lets the writer fill a vector that outlives it.
struct Shared<'a>(&'a mut Vec<u8>);

impl pyheap_format::writer::Sink for Shared<'_> {
    type Error = std::convert::Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Deterministic rows with escapes in every column, more than one record of objects and of edges, and edges across records.
fn many(count: usize, edges: usize) -> Vec<Row> {
    let large = |n: usize, every: usize, value: u64| {
        if n.is_multiple_of(every) { value + n as u64 } else { n as u64 % 1000 }
    };
    (0..count)
        .map(|n| Row {
            object: ObjectRow {
                address: 0x7F00_0000_0000 + n as u64 * 16,
                type_number: n as u32 % 2,
                flags: ObjectFlags(if n % 3 == 0 { 0x41 } else { 0 }),
                shallow: large(n, 7, 0xFFFE),
                allocated: large(n, 11, 1 << 40),
                refcount: large(n, 13, 0xFFFF_FFFF),
                length: large(n, 9, 0xFFFF),
            },
            edges: (0..if n == 5 { 70_000 } else { edges })
                .map(|e| Edge {
                    target: ((n + e) % count) as u32,
                    name: EdgeName::new(EdgeKind::Element, EdgeSource::Traverse, true, 0),
                })
                .collect(),
            preview: (n % 4 == 1).then(|| (PreviewKind::Text, format!("text {n}").into_bytes())),
        })
        .collect()
}

fn assert_rows(dump: &Dump, rows: &[Row], numbers: impl Iterator<Item = u32>) {
    for number in numbers {
        let row = &rows[number as usize];
        let object = dump.object(number).unwrap();
        assert_eq!(
            (object.address, object.type_number, object.shallow, object.allocated, object.refcount),
            (
                row.object.address,
                row.object.type_number,
                row.object.shallow,
                row.object.allocated,
                row.object.refcount
            ),
            "object {number}"
        );
        let length = row.object.flags.contains(ObjectFlags::HAS_LENGTH).then_some(row.object.length);
        assert_eq!(object.length, length, "object {number}");
        assert!(dump.edges_of(number).eq(row.edges.iter().copied()), "edges of object {number}");
        let preview = row.preview.as_ref().map(|(kind, data)| (*kind, data.as_slice()));
        assert_eq!(dump.preview(number), preview, "preview of object {number}");
        assert_eq!(dump.find(row.object.address), Some(number));
    }
}

/// Uses everything of a dump; returns its number of objects. Panics only if a promise is broken.
fn touch(dump: &Dump) -> u32 {
    let (mut objects, mut edges) = (0, 0);
    for chunk in dump.object_chunks() {
        assert_eq!(chunk.first(), objects);
        assert_eq!(chunk.first_edge(), edges);
        assert!(chunk.types().all(|number| (number as usize) < dump.types().len()));
        assert_eq!(chunk.addresses().count(), chunk.len());
        for compact in
            [chunk.shallow(), chunk.allocated(), chunk.refcounts(), chunk.lengths(), chunk.edge_counts()]
        {
            assert_eq!(compact.iter().count(), chunk.len());
            assert!(compact.iter().enumerate().all(|(row, value)| compact.get(row) == value));
        }
        edges += chunk.edge_counts().iter().sum::<u64>();
        objects += chunk.len() as u32;
    }
    assert_eq!(objects, dump.object_count());
    let mut first = 0;
    for chunk in dump.edge_chunks() {
        assert_eq!(chunk.first(), first);
        first += chunk.iter().count() as u64;
    }
    assert_eq!(first, dump.edge_count());
    for number in 0..objects.min(40) {
        assert!(dump.edges_of(number).count() as u64 <= dump.edge_count_of(number));
        let _ = (dump.preview(number), dump.object(number).and_then(|object| dump.type_edge(&object)));
    }
    assert!(dump.object(objects).is_none());
    assert_eq!(dump.edges_of(objects).count(), 0);
    let _ = dump.roots().count() + dump.preview_chunks().flat_map(|chunk| chunk.iter()).count();
    objects
}

/// Start and end of each record.
fn records(bytes: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let mut scanner = FrameScanner::new();
    scanner.feed(bytes);
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(frame) = scanner.next_frame().unwrap() {
        found.push((frame.kind, at..at + frame.record.len()));
        at += frame.record.len();
    }
    assert_eq!((at, scanner.pending()), (bytes.len(), 0));
    found
}

#[test]
fn a_dump_of_many_records_reads_as_written() {
    let rows = many(3 * OBJECTS_PER_RECORD + 5, 6);
    let bytes = write(&rows);
    let dump = Dump::from_bytes(&bytes).unwrap();
    assert_eq!(dump.warnings(), [""; 0]);
    assert!(dump.complete());
    assert_eq!(touch(&dump) as usize, rows.len());
    let edges: usize = rows.iter().map(|row| row.edges.len()).sum();
    assert!(edges > 2 * EDGES_PER_RECORD);
    assert_eq!(dump.edge_count(), edges as u64);
    let sampled = (0..rows.len() as u32).filter(|n| n % 331 == 0 || *n < 20 || n % 8192 > 8180);
    assert_rows(&dump, &rows, sampled);
    assert_eq!(dump.name(1), Some("größe"));
    assert_eq!(dump.name(2), None);
    assert_eq!(dump.types()[1].full_name(), "str");
    assert_eq!(dump.types()[1].base, Some(0));
    assert_eq!(dump.threads()[0].frames[0].locals, [("x".to_owned(), 0)]);
    let roots: Vec<_> = dump.roots().collect();
    assert_eq!((roots[0].kind, roots[0].thread, roots[0].name), (RootKind::Local, Some(0), Some(1)));
    assert_eq!((roots[1].kind, roots[1].thread, roots[1].name), (RootKind::Static, None, None));
    assert_eq!(dump.summary().unwrap().shallow_size, rows.iter().map(|row| row.object.shallow).sum::<u64>());
    assert_eq!(dump.footer().unwrap().pause_ms, 1.5);
}

#[test]
fn a_mapped_file_reads_as_its_bytes() {
    let rows = many(100, 3);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, &write(&rows)).unwrap();
    let dump = Dump::open(file.path()).unwrap();
    assert!(dump.complete());
    assert_rows(&dump, &rows, 0..100);
}

#[test]
fn compressed_dumps_are_read_frame_by_frame() {
    let rows = many(2 * OBJECTS_PER_RECORD, 3);
    let bytes = write(&rows);
    let middle = records(&bytes)
        .into_iter()
        .map(|(_, range)| range.start)
        .find(|start| *start > bytes.len() / 2)
        .unwrap();
    let frames = [&bytes[..middle], &bytes[middle..]].map(|part| zstd::stream::encode_all(part, 3).unwrap());
    // A frame to be skipped, as tools put them in for their own purposes.
    let skipped = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let whole = Dump::from_bytes(&[&frames[0], skipped.as_slice(), &frames[1]].concat()).unwrap();
    assert!(whole.complete());
    assert_rows(&whole, &rows, (0..rows.len() as u32).step_by(991));
    let file = [frames[0].as_slice(), &frames[1][..frames[1].len() / 2]].concat();
    let cut = Dump::from_bytes(&file).unwrap();
    assert!(!cut.complete());
    assert!(
        cut.warnings()[0].starts_with("the compressed file is cut off or damaged"),
        "{:?}",
        cut.warnings()
    );
    assert!(touch(&cut) >= OBJECTS_PER_RECORD as u32);
    assert!(matches!(Dump::from_bytes(&frames[0][..9]), Err(ReadError::Compression { .. })));
}

#[test]
fn any_damage_to_a_compressed_dump_is_survived() {
    let file = zstd::stream::encode_all(write(&many(300, 3)).as_slice(), 1).unwrap();
    for (at, damage) in (0..file.len()).step_by(11).zip([0x01, 0x80, 0xFF].into_iter().cycle()) {
        let mut damaged = file.clone();
        damaged[at] ^= damage;
        if let Ok(dump) = Dump::from_bytes(&damaged) {
            touch(&dump);
        }
    }
}

#[test]
fn every_truncation_is_read_up_to_its_last_whole_record() {
    let bytes = write(&many(30, 2)[6..]);
    let records = records(&bytes);
    let header_end = records[0].1.end;
    for end in 0..bytes.len() {
        match Dump::from_bytes(&bytes[..end]) {
            Ok(dump) => {
                assert!(end >= header_end);
                assert!(!dump.complete() && !dump.warnings().is_empty(), "cut at {end}");
                let whole = |kind| records.iter().any(|(k, range)| *k == kind && range.end <= end);
                assert_eq!(touch(&dump) > 0, whole(kind::OBJECTS), "cut at {end}");
                assert_eq!(dump.summary().is_some(), whole(kind::SUMMARY), "cut at {end}");
                assert_eq!(dump.threads().len() == 1, whole(kind::THREAD), "cut at {end}");
            }
            Err(ReadError::Empty) => assert_eq!(end, 0),
            Err(ReadError::Foreign { .. }) => assert!(end < 3),
            Err(ReadError::Header { .. }) => assert!(end < header_end),
            Err(other) => panic!("cut at {end}: {other}"),
        }
    }
}

#[test]
fn a_damaged_objects_record_leaves_the_numbers_of_the_others() {
    let rows = many(3 * OBJECTS_PER_RECORD + 5, 6);
    for offset in [0, 7, 200] {
        let mut bytes = write(&rows);
        let (_, second) =
            records(&bytes).into_iter().filter(|(kind, _)| *kind == kind::OBJECTS).nth(1).unwrap();
        bytes[second.start + offset] ^= 0x55;
        let dump = Dump::from_bytes(&bytes).unwrap();
        assert!(!dump.complete());
        assert_eq!(touch(&dump) as usize, rows.len());
        let first_lost = OBJECTS_PER_RECORD as u32;
        assert_rows(&dump, &rows, [0, 8191, 2 * first_lost, 3 * first_lost + 4].into_iter());
        let lost = dump.object(first_lost).unwrap();
        assert!(lost.flags.contains(ObjectFlags::UNREADABLE));
        assert_eq!(dump.types()[lost.type_number as usize].full_name(), "<unknown>");
        assert_eq!(dump.edge_count_of(first_lost), 6 * OBJECTS_PER_RECORD as u64);
        assert_eq!(dump.warnings().len(), 2, "{:?}", dump.warnings());
    }
}

#[test]
fn a_damaged_edges_record_dangles() {
    let rows = many(3 * OBJECTS_PER_RECORD, 6);
    let mut bytes = write(&rows);
    let (_, first) = records(&bytes).into_iter().find(|(kind, _)| *kind == kind::EDGES).unwrap();
    bytes[first.start + 100] ^= 1;
    let dump = Dump::from_bytes(&bytes).unwrap();
    assert_eq!(touch(&dump) as usize, rows.len());
    assert!(dump.edges_of(0).all(|edge| edge.target == NONE));
    assert_rows(&dump, &rows, [6_000, 20_000].into_iter());
    assert!(!dump.complete());
}

#[test]
fn other_versions_and_other_files_are_told_apart() {
    let with_version = |version| {
        let mut bytes = write(&[]);
        let end = records(&bytes)[0].1.end;
        let other = Header { version, ..header() }.to_record();
        bytes.splice(..end, other);
        Dump::from_bytes(&bytes)
    };
    assert!(matches!(with_version((0, 9)), Err(ReadError::TooOld { found: (0, 9), .. })));
    assert!(matches!(with_version((2, 0)), Err(ReadError::TooNew { found: (2, 0), .. })));
    assert!(with_version((1, 9)).is_ok());
    let foreign = Dump::from_bytes(b"\x7fELF and so on").unwrap_err();
    assert_eq!(
        foreign.to_string(),
        "this is not a pyheap dump: it starts with 7f 45 4c 46 20 61 6e 64, and a dump starts with 84 00 1a"
    );
    assert!(matches!(Dump::from_bytes(b""), Err(ReadError::Empty)));
}

#[test]
fn unknown_kinds_of_records_are_skipped() {
    let bytes = write(&many(10, 1)[6..]);
    let end = records(&bytes)[0].1.end;
    let body = b"\x01";
    let unknown =
        [record::record_head(17, crc32fast::hash(body), 1).as_slice(), body, record::record_padding(1)]
            .concat();
    let dump = Dump::from_bytes(&[&bytes[..end], &unknown, &bytes[end..]].concat()).unwrap();
    assert!(dump.complete());
    assert_eq!(touch(&dump), 4);
}

#[test]
fn columns_of_a_stream_are_decoded_in_place() {
    let rows = many(OBJECTS_PER_RECORD + 9, 2);
    let bytes = write(&rows);
    let mut scanner = FrameScanner::new();
    let (mut objects, mut shallow, mut kinds) = (0, 0, Vec::new());
    for piece in bytes.chunks(4097) {
        scanner.feed(piece);
        while let Some(frame) = scanner.next_frame().unwrap() {
            kinds.push(frame.kind);
            if let Record::Objects(chunk) = Record::decode(frame.kind, frame.body).unwrap() {
                objects += chunk.len();
                shallow += chunk.shallow().iter().sum::<u64>();
            }
        }
    }
    assert_eq!(objects, rows.len());
    assert_eq!(shallow, rows.iter().map(|row| row.object.shallow).sum::<u64>());
    assert_eq!((kinds.first(), kinds.last()), (Some(&kind::HEADER), Some(&kind::FOOTER)));
}

fn row() -> impl Strategy<Value = Row> {
    let number = prop_oneof![0..0x1_0010_u64, 0..1u64 << 40];
    let edge = (0..60u32, any::<u32>()).prop_map(|(target, name)| Edge { target, name: EdgeName(name) });
    let preview = (0..9u8, prop::collection::vec(any::<u8>(), 0..20))
        .prop_map(|(kind, data)| (PreviewKind::from_number(kind).unwrap(), data));
    let numbers = [(); 4].map(|()| number.clone());
    let object = (1..1u64 << 48, 0..2u32, any::<u8>(), numbers);
    (object, prop::collection::vec(edge, 0..8), prop::option::of(preview)).prop_map(
        |((address, type_number, flags, [shallow, allocated, refcount, length]), edges, preview)| Row {
            object: ObjectRow {
                address,
                type_number,
                flags: ObjectFlags(flags),
                shallow,
                allocated,
                refcount,
                length,
            },
            edges,
            preview,
        },
    )
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 0..50).prop_map(|mut rows| {
        let mut seen = std::collections::HashSet::new();
        rows.retain(|row| seen.insert(row.object.address));
        rows
    })
}

proptest! {
    #[test]
    fn any_rows_read_as_written(rows in rows()) {
        let dump = Dump::from_bytes(&write(&rows)).unwrap();
        prop_assert!(dump.complete());
        prop_assert_eq!(touch(&dump) as usize, rows.len());
        assert_rows(&dump, &rows, 0..rows.len() as u32);
    }

    #[test]
    fn any_damage_is_survived(rows in rows(), at in any::<prop::sample::Index>(), byte in 1..=255u8, repair: bool) {
        let mut bytes = write(&rows);
        let at = at.index(bytes.len());
        bytes[at] ^= byte;
        if repair {
            // A checksum that fits the damage: the columns' own checks have to hold.
            let ranges = records(&write(&rows));
            let (kind, range) = ranges.into_iter().find(|(_, range)| range.contains(&at)).unwrap();
            let length = u32::from_be_bytes(bytes[range.start + 8..range.start + 12].try_into().unwrap());
            if let Some(body) = bytes.get(range.start + 12..range.start + 12 + length as usize) {
                let head = record::record_head(kind, crc32fast::hash(body), length);
                bytes[range.start..range.start + 12].copy_from_slice(&head);
            }
        }
        if let Ok(dump) = Dump::from_bytes(&bytes) {
            touch(&dump);
            prop_assert!(repair || !dump.complete() || bytes.len() - at < 8 || dump.object_count() as usize == rows.len());
        }
    }

    #[test]
    fn any_bytes_are_survived(start: bool, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = if start { [header().to_record(), bytes].concat() } else { bytes };
        if let Ok(dump) = Dump::from_bytes(&bytes) {
            touch(&dump);
        }
        let mut scanner = FrameScanner::new();
        scanner.feed(&bytes);
        while let Ok(Some(frame)) = scanner.next_frame() {
            let _ = Record::decode(frame.kind, frame.body);
        }
    }

    #[test]
    fn a_stream_in_any_pieces_is_the_same(rows in rows(), pieces in prop::collection::vec(1..5000usize, 1..20)) {
        let bytes = write(&rows);
        let mut scanner = FrameScanner::new();
        let (mut rest, mut copy) = (bytes.as_slice(), Vec::new());
        for piece in pieces.iter().cycle() {
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            scanner.feed(now);
            while let Some(frame) = scanner.next_frame().unwrap() {
                prop_assert_eq!(frame.record.as_ptr() as usize % 8, 0);
                copy.extend_from_slice(frame.record);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(copy, bytes);
        prop_assert_eq!(scanner.pending(), 0);
    }
}

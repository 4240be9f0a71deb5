//! Old dumps get right answers; damaged ones are read in part, and never panic.

mod sample;

use proptest::prelude::*;
use pyheap_format::ObjectFlags;
use pyheap_format::reader::Dump;
use pyheap_heap::{Analysis, LabelledEdges, Limits, represent};
use pyheap_import::{ImportError, import, is_legacy};
use sample::{CLASS, FIRST, ITEMS, ITEMS_SIZES, MODULE, SECOND, well_known};

fn imported(file: &[u8]) -> (Dump, Vec<String>) {
    assert!(is_legacy(file));
    let imported = import(file).expect("imported");
    (Dump::from_bytes(&imported.dump).expect("a dump"), imported.notes)
}

fn sample() -> Dump {
    let (dump, notes) = imported(&sample::file().0);
    assert!(dump.complete(), "{:?}", dump.warnings());
    assert_eq!(notes.len(), 3);
    // The bases `object`, and what only the common types' attributes name, were not written down.
    assert_eq!(notes[2], "2 references to objects that are not in the file are left out");
    dump
}

fn shown(dump: &Dump, address: u64) -> String {
    represent(dump, dump.find(address).expect("an object"), Limits::FULL)
}

#[test]
fn header_and_threads() {
    let dump = sample();
    assert_eq!(dump.header().created_at, "2024-05-06T05:08:09Z");
    assert!(dump.header().torn);
    let [thread] = dump.threads() else { panic!("{:?}", dump.threads()) };
    assert_eq!((thread.name.as_deref(), thread.alive, thread.daemon), (Some("worker"), true, Some(false)));
    let frames: Vec<_> =
        thread.frames.iter().map(|frame| (&*frame.file, frame.line, &*frame.function)).collect();
    assert_eq!(frames, [("/srv/app.py", Some(12), "handle"), ("/srv/main.py", Some(3), "<module>")]);
    assert_eq!(thread.frames[0].locals, [("items".to_owned(), dump.find(ITEMS).expect("the list"))]);
}

#[test]
fn types_have_their_modules() {
    let dump = sample();
    let name = |address: u64| {
        let object = dump.object(dump.find(address).expect("an object")).expect("an object");
        dump.types()[object.type_number as usize].full_name()
    };
    assert_eq!(name(FIRST), "app.Outer.Node");
    assert_eq!(name(0x2000), "module");
    assert_eq!(name(0x2170), "int");
    let heap =
        |address| dump.types().iter().find(|class| class.address == address).expect("a type").is_heap_type();
    assert!(heap(CLASS) && !heap(MODULE) && !heap(well_known("str")));
}

#[test]
fn objects_look_as_they_did() {
    let dump = sample();
    assert_eq!(shown(&dump, 0x2120), "[-1180591620717411303424, 0.1, True, …]");
    assert_eq!(shown(&dump, ITEMS), "[<app.Outer.Node object at 0x3010>, <app.Outer.Node object at 0x3010>]");
    assert_eq!(shown(&dump, 0x3011), "{'next': <app.Outer.Node object at 0x3020>, 'data': b'first'}");
    assert_eq!(shown(&dump, 0x3021), "{}");
    assert_eq!(shown(&dump, 0x1030), "'app'");
    assert_eq!(shown(&dump, CLASS), "<class 'app.Outer.Node'>");
    let length = |address| dump.object(dump.find(address).expect("an object")).expect("an object").length;
    assert_eq!((length(ITEMS), length(0x3011), length(0x1030)), (Some(2), Some(2), Some(3)));
}

#[test]
fn referents_have_names() {
    let dump = sample();
    let names = |address: u64| -> Vec<_> {
        let edges = LabelledEdges::new(&dump, dump.find(address).expect("an object"));
        let address = |number| dump.object(number).expect("an object").address;
        edges.map(|edge| (edge.name(&dump), address(edge.target))).collect()
    };
    let named = |expected: &[(&str, u64)]| -> Vec<_> {
        expected.iter().map(|(name, address)| ((*name).to_owned(), *address)).collect()
    };
    assert_eq!(names(FIRST), named(&[("__class__", CLASS), ("__dict__", 0x3011)]));
    let expected = [("__class__", CLASS), ("next", FIRST), ("more", 0x3021), ("data", 0x3022)];
    assert_eq!(names(SECOND), named(&expected));
    // The list's item 2 is not in the file.
    assert_eq!(names(0x2120), named(&[("[0]", 0x2170), ("[1]", 0x2180), ("[3]", 0x2190)]));
    assert_eq!(names(well_known("str")), named(&[("__class__", well_known("type")), ("join", 0x2500)]));
}

#[test]
fn retained_sizes_are_exact_on_cycles() {
    let dump = sample();
    let analysis = Analysis::new(&dump);
    let node = |address| dump.find(address).expect("an object");
    let all: u32 = ITEMS_SIZES.iter().sum();
    // Only the list leads to the names of the attributes, and to the class with what that one refers to alone.
    let (keys, class) = (53 + 53, 1064 + 56 + 232 + 59);
    assert_eq!(analysis.retained(node(ITEMS)), u64::from(all + keys + class));
    assert_eq!(analysis.retained(node(FIRST)), u64::from(all + keys + class - ITEMS_SIZES[0]));
    let second: u32 = ITEMS_SIZES[4..].iter().sum();
    assert_eq!(analysis.retained(node(SECOND)), u64::from(second));
    assert_eq!(analysis.retained(analysis.holders.thread(0)), u64::from(all + keys + class));
    // The two lists that only refer to each other; the set that nothing refers to is held from outside.
    assert_eq!(analysis.garbage, 2);
    assert_eq!(analysis.native, [node(0x4000)]);
}

#[test]
fn paths_start_at_variables_and_modules() {
    let dump = sample();
    let analysis = Analysis::new(&dump);
    let paths = analysis.shortest_paths();
    let text = |address| analysis.path_text(&paths.path(dump.find(address).expect("an object")));
    assert_eq!(text(0x3022), "thread worker: handle(): items[0].next.data");
    assert_eq!(text(0x2180), "sys.meta_path[1]");
}

#[test]
fn other_files_are_refused() {
    assert!(!is_legacy(b"\x84\x00\x1A"));
    assert_eq!(import(b"").expect_err("empty"), ImportError::Foreign);
    let (mut file, _) = sample::file();
    file[11] = 2;
    assert_eq!(import(&file).expect_err("version 2"), ImportError::Version { found: 2 });
    file.truncate(60);
    file[11] = 1;
    assert!(matches!(import(&file), Err(ImportError::Damaged { length: 60, .. })));
}

#[test]
fn a_cut_file_is_read_up_to_its_last_whole_object() {
    let (file, starts) = sample::file();
    for cut in starts[0] - 4..file.len() {
        let whole = starts.iter().skip(1).filter(|start| **start <= cut).count();
        let (dump, _) = imported(&file[..cut]);
        let objects = dump.object_count() as usize;
        assert!(objects == whole || (whole == starts.len() - 1 && objects == starts.len()), "cut at {cut}");
        assert!(!dump.complete());
        assert!(dump.warnings().iter().any(|warning| warning.contains("cut off")), "{:?}", dump.warnings());
    }
    // Without the table of types, their representations name them.
    let (dump, _) = imported(&file[..file.len() - 20]);
    let object = dump.object(dump.find(FIRST).expect("an object")).expect("an object");
    assert_eq!(dump.types()[object.type_number as usize].full_name(), "app.Outer.Node");
}

/// Whatever the bytes, import and analysis neither panic nor contradict themselves.
fn survives(file: &[u8]) {
    let Ok(imported) = import(file) else { return };
    let dump = Dump::from_bytes(&imported.dump).expect("what was imported can be read");
    let analysis = Analysis::new(&dump);
    let objects = (0..dump.object_count()).filter_map(|number| dump.object(number));
    let allocated = objects.filter(|object| !object.flags.contains(ObjectFlags::STATIC));
    let sum: u64 = allocated.map(|object| object.allocated).sum();
    assert_eq!(analysis.total(), sum);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn damaged_files_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let (mut file, _) = sample::file();
        for (at, byte) in changes {
            let at = 12 + at.index(file.len() - 12);
            file[at] = byte;
        }
        if cuts {
            file.truncate(cut.index(file.len()));
        }
        survives(&file);
    }
}

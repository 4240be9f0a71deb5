//! Walks a heap that the test itself lays out, byte by byte, in the layout of CPython 3.11: what is damaged is marked, its neighbours are not.

use pyheap_format::header::Header;
use pyheap_format::reader::Dump;
use pyheap_format::{EdgeKind, ObjectFlags};
use pyheap_walker::layout::Layout;
use pyheap_walker::{
    Extents, Interpreter, Memory, Options, Progress, Traversal, Unreadable, Unsupported, Walk,
};
use std::collections::BTreeMap;

const PYTHON: u32 = 0x030B_07F0;
const RUNTIME: u64 = 0x10_0000;
const STATE: u64 = 0x20_0000;
const THREAD: u64 = 0x30_0000;
const TYPES: u64 = 0x40_0000;
const HEAP: u64 = 0x50_0000;
/// Nothing is ever mapped here.
const NOWHERE: u64 = 0x7000_0000;

const HEAPTYPE_READY: u64 = 1 << 9 | 1 << 12;
const HEAPTYPE_READY_GC: u64 = 1 << 12 | 1 << 14;

/// Words by address; what was never written in a page that was is 0, other pages are not mapped.
#[derive(Default)]
struct Fabric {
    pages: BTreeMap<u64, Box<[u8; 4096]>>,
    next_object: u64,
    last_linked: u64,
}

impl Memory for Fabric {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        for (offset, byte) in buffer.iter_mut().enumerate() {
            let at = address + offset as u64;
            let page = self.pages.get(&(at / 4096)).ok_or(Unreadable { address, length: 1 })?;
            *byte = page[(at % 4096) as usize];
        }
        Ok(())
    }

    fn traverse(&self, _: u64, _: u64, _: &mut dyn FnMut(u64)) -> Traversal {
        Traversal::Faulted
    }
}

impl Fabric {
    fn put(&mut self, address: u64, bytes: &[u8]) {
        for (offset, byte) in bytes.iter().enumerate() {
            let at = address + offset as u64;
            self.pages.entry(at / 4096).or_insert_with(|| Box::new([0; 4096]))[(at % 4096) as usize] = *byte;
        }
    }

    fn set(&mut self, address: u64, word: u64) {
        self.put(address, &word.to_le_bytes());
    }

    /// An interpreter with one thread without frames and empty collector's lists.
    fn interpreter() -> Self {
        let layout = Layout::for_version(PYTHON).unwrap();
        let mut fabric = Self { next_object: HEAP, ..Self::default() };
        fabric.put(RUNTIME, &[0; 4096]);
        fabric.put(STATE, &[0; 8192]);
        fabric.put(THREAD, &[0; 4096]);
        fabric.set(RUNTIME + u64::from(layout.offsets.runtime_interpreters_head), STATE);
        fabric.set(STATE + u64::from(layout.offsets.interp_threads_head), THREAD);
        fabric.set(THREAD + 16, STATE);
        let collector = STATE + u64::from(layout.offsets.gc);
        for head in [
            layout.offsets.gc_generations,
            layout.offsets.gc_generations + 24,
            layout.offsets.gc_generations + 48,
            layout.offsets.gc_permanent,
        ] {
            let head = collector + u64::from(head);
            fabric.set(head, head);
            fabric.set(head + 8, head);
        }
        fabric.last_linked = collector + u64::from(layout.offsets.gc_generations);
        // The type `type`, its own type, which all types' type must look like.
        fabric.type_object(0, "type", 1 << 31, 880);
        fabric.type_object(1, "list", HEAPTYPE_READY_GC, 40);
        fabric.type_object(2, "native.Thing", HEAPTYPE_READY_GC, 32);
        fabric
    }

    fn type_address(number: u64) -> u64 {
        TYPES + number * 4096
    }

    fn type_object(&mut self, number: u64, name: &str, flags: u64, basicsize: u64) {
        let address = Self::type_address(number);
        self.put(address, &[0; 1024]);
        self.set(address, 1);
        self.set(address + 8, Self::type_address(0));
        self.put(address + 2048, name.as_bytes());
        self.set(address + 24, address + 2048);
        self.set(address + 32, basicsize);
        self.set(address + 168, flags | 1 << 12);
        // tp_traverse
        self.set(address + 184, 0x1234);
    }

    /// A tracked object of a type, at the end of the youngest generation.
    fn object(&mut self, type_number: u64) -> u64 {
        let head = self.next_object;
        self.next_object += 256;
        let address = head + 16;
        self.put(head, &[0; 256]);
        let first = STATE + u64::from(Layout::for_version(PYTHON).unwrap().offsets.gc) + 24;
        self.set(self.last_linked, head);
        self.set(head, first);
        self.set(head + 8, self.last_linked);
        self.set(first + 8, head);
        self.last_linked = head;
        self.set(address, 1);
        self.set(address + 8, Self::type_address(type_number));
        address
    }

    fn list(&mut self, elements: &[u64]) -> u64 {
        let address = self.object(1);
        let items = address + 64;
        self.set(address + 16, elements.len() as u64);
        self.set(address + 24, items);
        self.set(address + 32, elements.len() as u64);
        for (position, element) in (0..).zip(elements) {
            self.set(items + position * 8, *element);
        }
        address
    }

    fn locate(&self) -> Result<Interpreter, Unsupported> {
        Interpreter::locate(self, RUNTIME, PYTHON, false, false)
    }

    fn walk(&self) -> Dump {
        self.walk_located(&self.locate().unwrap())
    }

    fn walk_located(&self, interpreter: &Interpreter) -> Dump {
        self.walk_within(interpreter, Extents::default())
    }

    /// All that can be read.
    fn extents(&self) -> Extents {
        let mut extents = Extents::default();
        self.pages.keys().for_each(|page| extents.add(page * 4096..(page + 1) * 4096));
        extents
    }

    fn walk_within(&self, interpreter: &Interpreter, extents: Extents) -> Dump {
        let options =
            Options { str_repr_len: 200, digest_limit: u64::MAX, image: 0..0, data: vec![], extents };
        let mut stream = Header { format: "pyheap".into(), version: (1, 0), ..Header::default() }.to_record();
        let mut walk = Walk::start(self, interpreter.clone(), options, &mut stream).unwrap();
        while walk.step(|| true).unwrap() == Progress::More {}
        walk.finish(0, 0, None).unwrap();
        drop(walk);
        Dump::from_bytes(&stream).unwrap()
    }
}

/// Number, flags and targets' addresses of the object at `address`.
fn described(dump: &Dump, address: u64) -> (ObjectFlags, Vec<u64>) {
    let number = dump.find(address).unwrap_or_else(|| panic!("0x{address:x} is not in the dump"));
    let targets = dump.edges_of(number).map(|edge| dump.object(edge.target).unwrap().address).collect();
    (dump.object(number).unwrap().flags, targets)
}

#[test]
fn lists_name_their_elements_and_sizes() {
    let mut fabric = Fabric::interpreter();
    let empty = fabric.list(&[]);
    let full = fabric.list(&[empty, 0, empty]);
    let dump = fabric.walk();
    assert_eq!(described(&dump, full), (ObjectFlags(0x41), vec![empty, empty]));
    let number = dump.find(full).unwrap();
    let kinds: Vec<_> = dump.edges_of(number).map(|edge| (edge.name.kind(), edge.name.payload())).collect();
    assert_eq!(kinds, [(EdgeKind::Element, 0), (EdgeKind::Element, 1)], "the second stands one further");
    let object = dump.object(number).unwrap();
    // A list is 40 bytes, a collector's head 16, its three slots 24, rounded to 32.
    assert_eq!((object.shallow, object.allocated, object.length), (80, 96, Some(3)));
    assert_eq!(dump.types()[object.type_number as usize].full_name(), "list");
}

#[test]
fn a_target_that_is_no_object_is_marked_and_its_holder_is_not() {
    let mut fabric = Fabric::interpreter();
    let sound = fabric.list(&[]);
    let holder = fabric.list(&[sound, NOWHERE, sound]);
    let dump = fabric.walk();
    assert_eq!(described(&dump, holder), (ObjectFlags(0x41), vec![sound, NOWHERE, sound]));
    assert_eq!(described(&dump, sound), (ObjectFlags(0x41), vec![]));
    assert_eq!(described(&dump, NOWHERE), (ObjectFlags::UNREADABLE, vec![]));
    assert_eq!(dump.summary().unwrap().unreadable, 1);
}

#[test]
fn an_object_with_a_wild_type_is_marked() {
    for class in [0, 8, HEAP, THREAD, NOWHERE, 1 << 47, u64::MAX - 4096] {
        let mut fabric = Fabric::interpreter();
        let damaged = fabric.list(&[]);
        fabric.set(damaged + 8, class);
        let next = fabric.list(&[damaged]);
        let dump = fabric.walk();
        assert!(described(&dump, damaged).0.contains(ObjectFlags::UNREADABLE), "0x{class:x}");
        assert_eq!(described(&dump, next), (ObjectFlags(0x41), vec![damaged]), "0x{class:x}");
    }
}

/// Every word of an object of every layout, overwritten: nothing fails, nobody else suffers, and no object is larger than all memory.
#[test]
fn no_word_of_an_object_is_believed_blindly() {
    const KINDS: [(&str, u64, u64); 14] = [
        ("list", 40, 0),
        ("tuple", 24, 8),
        ("str", 80, 0),
        ("bytes", 33, 1),
        ("bytearray", 56, 0),
        ("int", 24, 4),
        ("dict", 48, 0),
        ("collections.OrderedDict", 112, 0),
        ("set", 200, 0),
        ("collections.deque", 80, 0),
        ("array.array", 64, 0),
        ("numpy.ndarray", 80, 0),
        ("code", 176, 2),
        ("frame", 72, 8),
    ];
    let hostile = [
        0,
        1,
        4095,
        NOWHERE,
        HEAP,
        TYPES,
        1 << 20,
        1 << 31,
        1 << 32,
        1 << 40,
        1 << 47,
        1 << 48,
        1 << 60,
        1 << 61,
        i64::MAX as u64,
        1 << 63,
        u64::MAX - 4096,
    ];
    for (name, basicsize, itemsize) in KINDS {
        for word in 1..16 {
            for value in hostile {
                let mut fabric = Fabric::interpreter();
                fabric.type_object(3, name, HEAPTYPE_READY_GC & !(1 << 9), basicsize);
                fabric.set(Fabric::type_address(3) + 40, itemsize);
                let damaged = fabric.object(3);
                // Other words point to zeros, as far as they point.
                for place in 2..16 {
                    fabric.set(damaged + place * 8, HEAP + 4096);
                }
                fabric.put(HEAP + 4096, &[0; 4096]);
                fabric.set(damaged + word * 8, value);
                let next = fabric.list(&[damaged]);
                for extents in [Extents::default(), fabric.extents()] {
                    let known = !format!("{extents:?}").contains("[]");
                    let dump = fabric.walk_within(&fabric.locate().unwrap(), extents);
                    let place = format!("{name}, word {word}, {value:#x}");
                    assert!(described(&dump, next).1.contains(&damaged), "{place}");
                    let object = dump.object(dump.find(damaged).unwrap()).unwrap();
                    let most = if known && name != "numpy.ndarray" { 1 << 20 } else { 1 << 42 };
                    assert!(object.allocated < most && object.shallow < most, "{place}: {object:?}");
                }
            }
        }
    }
}

#[test]
fn a_size_beyond_the_mapping_is_not_believed() {
    let mut fabric = Fabric::interpreter();
    fabric.type_object(3, "tuple", HEAPTYPE_READY_GC & !(1 << 9), 24);
    fabric.set(Fabric::type_address(3) + 40, 8);
    let damaged = fabric.object(3);
    fabric.set(damaged + 16, 1 << 60);
    let list = fabric.list(&[]);
    // 16 KiB of slots, which are there.
    let items = HEAP + 0x10_0000;
    fabric.put(items, &[0; 16384]);
    fabric.set(list + 24, items);
    fabric.set(list + 32, 2048);
    for extents in [Extents::default(), fabric.extents()] {
        let dump = fabric.walk_within(&fabric.locate().unwrap(), extents);
        let object = |address| dump.object(dump.find(address).unwrap()).unwrap();
        assert!(object(damaged).flags.contains(ObjectFlags::UNREADABLE));
        assert_eq!((object(damaged).shallow, object(damaged).allocated), (0, 0));
        assert_eq!((object(list).flags, object(list).shallow), (ObjectFlags(0x41), 40 + 16 + 16384));
    }
}

#[test]
fn a_type_whose_objects_take_no_bytes_harms_nobody() {
    let mut fabric = Fabric::interpreter();
    fabric.type_object(3, "native.Nothing", HEAPTYPE_READY, 0);
    let damaged = fabric.object(3);
    let next = fabric.list(&[damaged]);
    let dump = fabric.walk();
    assert_eq!(dump.object(dump.find(damaged).unwrap()).unwrap().allocated, 0);
    assert_eq!(described(&dump, next), (ObjectFlags(0x41), vec![damaged]));
}

/// Memory in which this code itself fails.
struct Trap<'f> {
    fabric: &'f Fabric,
    at: u64,
}

impl Memory for Trap<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        assert_ne!(address, self.at, "the trap");
        self.fabric.read(address, buffer)
    }
}

#[test]
fn what_was_walked_outlives_a_panic() {
    let mut fabric = Fabric::interpreter();
    let before: Vec<u64> = (0..10).map(|_| fabric.list(&[])).collect();
    let fatal = fabric.list(&[before[3], before[4]]);
    let after = fabric.list(&[before[5]]);
    let interpreter = fabric.locate().unwrap();
    // The second element of the list: one edge is written by then.
    let trap = Trap { fabric: &fabric, at: fatal + 64 + 8 };
    let options = Options {
        str_repr_len: 200,
        digest_limit: u64::MAX,
        image: 0..0,
        data: vec![],
        extents: Extents::default(),
    };
    let mut stream = Header { format: "pyheap".into(), version: (1, 0), ..Header::default() }.to_record();
    let mut walk = Walk::start(&trap, interpreter, options, &mut stream).unwrap();
    let step = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| walk.step(|| false)));
    assert!(step.is_err());
    walk.abandon(1, 2, "it fell into a trap").unwrap();
    drop(walk);
    let dump = Dump::from_bytes(&stream).unwrap();
    for object in before {
        assert_eq!(described(&dump, object), (ObjectFlags(0x41), vec![]));
    }
    assert!(described(&dump, fatal).0.contains(ObjectFlags::UNREADABLE));
    assert_eq!(dump.find(after), None);
    assert!(!dump.complete());
    assert!(dump.warnings().iter().any(|warning| warning.contains("it fell into a trap")));
    assert_eq!(dump.summary().unwrap().edges, dump.edge_count());
}

#[test]
fn a_length_beyond_the_allocation_is_not_believed() {
    let mut fabric = Fabric::interpreter();
    let damaged = fabric.list(&[]);
    fabric.set(damaged + 16, 1 << 50);
    let dump = fabric.walk();
    assert!(described(&dump, damaged).0.contains(ObjectFlags::UNREADABLE));
}

#[test]
fn a_faulting_traverse_marks_its_object_alone() {
    let mut fabric = Fabric::interpreter();
    let faulting = fabric.object(2);
    let next = fabric.list(&[faulting]);
    let dump = fabric.walk();
    assert!(described(&dump, faulting).0.contains(ObjectFlags::UNREADABLE));
    assert_eq!(described(&dump, next).0, ObjectFlags(0x41));
}

#[test]
fn a_list_of_the_collector_that_bites_its_own_tail_ends() {
    let mut fabric = Fabric::interpreter();
    let objects: Vec<u64> = (0..200).map(|_| fabric.list(&[])).collect();
    let last = fabric.last_linked;
    fabric.set(last, objects[100] - 16);
    // Located while the list was whole: the damage is met on the way.
    let dump = fabric.walk_located(&{
        let mut whole = Fabric::interpreter();
        whole.list(&[]);
        whole.locate().unwrap()
    });
    for object in objects {
        assert_eq!(described(&dump, object).0, ObjectFlags(0x41));
    }
}

#[test]
fn what_is_no_interpreter_is_refused() {
    let mut fabric = Fabric::interpreter();
    fabric.set(THREAD + 16, NOWHERE);
    assert!(matches!(fabric.locate(), Err(Unsupported::Inconsistent { .. })));
    assert!(matches!(
        Interpreter::locate(&fabric, NOWHERE, PYTHON, false, false),
        Err(Unsupported::Unreadable(Unreadable { address, .. })) if address > NOWHERE
    ));
    assert_eq!(
        Interpreter::locate(&fabric, RUNTIME, 0x0307_0000, false, false).unwrap_err(),
        Unsupported::Version { hex: 0x0307_0000 }
    );
    assert!(matches!(
        Interpreter::locate(&fabric, RUNTIME, PYTHON, true, false),
        Err(Unsupported::Build { .. })
    ));
}

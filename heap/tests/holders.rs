//! Whole dumps of random heaps, analysed, against the definitions applied by brute force.

use proptest::prelude::*;
use pyheap_format::header::{Footer, Header};
use pyheap_format::reader::Dump;
use pyheap_format::vocabulary::{FORMAT_VERSION, NONE};
use pyheap_format::writer::{ObjectRow, Sink, TypeRow, Writer};
use pyheap_format::{Edge, EdgeKind, EdgeName, EdgeSource, ObjectFlags, RootKind, Summary, Thread};
use pyheap_heap::{Analysis, Deficit, Ownership};
use std::convert::Infallible;
use std::sync::Arc;

/// Types, which are the first objects: a static one, a heap type, str, and `type` of them all.
const TYPES: [(&str, &str, u64); 4] =
    [("builtins", "type", 0), ("app", "Node", 1 << 9), ("builtins", "str", 0), ("builtins", "list", 0)];

const TYPE: u32 = 0;
const NODE: u32 = 1;
const TEXT: u32 = 2;
const LIST: u32 = 3;

/// Number of the first object that is no type.
const FIRST: u32 = TYPES.len() as u32;

/// An object of a random heap; numbers count from [`FIRST`].
#[derive(Clone, Debug)]
struct Drawn {
    class: u32,
    targets: Vec<u32>,
    /// Edges that own nothing.
    weak: Vec<u32>,
    held_by_interpreter: bool,
    held_by_thread: bool,
    /// A slot of an evaluation stack may hold it; whether it really does.
    possible: Option<bool>,
    native: u64,
    size: u64,
}

#[derive(Clone, Debug)]
struct Heap(Vec<Drawn>);

impl Heap {
    fn references(&self, object: u32) -> u64 {
        let own = &self.0[object as usize];
        let edges =
            self.0.iter().flat_map(|drawn| &drawn.targets).filter(|&&target| target == object).count();
        let roots = [own.held_by_interpreter, own.held_by_thread, own.possible == Some(true)];
        edges as u64 + roots.iter().filter(|held| **held).count() as u64 + own.native
    }

    fn nodes_of(&self, class: u32) -> u64 {
        self.0.iter().filter(|drawn| drawn.class == class).count() as u64
    }

    fn write(&self) -> Vec<u8> {
        struct Stream<'a>(&'a mut Vec<u8>);
        impl Sink for Stream<'_> {
            type Error = Infallible;
            fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
                self.0.extend_from_slice(bytes);
                Ok(())
            }
        }
        let mut bytes =
            Header { format: "pyheap".into(), version: FORMAT_VERSION, ..Header::default() }.to_record();
        let mut writer = Writer::new(Stream(&mut bytes));
        for (number, (module, qualname, flags)) in (0..).zip(TYPES) {
            let address = u64::from(number) * 16;
            let (object, base) = (number, None);
            writer.type_row(&TypeRow {
                object,
                address,
                module,
                qualname,
                basicsize: 16,
                itemsize: 0,
                flags,
                base,
            });
        }
        for (number, (.., flags)) in (0..).zip(TYPES) {
            // The heap type is held by its instances and, as a module would, by the interpreter.
            let flags = if flags == 0 { ObjectFlags::STATIC } else { ObjectFlags::TRACKED };
            let refcount = self.nodes_of(number) + 1;
            let row =
                ObjectRow { type_number: TYPE, flags, refcount, allocated: 1000, ..ObjectRow::default() };
            let Ok(()) = writer.object(&row);
        }
        for (number, drawn) in (0..).zip(&self.0) {
            let edges = [(&drawn.targets, true), (&drawn.weak, false)];
            for (target, owned) in
                edges.iter().flat_map(|(row, owned)| row.iter().map(|&target| (target, *owned)))
            {
                let name = EdgeName::new(EdgeKind::Element, EdgeSource::Traverse, owned, 0);
                let Ok(()) = writer.edge(Edge { target: FIRST + target, name });
            }
            let row = ObjectRow {
                address: 4096 + u64::from(number) * 16,
                type_number: drawn.class,
                flags: ObjectFlags::TRACKED,
                shallow: drawn.size,
                allocated: drawn.size,
                refcount: self.references(number),
                length: 0,
            };
            let Ok(()) = writer.object(&row);
        }
        let Ok(()) = writer.thread(&Thread { name: Some("MainThread".into()), ..Thread::default() });
        let Ok(()) = writer.root(RootKind::Interpreter, NONE, NONE, NONE, NODE);
        for (number, drawn) in (FIRST..).zip(&self.0) {
            let roots = [
                (drawn.held_by_interpreter, RootKind::Interpreter, NONE),
                (drawn.held_by_thread, RootKind::Stack, 0),
                (drawn.possible.is_some() && number % 2 == 0, RootKind::Possible, 0),
                (drawn.possible.is_some() && number % 2 == 1, RootKind::Data, NONE),
            ];
            for (_, kind, thread) in roots.into_iter().filter(|(held, ..)| *held) {
                let Ok(()) = writer.root(kind, thread, thread, NONE, number);
            }
        }
        let Ok(()) = writer.finish(&Summary::default());
        drop(writer);
        bytes.extend(Footer::default().to_record());
        bytes
    }

    /// Whether native code holds an object as far as can be told: an unexplained reference, except to a str.
    fn is_native_root(&self, object: u32) -> bool {
        let own = &self.0[object as usize];
        // A stale slot cannot be told from a real one when there is an unexplained reference: it takes that one.
        let taken = u64::from(own.possible == Some(false) && own.native > 0);
        own.class != TEXT && own.native > taken
    }

    fn is_root(&self, object: u32) -> bool {
        let own = &self.0[object as usize];
        own.held_by_interpreter
            || own.held_by_thread
            || own.possible == Some(true)
            || (own.possible.is_some() && own.native > 0)
            || self.is_native_root(object)
    }

    /// What is reached from the roots, or from unreached strs with unexplained references, without `removed`.
    fn reached(&self, removed: Option<u32>) -> Vec<bool> {
        let mut reached = vec![false; self.0.len()];
        let mut stack: Vec<u32> = (0..self.0.len() as u32).filter(|&object| self.is_root(object)).collect();
        // Only what nothing else reaches in the whole heap hangs from CPython itself.
        for object in self.hidden() {
            stack.push(object);
        }
        while let Some(object) = stack.pop() {
            if Some(object) != removed && !std::mem::replace(&mut reached[object as usize], true) {
                stack.extend(&self.0[object as usize].targets);
            }
        }
        reached
    }

    fn hidden(&self) -> Vec<u32> {
        let mut reached = vec![false; self.0.len()];
        let mut stack: Vec<u32> = (0..self.0.len() as u32).filter(|&object| self.is_root(object)).collect();
        while let Some(object) = stack.pop() {
            if !std::mem::replace(&mut reached[object as usize], true) {
                stack.extend(&self.0[object as usize].targets);
            }
        }
        let unexplained = |object: &u32| {
            let own = &self.0[*object as usize];
            own.class == TEXT && own.native > u64::from(own.possible == Some(false))
        };
        (0..self.0.len() as u32).filter(|&object| !reached[object as usize]).filter(unexplained).collect()
    }
}

fn heaps() -> impl Strategy<Value = Heap> {
    // Around 64 as well: sets of nodes are kept in words.
    prop_oneof![4 => 1..24u32, 1 => 52..66u32].prop_flat_map(|count| {
        let drawn = (
            NODE..=LIST,
            prop::collection::vec(0..count, 0..4),
            prop::collection::vec(0..count, 0..2),
            (
                prop::bool::weighted(0.1),
                prop::bool::weighted(0.1),
                prop::option::weighted(0.1, any::<bool>()),
            ),
            prop_oneof![8 => Just(0u64), 1 => 1..3u64],
            1..1000u64,
        );
        prop::collection::vec(drawn, count as usize).prop_map(|objects| {
            let object = |(class, targets, weak, held, native, size)| {
                let (held_by_interpreter, held_by_thread, possible) = held;
                // A str refers to nothing.
                let targets = if class == TEXT { vec![] } else { targets };
                Drawn { class, targets, weak, held_by_interpreter, held_by_thread, possible, native, size }
            };
            Heap(objects.into_iter().map(object).collect())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn roots_garbage_and_retained_sizes_are_what_the_definitions_say(heap in heaps()) {
        let dump = Dump::from_bytes(&heap.write()).unwrap();
        prop_assert!(dump.complete());
        let analysis = Analysis::new(&dump);
        let all = heap.reached(None);
        let count = heap.0.len() as u32;

        let native: Vec<u32> = (0..count).filter(|&object| heap.is_native_root(object)).map(|at| FIRST + at).collect();
        prop_assert_eq!(&analysis.native, &native);
        prop_assert_eq!(analysis.garbage, all.iter().filter(|reached| !**reached).count());

        for object in (0..count).filter(|&object| all[object as usize]) {
            let rest = heap.reached(Some(object));
            let lost: u64 = (0..count as usize)
                .filter(|&other| all[other] && !rest[other])
                .map(|other| heap.0[other].size)
                .sum();
            prop_assert_eq!(analysis.retained(FIRST + object), lost, "retained by {}", object);
        }

        // Static types are not allocated; the heap type is.
        let total: u64 = heap.0.iter().map(|drawn| drawn.size).sum::<u64>() + 1000;
        prop_assert_eq!(analysis.total(), total);
        let children = analysis.tree.children();
        let top: u64 = children.targets(analysis.holders.root()).iter().map(|&node| analysis.retained(node)).sum();
        prop_assert_eq!(top, total);

        // A type's retained size is what goes with all its instances.
        let (_, nodes) = analysis.by_name(|class| class.full_name()).into_iter().find(|(name, _)| name == "app.Node").unwrap();
        prop_assert_eq!(nodes.total.count, heap.nodes_of(NODE));
        let own: u64 = heap.0.iter().filter(|drawn| drawn.class == NODE).map(|drawn| drawn.size).sum();
        prop_assert!(nodes.retained >= own && nodes.retained <= total);
    }

    #[test]
    fn paths_lead_over_owning_references_from_a_root(heap in heaps()) {
        let dump = Dump::from_bytes(&heap.write()).unwrap();
        let analysis = Analysis::new(&dump);
        let paths = analysis.shortest_paths();
        let all = heap.reached(None);
        for object in (0..heap.0.len() as u32).filter(|&object| all[object as usize]) {
            let path = paths.path(FIRST + object);
            prop_assert_eq!(path.first(), Some(&analysis.holders.root()));
            prop_assert_eq!(path.last(), Some(&(FIRST + object)));
            // Behind the holders, which hang from the root by definition.
            let is_object = |pair: &&[u32]| pair[1] < analysis.holders.objects();
            for pair in path.windows(2).filter(is_object) {
                prop_assert!(analysis.graph().targets(pair[0]).contains(&pair[1]));
            }
            prop_assert!(!analysis.path_text(&path).is_empty());
        }
    }

    #[test]
    fn a_dump_that_was_cut_is_analysed_without_panic(heap in heaps(), cut in 0.0..1.0f64) {
        let bytes = heap.write();
        let end = (bytes.len() as f64 * cut) as usize;
        if let Ok(dump) = Dump::from_bytes(&bytes[..end]) {
            let analysis = Analysis::new(&dump);
            let paths = analysis.shortest_paths();
            for object in 0..analysis.holders.objects() {
                analysis.path_text(&paths.path(object));
                prop_assert!(analysis.retained(object) <= analysis.total());
            }
            analysis.suspects(1, &analysis.shortest_paths());
            analysis.cycles();
        }
    }
}

#[test]
fn a_thousand_leaked_references_are_a_thousand() {
    let object = |native| Drawn {
        class: LIST,
        targets: vec![],
        weak: vec![],
        held_by_interpreter: false,
        held_by_thread: true,
        possible: None,
        native,
        size: 64,
    };
    let dump = Dump::from_bytes(&Heap(vec![object(1000), object(0)]).write()).unwrap();
    let analysis = Analysis::new(&dump);
    assert_eq!(analysis.deficits, [Deficit { object: FIRST, missing: 1000 }]);
}

proptest! {
    /// What was restored tells the same as what was computed; a single changed byte, or another dump, is not accepted.
    #[test]
    fn an_analysis_comes_back_as_it_was_saved(heap in heaps(), other in heaps(), at in any::<prop::sample::Index>()) {
        let (dump, other) = (Dump::from_bytes(&heap.write()).unwrap(), Dump::from_bytes(&other.write()).unwrap());
        let computed = Analysis::new(&dump);
        let mut saved = Vec::new();
        computed.ownership.save(&dump, &mut saved).unwrap();
        let restored = Analysis::with(&dump, Arc::new(Ownership::restore(&dump, &saved[..]).unwrap()));
        prop_assert_eq!(&restored.deficits, &computed.deficits);
        prop_assert_eq!(&restored.native, &computed.native);
        prop_assert_eq!(restored.garbage, computed.garbage);
        for node in 0..computed.graph().nodes() as u32 {
            prop_assert_eq!(restored.tree.idom(node), computed.tree.idom(node));
            prop_assert_eq!(restored.retained(node), computed.retained(node));
            prop_assert_eq!(restored.graph().targets(node), computed.graph().targets(node));
        }
        prop_assert_eq!(restored.largest(100), computed.largest(100));

        prop_assert_eq!(Ownership::restore(&other, &saved[..]).is_ok(), other.digest() == dump.digest());
        let at = at.index(saved.len());
        prop_assert!(Ownership::restore(&dump, &saved[..at]).is_err());
        saved[at] ^= 0x10;
        prop_assert!(Ownership::restore(&dump, &saved[..]).is_err());
    }
}

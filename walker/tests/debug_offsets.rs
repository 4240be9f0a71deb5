//! What an interpreter tells of its own layout is taken over where it fits, and refused where it cannot be true.

use pyheap_walker::layout::{Layout, SUPPORTED};
use pyheap_walker::{Interpreter, Memory, Unreadable, Unsupported};
use std::collections::BTreeMap;

const PYTHON: u32 = 0x030E_04F0;
const RUNTIME: u64 = 0x10_0000;
const STATE: u64 = 0x20_0000;
const THREAD: u64 = 0x90_0000;
const MODULES: u64 = 0xA0_0000;
const DICT: u64 = 0xB0_0000;
const TYPE: u64 = 0xC0_0000;
const END: u64 = 0xD0_0000;

/// Bytes by which this release is smaller in front of `sysdict` than the one that the known offsets come from.
const MOVED: u32 = 24;

/// Words by address; what was never written is 0.
struct Words(BTreeMap<u64, u64>);

impl Memory for Words {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        if !(RUNTIME..END).contains(&address) {
            return Err(Unreadable { address, length: buffer.len() });
        }
        for (at, byte) in (address..).zip(buffer) {
            *byte = self.0.get(&(at / 8 * 8)).copied().unwrap_or_default().to_le_bytes()[(at % 8) as usize];
        }
        Ok(())
    }
}

fn known(name: &str) -> u32 {
    Layout::for_version(PYTHON).unwrap().entries().find(|entry| entry.0 == name).unwrap().1
}

/// Place in the interpreter's own table of what it tells of a field.
fn place(name: &str) -> u64 {
    RUNTIME + u64::from(known(&format!("debug_{name}")))
}

/// An interpreter of a release in which a part of its state has moved, and its static types by `types_moved` bytes.
fn interpreter(types_moved: u32) -> Words {
    let mut words = BTreeMap::from([
        (RUNTIME, u64::from_le_bytes(*b"xdebugpy")),
        (RUNTIME + 8, u64::from(PYTHON)),
        (THREAD + 16, STATE),
        (MODULES + 8, DICT),
        (DICT + 8, TYPE),
        (TYPE + 8, TYPE),
    ]);
    for (name, _) in Layout::for_version(PYTHON).unwrap().entries() {
        if let Some(field) =
            name.strip_prefix("debug_").filter(|field| !matches!(*field, "free_threaded" | "gc_size"))
        {
            let moves =
                matches!(field, "interp_modules" | "interp_sysdict" | "interp_builtins" | "interp_size");
            words.insert(place(field), u64::from(known(field) - if moves { MOVED } else { 0 }));
        }
    }
    words.insert(place("gc_size"), 240);
    words.insert(RUNTIME + u64::from(known("runtime_interpreters_head")), STATE);
    words.insert(STATE + u64::from(known("interp_threads_head")), THREAD);
    words.insert(STATE + u64::from(known("interp_modules") - MOVED), MODULES);
    for n in 0..3 {
        let head = STATE + u64::from(known("gc") + known("gc_generations") + n * 24);
        // The incremental collector of early releases marks the forward link, too.
        words.extend([(head, head | 1), (head + 8, head)]);
    }
    for (number, of) in [(7, DICT), (2, TYPE)] {
        words.insert(of + u64::from(known("tp_subclasses")), number + 1);
        let table = STATE + u64::from(known("interp_static_types") - types_moved);
        words.insert(table + number * u64::from(known("static_type_state_size")), of);
    }
    Words(words)
}

fn locate(words: &Words) -> Result<Interpreter, Unsupported> {
    Interpreter::locate(words, RUNTIME, PYTHON, false, false)
}

#[test]
fn versions_that_are_not_known_are_refused() {
    let known = (0..99).filter(|minor| Layout::for_version(0x0300_00F0 | minor << 16).is_ok());
    let known: Vec<u32> = known.collect();
    assert_eq!(format!("3.{} to 3.{}", known[0], known[known.len() - 1]), SUPPORTED);
    assert_eq!(known.len() as u32, known[known.len() - 1] - known[0] + 1);
    assert_eq!(Unsupported::Version { hex: 0x0310_00F0 }.to_string(), "no layout is known for CPython 3.16");
}

#[test]
fn what_has_moved_is_followed() {
    for types_moved in [MOVED, 0, 4096] {
        let offsets = locate(&interpreter(types_moved)).unwrap().layout.offsets;
        for (found, name) in [
            (offsets.interp_modules, "interp_modules"),
            (offsets.interp_modules_by_index, "interp_modules_by_index"),
            (offsets.interp_dict, "interp_dict"),
            (offsets.interp_size, "interp_size"),
        ] {
            assert_eq!(found, known(name) - MOVED, "{name}");
        }
        assert_eq!(offsets.interp_static_types, known("interp_static_types") - types_moved);
        assert_eq!(offsets.interp_extension_types, known("interp_extension_types") - types_moved);
        assert_eq!(offsets.gc, known("gc"));
    }
}

#[test]
fn what_cannot_be_true_is_refused() {
    let refused = |address: u64, word: u64| {
        let mut words = interpreter(MOVED);
        words.0.insert(address, word);
        locate(&words).unwrap_err()
    };
    let lies = [
        (RUNTIME, 0),
        (RUNTIME + 8, u64::from(PYTHON) + 1),
        (place("tuple_items"), 24),
        (place("interp_size"), u64::MAX),
        (place("interp_modules"), 1 << 40),
        (place("interp_modules"), 7),
        (place("interp_modules"), u64::from(known("interp_size"))),
        (place("gc_collecting"), 4096),
        (place("gc_size"), 16),
        (DICT + u64::from(known("tp_subclasses")), 9),
    ];
    for (address, word) in lies {
        assert!(
            matches!(refused(address, word), Unsupported::Inconsistent { .. }),
            "{address:#x}: {word:#x}"
        );
    }
    assert!(matches!(refused(place("free_threaded"), 1), Unsupported::Build { .. }));
    // Where it points at nothing that can be read.
    assert!(matches!(
        refused(STATE + u64::from(known("interp_modules") - MOVED), END),
        Unsupported::Unreadable(_)
    ));
}

//! Asks an interpreter of made-up memory, in the layouts of CPython 3.8, 3.11, 3.12 and 3.13, and obeys as the interpreter would.

use pyheap_walker::layout::Layout;
use pyheap_walker::{Interpreter, Memory, Store, Traversal, Unreadable};
use std::cell::RefCell;

const RUNTIME: u64 = 0x10_0000;
const STATE: u64 = 0x20_0000;
const THREAD: u64 = 0x30_0000;
const LOCK: u64 = 0x3F_0000;
const RAISE: u64 = 0x7777_0000;
const SIGNAL: u64 = 23;

/// Everything is zero but what was written.
struct Zeroes(RefCell<Vec<u8>>);

impl Memory for Zeroes {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let bytes = self.0.borrow();
        let length = buffer.len();
        let found = bytes.get(address as usize..address as usize + length);
        buffer.copy_from_slice(found.ok_or(Unreadable { address, length })?);
        Ok(())
    }

    fn traverse(&self, _: u64, _: u64, _: &mut dyn FnMut(u64)) -> Traversal {
        Traversal::Unsupported
    }
}

impl Zeroes {
    fn put(&self, address: u64, bytes: &[u8]) {
        self.0.borrow_mut()[address as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    fn obey(&self, stores: &[Store]) {
        stores.iter().for_each(|store| self.put(store.address, &store.bytes));
    }

    fn half_at(&self, address: u64) -> u32 {
        self.half(address).unwrap()
    }
}

/// An interpreter whose GIL is held by its one thread, and the base of its requests.
fn interpreter(python: u32) -> (Zeroes, Interpreter, u64) {
    let memory = Zeroes(RefCell::new(vec![0; 0x40_0000]));
    let layout = Layout::for_version(python).unwrap().clone();
    let gil = RUNTIME + 0x4_0000;
    let (ceval, gil) = match python >> 16 {
        0x0308 => (RUNTIME, RUNTIME + u64::from(layout.offsets.gil)),
        0x0309..=0x030B => (STATE, RUNTIME + u64::from(layout.offsets.gil)),
        _ => {
            memory.put(STATE + u64::from(layout.offsets.gil), &gil.to_le_bytes());
            (STATE, gil)
        }
    };
    memory.put(gil + u64::from(layout.offsets.gil_locked), &1u32.to_le_bytes());
    memory.put(gil + u64::from(layout.offsets.gil_last_holder), &THREAD.to_le_bytes());
    memory.put(THREAD + 16, &STATE.to_le_bytes());
    let pending = ceval + u64::from(layout.offsets.pending);
    if python >> 16 < 0x030D {
        memory.put(LOCK, &1u32.to_le_bytes());
        memory.put(pending + u64::from(layout.offsets.pending_lock), &LOCK.to_le_bytes());
    } else {
        memory.put(pending + u64::from(layout.offsets.pending_max), &300u32.to_le_bytes());
    }
    if python >> 16 < 0x030C {
        memory.put(RUNTIME + u64::from(layout.offsets.tstate_current), &THREAD.to_le_bytes());
    }
    (memory, Interpreter { runtime: RUNTIME, python, layout, states: vec![STATE] }, ceval)
}

const VERSIONS: [u32; 6] = [0x0308_12F0, 0x030B_07F0, 0x030C_01F0, 0x030D_00F0, 0x030E_0AF0, 0x030F_02F0];

#[test]
fn a_call_stands_in_the_queue_until_it_is_withdrawn() {
    for python in VERSIONS {
        let (memory, interpreter, ceval) = interpreter(python);
        let layout = &interpreter.layout;
        let pending = ceval + u64::from(layout.offsets.pending);
        let length = layout.offsets.pending_calls_size / layout.offsets.pending_call_size;
        // The last place of the ring, so that it goes round.
        for index in [layout.offsets.pending_first, layout.offsets.pending_last] {
            memory.put(pending + u64::from(index), &(length - 1).to_le_bytes());
        }
        let call = interpreter.pending_call(&memory, RAISE, SIGNAL).unwrap().expect("a free queue");
        memory.obey(&call.stores);
        let slot = pending
            + u64::from(layout.offsets.pending_calls)
            + u64::from(layout.offsets.pending_call_size * (length - 1));
        assert_eq!([memory.word(slot), memory.word(slot + 8)], [Ok(RAISE), Ok(SIGNAL)]);
        assert_eq!(memory.half_at(pending + u64::from(layout.offsets.pending_last)), 0);
        assert_eq!(memory.half_at(pending + u64::from(layout.offsets.pending_calls_to_do)), 1);
        let breaker =
            if python >> 16 >= 0x030D { THREAD } else { ceval } + u64::from(layout.offsets.eval_breaker);
        assert_ne!(memory.half_at(breaker), 0, "{python:x}");

        memory.obey(&interpreter.withdrawal(&memory, &call).unwrap());
        assert_eq!(memory.half_at(pending + u64::from(layout.offsets.pending_last)), length - 1);
        if python >> 16 < 0x030C {
            // Here nobody but the main thread would put it right.
            assert_eq!(memory.half_at(breaker), 0, "{python:x}");
        }
        // And once more: now there is nothing to withdraw.
        assert_eq!(interpreter.withdrawal(&memory, &call).unwrap(), []);
    }
}

#[test]
fn a_call_that_was_made_is_not_withdrawn() {
    for python in VERSIONS {
        let (memory, interpreter, ceval) = interpreter(python);
        let layout = &interpreter.layout;
        let call = interpreter.pending_call(&memory, RAISE, SIGNAL).unwrap().expect("a free queue");
        memory.obey(&call.stores);
        let pending = ceval + u64::from(layout.offsets.pending);
        memory.put(pending + u64::from(layout.offsets.pending_first), &1u32.to_le_bytes());
        memory.put(pending + u64::from(layout.offsets.pending_calls_to_do), &0u32.to_le_bytes());
        assert_eq!(interpreter.withdrawal(&memory, &call).unwrap(), [], "{python:x}");
    }
}

#[test]
fn a_full_or_locked_queue_is_left_alone() {
    for python in VERSIONS {
        let (memory, interpreter, ceval) = interpreter(python);
        let layout = &interpreter.layout;
        let mut calls = 0;
        while let Some(call) = interpreter.pending_call(&memory, RAISE, SIGNAL).unwrap() {
            memory.obey(&call.stores);
            calls += 1;
        }
        assert_eq!(calls, layout.offsets.pending_calls_size / layout.offsets.pending_call_size - 1);
        let (memory, interpreter, _) = self::interpreter(python);
        let lock = if python >> 16 < 0x030D {
            LOCK
        } else {
            ceval + u64::from(layout.offsets.pending + layout.offsets.pending_lock)
        };
        memory.put(lock, &[u8::from(python >> 16 >= 0x030D)]);
        assert_eq!(interpreter.pending_call(&memory, RAISE, SIGNAL), Ok(None), "{python:x}");
    }
}

#[test]
fn the_gil_is_asked_for_and_the_request_ended() {
    for python in [0x0308_12F0, 0x030B_07F0] {
        let (memory, interpreter, ceval) = interpreter(python);
        let layout = &interpreter.layout;
        let [request, breaker] = [layout.offsets.gil_drop_request, layout.offsets.eval_breaker]
            .map(|field| ceval + u64::from(field));
        let asked = interpreter.drop_request(&memory).unwrap().expect("a thread holds the GIL");
        memory.obey(&asked.stores);
        assert_eq!([request, breaker].map(|flag| memory.half_at(flag)), [1, 1]);
        // Somebody else asks already, and goes on asking.
        let second = interpreter.drop_request(&memory).unwrap().expect("a thread holds the GIL");
        assert_eq!(interpreter.end_of_drop_request(&memory, &second), Ok(vec![]));
        memory.obey(&interpreter.end_of_drop_request(&memory, &asked).unwrap());
        assert_eq!([request, breaker].map(|flag| memory.half_at(flag)), [0, 0]);
        // A signal that has come meanwhile is not forgotten.
        memory.put(RUNTIME + u64::from(layout.offsets.signals_pending), &1u32.to_le_bytes());
        memory.obey(&interpreter.end_of_drop_request(&memory, &asked).unwrap());
        assert_eq!([request, breaker].map(|flag| memory.half_at(flag)), [0, 1]);
        // A thread that is just letting go must not find a request.
        memory.put(RUNTIME + u64::from(layout.offsets.tstate_current), &0u64.to_le_bytes());
        assert_eq!(interpreter.drop_request(&memory), Ok(None));
    }
    let (memory, interpreter, _) = interpreter(0x030C_01F0);
    assert_eq!(interpreter.drop_request(&memory), Ok(None), "any thread makes the call");
}

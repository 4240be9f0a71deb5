//! The memory that an entry works in: its stacks and, at the bottom, its state.
//!
//! The injected mapping cannot be written, so there are no variables: the state stands at the start of an aligned region that also holds every stack
//! this code runs on, and is found by rounding the stack pointer down.

use crate::Arguments;
use crate::arch;
use crate::guard::Guard;
use crate::kernel;
use crate::pages::Pages;
use core::cell::Cell;
use core::sync::atomic::AtomicIsize;
use syscalls::Errno;

/// Size and alignment.
const SIZE: usize = 1 << 20;
/// Where the parts end, from the start of the region.
const STATE_END: usize = 32 * 1024;
const SIGNAL_STACK_END: usize = 96 * 1024;
const INTERMEDIATE_STACK_END: usize = 224 * 1024;

/// Stands for a descriptor that is closed.
pub const CLOSED: u32 = u32::MAX;

/// What the state consists of.
#[repr(C)]
pub struct State {
    /// Read end of the pipe, or [`CLOSED`]: first, so that the host can read it where `BEGIN` points.
    pub read_end: Cell<u32>,
    /// Write end of the pipe, or [`CLOSED`].
    pub write_end: Cell<u32>,
    /// Copied from the host's.
    pub arguments: Arguments,
    /// Process id of the walker, or the negative error number of its clone. The intermediate process writes it.
    pub walker: AtomicIsize,
    /// The walk happens in the target itself, not in a copy.
    pub in_place: Cell<bool>,
    /// When a walk in place gives up writing to the pipe: nanoseconds of the monotonic clock.
    pub give_up: Cell<u64>,
    /// Why that failed, as an error number.
    pub write_error: Cell<u16>,
    /// What a fault or a panic does.
    pub guard: Guard,
    /// This code's memory.
    pub pages: Pages,
    /// The walk under way, in place: address of its box, 0 if there is none.
    pub walk: Cell<usize>,
    mapping: usize,
}

/// An aligned region with its state.
#[derive(Clone, Copy)]
pub struct Region {
    start: usize,
}

impl Region {
    /// Maps a region and writes a fresh state into it.
    pub fn new(arguments: Arguments) -> Result<Self, Errno> {
        let mapping = kernel::map(2 * SIZE)?;
        let start = mapping.next_multiple_of(SIZE);
        const { assert!(size_of::<State>() <= STATE_END) };
        // A fresh mapping is zero, which is a valid state. It is not written as a whole: the thread's own stack, on which it would be put
        // together, may be a small one.
        let state = start as *mut State;
        // SAFETY: the mapping is large enough and aligned.
        unsafe {
            (&raw mut (*state).arguments).write(arguments);
            (&raw mut (*state).mapping).write(mapping);
        }
        Ok(Self { start })
    }

    /// The region that this code runs in. Call it only on one of the region's stacks.
    pub fn current() -> Self {
        Self { start: arch::stack_pointer() & !(SIZE - 1) }
    }

    /// The region whose state is at `address`.
    pub fn at(address: usize) -> Self {
        Self { start: address }
    }

    /// Address of the state.
    pub fn state_address(self) -> usize {
        self.start
    }

    /// The state, until the region is freed.
    pub fn state<'a>(self) -> &'a State {
        // SAFETY: `new` made it; what changes in it are cells, used by the one thread that runs on the region's stacks, and atomics, which
        // its signal handlers and the intermediate process use, too.
        unsafe { &*(self.start as *const State) }
    }

    /// Start and length of the signal handlers' stack.
    pub fn signal_stack(self) -> (usize, usize) {
        (self.start + STATE_END, SIGNAL_STACK_END - STATE_END)
    }

    /// Top of the intermediate process's stack.
    pub fn intermediate_stack(self) -> usize {
        self.start + INTERMEDIATE_STACK_END
    }

    /// Top of the stack that entries and walks run on.
    pub fn stack(self) -> usize {
        self.start + SIZE
    }

    /// Unmaps the region.
    ///
    /// # Safety
    /// This code does not run on one of its stacks, and nothing refers to the state any more.
    pub unsafe fn free(self) {
        let mapping = self.state().mapping;
        // SAFETY: as the caller vouches.
        unsafe { kernel::unmap(mapping, 2 * SIZE) };
    }
}

//! The code that runs inside the target.
//!
//! The build with the feature `blob` is a position-independent shared object without a single import; `session` embeds it,
//! relocates it on the host side, writes it into an anonymous mapping of the target and calls its entries by absolute address. Without
//! the feature the crate holds only what both sides must agree on: this file.
//!
//! Map: `snapshot` and `in_place` are the entries; `walking` drives the walker; `guard` catches faults; `mappings` tells what is mapped; `region` and `pages` are this code's memory; `kernel` and
//! `arch` are all that touches the machine.
//!
//! What a signal handler and the code that it interrupts share are atomics; all else that is changed are cells. So the state is only ever
//! referred to by shared references, and those may overlap.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(feature = "blob", no_std)]

#[cfg(feature = "blob")]
extern crate alloc;

use core::ffi::CStr;

#[cfg(feature = "blob")]
mod arch;
#[cfg(feature = "blob")]
mod blob;
#[cfg(feature = "blob")]
mod guard;
#[cfg(feature = "blob")]
mod in_place;
#[cfg(feature = "blob")]
mod kernel;
#[cfg(feature = "blob")]
mod mappings;
#[cfg(feature = "blob")]
mod pages;
#[cfg(feature = "blob")]
mod region;
#[cfg(feature = "blob")]
mod snapshot;
#[cfg(feature = "blob")]
mod walking;

/// What the host writes into the target for the entries to read.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// [`ARGUMENTS_VERSION`]; anything else is refused.
    pub version: u64,
    /// Address of `_PyRuntime` in the target.
    pub runtime: u64,
    /// `PY_VERSION_HEX` of the target.
    pub python: u32,
    /// Sum of `BUILD_…` flags.
    pub build: u32,
    /// Characters or bytes to keep of a str or bytes; 0 keeps none.
    pub str_repr_len: u32,
    /// Milliseconds that one `tp_traverse` may take.
    pub traverse_limit_ms: u32,
    /// Milliseconds that one slice of a walk in place may take.
    pub slice_ms: u32,
    /// Number of entries of [`Self::data`].
    pub data_count: u32,
    /// Address range of the object file that holds `_PyRuntime`, from its first mapping to the end of its data (`.bss` included):
    /// objects in it are static.
    pub image_start: u64,
    /// End of that range.
    pub image_end: u64,
    /// Address of the table of [`LibraryData`].
    pub data: u64,
    /// Sum of [`avoid`]'s numbers: system calls that the copy-on-write child must not make, because a filter would kill it.
    pub avoid: u64,
    /// Bytes of the largest content that gets a digest.
    pub digest_limit: u64,
}

/// System calls that the copy-on-write child can do without.
pub mod avoid {
    /// `close_range`; descriptors are closed one by one.
    pub const CLOSE_RANGE: u32 = 1;
    /// `prlimit64`, by which the number of descriptors is known.
    pub const LIMITS: u32 = 2;
    /// `prctl`, by which it gets its name.
    pub const NAME: u32 = 4;
    /// `openat`, by which it offers itself to the kernel should memory run out.
    pub const OPEN: u32 = 8;
    /// `rt_sigaction`, `rt_sigprocmask`, `sigaltstack` and `rt_sigreturn`: faults end the walk.
    pub const GUARD: u32 = 16;
    /// `timer_create`, `timer_settime` and `gettid`: a `tp_traverse` that hangs is not ended.
    pub const WATCHDOG: u32 = 32;
    /// `clock_gettime`: how long the walk took is not known.
    pub const CLOCK: u32 = 64;
}

impl Arguments {
    /// Whether a system call of [`avoid`] must not be made.
    pub fn avoids(&self, call: u32) -> bool {
        self.avoid & u64::from(call) != 0
    }
}

/// Variables of an executable or library.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LibraryData {
    /// First byte.
    pub start: u64,
    /// End.
    pub end: u64,
    /// Address of the file's name.
    pub name: u64,
    /// Bytes of the name, UTF-8.
    pub name_length: u64,
}

/// Version of [`Arguments`] and of the entries.
pub const ARGUMENTS_VERSION: u64 = 4;

/// What the copy-on-write child calls itself.
pub const WALKER_NAME: &CStr = c"pyheap-walker";

/// `Arguments::build`: a `--disable-gil` build.
pub const BUILD_FREE_THREADED: u32 = 1;
/// `Arguments::build`: a `--with-pydebug` build.
pub const BUILD_DEBUG: u32 = 2;

/// Exit statuses of the copy-on-write child.
pub mod status {
    /// The walk failed, or nobody took its records.
    pub const FAILED: u8 = 1;
    /// This code panicked.
    pub const PANICKED: u8 = 101;
    /// This code faulted: the number of the signal is added. The lowest one that is caught is 4.
    pub const FAULTED: u8 = 100;
}

/// Names of the exported entries. All may be called on any thread and any stack, while every other thread of the target stands still.
///
/// The host calls `CALL` and `LEAVE` only, by setting registers, with another entry as their argument. They keep a result in a register that
/// functions preserve (rbx, x19), where the host finds it whatever was executed afterwards.
pub mod entry {
    /// `(function, a, b, c, d)`: calls `function(a, b, c, d)`, which may be any of the target's.
    pub const CALL: &str = "pyheap_call";
    /// `(function, argument, mapping, length, munmap)`: calls `function(argument)` unless it is 0, then jumps into the C library's `munmap`,
    /// which removes the mapping that the blob itself stands in and returns to the caller.
    pub const LEAVE: &str = "pyheap_leave";
    /// `(arguments: *const Arguments) -> i64`: makes a copy-on-write child that walks the heap and writes the dump's records into a pipe.
    /// Returns the child's process id in the target's PID namespace, or a [`super::Failure`] when negative.
    ///
    /// The target gets no descriptor. The child makes the pipe once it has closed all that it inherited: the read end is descriptor 0, the
    /// write end 1. It fills the pipe with zeros, which no record begins with, and waits until somebody has read from it, by opening
    /// `/proc/CHILD/fd/0`; then it closes its own read end and begins to walk. A child that nobody reads from ends after [`super::READER_WAIT`].
    pub const SNAPSHOT: &str = "pyheap_snapshot";
    /// `(arguments: *const Arguments) -> i64`: prepares a walk in place. Returns the address of its state, or a failure when negative.
    /// The state starts with the pipe's read end as a u32, which the host opens before the first `STEP` closes it in the target. The host must
    /// drain the pipe while `STEP` runs.
    pub const BEGIN: &str = "pyheap_begin";
    /// `(state: u64) -> i64`: walks for at most `slice_ms`. Returns 1 if there is more to do, 0 if the walk is over, or a failure: then the
    /// pipe is closed and the memory of the walk free. Where nobody reads, it fails at once if the host is gone, and within half a second
    /// more if it only does not read.
    pub const STEP: &str = "pyheap_step";
    /// `(state: u64) -> i64`: ends a walk in place, finished or not: closes both ends of the pipe, frees all its memory.
    pub const END: &str = "pyheap_end";
}

/// How long the copy-on-write child waits for a reader, in milliseconds.
pub const READER_WAIT: u32 = 5_000;

/// Why an entry failed: what it was doing, and the kernel's error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub step: u8,
    /// Positive error number, or 0.
    pub errno: u16,
}

/// Steps of an entry that can fail.
pub mod step {
    /// The arguments are of another version.
    pub const ARGUMENTS: u8 = 1;
    /// Mapping a stack.
    pub const STACK: u8 = 2;
    /// Making the pipe of a walk in place.
    pub const PIPE: u8 = 3;
    /// Cloning the intermediate process.
    pub const INTERMEDIATE: u8 = 4;
    /// Cloning the walker: the copy-on-write child.
    pub const WALKER: u8 = 5;
    /// Waiting for the intermediate process.
    pub const WAIT: u8 = 6;
    /// The walk in place ended early: its reason is in the summary.
    pub const WALK: u8 = 7;
}

impl Failure {
    /// Packs into an entry's return value; always negative.
    pub fn pack(self) -> i64 {
        -(i64::from(self.step) << 16 | i64::from(self.errno))
    }

    /// Unpacks a negative return value.
    pub fn unpack(value: i64) -> Self {
        let value = value.unsigned_abs();
        Self { step: (value >> 16) as u8, errno: value as u16 }
    }
}

//! The code that runs inside the target.
//!
//! The build with the feature `blob` is a position-independent shared object without a single import; `plugin/session` embeds it,
//! relocates it on the host side, writes it into an anonymous mapping of the target and calls its entries by absolute address. Without
//! the feature the crate holds only what both sides must agree on: this file.
//!
//! Map: `snapshot` and `in_place` are the entries; `walking` drives the walker; `guard` catches faults; `region` and `pages` are this code's memory; `kernel` and
//! `arch` are all that touches the machine.
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
pub const ARGUMENTS_VERSION: u64 = 2;

/// What the copy-on-write child calls itself.
pub const WALKER_NAME: &CStr = c"pyheap-walker";

/// `Arguments::build`: a `--disable-gil` build.
pub const BUILD_FREE_THREADED: u32 = 1;
/// `Arguments::build`: a `--with-pydebug` build.
pub const BUILD_DEBUG: u32 = 2;

/// Names of the exported entries. All are `extern "C"`, and all may be called on any thread and any stack, while every other thread of
/// the target stands still.
pub mod entry {
    /// `(arguments: *const Arguments) -> i64`: makes a pipe and a copy-on-write child that walks the heap and writes the dump's records
    /// into the pipe. Returns a [`super::Snapshot`], or a [`super::Failure`] when negative. The write end is closed in the target; the
    /// read end is left open for the host to open through `/proc/PID/fd/N`, and closed by `FINISH`.
    pub const SNAPSHOT: &str = "pyheap_snapshot";
    /// `(fd: i64, mapping: usize, length: usize, munmap: usize) -> i64`: closes `fd` unless negative, then jumps into the C library's
    /// `munmap`, which removes the mapping that the blob itself stands in and returns to the caller.
    pub const FINISH: &str = "pyheap_finish";
    /// `(arguments: *const Arguments) -> i64`: prepares a walk in place. Returns the address of its state, or a failure when negative.
    /// The state starts with the pipe's read end as a u32. The host must drain the pipe while `STEP` runs.
    pub const BEGIN: &str = "pyheap_begin";
    /// `(state: u64) -> i64`: walks for at most `slice_ms`. Returns 1 if there is more to do, 0 if the walk is over, or a failure.
    pub const STEP: &str = "pyheap_step";
    /// `(state: u64) -> i64`: ends a walk in place, finished or not: closes both ends of the pipe, frees all its memory.
    pub const END: &str = "pyheap_end";
}

/// Result of `SNAPSHOT`: the read end of the pipe and the walker's process id, as the target's PID namespace sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Descriptor in the target.
    pub read_end: u32,
    /// Process id of the walker in the target's PID namespace.
    pub walker: u32,
}

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
    /// Making the pipe.
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

impl Snapshot {
    /// Packs into an entry's return value.
    pub fn pack(self) -> i64 {
        (i64::from(self.walker) << 32) | i64::from(self.read_end)
    }

    /// Unpacks a return value.
    pub fn unpack(value: i64) -> Result<Self, Failure> {
        if value < 0 {
            return Err(Failure::unpack(value));
        }
        Ok(Self { read_end: value as u32, walker: (value >> 32) as u32 })
    }
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

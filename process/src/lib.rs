//! What `/proc`, cgroups and ELF files tell of a process: where its interpreter stands, which version it is, its memory and limits.
//!
//! No debugger and no debug information is needed: addresses come from `.dynsym` and `/proc/PID/maps`, and files are opened in the
//! target's own mount namespace. The crate does not know CPython's structures, nor the dump format.
#![deny(unsafe_code)]

pub mod access;
pub mod elf;
pub mod error;
pub mod facts;
pub mod handle;
pub mod identity;
pub mod interpreter;
pub mod limits;
pub mod mapped;
pub mod memory;
pub mod mounts;
pub mod namespace;
pub mod seccomp;
mod signal_return;
pub mod signals;
pub mod text;
pub mod usage;
pub mod version;

pub use access::Obstacle;
pub use error::ProcessError;
pub use facts::Facts;
pub use handle::{Activity, Ending, ProcessHandle};
pub use identity::Identity;
pub use interpreter::{CodeRange, Interpreter};
pub use limits::{MemoryBudget, MemoryCgroup};
pub use mapped::LibraryData;
pub use memory::ProcessMemory;
pub use signals::Signal;
pub use usage::{MappingKind, MappingSum, Resident, Usage, kept_from_forks};
pub use version::Version;

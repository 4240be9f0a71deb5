//! What a process's seccomp filters answer to a system call, without trying it.
//!
//! Fetching filters takes ptrace and is not done here: callers hand in the instructions, [`Program`] checks them as the kernel does,
//! [`Program::evaluate`] runs them on a call whose arguments may be unknown, and [`check`] and [`look`] say whether calls can be risked.

mod action;
mod policy;
mod program;
mod state;

pub use action::{Action, Verdict};
pub use policy::{Avoid, Call, Need, Refusal, check, look};
pub use program::{Instruction, MOST_INSTRUCTIONS, Malformed, Program};
pub use state::Mode;

/// `AUDIT_ARCH_…` of the machine that this program runs on (`include/uapi/linux/audit.h`).
pub const NATIVE: u32 = if cfg!(target_arch = "aarch64") { 0xC000_00B7 } else { 0xC000_003E };

/// A system call as a filter sees it; `None` is what is not known beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// Number of the system call.
    pub number: u32,
    /// `AUDIT_ARCH_…`.
    pub architecture: u32,
    /// Address of the instruction behind the call.
    pub instruction_pointer: Option<u64>,
    /// Its arguments.
    pub arguments: [Option<u64>; 6],
}

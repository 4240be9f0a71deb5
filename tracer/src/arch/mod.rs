//! What differs per architecture: registers, calling convention, the frame that `rt_sigreturn` reads.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
pub use aarch64::*;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

/// A signal frame that brings an interrupted thread back, ready to be written.
#[derive(Debug)]
pub struct Frame {
    /// Address of the first byte.
    pub start: u64,
    /// What stands there.
    pub bytes: Vec<u8>,
    /// The stack pointer with which a function is entered that returns into the frame.
    pub stack: u64,
}

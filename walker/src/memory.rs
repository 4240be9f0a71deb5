//! How the walker reads the target.

use core::fmt;

/// The memory at an address could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// First byte of the read that failed, in the target's address space.
    pub address: u64,
    /// Bytes that were asked for.
    pub length: usize,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {} bytes at 0x{:x}", self.length, self.address)
    }
}

impl core::error::Error for Unreadable {}

/// How a call of `tp_traverse` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traversal {
    /// It returned.
    Complete,
    /// It faulted: what was visited until then was reported.
    Faulted,
    /// It did not return in time and was ended.
    Hung,
    /// This memory is not a live process: nothing can be called.
    Unsupported,
}

/// The address space of a CPython process. All addresses are the target's.
pub trait Memory {
    /// Fills `buffer` from `address` on, or fails without a promise about its content.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable>;

    /// The 64-bit word at `address`, which need not be aligned.
    fn word(&self, address: u64) -> Result<u64, Unreadable> {
        let mut buffer = [0; 8];
        self.read(address, &mut buffer)?;
        Ok(u64::from_le_bytes(buffer))
    }

    /// The 32-bit word at `address`.
    fn half(&self, address: u64) -> Result<u32, Unreadable> {
        let mut buffer = [0; 4];
        self.read(address, &mut buffer)?;
        Ok(u32::from_le_bytes(buffer))
    }

    /// The byte at `address`.
    fn byte(&self, address: u64) -> Result<u8, Unreadable> {
        let mut buffer = [0; 1];
        self.read(address, &mut buffer)?;
        Ok(u8::from_le_bytes(buffer))
    }

    /// Hints that the memory at `address` will be read soon. It need not be readable.
    fn prefetch(&self, address: u64) {
        let _ = address;
    }

    /// Calls `traverse(object, visit, …)`, the type's `tp_traverse`, and reports every referent that it visits.
    fn traverse(&self, traverse: u64, object: u64, visit: &mut dyn FnMut(u64)) -> Traversal {
        let _ = (traverse, object, visit);
        Traversal::Unsupported
    }
}

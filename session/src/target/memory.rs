//! The target's memory for the crate that knows CPython's layouts.

use pyheap_process::ProcessMemory;
use pyheap_walker::{Memory, Unreadable};

/// A live process, read through `/proc/PID/mem`.
#[derive(Debug)]
pub struct TargetMemory(pub ProcessMemory);

impl Memory for TargetMemory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let length = buffer.len();
        self.0.read(address, buffer).map_err(|_| Unreadable { address, length })
    }
}

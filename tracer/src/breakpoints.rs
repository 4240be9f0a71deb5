//! Breakpoints in a process whose threads stand still; they are taken out again whatever happens, short of the end of this process.

use crate::arch::{BREAKPOINT, TO_BREAKPOINT};
use pyheap_process::ProcessMemory;
use std::io;

/// Breakpoints that stand.
pub struct Breakpoints<'m> {
    memory: &'m ProcessMemory,
    /// Addresses, and what was there.
    inserted: Vec<(u64, [u8; BREAKPOINT.len()])>,
}

impl<'m> Breakpoints<'m> {
    /// Inserts one at each address.
    pub fn insert(memory: &'m ProcessMemory, addresses: &[u64]) -> io::Result<Self> {
        let mut breakpoints = Self { memory, inserted: Vec::new() };
        for &address in addresses {
            let mut original = [0; BREAKPOINT.len()];
            memory.read(address, &mut original)?;
            breakpoints.inserted.push((address, original));
            memory.write(address, &BREAKPOINT)?;
        }
        Ok(breakpoints)
    }

    /// The address of the breakpoint that a thread stands at, which has stopped with this program counter.
    pub fn hit(&self, program_counter: u64) -> Option<u64> {
        let at = program_counter.wrapping_sub(TO_BREAKPOINT);
        self.inserted.iter().map(|&(address, _)| address).find(|&address| address == at)
    }

    /// Takes them out of the memory of a process that was forked with them.
    pub fn remove_from(&self, memory: &ProcessMemory) {
        for (address, original) in &self.inserted {
            // A process that has ended, or executes another program, does not need it.
            let _ = memory.write(*address, original);
        }
    }
}

impl Drop for Breakpoints<'_> {
    fn drop(&mut self) {
        self.remove_from(self.memory);
    }
}

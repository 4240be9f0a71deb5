//! `list`.

use crate::layout::fixed;
use crate::memory::{Memory, Unreadable};
use crate::walk::{Fault, Measure, Reach, TypeInfo, Walk};
use pyheap_format::writer::Sink;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn list_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let items = self.memory.word(address + fixed::LIST_ITEMS)?;
        let length = self.memory.word(address + fixed::OB_SIZE)?;
        if length > self.memory.word(address + fixed::LIST_ALLOCATED)? {
            return Err(Unreadable { address, length: 40 }.into());
        }
        self.elements(items, length, reach)
    }

    pub(crate) fn measure_list(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let bytes = memory.word(address + fixed::LIST_ALLOCATED)?.saturating_mul(8);
        let bytes = self.bounded(memory.word(address + fixed::LIST_ITEMS)?, bytes)?;
        Ok(Measure::with_buffer(info.basicsize, bytes, memory.word(address + fixed::OB_SIZE)?))
    }
}

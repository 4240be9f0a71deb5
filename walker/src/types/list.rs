//! `list`.

use crate::memory::{Memory, Unreadable};
use crate::walk::{Fault, Measure, Reach, TypeInfo, Walk};
use pyheap_format::writer::Sink;

/// Offsets in `PyListObject` (`Include/cpython/listobject.h`, 3.8 to 3.13).
const OB_SIZE: u64 = 16;
const OB_ITEM: u64 = 24;
const ALLOCATED: u64 = 32;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn list_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let items = self.memory.word(address + OB_ITEM)?;
        let length = self.memory.word(address + OB_SIZE)?;
        if length > self.memory.word(address + ALLOCATED)? {
            return Err(Unreadable { address, length: 40 }.into());
        }
        self.elements(items, length, reach)
    }

    pub(crate) fn measure_list(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let bytes = memory.word(address + ALLOCATED)?.saturating_mul(8);
        let bytes = self.bounded(memory.word(address + OB_ITEM)?, bytes)?;
        Ok(Measure::with_buffer(info.basicsize, bytes, memory.word(address + OB_SIZE)?))
    }
}

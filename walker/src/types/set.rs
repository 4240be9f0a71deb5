//! `set` and `frozenset`.

use crate::layout::fixed;
use crate::memory::{Memory, Unreadable};
use crate::walk::{Fault, MOST_ELEMENTS, Measure, Reach, TypeInfo, Walk};
use pyheap_format::vocabulary::EdgeKind;
use pyheap_format::writer::Sink;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn set_members(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let mask = self.memory.word(address + fixed::SET_MASK)?;
        let table = self.memory.word(address + fixed::SET_TABLE)?;
        if mask > MOST_ELEMENTS {
            return Err(Unreadable { address, length: 40 }.into());
        }
        for position in 0..=mask {
            let key = self.memory.word(table + position * 16)?;
            // The entry of a removed member has a hash that no object has.
            if key != 0 && self.memory.word(table + position * 16 + 8)? != u64::MAX {
                self.refer(reach, key, EdgeKind::Member, true, 0)?;
            }
        }
        Ok(())
    }

    pub(crate) fn measure_set(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let table = memory.word(address + fixed::SET_TABLE)?;
        let bytes = if table == address + fixed::SET_SMALLTABLE {
            0
        } else {
            self.bounded(table, memory.word(address + fixed::SET_MASK)?.saturating_add(1).saturating_mul(16))?
        };
        Ok(Measure::with_buffer(info.basicsize, bytes, memory.word(address + fixed::SET_USED)?))
    }
}

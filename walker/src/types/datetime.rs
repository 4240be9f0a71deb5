//! `datetime.datetime` and `datetime.time`.

use crate::memory::Memory;
use crate::walk::{Fault, Reach, Walk};
use pyheap_format::FieldName;
use pyheap_format::writer::Sink;

/// Offsets in `PyDateTime_DateTime` and `PyDateTime_Time` (`Include/datetime.h`, 3.8 to 3.13).
const HASTZINFO: u64 = 24;
const DATETIME_TZINFO: u64 = 40;
const TIME_TZINFO: u64 = 32;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn datetime_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        self.time_zone(address, DATETIME_TZINFO, reach)
    }

    pub(crate) fn time_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        self.time_zone(address, TIME_TZINFO, reach)
    }

    /// `tzinfo` of a `datetime` or `time`: there is room for it only where `hastzinfo` says so.
    fn time_zone(&mut self, address: u64, tzinfo: u64, reach: Reach) -> Result<(), Fault> {
        if self.memory.byte(address + HASTZINFO)? != 0 {
            let target = self.memory.word(address + tzinfo)?;
            self.refer_field(reach, target, true, FieldName::Tzinfo)?;
        }
        Ok(())
    }
}

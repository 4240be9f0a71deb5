//! `tuple` and struct sequences, which have more items than their length says.

use crate::layout::{StructSequence, fixed};
use crate::memory::Memory;
use crate::walk::{Fault, Reach, TypeInfo, Walk};
use pyheap_format::writer::Sink;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn tuple_referents(
        &mut self,
        address: u64,
        info: &TypeInfo,
        reach: Reach,
    ) -> Result<(), Fault> {
        let length = self.memory.word(address + fixed::OB_SIZE)?;
        let items = address + u64::from(self.interpreter.layout.offsets.tuple_items);
        self.elements(items, length, reach)?;
        if info.sequence_fields <= length {
            return Ok(());
        }
        let reach = match self.interpreter.layout.features.struct_sequence {
            StructSequence::Visible => Reach::Omitted,
            StructSequence::All => reach,
        };
        self.elements_from(items, length, info.sequence_fields, reach)
    }
}

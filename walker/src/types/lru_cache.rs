//! The wrapper of `functools.lru_cache`.

use super::fields;
use crate::layout::{fixed, flag};
use crate::memory::Memory;
use crate::walk::{Fault, Reach, Walk};
use pyheap_format::FieldName;
use pyheap_format::writer::Sink;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// The links of `lru_cache`'s list, a ring which the wrapper is part of. The list owns a reference to each, as the dict does.
    pub(crate) fn lru_links(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        /// Offset of the link to the next one (`Modules/_functoolsmodule.c`, 3.8 to 3.13).
        const NEXT: u64 = 24;
        let mut link = self.memory.word(address + NEXT)?;
        // Brent's cycle detection: a damaged ring need not come back to its start.
        let (mut mark, mut steps, mut limit) = (address, 0u64, 64);
        while link != address && link != mark && link != 0 {
            self.refer_field(reach, link, true, FieldName::Link)?;
            self.link_referents(link, reach)?;
            steps += 1;
            if steps == limit {
                mark = link;
                limit *= 2;
            }
            link = self.memory.word(link + NEXT)?;
        }
        Ok(())
    }

    /// What a link owns: the wrapper visits it in the place of its links, which the collector does not track.
    fn link_referents(&mut self, link: u64, reach: Reach) -> Result<(), Fault> {
        for field in fields::constant_fields(b"functools._lru_list_elem") {
            let target = self.memory.word(link + u64::from(field.offset))?;
            self.refer_field(reach, target, false, field.name)?;
        }
        let class = self.memory.word(link + fixed::OB_TYPE)?;
        if self.flags_of_type(class)? & flag::HEAPTYPE != 0 {
            self.refer_field(reach, class, false, FieldName::Class)?;
        }
        Ok(())
    }
}

//! Type objects.

use super::fields::{Field, owned};
use crate::layout::{Offsets, fixed, flag};
use crate::memory::{Memory, Unreadable};
use crate::read::dicts::DictTable;
use crate::walk::{Fault, Measure, Reach, TypeInfo, Walk, rounded};
use pyheap_format::FieldName;
use pyheap_format::writer::Sink;

/// The fields of heap types in this version; those of static types are the first four.
fn type_fields(offsets: &Offsets) -> [Field; 10] {
    [
        owned(FieldName::Dict, fixed::TP_DICT as u32),
        owned(FieldName::Bases, offsets.tp_bases),
        owned(FieldName::Base, fixed::TP_BASE as u32),
        owned(FieldName::Mro, fixed::TP_MRO as u32),
        owned(FieldName::TpCache, offsets.tp_cache),
        owned(FieldName::Subclasses, offsets.tp_subclasses),
        owned(FieldName::Name, offsets.ht_name),
        owned(FieldName::Slots, offsets.ht_slots),
        owned(FieldName::Qualname, offsets.ht_qualname),
        owned(FieldName::Module, offsets.ht_module),
    ]
}

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn type_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let flags = self.flags_of_type(address)?;
        let offsets = self.interpreter.layout.offsets.clone();
        let all = type_fields(&offsets);
        if flags & flag::HEAPTYPE == 0 {
            let state = self.static_type_state(address, flags)?;
            if let Some(state) = state {
                let dict = self.memory.word(state + u64::from(offsets.static_type_state_dict))?;
                self.refer_field(reach, dict, true, FieldName::Dict)?;
                let subclasses = self.memory.word(state + u64::from(offsets.static_type_state_subclasses))?;
                self.refer_field(reach, subclasses, true, FieldName::Subclasses)?;
            }
            for field in all {
                let shared = matches!(
                    field.name,
                    FieldName::Dict
                        | FieldName::Bases
                        | FieldName::Base
                        | FieldName::Mro
                        | FieldName::TpCache
                );
                if (shared || field.name == FieldName::Subclasses && state.is_none())
                    && (field.name != FieldName::Dict || state.is_none())
                {
                    let target = self.memory.word(address + u64::from(field.offset))?;
                    // A static type does not own its base.
                    let owned = field.name != FieldName::Base;
                    self.refer_field(reach, target, owned, field.name)?;
                }
            }
            return Ok(());
        }
        self.fields(address, &all, reach)?;
        let keys = self.memory.word(address + u64::from(offsets.ht_cached_keys))?;
        if keys != 0 {
            let table = DictTable::of_keys(self.memory, &self.interpreter, keys, 0)?;
            for position in 0..table.entries {
                let key = table.key(self.memory, position)?;
                self.refer_field(reach, key, true, FieldName::CachedKeys)?;
            }
        }
        Ok(())
    }

    pub(crate) fn measure_type(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let offsets = &self.interpreter.layout.offsets;
        if self.flags_of_type(address)? & flag::HEAPTYPE == 0 {
            return Ok(Measure { shallow: u64::from(offsets.type_size), block: 0, besides: 0, length: None });
        }
        let mut shallow = u64::from(offsets.heap_type_size);
        let mut besides = 0;
        let keys = self.memory.word(address + u64::from(offsets.ht_cached_keys))?;
        if keys != 0 {
            let size = DictTable::of_keys(self.memory, &self.interpreter, keys, 0)?.keys_size;
            self.bounded(keys, size)?;
            shallow += size;
            besides += rounded(size);
        }
        let members = self.memory.word(address + fixed::OB_SIZE)?;
        if members > 1 << 16 {
            return Err(Unreadable { address, length: 24 });
        }
        Ok(Measure { shallow, block: info.basicsize + members * info.itemsize, besides, length: None })
    }
}

//! Attributes of instances, whatever their class: slots and members, values, dict.

use super::kinds::Kind;
use crate::layout::{InstanceValues, fixed, flag};
use crate::memory::{Memory, Unreadable};
use crate::read::dicts::{DictTable, values_header};
use crate::walk::{Fault, MOST_ELEMENTS, Measure, Reach, TypeInfo, Walk, rounded};
use pyheap_format::FieldName;
use pyheap_format::vocabulary::EdgeKind;
use pyheap_format::writer::Sink;

/// How far before an instance its pointers to dict and values stand (`pycore_object.h`, 3.11 to 3.13).
const MANAGED_DICT: u64 = 24;
const MANAGED_VALUES: u64 = 32;

/// Attributes that inline values can hold.
const MOST_INLINE: u64 = 255;

/// Values of an instance, and the shared keys that go with them.
pub(crate) struct InlineValues {
    pub values: u64,
    pub count: u64,
    pub keys: DictTable,
}

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// Slots and members, dict, inline values.
    pub(crate) fn instance_referents(
        &mut self,
        address: u64,
        info: &TypeInfo,
        reach: Reach,
    ) -> Result<(), Fault> {
        let (start, end) = info.members;
        for member in start..end {
            if let Some(&member) = self.members.get(member as usize) {
                let target = self.memory.word(address + u64::from(member.offset))?;
                // A member may hold what its structure's fields name already, or be the instance's dict.
                if i64::from(member.offset) != info.dictoffset
                    && !info.fields.iter().any(|field| field.offset == member.offset)
                {
                    self.refer(reach, target, EdgeKind::Attribute, true, member.name)?;
                }
            }
        }
        let dict = self.instance_dict(address, info)?;
        let (mut dict_reach, mut value_reach) = (reach, reach);
        if let Some(inline) = self.inline_values(address, info)? {
            if reach == Reach::Visited {
                // Either the values are visited, or the dict that goes with them.
                let omitted = match dict {
                    0 => &mut dict_reach,
                    dict if self.instance_visits_dict(address, info, dict)? => &mut value_reach,
                    _ => &mut dict_reach,
                };
                *omitted = Reach::Omitted;
            }
            for position in 0..inline.count {
                let value = self.memory.word(inline.values + position * 8)?;
                if value != 0 {
                    let name = if position < inline.keys.entries {
                        self.name_of(inline.keys.key(self.memory, position)?)?
                    } else {
                        u32::MAX
                    };
                    self.refer(value_reach, value, EdgeKind::Attribute, true, name)?;
                }
            }
        }
        match dict {
            0 => Ok(()),
            dict => self.refer_field(dict_reach, dict, true, FieldName::Dict),
        }
    }

    /// Values that an instance keeps without a dict of its own.
    pub(crate) fn inline_values(
        &self,
        address: u64,
        info: &TypeInfo,
    ) -> Result<Option<InlineValues>, Unreadable> {
        if !info.has(flag::MANAGED_DICT) {
            return Ok(None);
        }
        let kind = self.interpreter.layout.features.instance_values;
        let values = match kind {
            InstanceValues::Dict => return Ok(None),
            InstanceValues::BeforeObject => match self.memory.word(address - MANAGED_VALUES)? {
                0 => return Ok(None),
                values => values,
            },
            InstanceValues::Tagged => {
                let word = self.memory.word(address - MANAGED_DICT)?;
                if word & 1 == 0 {
                    return Ok(None);
                }
                word + 1
            }
            InstanceValues::Inline => {
                let header = address + info.basicsize;
                if !info.has(flag::INLINE_VALUES) || self.memory.byte(header + values_header::VALID)? == 0 {
                    return Ok(None);
                }
                header + values_header::SIZE
            }
        };
        let keys =
            self.memory.word(info.address + u64::from(self.interpreter.layout.offsets.ht_cached_keys))?;
        if keys == 0 {
            return Ok(None);
        }
        let keys = DictTable::of_keys(self.memory, &self.interpreter, keys, 0)?;
        let count = match kind {
            InstanceValues::Inline => {
                u64::from(self.memory.byte(values - values_header::SIZE + values_header::CAPACITY)?)
            }
            InstanceValues::Dict | InstanceValues::BeforeObject | InstanceValues::Tagged => {
                keys.entries.min(MOST_INLINE)
            }
        };
        Ok(Some(InlineValues { values, count, keys }))
    }

    /// The address of an instance's dict, 0 if it has none.
    pub(crate) fn instance_dict(&self, address: u64, info: &TypeInfo) -> Result<u64, Unreadable> {
        // These name their dict among their fields.
        if matches!(info.kind, Kind::Function | Kind::Exception | Kind::Type)
            || info.fields.iter().any(|field| field.name == FieldName::Dict)
        {
            return Ok(0);
        }
        if info.has(flag::MANAGED_DICT) {
            match self.interpreter.layout.features.instance_values {
                InstanceValues::Dict => {}
                InstanceValues::BeforeObject => return self.memory.word(address - MANAGED_DICT),
                InstanceValues::Tagged | InstanceValues::Inline => {
                    let word = self.memory.word(address - MANAGED_DICT)?;
                    return Ok(if word & 1 != 0 { 0 } else { word });
                }
            }
        }
        let dict = match info.dictoffset {
            0 => return Ok(0),
            offset @ 1.. => self.memory.word(address.wrapping_add_signed(offset))?,
            offset => {
                let items = (self.memory.word(address + fixed::OB_SIZE)? as i64).unsigned_abs();
                if items > MOST_ELEMENTS {
                    return Err(Unreadable { address, length: 24 });
                }
                let size = (info.basicsize + items * info.itemsize).next_multiple_of(8);
                self.memory.word((address + size).wrapping_add_signed(offset))?
            }
        };
        Ok(dict)
    }

    /// Adds the values that the instance keeps.
    pub(crate) fn measure_values(
        &self,
        address: u64,
        info: &TypeInfo,
        measure: &mut Measure,
    ) -> Result<(), Unreadable> {
        if let Some(inline) = self.inline_values(address, info)? {
            match self.interpreter.layout.features.instance_values {
                InstanceValues::Dict => {}
                InstanceValues::BeforeObject | InstanceValues::Tagged => {
                    let prefix = u64::from(self.memory.byte(inline.values - 1)?);
                    let bytes = self.bounded(inline.values, inline.keys.usable.saturating_mul(8))?;
                    measure.besides += rounded(prefix + bytes);
                }
                // Header, values, and one byte each for the order of insertion.
                InstanceValues::Inline => {
                    measure.block +=
                        values_header::SIZE + inline.count * 8 + inline.count.next_multiple_of(8);
                }
            }
        }
        Ok(())
    }
}

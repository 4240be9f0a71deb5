//! Reads dict tables: combined and shared keys, all versions.

use crate::interpreter::Interpreter;
use crate::layout::{ABSENT, DictKeys, InstanceValues, fixed};
use crate::memory::{Memory, Unreadable};

/// Offsets in the header of `PyDictValues` where it has one, and its size (`pycore_dict.h`, 3.13).
pub(crate) mod values_header {
    pub(crate) const CAPACITY: u64 = 0;
    pub(crate) const EMBEDDED: u64 = 2;
    pub(crate) const VALID: u64 = 3;
    pub(crate) const SIZE: u64 = 8;
}

/// Offsets in `PyDictKeysObject` and its size up to the indices, where a lookup function tells what keys are (`Objects/dict-common.h`,
/// 3.8 to 3.10).
mod lookup_keys {
    pub(super) const SIZE: u64 = 8;
    pub(super) const LOOKUP: u64 = 16;
    pub(super) const NENTRIES: u64 = 32;
    pub(super) const INDICES: u64 = 40;
}

/// The same where a kind tells (`pycore_dict.h`, 3.11 to 3.13).
mod kind_keys {
    pub(super) const LOG2_SIZE: u64 = 8;
    pub(super) const LOG2_INDEX_BYTES: u64 = 9;
    pub(super) const KIND: u64 = 10;
    pub(super) const USABLE: u64 = 16;
    pub(super) const NENTRIES: u64 = 24;
    pub(super) const INDICES: u64 = 32;
}

/// A table larger than this is damaged.
const MOST_LOG2_SIZE: u8 = 40;

/// The keys of a dict, and where their values are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DictTable {
    /// Address of the `PyDictKeysObject`.
    pub keys: u64,
    /// `dk_refcnt`.
    pub keys_refcount: u64,
    /// Size of the keys object in bytes, as CPython computes it.
    pub keys_size: u64,
    /// Address of the values of a dict with shared keys, or 0.
    pub values: u64,
    /// The values stand inside an instance, which owns them.
    pub embedded: bool,
    /// Number of values that fit.
    pub usable: u64,
    /// Entries, used or not.
    pub entries: u64,
    /// Keys may be anything; otherwise all are strings, and `tp_traverse` omits them.
    pub general: bool,
    /// `dk_lookup` where there is one, otherwise 0.
    pub lookup: u64,
    first: u64,
    stride: u64,
}

/// Key and value of an entry.
pub(crate) struct Entry {
    pub key: u64,
    pub value: u64,
}

impl DictTable {
    /// Reads the table of the dict at `dict`.
    pub(crate) fn read<M: Memory + ?Sized>(
        memory: &M,
        interpreter: &Interpreter,
        dict: u64,
    ) -> Result<Self, Unreadable> {
        let keys = memory.word(dict + fixed::DICT_KEYS)?;
        let mut values = memory.word(dict + fixed::DICT_VALUES)?;
        let mut embedded = false;
        if values != 0 {
            match interpreter.layout.features.instance_values {
                InstanceValues::Dict | InstanceValues::BeforeObject | InstanceValues::Tagged => {}
                InstanceValues::Inline => {
                    embedded = memory.byte(values + values_header::EMBEDDED)? != 0;
                    values += values_header::SIZE;
                }
            }
        }
        Ok(Self { embedded, ..Self::of_keys(memory, interpreter, keys, values)? })
    }

    /// Reads a keys object; `values` is 0 or the address of the first of separate values.
    pub(crate) fn of_keys<M: Memory + ?Sized>(
        memory: &M,
        interpreter: &Interpreter,
        keys: u64,
        values: u64,
    ) -> Result<Self, Unreadable> {
        let damaged = Unreadable { address: keys, length: 40 };
        match interpreter.layout.features.dict_keys {
            DictKeys::Kind => {
                let log2_size = memory.byte(keys + kind_keys::LOG2_SIZE)?;
                let log2_index_bytes = memory.byte(keys + kind_keys::LOG2_INDEX_BYTES)?;
                if log2_size > MOST_LOG2_SIZE || log2_index_bytes > MOST_LOG2_SIZE + 3 {
                    return Err(damaged);
                }
                let general = memory.byte(keys + kind_keys::KIND)? == 0;
                let stride = if general { 24 } else { 16 };
                let fraction = usable_fraction(1 << log2_size);
                let entries = memory.word(keys + kind_keys::NENTRIES)?;
                let usable = memory.word(keys + kind_keys::USABLE)?;
                // An empty table is shared and claims no slot.
                if entries > fraction.max(1) {
                    return Err(damaged);
                }
                let index_bytes = 1 << log2_index_bytes;
                Ok(Self {
                    keys,
                    keys_refcount: memory.word(keys)?,
                    keys_size: kind_keys::INDICES + index_bytes + fraction * stride,
                    values,
                    embedded: false,
                    usable: usable.saturating_add(entries),
                    entries,
                    general,
                    lookup: 0,
                    first: keys + kind_keys::INDICES + index_bytes + if general { 8 } else { 0 },
                    stride,
                })
            }
            DictKeys::Lookup => {
                let size = memory.word(keys + lookup_keys::SIZE)?;
                if size > 1 << MOST_LOG2_SIZE || !size.is_power_of_two() {
                    return Err(damaged);
                }
                let index_bytes = size
                    * match size {
                        0..=0xFF => 1,
                        0x100..=0xFFFF => 2,
                        0x1_0000..=0xFFFF_FFFF => 4,
                        _ => 8,
                    };
                let fraction = usable_fraction(size);
                let entries = memory.word(keys + lookup_keys::NENTRIES)?;
                if entries > fraction {
                    return Err(damaged);
                }
                Ok(Self {
                    keys,
                    keys_refcount: memory.word(keys)?,
                    keys_size: lookup_keys::INDICES + index_bytes + fraction * 24,
                    values,
                    embedded: false,
                    usable: fraction,
                    entries,
                    general: false,
                    lookup: memory.word(keys + lookup_keys::LOOKUP)?,
                    first: keys + lookup_keys::INDICES + index_bytes + 8,
                    stride: 24,
                })
            }
        }
    }

    /// The entry at `position`, if it is in use.
    pub(crate) fn entry<M: Memory + ?Sized>(
        &self,
        memory: &M,
        position: u64,
    ) -> Result<Option<Entry>, Unreadable> {
        let entry = self.first + position * self.stride;
        let value = if self.values != 0 {
            memory.word(self.values + position * 8)?
        } else {
            memory.word(entry + 8)?
        };
        if value == 0 {
            return Ok(None);
        }
        let key = memory.word(entry)?;
        Ok((key != 0).then_some(Entry { key, value }))
    }

    /// The key at `position` of a shared table, whether or not a value goes with it.
    pub(crate) fn key<M: Memory + ?Sized>(&self, memory: &M, position: u64) -> Result<u64, Unreadable> {
        memory.word(self.first + position * self.stride)
    }

    /// The value whose key is the exact ASCII string `name`.
    pub(crate) fn find<M: Memory + ?Sized>(
        &self,
        memory: &M,
        interpreter: &Interpreter,
        name: &[u8],
    ) -> Result<Option<u64>, Unreadable> {
        for position in 0..self.entries {
            if let Some(entry) = self.entry(memory, position)?
                && is_ascii_text(memory, interpreter, entry.key, name)?
            {
                return Ok(Some(entry.value));
            }
        }
        Ok(None)
    }
}

/// The value under an ASCII key of the dict at `dict`.
pub(crate) fn find<M: Memory + ?Sized>(
    memory: &M,
    interpreter: &Interpreter,
    dict: u64,
    name: &[u8],
) -> Result<Option<u64>, Unreadable> {
    if dict == 0 {
        return Ok(None);
    }
    DictTable::read(memory, interpreter, dict)?.find(memory, interpreter, name)
}

/// Whether the object at `address` looks like the compact ASCII string `text`. The caller knows that it is an object.
pub(crate) fn is_ascii_text<M: Memory + ?Sized>(
    memory: &M,
    interpreter: &Interpreter,
    address: u64,
    text: &[u8],
) -> Result<bool, Unreadable> {
    debug_assert!(text.len() <= 64 && interpreter.layout.offsets.str_state != ABSENT);
    if memory.word(address + fixed::STR_LENGTH)? != text.len() as u64 {
        return Ok(false);
    }
    // kind 1, compact, ASCII; see `strings`.
    let state = memory.half(address + u64::from(interpreter.layout.offsets.str_state))?;
    if state >> 2 & 0x1F != 0b1_1001 {
        return Ok(false);
    }
    let mut buffer = [0; 64];
    let Some(read) = buffer.get_mut(..text.len()) else { return Ok(false) };
    memory.read(address + u64::from(interpreter.layout.offsets.str_ascii_header), read)?;
    Ok(read == text)
}

/// `USABLE_FRACTION` of `Objects/dictobject.c`.
fn usable_fraction(size: u64) -> u64 {
    (size << 1) / 3
}

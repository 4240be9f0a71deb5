//! `bytes`, `bytearray` and `array.array`.

use super::digest::Content;
use crate::layout::{ByteArraySizeof, fixed};
use crate::memory::{Memory, Unreadable};
use crate::walk::{Measure, TypeInfo, Walk};
use alloc::vec::Vec;
use pyheap_format::writer::Sink;

/// Offsets in `arrayobject` and in `struct arraydescr` (`Modules/arraymodule.c`, 3.8 to 3.13).
const ARRAY_ITEM: u64 = 24;
const ARRAY_ALLOCATED: u64 = 32;
const ARRAY_DESCR: u64 = 40;
const DESCR_ITEMSIZE: u64 = 4;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn measure_bytearray(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let bytes = memory.word(address + fixed::BYTEARRAY_ALLOC)?;
        let bytes = self.bounded(memory.word(address + fixed::BYTEARRAY_BYTES)?, bytes)?;
        let bytes = match self.interpreter.layout.features.bytearray_sizeof {
            // An empty one shares the empty `bytes`. The object's last byte is a 0 behind the buffer.
            ByteArraySizeof::BytesObject if bytes > 0 => {
                bytes + u64::from(self.interpreter.layout.offsets.bytes_data) + 1
            }
            ByteArraySizeof::BytesObject | ByteArraySizeof::Buffer => bytes,
        };
        Ok(Measure::with_buffer(info.basicsize, bytes, memory.word(address + fixed::OB_SIZE)?))
    }

    pub(crate) fn measure_array(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let descriptor = memory.word(address + ARRAY_DESCR)?;
        let item = u64::from(memory.half(descriptor + DESCR_ITEMSIZE)?);
        let bytes = memory.word(address + ARRAY_ALLOCATED)?.saturating_mul(item);
        let bytes = self.bounded(memory.word(address + ARRAY_ITEM)?, bytes)?;
        Ok(Measure::with_buffer(info.basicsize, bytes, memory.word(address + fixed::OB_SIZE)?))
    }

    /// The items of an array of so many.
    pub(crate) fn content_of_array(&self, address: u64, length: u64) -> Result<Content, Unreadable> {
        let memory = self.memory;
        let descriptor = memory.word(address + ARRAY_DESCR)?;
        let item = u64::from(memory.half(descriptor + DESCR_ITEMSIZE)?);
        let start = memory.word(address + ARRAY_ITEM)?;
        Ok(Content { start, bytes: length.saturating_mul(item), item })
    }

    pub(crate) fn append_bytes(&self, start: u64, length: u64, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let before = out.len();
        out.resize(before + length as usize, 0);
        match out.get_mut(before..) {
            Some(room) => self.memory.read(start, room),
            None => Ok(()),
        }
    }
}

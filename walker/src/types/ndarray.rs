//! numpy's arrays: base, dtype, elements of object arrays, the size of an owned buffer.

use super::digest::Content;
use crate::memory::{Memory, Unreadable};
use crate::walk::{Fault, Walk};
use crate::walk::{Measure, Reach, TypeInfo, rounded};
use pyheap_format::FieldName;
use pyheap_format::vocabulary::EdgeKind;
use pyheap_format::writer::Sink;
use xxhash_rust::xxh3::Xxh3;

/// `PyArrayObject_fields` of numpy 1 and 2 (`numpy/core/include/numpy/ndarraytypes.h`).
mod offset {
    pub(super) const DATA: u64 = 16;
    pub(super) const ND: u64 = 24;
    pub(super) const DIMENSIONS: u64 = 32;
    pub(super) const STRIDES: u64 = 40;
    pub(super) const BASE: u64 = 48;
    pub(super) const DESCR: u64 = 56;
    pub(super) const FLAGS: u64 = 64;
    /// `PyArray_Descr.type_num`.
    pub(super) const TYPE_NUM: u64 = 28;
}

/// `NPY_ARRAY_C_CONTIGUOUS`
const C_CONTIGUOUS: u32 = 0x1;
/// `NPY_ARRAY_OWNDATA`
const OWNDATA: u32 = 0x4;
/// `NPY_OBJECT`
const OBJECT: u32 = 17;
/// `NPY_MAXDIMS` of numpy 2.
const MOST_DIMENSIONS: u32 = 64;

/// The buffer of an array.
pub(crate) struct ArrayBuffer {
    /// Address of the first one.
    pub data: u64,
    /// Elements.
    pub elements: u64,
    /// Bytes, if the array owns its buffer.
    pub owned_bytes: Option<u64>,
    objects: bool,
    contiguous: bool,
    /// Length of the first dimension, where there is one.
    pub length: Option<u64>,
}

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn array_buffer(&self, address: u64) -> Result<ArrayBuffer, Unreadable> {
        let memory = self.memory;
        let damaged = Unreadable { address, length: 80 };
        let nd = memory.half(address + offset::ND)?;
        if nd > MOST_DIMENSIONS {
            return Err(damaged);
        }
        let dimensions = memory.word(address + offset::DIMENSIONS)?;
        let strides = memory.word(address + offset::STRIDES)?;
        let mut elements = 1_u64;
        let mut smallest = u64::MAX;
        let mut length = None;
        for axis in 0..u64::from(nd) {
            let count = memory.word(dimensions + axis * 8)?;
            length.get_or_insert(count);
            elements = elements.checked_mul(count).ok_or(damaged)?;
            if count > 1 {
                smallest = smallest.min((memory.word(strides + axis * 8)? as i64).unsigned_abs());
            }
        }
        let descr = memory.word(address + offset::DESCR)?;
        let flags = memory.half(address + offset::FLAGS)?;
        let item = if smallest == u64::MAX { 8 } else { smallest };
        Ok(ArrayBuffer {
            data: memory.word(address + offset::DATA)?,
            elements,
            owned_bytes: (flags & OWNDATA != 0).then_some(elements.saturating_mul(item)),
            objects: memory.half(descr + offset::TYPE_NUM)? == OBJECT,
            contiguous: item == 8 || elements <= 1,
            length,
        })
    }

    /// The buffer that an array owns, if it stands for its content: the elements in their order, none of them an object. The kind of elements and the
    /// dimensions belong to the content; `hash` takes them.
    pub(crate) fn content_of_ndarray(
        &self,
        address: u64,
        hash: &mut Xxh3,
    ) -> Result<Option<Content>, Unreadable> {
        let memory = self.memory;
        let buffer = self.array_buffer(address)?;
        let flags = memory.half(address + offset::FLAGS)?;
        let Some(bytes) = buffer.owned_bytes.filter(|_| flags & C_CONTIGUOUS != 0 && !buffer.objects) else {
            return Ok(None);
        };
        let kind = memory.half(memory.word(address + offset::DESCR)? + offset::TYPE_NUM)?;
        hash.update(&u64::from(kind).to_le_bytes());
        let dimensions = memory.word(address + offset::DIMENSIONS)?;
        for axis in 0..u64::from(memory.half(address + offset::ND)?) {
            hash.update(&memory.word(dimensions + axis * 8)?.to_le_bytes());
        }
        let item = bytes.checked_div(buffer.elements).unwrap_or(0);
        Ok(Some(Content { start: buffer.data, bytes, item }))
    }

    pub(crate) fn array_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let base = self.memory.word(address + offset::BASE)?;
        self.refer_field(reach, base, true, FieldName::BaseArray)?;
        let descr = self.memory.word(address + offset::DESCR)?;
        self.refer_field(reach, descr, true, FieldName::Dtype)?;
        let buffer = self.array_buffer(address)?;
        if buffer.objects && buffer.owned_bytes.is_some() && buffer.contiguous {
            let mut missing = 0;
            for position in 0..buffer.elements {
                match self.memory.word(buffer.data + position * 8)? {
                    0 => missing += 1,
                    element => self.refer(reach, element, EdgeKind::Element, true, missing)?,
                }
            }
        }
        Ok(())
    }

    /// Header, the buffer that it owns, dimensions and strides.
    pub(crate) fn measure_ndarray(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let buffer = self.array_buffer(address)?;
        let owned = buffer.owned_bytes.unwrap_or(0);
        // Buffers that devices write to are kept from forks.
        if !self.options.extents.may_hide(buffer.data, owned) {
            self.bounded(buffer.data, owned)?;
        }
        let dimensions = u64::from(memory.half(address + offset::ND)?) * 16;
        Ok(Measure {
            shallow: info.basicsize + owned + dimensions,
            block: info.basicsize,
            besides: rounded(owned) + if dimensions == 0 { 0 } else { rounded(dimensions) },
            length: buffer.length,
        })
    }
}

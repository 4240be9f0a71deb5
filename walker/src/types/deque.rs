//! `collections.deque`.

use crate::layout::fixed;
use crate::memory::{Memory, Unreadable};
use crate::walk::{Fault, MOST_ELEMENTS, Measure, Reach, TypeInfo, Walk, rounded};
use pyheap_format::vocabulary::EdgeKind;
use pyheap_format::writer::Sink;

/// Offsets in `dequeobject` (`Modules/_collectionsmodule.c`, 3.8 to 3.13).
const LEFT_BLOCK: u64 = 24;
const LEFT_INDEX: u64 = 40;

/// Elements per block (`BLOCKLEN`).
const BLOCK_ITEMS: u64 = 64;
/// `sizeof(block)`, and offsets in it.
const BLOCK_SIZE: u64 = 528;
const DATA: u64 = 8;
const NEXT: u64 = DATA + BLOCK_ITEMS * 8;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn deque_elements(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let length = self.memory.word(address + fixed::OB_SIZE)?;
        let mut block = self.memory.word(address + LEFT_BLOCK)?;
        let mut place = self.memory.word(address + LEFT_INDEX)?;
        if length > MOST_ELEMENTS || place >= BLOCK_ITEMS {
            return Err(Unreadable { address, length: 48 }.into());
        }
        for _ in 0..length {
            if place == BLOCK_ITEMS {
                block = self.memory.word(block + NEXT)?;
                place = 0;
            }
            let element = self.memory.word(block + DATA + place * 8)?;
            self.refer(reach, element, EdgeKind::Element, true, 0)?;
            place += 1;
        }
        Ok(())
    }

    /// Header and blocks.
    pub(crate) fn measure_deque(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let length = memory.word(address + fixed::OB_SIZE)?;
        let left = memory.word(address + LEFT_INDEX)?;
        let blocks = left.saturating_add(length).div_ceil(BLOCK_ITEMS).max(1);
        let bytes = self.scattered(address, blocks, BLOCK_SIZE)?;
        Ok(Measure {
            shallow: info.basicsize + bytes,
            block: info.basicsize,
            besides: blocks * rounded(BLOCK_SIZE),
            length: Some(length),
        })
    }
}

//! `int` and `bool`.

use crate::layout::IntSizeof;
use crate::memory::{Memory, Unreadable};
use crate::read::strings;
use crate::read::strings::LONG_DIGITS;
use crate::walk::{Measure, TypeInfo, Walk};
use alloc::vec::Vec;
use pyheap_format::writer::Sink;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// As `int.__sizeof__` counts.
    pub(crate) fn measure_int(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let (_, digits) = strings::int_digits(memory, &self.interpreter, address)?;
        let shallow = match self.interpreter.layout.features.int_sizeof {
            IntSizeof::Digits => LONG_DIGITS + 4 * digits,
            IntSizeof::OneDigit => LONG_DIGITS + 4 * digits.max(1),
            IntSizeof::BasicSize => info.basicsize + 4 * digits.max(1),
        };
        let block = shallow.max(info.basicsize + 4 * digits);
        Ok(Measure { shallow, block, besides: 0, length: None })
    }

    /// Packs 30-bit digits into bytes, least significant first, without zeros at the end.
    pub(crate) fn append_magnitude(
        &self,
        first: u64,
        digits: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Unreadable> {
        let mut bits = 0_u64;
        let mut count = 0;
        for digit in 0..digits {
            bits |= u64::from(self.memory.half(first + digit * 4)? & 0x3FFF_FFFF) << count;
            count += 30;
            while count >= 8 {
                out.push(bits as u8);
                bits >>= 8;
                count -= 8;
            }
        }
        if bits != 0 {
            out.push(bits as u8);
        }
        while out.len() > 1 && out.last() == Some(&0) {
            out.pop();
        }
        Ok(())
    }
}

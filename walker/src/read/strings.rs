//! Reads text and numbers out of `str`, `int` and C strings.

use crate::interpreter::Interpreter;
use crate::layout::{IntTag, fixed};
use crate::memory::{Memory, Unreadable};
use alloc::string::String;
use alloc::vec::Vec;

/// Characters kept of names, file names and the like.
pub(crate) const NAME_LIMIT: u64 = 1024;

/// A `str`: where its characters are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    /// Characters.
    pub length: u64,
    /// Bytes per character: 1, 2 or 4; 0 for a string that is not ready.
    pub width: u64,
    /// ASCII only.
    pub ascii: bool,
    /// Header and characters in one block.
    pub compact: bool,
    /// Address of the first character.
    pub data: u64,
}

impl Text {
    /// Reads the header of the string at `address`.
    pub(crate) fn read<M: Memory + ?Sized>(
        memory: &M,
        interpreter: &Interpreter,
        address: u64,
    ) -> Result<Self, Unreadable> {
        let offsets = &interpreter.layout.offsets;
        let length = memory.word(address + fixed::STR_LENGTH)?;
        let state = memory.half(address + u64::from(offsets.str_state))?;
        let width = u64::from(state >> 2 & 7);
        let compact = state >> 5 & 1 != 0;
        let ascii = state >> 6 & 1 != 0;
        let data = match (compact, ascii) {
            (true, true) => address + u64::from(offsets.str_ascii_header),
            (true, false) => address + u64::from(offsets.str_compact_header),
            (false, _) => memory.word(address + u64::from(offsets.str_data))?,
        };
        if length > 1 << 48 || !matches!(width, 0 | 1 | 2 | 4) {
            return Err(Unreadable { address, length: 48 });
        }
        Ok(Self { length, width, ascii, compact, data })
    }

    /// Appends the first `limit` characters in UTF-8, lone surrogates as if they were characters.
    pub(crate) fn append<M: Memory + ?Sized>(
        &self,
        memory: &M,
        limit: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Unreadable> {
        let count = self.length.min(limit);
        if self.width == 0 || self.data == 0 {
            return Ok(());
        }
        let mut chunk = [0; 256];
        let mut position = 0;
        while position < count {
            let characters = (count - position).min(chunk.len() as u64 / self.width);
            let Some(bytes) = chunk.get_mut(..(characters * self.width) as usize) else { break };
            memory.read(self.data + position * self.width, bytes)?;
            if self.ascii {
                out.extend_from_slice(bytes);
            } else {
                for character in bytes.chunks_exact(self.width as usize) {
                    let mut code = [0; 4];
                    for (to, from) in code.iter_mut().zip(character) {
                        *to = *from;
                    }
                    append_character(u32::from_le_bytes(code), out);
                }
            }
            position += characters;
        }
        Ok(())
    }
}

/// Appends one code point in UTF-8, surrogates included.
fn append_character(code: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | (code >> shift & 0x3F) as u8;
    match code {
        0..=0x7F => out.push(code as u8),
        0x80..=0x7FF => out.extend_from_slice(&[0xC0 | (code >> 6) as u8, tail(0)]),
        0x800..=0xFFFF => out.extend_from_slice(&[0xE0 | (code >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend_from_slice(&[0xF0 | (code >> 18 & 7) as u8, tail(12), tail(6), tail(0)]),
    }
}

/// The text of the `str` at `address`, cut at `limit` characters, lone surrogates replaced.
pub(crate) fn text<M: Memory + ?Sized>(
    memory: &M,
    interpreter: &Interpreter,
    address: u64,
    limit: u64,
) -> Result<String, Unreadable> {
    let mut bytes = Vec::new();
    Text::read(memory, interpreter, address)?.append(memory, limit, &mut bytes)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The bytes of the C string at `address`, without its end, cut at the size of the buffer.
pub(crate) fn c_string<'b, M: Memory + ?Sized>(
    memory: &M,
    address: u64,
    buffer: &'b mut [u8; 128],
) -> Result<&'b [u8], Unreadable> {
    let mut length = 0;
    for (place, byte) in (address..).zip(buffer.iter_mut()) {
        *byte = memory.byte(place)?;
        if *byte == 0 {
            break;
        }
        length += 1;
    }
    buffer.get(..length).ok_or(Unreadable { address, length })
}

/// Sign and number of 30-bit digits of the `int` at `address`.
pub(crate) fn int_digits<M: Memory + ?Sized>(
    memory: &M,
    interpreter: &Interpreter,
    address: u64,
) -> Result<(bool, u64), Unreadable> {
    let word = memory.word(address + fixed::OB_SIZE)?;
    let (negative, digits) = match interpreter.layout.features.int_tag {
        IntTag::Size => ((word as i64) < 0, (word as i64).unsigned_abs()),
        IntTag::Tag => (word & 3 == 2, if word & 3 == 1 { 0 } else { word >> 3 }),
    };
    if digits > 1 << 40 {
        return Err(Unreadable { address, length: 24 });
    }
    Ok((negative, digits))
}

/// The value of the `int` at `address`, where it fits.
pub(crate) fn int_value<M: Memory + ?Sized>(
    memory: &M,
    interpreter: &Interpreter,
    address: u64,
) -> Result<Option<u64>, Unreadable> {
    let (negative, digits) = int_digits(memory, interpreter, address)?;
    if negative || digits > 3 {
        return Ok(None);
    }
    let mut value = 0_u128;
    for digit in 0..digits {
        value |= u128::from(memory.half(address + LONG_DIGITS + digit * 4)?) << (30 * digit);
    }
    Ok(u64::try_from(value).ok())
}

/// Offset of the digits of an `int`, 3.8 to 3.13.
pub(crate) const LONG_DIGITS: u64 = 24;

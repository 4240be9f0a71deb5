//! From the place in a code object's instructions to the line in its file.

use crate::interpreter::Interpreter;
use crate::memory::{Memory, Unreadable};

/// Entries of a line table beyond this number are not read.
const MOST_BYTES: u64 = 1 << 20;

/// The line of the instruction at byte `offset` of the code object at `code`, if it has one.
pub(crate) fn line_at<M: Memory + ?Sized>(
    memory: &M,
    interpreter: &Interpreter,
    code: u64,
    offset: i64,
) -> Result<Option<u32>, Unreadable> {
    let layout = &interpreter.layout;
    let first = i64::from(memory.half(code + u64::from(layout.co_firstlineno))? as i32);
    let table = memory.word(code + u64::from(layout.co_linetable))?;
    let mut bytes = Bytes {
        memory,
        place: table + u64::from(layout.bytes_data),
        left: memory.word(table + 16)?.min(MOST_BYTES),
    };
    let line = if interpreter.at_least(11) {
        by_locations(&mut bytes, first, offset)?
    } else if interpreter.at_least(10) {
        by_ranges(&mut bytes, first, offset)?
    } else {
        by_increments(&mut bytes, first, offset)?
    };
    Ok(line.and_then(|line| u32::try_from(line).ok()))
}

/// 3.8 and 3.9: pairs of byte increment and signed line increment (`Objects/lnotab_notes.txt`).
fn by_increments<M: Memory + ?Sized>(
    bytes: &mut Bytes<'_, M>,
    first: i64,
    offset: i64,
) -> Result<Option<i64>, Unreadable> {
    let (mut line, mut address) = (first, 0);
    while let (Some(step), Some(lines)) = (bytes.next()?, bytes.next()?) {
        address += i64::from(step);
        if address > offset {
            break;
        }
        line += i64::from(lines as i8);
    }
    Ok(Some(line))
}

/// 3.10: pairs of length in bytes and signed line increment, -128 for no line.
fn by_ranges<M: Memory + ?Sized>(
    bytes: &mut Bytes<'_, M>,
    first: i64,
    offset: i64,
) -> Result<Option<i64>, Unreadable> {
    let (mut line, mut end) = (first, 0);
    while let (Some(length), Some(lines)) = (bytes.next()?, bytes.next()?) {
        end += i64::from(length);
        let lines = lines as i8;
        if lines != -128 {
            line += i64::from(lines);
        }
        if offset < end {
            return Ok((lines != -128).then_some(line));
        }
    }
    Ok(None)
}

/// 3.11 and later: entries of variable length (`Objects/locations.md`).
fn by_locations<M: Memory + ?Sized>(
    bytes: &mut Bytes<'_, M>,
    first: i64,
    offset: i64,
) -> Result<Option<i64>, Unreadable> {
    let (mut line, mut end) = (first, 0);
    while let Some(head) = bytes.next()? {
        let code = head >> 3 & 15;
        end += (i64::from(head & 7) + 1) * 2;
        let mut skip = 0;
        match code {
            0..=9 => skip = 1,
            10..=12 => {
                line += i64::from(code) - 10;
                skip = 2;
            }
            13 => line += bytes.signed()?,
            14 => {
                line += bytes.signed()?;
                for _ in 0..3 {
                    bytes.unsigned()?;
                }
            }
            _ => {}
        }
        for _ in 0..skip {
            bytes.next()?;
        }
        if offset < end {
            return Ok((code != 15).then_some(line));
        }
    }
    Ok(None)
}

struct Bytes<'m, M: ?Sized> {
    memory: &'m M,
    place: u64,
    left: u64,
}

impl<M: Memory + ?Sized> Bytes<'_, M> {
    fn next(&mut self) -> Result<Option<u8>, Unreadable> {
        if self.left == 0 {
            return Ok(None);
        }
        let byte = self.memory.byte(self.place)?;
        self.place += 1;
        self.left -= 1;
        Ok(Some(byte))
    }

    /// Six bits a byte, least significant first, bit 6 for more.
    fn unsigned(&mut self) -> Result<i64, Unreadable> {
        let (mut value, mut shift) = (0, 0);
        while let Some(byte) = self.next()? {
            if shift < 60 {
                value |= i64::from(byte & 63) << shift;
            }
            shift += 6;
            if byte & 64 == 0 {
                break;
            }
        }
        Ok(value)
    }

    /// The same, with the sign in the lowest bit.
    fn signed(&mut self) -> Result<i64, Unreadable> {
        let value = self.unsigned()?;
        Ok(if value & 1 != 0 { -(value >> 1) } else { value >> 1 })
    }
}

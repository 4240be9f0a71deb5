//! From the place in a code object's instructions to the line in its file.

use crate::interpreter::Interpreter;
use crate::layout::{LineTable, fixed};
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
    let offsets = &interpreter.layout.offsets;
    let first = i64::from(memory.half(code + u64::from(offsets.co_firstlineno))? as i32);
    let table = memory.word(code + u64::from(offsets.co_linetable))?;
    let mut bytes = Bytes {
        memory,
        place: table + u64::from(offsets.bytes_data),
        left: memory.word(table + fixed::OB_SIZE)?.min(MOST_BYTES),
    };
    let line = match interpreter.layout.features.line_table {
        LineTable::Increments => by_increments(&mut bytes, first, offset)?,
        LineTable::Ranges => by_ranges(&mut bytes, first, offset)?,
        LineTable::Locations => by_locations(&mut bytes, first, offset)?,
    };
    Ok(line.and_then(|line| u32::try_from(line).ok()))
}

/// Pairs of byte increment and signed line increment (`Objects/lnotab_notes.txt`).
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

/// Pairs of length in bytes and signed line increment, -128 for no line.
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

/// Entries of variable length (`Objects/locations.md`).
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    struct NoMemory;

    impl Memory for NoMemory {
        fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
            Err(Unreadable { address, length: buffer.len() })
        }
    }

    /// A table that stands at address 0.
    struct Table(&'static [u8]);

    impl Memory for Table {
        fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
            let start = address as usize;
            match self.0.get(start..start + buffer.len()) {
                Some(bytes) => {
                    buffer.copy_from_slice(bytes);
                    Ok(())
                }
                None => Err(Unreadable { address, length: buffer.len() }),
            }
        }
    }

    type Decoder = fn(&mut Bytes<'_, Table>, i64, i64) -> Result<Option<i64>, Unreadable>;

    /// Compares with what `co_lines()` (3.8 and 3.9: `dis.findlinestarts`) of the interpreter itself answers for each instruction of the
    /// same function.
    fn check(decoder: Decoder, table: &'static [u8], expected: &[i64]) {
        let memory = Table(table);
        let found: Vec<i64> = (0..expected.len() as i64)
            .map(|instruction| {
                let mut bytes = Bytes { memory: &memory, place: 0, left: table.len() as u64 };
                decoder(&mut bytes, 1, instruction * 2).unwrap().unwrap_or(0)
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn increments_of_3_9() {
        let table = &[0, 2, 2, 1, 2, 255, 4, 2, 2, 1, 4, 2, 6, 254, 4, 6, 8, 250, 2, 6];
        let expected = [3, 4, 3, 3, 5, 6, 6, 8, 8, 8, 6, 6, 12, 12, 12, 12, 6, 12, 12, 12, 12, 12, 12, 12];
        check(by_increments, table, &expected);
    }

    #[test]
    fn ranges_of_3_10() {
        let table = &[2, 2, 2, 1, 4, 255, 2, 2, 4, 1, 6, 2, 4, 254, 20, 6];
        let expected = [3, 4, 3, 3, 5, 6, 6, 8, 8, 8, 6, 6, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12];
        check(by_ranges, table, &expected);
    }

    #[test]
    fn locations_of_3_13() {
        let table = &[
            128, 0, 224, 9, 10, 216, 9, 10, 240, 3, 1, 9, 12, 128, 65, 240, 4, 7, 5, 13, 220, 15, 16, 144,
            17, 224, 17, 18, 145, 21, 243, 5, 2, 16, 24, 244, 12, 0, 9, 10, 136, 33, 141, 4, 248, 140, 1,
            136, 33, 141, 4, 250,
        ];
        // 0 stands for no line.
        let expected = [
            1, 3, 4, 3, 3, 5, 6, 6, 6, 6, 6, 6, 8, 8, 8, 6, 6, 6, 6, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
            12, 12, 0, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 0, 0, 0,
        ];
        check(by_locations, table, &expected);
    }

    #[test]
    fn unreadable_tables_are_errors() {
        let mut bytes = Bytes { memory: &NoMemory, place: 4096, left: 10 };
        assert!(by_locations(&mut bytes, 1, 0).is_err());
    }
}

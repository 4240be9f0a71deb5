//! Columns in place: typed arrays and compact columns.

use super::error::Malformed;
use super::items::Items;
use crate::vocabulary::ESCAPE;
use bytemuck::AnyBitPattern;
use std::marker::PhantomData;
use std::ops::Range;

#[cfg(target_endian = "big")]
compile_error!("columns are little-endian and read in place: this reader needs a little-endian machine");

/// A number that columns consist of.
pub(super) trait Number: AnyBitPattern {
    /// RFC 8746's tag of a typed array of these.
    const TAG: u64;
}

impl Number for u8 {
    const TAG: u64 = 64;
}
impl Number for u16 {
    const TAG: u64 = 69;
}
impl Number for u32 {
    const TAG: u64 = 70;
}
impl Number for u64 {
    const TAG: u64 = 71;
}

/// Where in a body a column's numbers stand.
#[derive(Clone, Debug)]
pub(super) struct Column<T> {
    content: Range<usize>,
    number: PhantomData<T>,
}

impl<T: Number> Column<T> {
    /// Reads `[padding, data]`, `count` numbers long where that is given.
    pub(super) fn read(
        body: &[u8],
        items: &mut Items<'_>,
        count: Option<usize>,
        name: &'static str,
    ) -> Result<Self, Malformed> {
        let elements = items.array(2, name)?;
        items.bytes(name)?;
        let content = items.typed_array(T::TAG, name)?;
        items.skip(elements - 2)?;
        let numbers: &[T] = bytemuck::try_cast_slice(body.get(content.clone()).unwrap_or_default())
            .map_err(|_| Malformed::Column { column: name, problem: "not aligned, or of a broken length" })?;
        if count.is_some_and(|count| count != numbers.len()) {
            return Err(Malformed::Column { column: name, problem: "not as many numbers as rows" });
        }
        Ok(Self { content, number: PhantomData })
    }

    /// The numbers, given the body that the column was read from.
    pub(super) fn of<'a>(&self, body: &'a [u8]) -> &'a [T] {
        body.get(self.content.clone())
            .and_then(|bytes| bytemuck::try_cast_slice(bytes).ok())
            .unwrap_or_default()
    }
}

/// Where in a body a compact column stands.
#[derive(Clone, Debug)]
pub(super) struct CompactColumn {
    values: Column<u16>,
    escape_at: Column<u32>,
    escape_values: Column<u64>,
}

impl CompactColumn {
    /// Reads `[values, escape_at, escape_values]` and checks that every escape has its value.
    pub(super) fn read(
        body: &[u8],
        items: &mut Items<'_>,
        count: usize,
        name: &'static str,
    ) -> Result<Self, Malformed> {
        let elements = items.array(3, name)?;
        let values = Column::read(body, items, Some(count), name)?;
        let escape_at = Column::read(body, items, None, name)?;
        let positions: &[u32] = escape_at.of(body);
        let escape_values = Column::read(body, items, Some(positions.len()), name)?;
        items.skip(elements - 3)?;
        let column = Self { values, escape_at, escape_values };
        let numbers = column.values.of(body);
        let escapes = numbers.iter().filter(|value| **value == ESCAPE).count();
        let increasing = positions.is_sorted_by(|a, b| a < b);
        let marked = positions.iter().all(|at| numbers.get(*at as usize) == Some(&ESCAPE));
        if escapes != positions.len() || !increasing || !marked {
            return Err(Malformed::Column { column: name, problem: "escapes do not match their values" });
        }
        Ok(column)
    }

    pub(super) fn of<'a>(&self, body: &'a [u8]) -> Compact<'a> {
        Compact {
            values: self.values.of(body),
            escape_at: self.escape_at.of(body),
            escape_values: self.escape_values.of(body),
        }
    }
}

/// Numbers that are nearly always small. Going through them in sequence costs next to nothing; [`Self::get`] searches the escapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compact<'a> {
    pub(super) values: &'a [u16],
    pub(super) escape_at: &'a [u32],
    pub(super) escape_values: &'a [u64],
}

impl<'a> Compact<'a> {
    /// Number of numbers.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number in row `row`; 0 beyond the last.
    pub fn get(&self, row: usize) -> u64 {
        match self.values.get(row) {
            Some(&ESCAPE) => {
                let escape = self.escape_at.binary_search(&(row as u32));
                escape.ok().and_then(|escape| self.escape_values.get(escape)).copied().unwrap_or_default()
            }
            Some(&value) => u64::from(value),
            None => 0,
        }
    }

    /// All numbers in sequence.
    pub fn iter(&self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        let mut escapes = self.escape_values.iter();
        self.values.iter().map(move |&value| {
            if value == ESCAPE { escapes.next().copied().unwrap_or_default() } else { u64::from(value) }
        })
    }

    /// The numbers where they stand; [`ESCAPE`] stands for the next of [`Self::escapes`].
    pub fn raw(&self) -> &'a [u16] {
        self.values
    }

    /// Rows and numbers of those that are not small, in sequence.
    pub fn escapes(&self) -> impl Iterator<Item = (usize, u64)> + use<'a> {
        self.escape_at.iter().map(|at| *at as usize).zip(self.escape_values.iter().copied())
    }

    /// Sum of the first `rows` numbers; `None` where it exceeds a u64.
    pub fn sum_to(&self, rows: usize) -> Option<u64> {
        let rows = rows.min(self.values.len());
        // Escapes are counted as 0xFFFF first, and corrected: the loop without a branch runs on vectors.
        let small: u64 = self.values.iter().take(rows).map(|value| u64::from(*value)).sum();
        let escapes = self.escape_at.partition_point(|at| (*at as usize) < rows);
        let small = small - escapes as u64 * u64::from(ESCAPE);
        self.escape_values.iter().take(escapes).try_fold(small, |sum, value| sum.checked_add(*value))
    }
}

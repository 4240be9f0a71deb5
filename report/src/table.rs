//! Tables: what columns there are, in which units, and how much of a list is shown.

use schemars::JsonSchema;
use serde::Serialize;

/// What the numbers or texts of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A text.
    Text,
    /// An address in the target's address space, hexadecimal with 0x in front.
    Address,
    /// A number of things.
    Count,
    /// A size in bytes.
    Bytes,
    /// A difference of counts.
    CountChange,
    /// A difference of sizes, in bytes.
    BytesChange,
    /// A part of a whole, from 0 to 1.
    Ratio,
    /// A duration in milliseconds.
    Milliseconds,
    /// Yes or no.
    Flag,
}

impl Unit {
    /// Whether it is written at the right of its column.
    pub const fn is_number(self) -> bool {
        !matches!(self, Self::Text | Self::Flag)
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its head, for people.
    pub title: &'static str,
    /// Its name for programs: the head in CSV, the field in JSON.
    pub field: &'static str,
    /// What stands in it.
    pub unit: Unit,
}

/// A cell: a plain value in the unit of its column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Unknown or not applicable.
    Nothing,
    /// A text or an address.
    Text(String),
    /// A count or a size.
    Unsigned(u64),
    /// A change.
    Signed(i64),
    /// A ratio or a duration.
    Real(f64),
    /// Yes or no.
    Flag(bool),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Unsigned(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Unsigned(number.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Signed(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

/// A row of a list: its columns are declared together with what stands in them.
pub trait Row {
    /// The columns, from left to right.
    const COLUMNS: &'static [Column];

    /// One value per column.
    fn values(&self) -> Vec<Value>;
}

/// Declares the columns of a row: title, field and unit, and what stands there.
macro_rules! columns {
    ($row:ty { $($title:literal $field:literal $unit:ident = |$this:ident| $value:expr;)* }) => {
        impl $crate::table::Row for $row {
            const COLUMNS: &'static [$crate::table::Column] = &[$($crate::table::Column {
                title: $title,
                field: $field,
                unit: $crate::table::Unit::$unit,
            }),*];

            fn values(&self) -> Vec<$crate::table::Value> {
                vec![$({ let $this = self; $crate::table::Value::from($value) }),*]
            }
        }
    };
}
pub(crate) use columns;

/// A part of a report: lines for people, and a table.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Lines above the table.
    pub lines: Vec<String>,
    /// Without any there is no table.
    pub columns: Vec<Column>,
    /// One value per column.
    pub rows: Vec<Vec<Value>>,
    /// Rows that there are in all; those that are not here were left out.
    pub total: u64,
    /// Rows that were left out before the first.
    pub offset: u64,
    /// The table has one row, and people read it from top to bottom, one column per line.
    pub upright: bool,
}

impl Section {
    /// Lines alone.
    pub fn of_lines(lines: Vec<String>) -> Self {
        Self { lines, ..Self::default() }
    }

    /// A list that is all there.
    pub fn of_rows<R: Row>(rows: &[R]) -> Self {
        Self::of_part(rows, rows.len() as u64, 0)
    }

    /// A part of a list of `total` rows that begins after `offset` of them.
    pub fn of_part<R: Row>(rows: &[R], total: u64, offset: u64) -> Self {
        Self {
            columns: R::COLUMNS.to_vec(),
            rows: rows.iter().map(Row::values).collect(),
            total,
            offset,
            ..Self::default()
        }
    }

    /// A single value, shown from top to bottom.
    pub fn upright<R: Row>(row: &R) -> Self {
        Self { upright: true, ..Self::of_rows(std::slice::from_ref(row)) }
    }

    /// The same with lines above it.
    #[must_use]
    pub fn under(mut self, lines: Vec<String>) -> Self {
        self.lines = lines;
        self
    }

    /// The same without the column of this field.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        if let Some(place) = self.columns.iter().position(|column| column.field == field) {
            self.columns.remove(place);
            self.rows.iter_mut().for_each(|row| drop(row.remove(place)));
        }
        self
    }

    /// Rows that there are behind the last one here.
    pub fn left_out(&self) -> u64 {
        self.total.saturating_sub(self.offset).saturating_sub(self.rows.len() as u64)
    }
}

/// The answer to a question: JSON is its serialized form.
pub trait Report: Serialize + JsonSchema {
    /// The parts of the report, in the order in which a person reads them.
    fn sections(&self) -> Vec<Section>;

    /// The one table that spreadsheets get.
    fn csv(&self) -> Section {
        self.sections().into_iter().find(|section| !section.columns.is_empty()).unwrap_or_default()
    }
}

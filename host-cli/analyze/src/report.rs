//! What commands hand to the renderer.

use serde::Serialize;

/// A result: JSON is its serialized form.
pub trait Report: Serialize {
    /// The parts of the report, in the order in which a person reads them.
    fn sections(&self) -> Vec<Section>;

    /// The one table that spreadsheets get.
    fn csv(&self) -> Section {
        self.sections().into_iter().next().unwrap_or_default()
    }
}

/// A table with the lines above it.
#[derive(Debug, Default)]
pub struct Section {
    /// Lines for people, above the table.
    pub lines: Vec<String>,
    /// Heads of the columns. Without any there is no table.
    pub columns: Vec<Column>,
    /// One cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// Rows that were left out.
    pub left_out: usize,
}

/// A column's head.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// For people.
    pub title: &'static str,
    /// For programs: the name of the field in JSON.
    pub field: &'static str,
    /// Numbers stand at the right.
    pub right: bool,
}

impl Column {
    /// A column of texts.
    pub const fn text(title: &'static str, field: &'static str) -> Self {
        Self { title, field, right: false }
    }

    /// A column of numbers.
    pub const fn number(title: &'static str, field: &'static str) -> Self {
        Self { title, field, right: true }
    }
}

/// A value with what it means: the renderer knows how to write it.
#[derive(Clone, Debug)]
pub enum Cell {
    /// A text.
    Text(String),
    /// A number of things.
    Count(u64),
    /// A size in bytes.
    Bytes(u64),
    /// Yes or no.
    Flag(bool),
    /// Unknown or not applicable.
    Nothing,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

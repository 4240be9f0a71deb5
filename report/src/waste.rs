//! `waste`: memory that could be saved.

use crate::mention::Mention;
use crate::table::{Report, Section, columns};
use schemars::JsonSchema;
use serde::Serialize;

/// Waste of one kind in objects of one type.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WasteRow {
    /// The kind of waste.
    pub waste: String,
    /// Full name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The attribute whose values they are, such as `app.Order.items`; none for what stands elsewhere.
    pub held_as: Option<String>,
    /// Objects that could go, or be smaller.
    pub objects: u64,
    /// Bytes that could be saved.
    pub bytes: u64,
    /// These as a part of the heap, from 0 to 1.
    pub share: f64,
    /// The object where most could be saved.
    pub example: Mention,
    /// What would save them.
    pub change: String,
}

columns! { WasteRow {
    "waste" "waste" Text = |row| &row.waste;
    "type" "type" Text = |row| &row.type_name;
    "held as" "held_as" Text = |row| row.held_as.clone().unwrap_or_default();
    "objects" "objects" Count = |row| row.objects;
    "bytes" "bytes" Bytes = |row| row.bytes;
    "share" "share" Ratio = |row| row.share;
    "change" "change" Text = |row| &row.change;
    "example" "example" Address = |row| row.example.address.clone();
    "value" "repr" Text = |row| &row.example.repr;
} }

/// Waste, the most bytes first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Waste {
    /// Allocated bytes of all objects.
    pub total_allocated_size: u64,
    /// Rows in all.
    pub rows_total: u64,
    /// Rows left out before the first.
    pub offset: u64,
    /// The rows.
    pub rows: Vec<WasteRow>,
}

impl Report for Waste {
    fn sections(&self) -> Vec<Section> {
        let line = "Memory that could be saved; rows may count the same bytes.";
        vec![Section::of_part(&self.rows, self.rows_total, self.offset).under(vec![line.into()])]
    }
}

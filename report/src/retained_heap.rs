//! `retained-heap`: the objects that retain most, and what threads retain.

use crate::mention::Mention;
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// An object with its sizes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LargeObject {
    /// The object.
    #[serde(flatten)]
    pub object: Mention,
    /// Bytes.
    pub retained_size: u64,
    /// The retained size as a part of the heap, from 0 to 1.
    pub share: f64,
    /// Bytes.
    pub allocated_size: u64,
    /// Bytes.
    pub shallow_size: u64,
}

columns! { LargeObject {
    "address" "address" Address = |row| row.object.address.clone();
    "type" "type" Text = |row| row.object.type_name.clone();
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "share" "share" Ratio = |row| row.share;
    "allocated" "allocated_size" Bytes = |row| row.allocated_size;
    "shallow" "shallow_size" Bytes = |row| row.shallow_size;
    "value" "repr" Text = |row| &row.object.repr;
} }

/// A thread, and what would be freed if its stack went.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ThreadSize {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub retained_size: u64,
    /// The retained size as a part of the heap, from 0 to 1.
    pub share: f64,
}

columns! { ThreadSize {
    "thread" "name" Text = |row| &row.name;
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "share" "share" Ratio = |row| row.share;
} }

/// The objects and threads that retain most.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RetainedHeap {
    /// Allocated bytes of all objects.
    pub total_allocated_size: u64,
    /// Objects of the dump.
    pub objects_total: u64,
    /// Objects left out before the first.
    pub offset: u64,
    /// The objects, the largest first.
    pub objects: Vec<LargeObject>,
    /// All threads, the largest first.
    pub threads: Vec<ThreadSize>,
}

impl Report for RetainedHeap {
    fn sections(&self) -> Vec<Section> {
        let threads = Section::of_rows(&self.threads);
        let total = format!("Total: {} allocated", units::bytes(self.total_allocated_size));
        vec![
            Section::of_part(&self.objects, self.objects_total, self.offset),
            threads.under(vec!["Retained by a thread's stack alone:".into()]),
            Section::of_lines(vec![total]),
        ]
    }
}

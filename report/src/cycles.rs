//! `cycles`: reference cycles, and garbage that waits for a collection.

use crate::mention::{Mention, TypeCount};
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// A strongly connected component of the heap.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Cycle {
    /// Number of members.
    pub objects: u64,
    /// Their allocated sizes, bytes.
    pub allocated_size: u64,
    /// Nothing holds it: it waits for a collection.
    pub garbage: bool,
    /// The most frequent types of its members.
    pub types: Vec<TypeCount>,
    /// What keeps it alive: the path to a member that leads through no other.
    pub path: String,
    /// The member at the end of the path.
    pub example: Mention,
}

columns! { Cycle {
    "objects" "objects" Count = |row| row.objects;
    "allocated" "allocated_size" Bytes = |row| row.allocated_size;
    "garbage" "garbage" Flag = |row| row.garbage;
    "types" "types" Text = |row| row.type_text();
    "path" "path" Text = |row| &row.path;
} }

impl Cycle {
    fn type_text(&self) -> String {
        let types = self.types.iter().map(|of| format!("{} {}", units::count(of.count), of.type_name));
        types.collect::<Vec<_>>().join(", ")
    }
}

/// Reference cycles, the largest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Cycles {
    /// Number of cycles.
    pub cycles: u64,
    /// Objects that are in one.
    pub objects_in_cycles: u64,
    /// Objects that nothing holds.
    pub garbage_objects: u64,
    /// Their allocated sizes, bytes.
    pub garbage_size: u64,
    /// Cycles left out before the first row.
    pub offset: u64,
    /// The cycles.
    pub rows: Vec<Cycle>,
}

impl Report for Cycles {
    fn sections(&self) -> Vec<Section> {
        let line = format!(
            "{} with {}; garbage waiting for a collection: {}, {}",
            units::counted(self.cycles, "cycle"),
            units::counted(self.objects_in_cycles, "object"),
            units::counted(self.garbage_objects, "object"),
            units::bytes(self.garbage_size)
        );
        vec![Section::of_part(&self.rows, self.cycles, self.offset).under(vec![line])]
    }
}

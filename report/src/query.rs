//! `query`: the objects for which an expression holds.

use crate::mention::Mention;
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// An object that was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Match {
    /// The object.
    #[serde(flatten)]
    pub object: Mention,
    /// Bytes.
    pub retained_size: u64,
    /// Bytes.
    pub allocated_size: u64,
    /// Bytes.
    pub shallow_size: u64,
    /// Items, where it has a length.
    pub length: Option<u64>,
    /// Its reference count.
    pub refcount: u64,
}

columns! { Match {
    "address" "address" Address = |row| row.object.address.clone();
    "type" "type" Text = |row| row.object.type_name.clone();
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "allocated" "allocated_size" Bytes = |row| row.allocated_size;
    "shallow" "shallow_size" Bytes = |row| row.shallow_size;
    "length" "length" Count = |row| row.length;
    "references" "refcount" Count = |row| row.refcount;
    "value" "repr" Text = |row| &row.object.repr;
} }

/// The objects for which an expression holds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Query {
    /// Number of objects found.
    pub count: u64,
    /// Their allocated sizes, bytes.
    pub allocated_size: u64,
    /// Their shallow sizes, bytes.
    pub shallow_size: u64,
    /// Objects for which the expression has no value.
    pub failed: u64,
    /// Why, for the first of them.
    pub first_failure: Option<String>,
    /// Objects left out before the first.
    pub offset: u64,
    /// Those that retain most first.
    pub objects: Vec<Match>,
}

impl Report for Query {
    fn sections(&self) -> Vec<Section> {
        let mut lines = vec![format!(
            "{}, {} shallow, {} allocated",
            units::counted(self.count, "object"),
            units::bytes(self.shallow_size),
            units::bytes(self.allocated_size)
        )];
        if let Some(failure) = &self.first_failure {
            lines.push(format!("No answer for {}: {failure}", units::counted(self.failed, "object")));
        }
        vec![Section::of_part(&self.objects, self.count, self.offset).under(lines)]
    }
}

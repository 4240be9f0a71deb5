//! `paths`: what holds an object, or all instances of a type.

use crate::mention::Mention;
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// A path from a root to the object.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Path {
    /// As a Python programmer would write it.
    pub path: String,
    /// Number of steps.
    pub length: u64,
    /// The objects along it, the one asked for last.
    pub objects: Vec<Mention>,
}

columns! { Path {
    "path" "path" Text = |row| &row.path;
    "length" "length" Count = |row| row.length;
} }

/// Paths to one object, the shortest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Paths {
    /// The object.
    pub object: Mention,
    /// Bytes that it retains.
    pub retained_size: u64,
    /// Paths in all: one through each of its referrers.
    pub paths_total: u64,
    /// Paths left out before the first.
    pub offset: u64,
    /// The paths.
    pub paths: Vec<Path>,
}

impl Report for Paths {
    fn sections(&self) -> Vec<Section> {
        // No table: a path is shown whole, however long it is.
        let head = format!("{} retained; held by:", units::bytes(self.retained_size));
        let paths = self.paths.iter().map(|path| path.path.clone());
        let lines = [self.object.repr.clone(), head].into_iter().chain(paths).collect();
        let mut section = Section::of_lines(lines);
        section.total = self.paths_total.saturating_sub(self.paths.len() as u64);
        section.offset = self.offset;
        vec![section]
    }

    fn csv(&self) -> Section {
        Section::of_part(&self.paths, self.paths_total, self.offset)
    }
}

/// Paths that differ in indices and keys only.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MergedPath {
    /// With `[…]` for every index and key.
    pub path: String,
    /// Objects that such paths lead to.
    pub count: u64,
    /// Bytes that these retain; what one of them holds of another counts for both.
    pub retained_size: u64,
}

columns! { MergedPath {
    "count" "count" Count = |row| row.count;
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "path" "path" Text = |row| &row.path;
} }

/// The shortest paths to all instances of a type, merged.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MergedPaths {
    /// Full name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its instances.
    pub count: u64,
    /// Merged paths in all.
    pub paths_total: u64,
    /// Paths left out before the first.
    pub offset: u64,
    /// The paths, those to most objects first.
    pub paths: Vec<MergedPath>,
}

impl Report for MergedPaths {
    fn sections(&self) -> Vec<Section> {
        let line = format!("{} of type {}", units::counted(self.count, "object"), self.type_name);
        vec![Section::of_part(&self.paths, self.paths_total, self.offset).under(vec![line])]
    }
}

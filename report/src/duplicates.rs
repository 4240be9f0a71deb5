//! Texts and bytes that are there more than once.

use crate::mention::Mention;
use schemars::JsonSchema;
use serde::Serialize;

/// Objects of one type and of equal content.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Duplicate {
    /// Number of objects.
    pub copies: u64,
    /// Bytes that they keep from the allocator together.
    pub allocated_size: u64,
    /// Bytes that would be saved if there were one of them only.
    pub wasted: u64,
    /// Items of each.
    pub length: u64,
    /// One of them.
    pub example: Mention,
    /// What every path to any of them leads through; null where nothing does.
    pub holder: Option<String>,
}

/// Equal content, what wastes most first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Duplicates {
    /// Groups of equal objects in all.
    pub groups_total: u64,
    /// Objects that could go.
    pub objects: u64,
    /// Bytes that would be saved.
    pub wasted: u64,
    /// Groups left out before the first.
    pub offset: u64,
    /// The groups.
    pub groups: Vec<Duplicate>,
}

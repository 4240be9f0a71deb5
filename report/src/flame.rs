//! The dominator tree as a graph of blocks: each as wide as what it retains.

use schemars::JsonSchema;
use serde::Serialize;

/// What a block stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// One object.
    Object,
    /// A thread, the root, garbage, what CPython itself holds.
    Holder,
    /// All objects of one type below the same block.
    Type,
    /// What is left out: too small to be shown.
    Rest,
}

/// A block.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Block {
    /// Level below the first block.
    pub depth: u64,
    /// What it stands for.
    pub kind: BlockKind,
    /// What it is called.
    pub name: String,
    /// Full name of the type, where it stands for objects of one.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// The object, where it is one.
    pub address: Option<String>,
    /// Objects that it stands for.
    pub count: u64,
    /// Bytes that they retain.
    pub retained_size: u64,
}

/// Blocks in preorder; the largest comes first among siblings, what is left out last. What a block has more than those
/// below it are the bytes of its objects themselves, and what lies deeper than was asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Flame {
    /// Allocated bytes of all objects.
    pub total_allocated_size: u64,
    /// Blocks that retain less are left out, bytes.
    pub least: u64,
    /// The blocks.
    pub blocks: Vec<Block>,
}

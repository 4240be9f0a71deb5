//! Parts of what is told of one object, each a question of its own: an object may have millions of referrers.

use crate::mention::Mention;
use schemars::JsonSchema;
use serde::Serialize;

/// A step of the path to an object: the texts of all steps, one after the other, are the path.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HeldStep {
    /// What it adds to the path.
    pub text: String,
    /// The object that it leads to; null where it stands for the middle of a long path.
    pub address: Option<String>,
    /// Every path to the object leads through this one.
    pub dominator: bool,
    /// Bytes that it retains.
    pub retained_size: u64,
}

/// What an object is, without its lists.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ObjectHead {
    /// In the target's address space, hexadecimal.
    pub address: String,
    /// Full name of its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Address of its type, where that is in the dump.
    pub type_address: Option<String>,
    /// Full name of the type that it is itself, if it is one.
    pub is_type: Option<String>,
    /// What `sys.getsizeof` answers, bytes.
    pub shallow_size: u64,
    /// Bytes kept from the allocator.
    pub allocated_size: u64,
    /// Bytes that would be freed if it went.
    pub retained_size: u64,
    /// The retained size as a part of the heap, from 0 to 1.
    pub share: f64,
    /// Its reference count.
    pub refcount: u64,
    /// Items, where it has a length.
    pub length: Option<u64>,
    /// Tracked by the garbage collector.
    pub tracked: bool,
    /// Its memory could not be read.
    pub unreadable: bool,
    /// Only native code knows what it refers to.
    pub opaque: bool,
    /// Its sizes are estimated.
    pub estimated: bool,
    /// Its reference count never changes.
    pub immortal: bool,
    /// Part of a library, not allocated.
    #[serde(rename = "static")]
    pub is_static: bool,
    /// As `repr` would write it; of long texts the first 4,000 characters.
    pub repr: String,
    /// The shortest path to it.
    pub path: Vec<HeldStep>,
    /// Its elements: those of a sequence or set, the values of a dict.
    pub elements_total: u64,
    /// What it refers to, its type too.
    pub referents_total: u64,
    /// Objects that refer to it.
    pub referrers_total: u64,
    /// Objects that it dominates immediately.
    pub dominated_total: u64,
}

/// What an object contains, as far as the dump holds it, piece by piece.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ObjectText {
    /// Characters of the whole text.
    pub total: u64,
    /// Characters left out before the first.
    pub offset: u64,
    /// As `repr` would write it.
    pub text: String,
}

/// Which edges of an object are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Elements, members, values of keys.
    Elements,
    /// All that it refers to, its type first.
    Referents,
    /// What refers to it.
    Referrers,
    /// What it dominates immediately, the largest first.
    Dominated,
}

/// An edge of an object, with what is at its other end.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Link {
    /// What the one that refers calls the other; null where nothing refers directly.
    pub name: Option<String>,
    /// Whether it owns a reference.
    pub owned: bool,
    /// What is at the other end.
    #[serde(flatten)]
    pub value: Mention,
    /// Bytes that would be freed if that went.
    pub retained_size: u64,
    /// Bytes that it keeps from the allocator.
    pub allocated_size: u64,
}

/// A part of the edges of an object.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Links {
    /// Edges in all; with referrers, objects that have some.
    pub total: u64,
    /// Of these, so many were left out before the first.
    pub offset: u64,
    /// Sorted by retained size, the largest first; otherwise in the dump's order.
    pub sorted: bool,
    /// The edges.
    pub links: Vec<Link>,
}

/// The attributes of an object, found where Python looks for them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Attributes {
    /// Attributes in all.
    pub total: u64,
    /// Those that the object has itself, not its classes.
    pub own_total: u64,
    /// Attributes left out before the first.
    pub offset: u64,
    /// Its own attributes, then those of its classes.
    pub attributes: Vec<AttributeSize>,
}

/// An attribute with what its value retains.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AttributeSize {
    /// Name, defining class and value.
    #[serde(flatten)]
    pub attribute: crate::Attribute,
    /// Bytes that would be freed if the value went.
    pub retained_size: u64,
}

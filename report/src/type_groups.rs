//! Types with what holds all of their instances.

use schemars::JsonSchema;
use serde::Serialize;

/// The objects of a type.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TypeGroup {
    /// Full name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Module that defines it.
    pub module: String,
    /// Number of objects.
    pub count: u64,
    /// Sum of what `sys.getsizeof` answers, bytes.
    pub shallow_size: u64,
    /// Bytes kept from the allocator.
    pub allocated_size: u64,
    /// Allocated bytes that would be freed if all of them went.
    pub retained_size: u64,
    /// The retained size as a part of the heap, from 0 to 1.
    pub share: f64,
    /// What every path to any of them leads through; null where nothing does.
    pub holder: Option<String>,
    /// That object, where it is one.
    pub holder_address: Option<String>,
}

/// Types, a part of those that were asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TypeGroups {
    /// Types that were asked for and have objects.
    pub types_total: u64,
    /// Their objects.
    pub objects: u64,
    /// Bytes that these keep from the allocator.
    pub allocated_size: u64,
    /// Types left out before the first.
    pub offset: u64,
    /// The types.
    pub types: Vec<TypeGroup>,
}

//! Objects and types as other reports mention them.

use crate::table::columns;
use schemars::JsonSchema;
use serde::Serialize;

/// An object in one line.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Mention {
    /// Hexadecimal; null where the object is not in the dump.
    pub address: Option<String>,
    /// Full name of its type.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// As `repr` would write it, abridged.
    pub repr: String,
}

/// How many objects of a type there are among others.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TypeCount {
    /// Full name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Number of objects.
    pub count: u64,
}

/// What the objects of a type hold among others.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TypeSize {
    /// Full name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Number of objects.
    pub count: u64,
    /// Bytes that they retain.
    pub retained_size: u64,
}

columns! { Mention {
    "address" "address" Address = |row| row.address.clone();
    "type" "type" Text = |row| row.type_name.clone();
    "value" "repr" Text = |row| &row.repr;
} }

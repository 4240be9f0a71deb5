//! `types` and `modules`: objects and bytes by type, and by the module that defines the type.

use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// The objects of a type.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TypeRow {
    /// Full name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Number of objects.
    pub count: u64,
    /// Sum of what `sys.getsizeof` answers, bytes.
    pub shallow_size: u64,
    /// Bytes kept from the allocator.
    pub allocated_size: u64,
    /// Allocated bytes that would be freed if all instances went; only where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retained_size: Option<u64>,
    /// The retained size as a part of the heap, from 0 to 1; only where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

columns! { TypeRow {
    "type" "type" Text = |row| &row.type_name;
    "count" "count" Count = |row| row.count;
    "shallow" "shallow_size" Bytes = |row| row.shallow_size;
    "allocated" "allocated_size" Bytes = |row| row.allocated_size;
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "share" "share" Ratio = |row| row.share;
} }

/// Objects and bytes by type.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Types {
    /// Objects of all types.
    pub objects: u64,
    /// Their shallow sizes, bytes.
    pub shallow_size: u64,
    /// Their allocated sizes, bytes.
    pub allocated_size: u64,
    /// Types that have objects.
    pub types_total: u64,
    /// Types left out before the first.
    pub offset: u64,
    /// The types.
    pub types: Vec<TypeRow>,
    /// Retained sizes were asked for.
    #[serde(skip)]
    pub with_retained: bool,
}

/// What the rows of a table by type or module are.
const RETAINED: &str = "Retained: what would be freed if all instances of the row went; rows overlap.";

impl Report for Types {
    fn sections(&self) -> Vec<Section> {
        let mut lines = vec![format!(
            "{}, {} shallow, {} allocated",
            units::counted(self.objects, "object"),
            units::bytes(self.shallow_size),
            units::bytes(self.allocated_size)
        )];
        let rows = Section::of_part(&self.types, self.types_total, self.offset);
        if self.with_retained {
            lines.push(RETAINED.into());
            return vec![rows.under(lines)];
        }
        vec![rows.without("retained_size").without("share").under(lines)]
    }
}

/// The objects of the types that a module defines.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ModuleRow {
    /// Name of the module.
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
}

columns! { ModuleRow {
    "module" "module" Text = |row| &row.module;
    "count" "count" Count = |row| row.count;
    "shallow" "shallow_size" Bytes = |row| row.shallow_size;
    "allocated" "allocated_size" Bytes = |row| row.allocated_size;
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "share" "share" Ratio = |row| row.share;
} }

/// Objects and bytes by module.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Modules {
    /// Modules whose types have objects.
    pub modules_total: u64,
    /// Modules left out before the first.
    pub offset: u64,
    /// The modules.
    pub modules: Vec<ModuleRow>,
}

impl Report for Modules {
    fn sections(&self) -> Vec<Section> {
        let rows = Section::of_part(&self.modules, self.modules_total, self.offset);
        vec![rows.under(vec![RETAINED.into()])]
    }
}

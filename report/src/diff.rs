//! `diff`: growth between two dumps, and survivors in a third.

use crate::mention::Mention;
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// How the objects of a type or module changed, the newer dump against the older one.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Change {
    /// Name of the type or module.
    pub name: String,
    /// Change of the number of objects.
    pub count: i64,
    /// Change of the shallow size, bytes.
    pub shallow_size: i64,
    /// Change of the allocated size, bytes.
    pub allocated_size: i64,
}

columns! { Change {
    "name" "name" Text = |row| &row.name;
    "count" "count" CountChange = |row| row.count;
    "shallow" "shallow_size" BytesChange = |row| row.shallow_size;
    "allocated" "allocated_size" BytesChange = |row| row.allocated_size;
} }

/// How types and modules grew.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Diff {
    /// Both dumps are of the same process.
    pub same_process: bool,
    /// Types that changed.
    pub types_total: u64,
    /// Modules that changed.
    pub modules_total: u64,
    /// Rows left out before the first, in both lists.
    pub offset: u64,
    /// By type, what grew most first.
    pub types: Vec<Change>,
    /// By the module that defines the type.
    pub modules: Vec<Change>,
}

impl Report for Diff {
    fn sections(&self) -> Vec<Section> {
        let part = |title, rows, total| {
            let mut section = Section::of_part(rows, total, self.offset);
            if let Some(name) = section.columns.first_mut() {
                name.title = title;
            }
            section
        };
        let mut types = part("type", &self.types, self.types_total);
        if !self.same_process {
            types.lines.push("The dumps are of different processes.".into());
        }
        if self.types_total == 0 {
            types.lines.push("Nothing changed.".into());
        }
        vec![types, part("module", &self.modules, self.modules_total)]
    }
}

/// The objects of a type that survived.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Survivor {
    /// Full name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Number of objects.
    pub count: u64,
    /// Their allocated sizes, bytes.
    pub allocated_size: u64,
    /// Bytes that they retain in the newest dump.
    pub retained_size: u64,
    /// The one that retains most.
    pub largest: Mention,
    /// A path to that one.
    pub path: String,
}

columns! { Survivor {
    "type" "type" Text = |row| &row.type_name;
    "count" "count" Count = |row| row.count;
    "allocated" "allocated_size" Bytes = |row| row.allocated_size;
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "path to the largest" "path" Text = |row| &row.path;
} }

/// What was allocated between the first two dumps and is in the third: an estimate.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Survivors {
    /// Number of objects.
    pub objects: u64,
    /// Their allocated sizes, bytes.
    pub allocated_size: u64,
    /// Types that they are of.
    pub types_total: u64,
    /// Types left out before the first.
    pub offset: u64,
    /// By type, those that retain most first.
    pub types: Vec<Survivor>,
}

impl Report for Survivors {
    fn sections(&self) -> Vec<Section> {
        let lines = vec![
            format!(
                "About {} ({}) were allocated between the first two dumps and are still there.",
                units::counted(self.objects, "object"),
                units::bytes(self.allocated_size)
            ),
            "An estimate: address, type and content agree; memory that was reused in the same way counts too.".into(),
        ];
        vec![Section::of_part(&self.types, self.types_total, self.offset).under(lines)]
    }
}

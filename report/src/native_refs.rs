//! `native-refs`: objects that native code holds, by type.

use crate::mention::Mention;
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// Objects of a type whose reference counts do not agree with the known references.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NativeType {
    /// Full name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Number of objects.
    pub objects: u64,
    /// References that are counted but not known, or known but not counted.
    pub references: u64,
    /// CPython itself keeps unseen references to such objects: they are no roots.
    pub expected: bool,
    /// The objects that retain most.
    pub examples: Vec<Mention>,
}

columns! { NativeType {
    "type" "type" Text = |row| &row.type_name;
    "objects" "objects" Count = |row| row.objects;
    "references" "references" Count = |row| row.references;
    "expected" "expected" Flag = |row| row.expected;
    "examples" "examples" Text = |row| row.example_text();
} }

impl NativeType {
    fn example_text(&self) -> String {
        self.examples.iter().map(|example| example.repr.as_str()).collect::<Vec<_>>().join("  ")
    }
}

/// Reference counts against the references that are known.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NativeRefs {
    /// Objects of the dump.
    pub objects: u64,
    /// Objects that are roots because native code holds them.
    pub roots: u64,
    /// Types of objects with more references than are known.
    pub types_total: u64,
    /// Types left out before the first.
    pub offset: u64,
    /// The types, the most references first.
    pub types: Vec<NativeType>,
    /// More references are known than counted: the dump, or what pyheap knows, is wrong there.
    pub negative: Vec<NativeType>,
}

impl Report for NativeRefs {
    fn sections(&self) -> Vec<Section> {
        let lines = vec![
            format!(
                "{} of {} ({}) are roots because native code holds references to them.",
                units::count(self.roots),
                units::counted(self.objects, "object"),
                units::percent(units::ratio(self.roots, self.objects))
            ),
            "Expected: CPython itself holds such objects where no dump shows it; that alone makes them no roots.".into(),
        ];
        let mut sections = vec![Section::of_part(&self.types, self.types_total, self.offset).under(lines)];
        if !self.negative.is_empty() {
            let line = "More references are known than counted, which should not be:";
            sections.push(Section::of_rows(&self.negative).without("expected").under(vec![line.into()]));
        }
        sections
    }
}

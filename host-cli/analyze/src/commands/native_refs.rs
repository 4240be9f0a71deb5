//! `native-refs`: objects that native code holds, by type.

use super::Mention;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::{Analysis, Deficit, Node};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Place of the column that says whether references are expected.
const EXPECTED: usize = 3;

/// Examples of a type.
const EXAMPLES: usize = 5;

#[derive(Debug, Serialize)]
struct Row {
    #[serde(rename = "type")]
    type_name: String,
    objects: u64,
    references: u64,
    /// CPython itself keeps unseen references to such objects: they are no roots.
    expected: bool,
    examples: Vec<Mention>,
}

/// Reference counts against the references that are known.
#[derive(Debug, Serialize)]
pub struct NativeRefs {
    objects: u64,
    roots: u64,
    types: Vec<Row>,
    /// More references are known than counted: the dump, or this program's knowledge, is wrong there.
    negative: Vec<Row>,
    #[serde(skip)]
    left_out: usize,
}

/// Objects with more references than are known, by type.
pub fn native_refs(analysis: &Analysis<'_>, limit: usize) -> NativeRefs {
    let (missing, surplus): (Vec<Deficit>, Vec<Deficit>) =
        analysis.deficits.iter().partition(|deficit| deficit.missing > 0);
    let mut types = rows(analysis, &missing);
    let left_out = types.len().saturating_sub(limit);
    types.truncate(limit);
    NativeRefs {
        objects: u64::from(analysis.holders.objects()),
        roots: analysis.native.len() as u64,
        types,
        negative: rows(analysis, &surplus),
        left_out,
    }
}

fn rows(analysis: &Analysis<'_>, deficits: &[Deficit]) -> Vec<Row> {
    let mut by_type: BTreeMap<String, (u64, Vec<Node>)> = BTreeMap::new();
    for deficit in deficits {
        let name =
            analysis.objects.type_of(deficit.object).map(|class| class.full_name()).unwrap_or_default();
        let (references, objects) = by_type.entry(name).or_default();
        *references += deficit.missing.unsigned_abs();
        objects.push(deficit.object);
    }
    let mut rows: Vec<Row> = by_type
        .into_iter()
        .map(|(type_name, (references, mut objects))| {
            let count = objects.len() as u64;
            let is_root = |object: &Node| analysis.native.binary_search(object).is_ok();
            let expected = !objects.iter().any(is_root);
            let examples = analysis.largest_of(objects.drain(..), EXAMPLES);
            let examples = examples.into_iter().map(|object| Mention::line(analysis.dump, object)).collect();
            Row { type_name, objects: count, references, expected, examples }
        })
        .collect();
    rows.sort_by_key(|row| Reverse(row.references));
    rows
}

impl NativeRefs {
    fn section(rows: &[Row]) -> Section {
        let rows = rows.iter().map(|row| {
            let examples: Vec<&str> = row.examples.iter().map(|example| example.repr.as_str()).collect();
            vec![
                row.type_name.as_str().into(),
                Cell::Count(row.objects),
                Cell::Count(row.references),
                row.expected.into(),
                examples.join("  ").into(),
            ]
        });
        Section {
            columns: vec![
                Column::text("type", "type"),
                Column::number("objects", "objects"),
                Column::number("references", "references"),
                Column::text("expected", "expected"),
                Column::text("examples", "examples"),
            ],
            rows: rows.collect(),
            ..Section::default()
        }
    }
}

impl Report for NativeRefs {
    fn sections(&self) -> Vec<Section> {
        let mut missing = self.csv();
        missing.lines = vec![
            format!(
                "{} of {} objects ({}) are roots because native code holds references to them.",
                units::count(self.roots),
                units::count(self.objects),
                units::share(self.roots, self.objects)
            ),
            "Expected: CPython itself holds such objects unseen; they are no roots for that alone.".into(),
        ];
        let mut sections = vec![missing];
        if !self.negative.is_empty() {
            let mut negative = Self::section(&self.negative);
            negative.columns.remove(EXPECTED);
            negative.rows.iter_mut().for_each(|row| drop(row.remove(EXPECTED)));
            negative.lines = vec!["More references known than counted (should not be):".into()];
            sections.push(negative);
        }
        sections
    }

    fn csv(&self) -> Section {
        Section { left_out: self.left_out, ..Self::section(&self.types) }
    }
}

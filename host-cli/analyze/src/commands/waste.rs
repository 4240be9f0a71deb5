//! `waste`: bytes that the same content could do without.

use super::Mention;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::{Analysis, WasteKind};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Row {
    waste: &'static str,
    #[serde(rename = "type")]
    type_name: String,
    objects: u64,
    bytes: u64,
    example: Mention,
}

/// Waste, the most bytes first.
#[derive(Debug, Serialize)]
pub struct Waste {
    total_allocated_size: u64,
    rows: Vec<Row>,
    #[serde(skip)]
    left_out: usize,
}

/// What could be won.
pub fn waste(analysis: &Analysis<'_>, limit: usize) -> Waste {
    let mut found = analysis.waste();
    let left_out = found.len().saturating_sub(limit);
    found.truncate(limit);
    let rows = found.into_iter().map(|waste| Row {
        waste: match waste.kind {
            WasteKind::DuplicateText => "duplicate content",
            WasteKind::DuplicateTuple => "duplicate tuples",
            WasteKind::OverAllocated => "unused room",
            WasteKind::EmptyContainer => "empty containers",
            WasteKind::WithoutSlots => "no __slots__",
            WasteKind::BoxedNumber => "boxed numbers",
        },
        type_name: waste.type_name,
        objects: waste.objects,
        bytes: waste.bytes,
        example: Mention::line(analysis.dump, waste.example),
    });
    Waste { total_allocated_size: analysis.total(), rows: rows.collect(), left_out }
}

impl Report for Waste {
    fn sections(&self) -> Vec<Section> {
        let mut section = self.csv();
        section.lines = vec!["What could be won; rows may count the same bytes.".into()];
        vec![section]
    }

    fn csv(&self) -> Section {
        let rows = self.rows.iter().map(|row| {
            vec![
                row.waste.into(),
                row.type_name.as_str().into(),
                Cell::Count(row.objects),
                Cell::Bytes(row.bytes),
                units::share(row.bytes, self.total_allocated_size).into(),
                row.example.address.clone().into(),
                row.example.repr.as_str().into(),
            ]
        });
        Section {
            columns: vec![
                Column::text("waste", "waste"),
                Column::text("type", "type"),
                Column::number("objects", "objects"),
                Column::number("bytes", "bytes"),
                Column::number("share", "share"),
                Column::number("example", "example"),
                Column::text("value", "repr"),
            ],
            rows: rows.collect(),
            left_out: self.left_out,
            ..Section::default()
        }
    }
}

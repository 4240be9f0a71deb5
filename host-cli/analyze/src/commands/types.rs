//! `types`: objects and bytes by type.

use crate::options::TypeOrder;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_format::reader::Dump;
use pyheap_heap::{Total, TypeTotals};
use serde::Serialize;
use std::cmp::Reverse;

#[derive(Debug, Serialize)]
struct Row {
    #[serde(rename = "type")]
    name: String,
    count: u64,
    shallow_size: u64,
    allocated_size: u64,
}

/// Rows by type; JSON is the list of them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Types {
    rows: Vec<Row>,
    #[serde(skip)]
    left_out: usize,
    #[serde(skip)]
    all: Total,
}

/// Objects and bytes by type, `limit` rows at most.
pub fn types(dump: &Dump, order: TypeOrder, limit: usize) -> Types {
    let totals = TypeTotals::of(dump);
    let mut rows: Vec<Row> = totals
        .by_name(dump.types())
        .into_iter()
        .map(|(name, total)| Row {
            name,
            count: total.count,
            shallow_size: total.shallow,
            allocated_size: total.allocated,
        })
        .collect();
    // They come sorted by name: equal rows stay in that order.
    match order {
        TypeOrder::Allocated => rows.sort_by_key(|row| Reverse(row.allocated_size)),
        TypeOrder::Shallow => rows.sort_by_key(|row| Reverse(row.shallow_size)),
        TypeOrder::Count => rows.sort_by_key(|row| Reverse(row.count)),
        TypeOrder::Retained | TypeOrder::Type => {}
    }
    let left_out = rows.len().saturating_sub(limit);
    rows.truncate(limit);
    Types { rows, left_out, all: totals.all() }
}

impl Report for Types {
    fn sections(&self) -> Vec<Section> {
        let rows = self.rows.iter().map(|row| {
            vec![
                row.name.as_str().into(),
                Cell::Count(row.count),
                Cell::Bytes(row.shallow_size),
                Cell::Bytes(row.allocated_size),
            ]
        });
        vec![Section {
            lines: vec![format!(
                "{} objects, {} shallow, {} allocated",
                units::count(self.all.count),
                units::bytes(self.all.shallow),
                units::bytes(self.all.allocated)
            )],
            columns: vec![
                Column::text("type", "type"),
                Column::number("count", "count"),
                Column::number("shallow", "shallow_size"),
                Column::number("allocated", "allocated_size"),
            ],
            rows: rows.collect(),
            left_out: self.left_out,
        }]
    }
}

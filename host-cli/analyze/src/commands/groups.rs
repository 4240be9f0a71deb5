//! `types --sort retained` and `modules`: what the instances of each type, or of the types of each module, hold.

use crate::options::GroupOrder;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::{Analysis, GroupSizes};
use serde::Serialize;
use std::cmp::Reverse;

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    name: Name,
    count: u64,
    shallow_size: u64,
    allocated_size: u64,
    retained_size: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Type(String),
    Module(String),
}

/// Groups of objects; JSON is the list of them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Groups {
    rows: Vec<Row>,
    #[serde(skip)]
    left_out: usize,
    #[serde(skip)]
    total: u64,
    #[serde(skip)]
    column: Column,
}

/// By type.
pub fn types_retained(analysis: &Analysis<'_>, order: GroupOrder, limit: usize) -> Groups {
    let groups = analysis.by_name(|class| class.full_name());
    Groups::new(analysis, groups, Name::Type, Column::text("type", "type"), order, limit)
}

/// By the module that defines the type.
pub fn modules(analysis: &Analysis<'_>, order: GroupOrder, limit: usize) -> Groups {
    let groups = analysis.by_name(|class| match class.module.as_str() {
        "" => "builtins".to_owned(),
        module => module.to_owned(),
    });
    Groups::new(analysis, groups, Name::Module, Column::text("module", "module"), order, limit)
}

impl Groups {
    fn new(
        analysis: &Analysis<'_>,
        mut groups: Vec<(String, GroupSizes)>,
        name: fn(String) -> Name,
        column: Column,
        order: GroupOrder,
        limit: usize,
    ) -> Self {
        groups.retain(|(_, sizes)| sizes.total.count > 0);
        let left_out = groups.len().saturating_sub(limit);
        groups.sort_by(|(left_name, left), (right_name, right)| {
            let size = |sizes: &GroupSizes| match order {
                GroupOrder::Retained => sizes.retained,
                GroupOrder::Allocated => sizes.total.allocated,
                GroupOrder::Shallow => sizes.total.shallow,
                GroupOrder::Count => sizes.total.count,
            };
            (Reverse(size(left)), left_name).cmp(&(Reverse(size(right)), right_name))
        });
        groups.truncate(limit);
        let rows = groups.into_iter().map(|(group, sizes)| Row {
            name: name(group),
            count: sizes.total.count,
            shallow_size: sizes.total.shallow,
            allocated_size: sizes.total.allocated,
            retained_size: sizes.retained,
        });
        Self { rows: rows.collect(), left_out, total: analysis.total(), column }
    }
}

impl Report for Groups {
    fn sections(&self) -> Vec<Section> {
        let rows = self.rows.iter().map(|row| {
            let (Name::Type(name) | Name::Module(name)) = &row.name;
            vec![
                name.as_str().into(),
                Cell::Count(row.count),
                Cell::Bytes(row.shallow_size),
                Cell::Bytes(row.allocated_size),
                Cell::Bytes(row.retained_size),
                units::share(row.retained_size, self.total).into(),
            ]
        });
        vec![Section {
            lines: vec![
                "Retained: what would be freed if all instances of the row went; rows overlap.".into(),
            ],
            columns: vec![
                self.column,
                Column::number("count", "count"),
                Column::number("shallow", "shallow_size"),
                Column::number("allocated", "allocated_size"),
                Column::number("retained", "retained_size"),
                Column::number("share", "share"),
            ],
            rows: rows.collect(),
            left_out: self.left_out,
        }]
    }
}

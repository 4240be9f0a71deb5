//! `cycles`: strongly connected components, and garbage that waits for a collection.

use super::Mention;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::{Analysis, Node};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Types of members that a row tells.
const TYPES: usize = 3;

#[derive(Debug, Serialize)]
struct Row {
    objects: u64,
    allocated_size: u64,
    garbage: bool,
    types: Vec<String>,
    /// What keeps the cycle: the path to a member that leads through no other.
    path: String,
    example: Mention,
}

/// Cycles of references, the largest first.
#[derive(Debug, Serialize)]
pub struct Cycles {
    cycles: u64,
    objects_in_cycles: u64,
    garbage_objects: u64,
    garbage_size: u64,
    rows: Vec<Row>,
    #[serde(skip)]
    left_out: usize,
}

/// The `limit` largest cycles.
pub fn cycles(analysis: &Analysis<'_>, limit: usize) -> Cycles {
    let cycles = analysis.cycles();
    let size = |members: &[Node]| members.iter().map(|&node| analysis.objects.allocated(node)).sum::<u64>();
    let mut sized: Vec<(u64, &[Node])> = cycles.iter().map(|members| (size(members), members)).collect();
    sized.sort_by_key(|(size, members)| (Reverse(members.len()), Reverse(*size)));
    let left_out = sized.len().saturating_sub(limit);
    let paths = analysis.shortest_paths();
    let rows = sized.iter().take(limit).map(|&(size, members)| {
        let first = paths.entry(members).unwrap_or(members[0]);
        let is_garbage = analysis.tree.chain(members[0]).any(|node| node == analysis.holders.garbage());
        Row {
            objects: members.len() as u64,
            allocated_size: size,
            garbage: is_garbage,
            types: types(analysis, members),
            path: analysis.path_text(&paths.path(first)),
            example: Mention::line(analysis.dump, first),
        }
    });
    Cycles {
        cycles: cycles.len() as u64,
        objects_in_cycles: cycles.iter().map(|members| members.len() as u64).sum(),
        garbage_objects: analysis.garbage as u64,
        garbage_size: analysis.retained(analysis.holders.garbage()),
        rows: rows.collect(),
        left_out,
    }
}

/// The most frequent types, with their numbers.
fn types(analysis: &Analysis<'_>, members: &[Node]) -> Vec<String> {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for &member in members {
        if let Some(class) = analysis.objects.type_number(member) {
            *counts.entry(class).or_default() += 1;
        }
    }
    let mut counts: Vec<(u32, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|&(class, count)| (Reverse(count), class));
    let name = |class: u32| analysis.objects.types().get(class as usize).map(|class| class.full_name());
    let named = counts.into_iter().take(TYPES);
    named.map(|(class, count)| format!("{count} {}", name(class).unwrap_or_default())).collect()
}

impl Report for Cycles {
    fn sections(&self) -> Vec<Section> {
        let mut section = self.csv();
        section.lines = vec![format!(
            "{} cycles with {} objects; garbage waiting for a collection: {} objects, {}",
            units::count(self.cycles),
            units::count(self.objects_in_cycles),
            units::count(self.garbage_objects),
            units::bytes(self.garbage_size)
        )];
        vec![section]
    }

    fn csv(&self) -> Section {
        let rows = self.rows.iter().map(|row| {
            vec![
                Cell::Count(row.objects),
                Cell::Bytes(row.allocated_size),
                row.garbage.into(),
                row.types.join(", ").into(),
                row.path.as_str().into(),
            ]
        });
        Section {
            columns: vec![
                Column::number("objects", "objects"),
                Column::number("allocated", "allocated_size"),
                Column::text("garbage", "garbage"),
                Column::text("types", "types"),
                Column::text("held by", "path"),
            ],
            rows: rows.collect(),
            left_out: self.left_out,
            ..Section::default()
        }
    }
}

//! `diff`: growth between two dumps, and survivors in a third.

use super::Mention;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_format::reader::Dump;
use pyheap_heap::{Analysis, Growth, Node, growth, same_process, survivors};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
struct Change {
    name: String,
    count: i64,
    shallow_size: i64,
    allocated_size: i64,
}

/// How types and modules grew.
#[derive(Debug, Serialize)]
pub struct Diff {
    same_process: bool,
    types: Vec<Change>,
    modules: Vec<Change>,
    #[serde(skip)]
    left_out: [usize; 2],
}

/// Growth by type and by the module that defines the type.
pub fn diff(old: &Dump, new: &Dump, limit: usize) -> Diff {
    let (types, types_left_out) = changes(growth(old, new, |class| class.full_name()), limit);
    let (modules, modules_left_out) = changes(growth(old, new, |class| class.module.clone()), limit);
    Diff {
        same_process: same_process(old, new),
        types,
        modules,
        left_out: [types_left_out, modules_left_out],
    }
}

fn changes(growth: Vec<Growth>, limit: usize) -> (Vec<Change>, usize) {
    let difference = |old: u64, new: u64| new.wrapping_sub(old) as i64;
    let mut changes: Vec<Change> = growth
        .into_iter()
        .map(|group| Change {
            name: group.name,
            count: difference(group.old.count, group.new.count),
            shallow_size: difference(group.old.shallow, group.new.shallow),
            allocated_size: difference(group.old.allocated, group.new.allocated),
        })
        .collect();
    changes.sort_by_key(|change| (Reverse(change.allocated_size), Reverse(change.count)));
    let left_out = changes.len().saturating_sub(limit);
    changes.truncate(limit);
    (changes, left_out)
}

fn change_section(title: &'static str, changes: &[Change], left_out: usize) -> Section {
    let rows = changes.iter().map(|change| {
        vec![
            change.name.as_str().into(),
            format!("{:+}", change.count).into(),
            units::signed_bytes(change.shallow_size).into(),
            units::signed_bytes(change.allocated_size).into(),
        ]
    });
    Section {
        columns: vec![
            Column::text(title, title),
            Column::number("count", "count"),
            Column::number("shallow", "shallow_size"),
            Column::number("allocated", "allocated_size"),
        ],
        rows: rows.collect(),
        left_out,
        ..Section::default()
    }
}

impl Report for Diff {
    fn sections(&self) -> Vec<Section> {
        let mut types = change_section("type", &self.types, self.left_out[0]);
        if !self.same_process {
            types.lines.push("The dumps are of different processes.".into());
        }
        vec![types, change_section("module", &self.modules, self.left_out[1])]
    }

    fn csv(&self) -> Section {
        change_section("type", &self.types, 0)
    }
}

#[derive(Debug, Serialize)]
struct Survivor {
    #[serde(rename = "type")]
    type_name: String,
    count: u64,
    allocated_size: u64,
    retained_size: u64,
    largest: Mention,
    path: String,
}

/// What was allocated between the first two dumps and is in the third.
#[derive(Debug, Serialize)]
pub struct Survivors {
    objects: u64,
    allocated_size: u64,
    types: Vec<Survivor>,
    #[serde(skip)]
    left_out: usize,
}

/// Survivors by type, ranked by what the largest of each retains in the newest dump.
pub fn diff_three(old: &Dump, new: &Dump, newest: &Dump, limit: usize) -> anyhow::Result<Survivors> {
    if !same_process(old, new) || !same_process(new, newest) {
        anyhow::bail!(
            "the dumps are of different processes: objects cannot be recognised; compare two of them by type"
        );
    }
    let survivors = survivors(old, new, newest);
    let analysis = Analysis::new(newest);
    let size = |objects: &[Node]| objects.iter().map(|&node| analysis.objects.allocated(node)).sum::<u64>();
    let mut by_type: BTreeMap<u32, Vec<Node>> = BTreeMap::new();
    for &object in &survivors {
        by_type.entry(analysis.objects.type_number(object).unwrap_or_default()).or_default().push(object);
    }
    let survived: std::collections::HashSet<Node> = survivors.iter().copied().collect();
    let paths = analysis.shortest_paths();
    let mut types: Vec<Survivor> = by_type
        .into_values()
        .filter_map(|objects| {
            let largest = *analysis.largest_of(objects.iter().copied(), 1).first()?;
            // What another survivor holds counts for that one.
            let is_held =
                |node: Node| analysis.tree.idom(node).is_some_and(|above| survived.contains(&above));
            let own = objects.iter().filter(|&&node| !is_held(node));
            Some(Survivor {
                type_name: analysis.objects.type_of(largest)?.full_name(),
                count: objects.len() as u64,
                allocated_size: size(&objects),
                retained_size: own.map(|&node| analysis.retained(node)).sum(),
                largest: Mention::line(newest, largest),
                path: analysis.path_text(&paths.path(largest)),
            })
        })
        .collect();
    types.sort_by_key(|survivor| Reverse((survivor.retained_size, survivor.allocated_size)));
    let left_out = types.len().saturating_sub(limit);
    types.truncate(limit);
    Ok(Survivors { objects: survivors.len() as u64, allocated_size: size(&survivors), types, left_out })
}

impl Report for Survivors {
    fn sections(&self) -> Vec<Section> {
        let mut section = self.csv();
        section.lines = vec![
            format!(
                "About {} objects ({}) were allocated between the first two dumps and are still there.",
                units::count(self.objects),
                units::bytes(self.allocated_size)
            ),
            "An estimate: address, type and content agree; memory that was used again in the same way counts too."
                .into(),
        ];
        section.left_out = self.left_out;
        vec![section]
    }

    fn csv(&self) -> Section {
        let rows = self.types.iter().map(|survivor| {
            vec![
                survivor.type_name.as_str().into(),
                Cell::Count(survivor.count),
                Cell::Bytes(survivor.allocated_size),
                Cell::Bytes(survivor.retained_size),
                survivor.path.as_str().into(),
            ]
        });
        Section {
            columns: vec![
                Column::text("type", "type"),
                Column::number("count", "count"),
                Column::number("allocated", "allocated_size"),
                Column::number("retained", "retained_size"),
                Column::text("largest held by", "path"),
            ],
            rows: rows.collect(),
            ..Section::default()
        }
    }
}

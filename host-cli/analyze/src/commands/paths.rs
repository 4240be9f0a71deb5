//! `paths`: what holds an object, or all instances of a type.

use super::Mention;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use anyhow::{anyhow, bail};
use pyheap_format::reader::{Dump, Object};
use pyheap_heap::Analysis;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Path {
    path: String,
    length: u64,
    objects: Vec<Mention>,
}

/// Paths to one object, the shortest first.
#[derive(Debug, Serialize)]
pub struct Paths {
    object: Mention,
    retained_size: u64,
    paths: Vec<Path>,
    #[serde(skip)]
    left_out: usize,
}

/// The object at an address.
pub fn object_at(dump: &Dump, address: u64) -> anyhow::Result<Object> {
    dump.find(address).and_then(|number| dump.object(number)).ok_or_else(|| {
        anyhow!("no object of the dump is at {address:#x}: addresses are what `id()` answered in the process")
    })
}

/// For each referrer of the object the shortest path that leads through it, `limit` at most.
pub fn paths(analysis: &Analysis<'_>, address: u64, limit: usize) -> anyhow::Result<Paths> {
    let object = object_at(analysis.dump, address)?.number;
    let shortest = analysis.shortest_paths();
    let mut found = analysis.paths_through_referrers(&shortest, object);
    let left_out = found.len().saturating_sub(limit);
    found.truncate(limit);
    let paths = found.into_iter().map(|path| {
        let objects = path.iter().filter(|&&node| node < analysis.holders.objects());
        Path {
            path: analysis.path_text(&path),
            length: path.len() as u64 - 1,
            objects: objects.map(|&node| Mention::line(analysis.dump, node)).collect(),
        }
    });
    Ok(Paths {
        object: Mention::line(analysis.dump, object),
        retained_size: analysis.retained(object),
        paths: paths.collect(),
        left_out,
    })
}

impl Report for Paths {
    fn sections(&self) -> Vec<Section> {
        // No table: a path is shown whole, however long it is.
        let head = format!("{} retained; held by:", units::bytes(self.retained_size));
        let paths = self.paths.iter().map(|path| path.path.clone());
        let lines = [self.object.repr.clone(), head].into_iter().chain(paths).collect();
        vec![Section { lines, left_out: self.left_out, ..Section::default() }]
    }

    fn csv(&self) -> Section {
        Section {
            columns: vec![Column::text("path", "path"), Column::number("length", "length")],
            rows: self
                .paths
                .iter()
                .map(|path| vec![path.path.as_str().into(), Cell::Count(path.length)])
                .collect(),
            left_out: self.left_out,
            ..Section::default()
        }
    }
}

#[derive(Debug, Serialize)]
struct Branch {
    path: String,
    count: u64,
    retained_size: u64,
}

/// The paths to all instances of a type, with indices and keys left out, so that equal ones are one.
#[derive(Debug, Serialize)]
pub struct MergedPaths {
    #[serde(rename = "type")]
    type_name: String,
    count: u64,
    paths: Vec<Branch>,
    #[serde(skip)]
    left_out: usize,
}

/// Merges the shortest paths to all instances of a type.
pub fn merged_paths(analysis: &Analysis<'_>, type_name: &str, limit: usize) -> anyhow::Result<MergedPaths> {
    let instances = analysis.instances(|class| class.full_name() == type_name);
    if instances.is_empty() {
        bail!("no object of the dump is of type {type_name}: give it as `types` prints it");
    }
    let mut merged = analysis.merged_paths(&analysis.shortest_paths(), &instances);
    let left_out = merged.len().saturating_sub(limit);
    merged.truncate(limit);
    let paths = merged.into_iter().map(|merged| Branch {
        path: merged.path,
        count: merged.count,
        retained_size: merged.retained,
    });
    Ok(MergedPaths {
        type_name: type_name.into(),
        count: instances.len() as u64,
        paths: paths.collect(),
        left_out,
    })
}

impl Report for MergedPaths {
    fn sections(&self) -> Vec<Section> {
        let rows = self.paths.iter().map(|branch| {
            vec![Cell::Count(branch.count), Cell::Bytes(branch.retained_size), branch.path.as_str().into()]
        });
        vec![Section {
            lines: vec![format!("{} objects of type {}", units::count(self.count), self.type_name)],
            columns: vec![
                Column::number("count", "count"),
                Column::number("retained", "retained_size"),
                Column::text("path", "path"),
            ],
            rows: rows.collect(),
            left_out: self.left_out,
        }]
    }
}

//! Reference cycles, and garbage that waits for a collection.

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_heap::{Analysis, Node, ShortestPaths};
use pyheap_report::{Cycle, Cycles, TypeCount};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Types of members that a row tells.
const TYPES: usize = 3;

impl Engine {
    /// The cycles of owning references, the largest first.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn cycles(&self, page: Page, watch: Watch<'_>) -> Result<Cycles, AskError> {
        let analysis = &self.analysis(watch)?;
        let paths = self.shortest(analysis, watch)?;
        let found = self.indexes.cycles.get_or_init(|| found(analysis, paths));
        let rows = page.of(found).map(|cycle| Cycle {
            objects: cycle.objects,
            allocated_size: cycle.allocated,
            garbage: cycle.garbage,
            types: cycle.types.iter().map(|&(class, count)| type_count(analysis, class, count)).collect(),
            path: analysis.path_text(&paths.path(cycle.first)),
            example: line(&self.dump, cycle.first),
        });
        Ok(Cycles {
            cycles: found.len() as u64,
            objects_in_cycles: found.iter().map(|cycle| cycle.objects).sum(),
            garbage_objects: analysis.garbage as u64,
            garbage_size: analysis.retained(analysis.holders.garbage()),
            offset: page.start(),
            rows: rows.collect(),
        })
    }
}

/// A cycle without its members: one may have millions.
#[derive(Debug)]
pub(crate) struct FoundCycle {
    objects: u64,
    allocated: u64,
    garbage: bool,
    /// The most frequent types, with their numbers.
    types: Vec<(u32, u64)>,
    /// The member that is reached through no other.
    first: Node,
}

/// All cycles, the largest first.
fn found(analysis: &Analysis<'_>, paths: &ShortestPaths) -> Vec<FoundCycle> {
    let cycle = |members: &[Node]| {
        let first = paths.entry(members).or(members.first().copied())?;
        let mut dominators = analysis.tree.chain(first);
        Some(FoundCycle {
            objects: members.len() as u64,
            allocated: members.iter().map(|&node| analysis.objects.allocated(node)).sum(),
            garbage: dominators.any(|node| node == analysis.holders.garbage()),
            types: types(analysis, members),
            first,
        })
    };
    let mut found: Vec<FoundCycle> = analysis.cycles().iter().filter_map(cycle).collect();
    found.sort_by_key(|cycle| (Reverse(cycle.objects), Reverse(cycle.allocated)));
    found
}

/// The most frequent types, with their numbers.
fn types(analysis: &Analysis<'_>, members: &[Node]) -> Vec<(u32, u64)> {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for &member in members {
        if let Some(class) = analysis.objects.type_number(member) {
            *counts.entry(class).or_default() += 1;
        }
    }
    let mut counts: Vec<(u32, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|&(class, count)| (Reverse(count), class));
    counts.truncate(TYPES);
    counts
}

fn type_count(analysis: &Analysis<'_>, class: u32, count: u64) -> TypeCount {
    let class = analysis.objects.types().get(class as usize);
    TypeCount { type_name: class.map(|class| class.full_name()).unwrap_or_default(), count }
}

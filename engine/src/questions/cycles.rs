//! Reference cycles, and garbage that waits for a collection.

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_heap::{Analysis, Node};
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
        let sized = self.indexes.cycles.get_or_init(|| sized(analysis));
        let paths = self.shortest(analysis, watch)?;
        let rows = page.of(sized).map(|(size, members)| {
            let first = paths.entry(members).unwrap_or(members[0]);
            Cycle {
                objects: members.len() as u64,
                allocated_size: *size,
                garbage: analysis.tree.chain(members[0]).any(|node| node == analysis.holders.garbage()),
                types: types(analysis, members),
                path: analysis.path_text(&paths.path(first)),
                example: line(&self.dump, first),
            }
        });
        Ok(Cycles {
            cycles: sized.len() as u64,
            objects_in_cycles: sized.iter().map(|(_, members)| members.len() as u64).sum(),
            garbage_objects: analysis.garbage as u64,
            garbage_size: analysis.retained(analysis.holders.garbage()),
            offset: page.start(),
            rows: rows.collect(),
        })
    }
}

/// All cycles with the bytes of their members, the largest first.
fn sized(analysis: &Analysis<'_>) -> Vec<(u64, Vec<Node>)> {
    let size = |members: &[Node]| members.iter().map(|&node| analysis.objects.allocated(node)).sum::<u64>();
    let cycles = analysis.cycles();
    let mut sized: Vec<_> = cycles.iter().map(|members| (size(members), members.to_vec())).collect();
    sized.sort_by_key(|(size, members)| (Reverse(members.len()), Reverse(*size)));
    sized
}

/// The most frequent types, with their numbers.
fn types(analysis: &Analysis<'_>, members: &[Node]) -> Vec<TypeCount> {
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
    named.map(|(class, count)| TypeCount { type_name: name(class).unwrap_or_default(), count }).collect()
}

//! Growth between two dumps, and survivors in a third.

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_heap::{Growth, Node, growth, same_process, survivors};
use pyheap_report::{Change, Diff, Survivor, Survivors};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

impl Engine {
    /// How the heap grew since an older dump, by type and by the module that defines the type.
    pub fn diff(&self, older: &Engine, page: Page) -> Diff {
        let (old, new) = (older.dump(), self.dump());
        let types = changes(growth(old, new, |class| class.full_name()));
        let modules = changes(growth(old, new, |class| class.module.clone()));
        Diff {
            same_process: same_process(old, new),
            types_total: types.len() as u64,
            modules_total: modules.len() as u64,
            offset: page.start(),
            types: page.of(types).collect(),
            modules: page.of(modules).collect(),
        }
    }

    /// What was allocated after `old` and before `new`, two older dumps of the same process, and is still here; by
    /// type, ranked by what is retained now.
    ///
    /// # Errors
    /// The dumps are of different processes; the watch ends it.
    pub fn survivors(
        &self,
        old: &Engine,
        new: &Engine,
        page: Page,
        watch: Watch<'_>,
    ) -> Result<Survivors, AskError> {
        let (old, new, newest) = (old.dump(), new.dump(), self.dump());
        if !same_process(old, new) || !same_process(new, newest) {
            return Err(AskError::DifferentProcesses);
        }
        let survivors = survivors(old, new, newest);
        let analysis = &self.analysis(watch)?;
        let size =
            |objects: &[Node]| objects.iter().map(|&node| analysis.objects.allocated(node)).sum::<u64>();
        let mut by_type: BTreeMap<u32, Vec<Node>> = BTreeMap::new();
        for &object in &survivors {
            let class = analysis.objects.type_number(object).unwrap_or_default();
            by_type.entry(class).or_default().push(object);
        }
        let survived: HashSet<Node> = survivors.iter().copied().collect();
        let paths = self.shortest(analysis, watch)?;
        let row = |objects: Vec<Node>| {
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
                largest: line(newest, largest),
                path: analysis.path_text(&paths.path(largest)),
            })
        };
        let mut types: Vec<Survivor> = by_type.into_values().filter_map(row).collect();
        types.sort_by_key(|survivor| Reverse((survivor.retained_size, survivor.allocated_size)));
        Ok(Survivors {
            objects: survivors.len() as u64,
            allocated_size: size(&survivors),
            types_total: types.len() as u64,
            offset: page.start(),
            types: page.of(types).collect(),
        })
    }
}

fn changes(growth: Vec<Growth>) -> Vec<Change> {
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
    changes
}

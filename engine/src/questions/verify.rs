//! Whether the dump, and what is computed from it, can be believed.

use crate::engine::Engine;
use crate::error::AskError;
use crate::watch::{Step, Watch, tell};
use pyheap_format::ObjectFlags;
use pyheap_format::header::ProcessMemory;
use pyheap_format::reader::Dump;
use pyheap_heap::{
    Analysis, DominatorTree, HeldGraph, Objects, Ownership, Phase, TypeTotals, lengauer_tarjan,
};
use pyheap_report::{Check, Verify, units};
use std::sync::Arc;

/// Objects that may have more references than they count, as a share: some extensions do not count all that they hold.
const SURPLUS: f64 = 0.001;

impl Engine {
    /// Checks the dump and the sums over it. Checksums are verified whenever a dump is opened; what failed is among
    /// its warnings. The analysis is computed anew: a kept one is not what is to be believed.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn verify(&self, watch: Watch<'_>) -> Result<Verify, AskError> {
        let dump = &self.dump;
        let totals = TypeTotals::of(dump).all();
        let mut checks = vec![records(dump)];
        if let Some(summary) = dump.summary() {
            let found = (u64::from(dump.object_count()), dump.edge_count(), totals.shallow, totals.allocated);
            let stated = (summary.objects, summary.edges, summary.shallow_size, summary.allocated_size);
            checks.push(check(
                "sums",
                found == stated,
                format!("objects, edges, shallow, allocated: {found:?}, stated {stated:?}"),
            ));
        }
        checks.extend(room(&dump.header().process, totals.allocated));
        let computed = Ownership::watched(dump, &mut |phase| tell(watch, Step::Analysing(phase)))?;
        let analysis = Analysis::with(dump, Arc::new(computed));
        let of_all = |size: u64| format!("{} of {}", units::bytes(size), units::bytes(totals.allocated));
        let total = analysis.total();
        checks.push(check("root retains everything", total == totals.allocated, of_all(total)));
        let children = analysis.tree.children();
        let top = children.targets(analysis.holders.root()).iter();
        let top = top.map(|&node| analysis.retained(node)).sum::<u64>();
        checks.push(check("top-level dominators add up", top == totals.allocated, of_all(top)));
        let counts = reference_counts(&analysis);
        drop((children, analysis));
        tell(watch, Step::Analysing(Phase::Dominators))?;
        checks.push(two_algorithms(dump));
        checks.push(counts);
        checks.push(estimated(dump, totals.allocated));
        Ok(Verify::from(checks))
    }
}

fn check(check: &str, passed: bool, detail: String) -> Check {
    Check { check: check.into(), passed, detail }
}

fn records(dump: &Dump) -> Check {
    let detail =
        if dump.complete() { "all there, checksums agree".to_owned() } else { dump.warnings().join("; ") };
    check("records", dump.complete(), detail)
}

/// Whether the objects had room in the process, where it is known how large that was. More than was resident or swapped
/// out can be: memory that was never written is neither. More than was mapped cannot.
fn room(process: &ProcessMemory, allocated: u64) -> Option<Check> {
    if process.rss == 0 {
        return None;
    }
    let present = process.rss.saturating_add(process.swap);
    let mapped = process.mappings.values().fold(0, |sum: u64, mapping| sum.saturating_add(mapping.size));
    let detail = format!(
        "{} allocated; resident and swapped {}, mapped {}",
        units::bytes(allocated),
        units::bytes(present),
        units::bytes(mapped)
    );
    Some(check("the objects had room in the process", allocated <= present.max(mapped), detail))
}

fn two_algorithms(dump: &Dump) -> Check {
    let objects = Objects::of(dump);
    let roots: Vec<_> = dump.roots().collect();
    let held = HeldGraph::new(dump, &objects, &roots);
    let second = lengauer_tarjan(&held.graph, &held.search);
    let first = DominatorTree::new(&held.referrers, held.search);
    let differing = (0..first.nodes() as u32).filter(|&node| first.idom(node) != second.idom(node)).count();
    let detail = format!("{} nodes, {differing} differ", units::count(first.nodes() as u64));
    check("two dominator algorithms agree", differing == 0, detail)
}

fn reference_counts(analysis: &Analysis<'_>) -> Check {
    let objects = analysis.objects.len();
    let negative = analysis.deficits.iter().filter(|deficit| deficit.missing < 0).count();
    let share = units::percent(units::ratio(negative as u64, objects as u64));
    let native = units::count(analysis.native.len() as u64);
    check(
        "reference counts cover the known references",
        negative as f64 <= SURPLUS * objects as f64,
        format!(
            "{} count fewer ({share}); {native} are held by native code",
            units::counted(negative as u64, "object")
        ),
    )
}

fn estimated(dump: &Dump, allocated: u64) -> Check {
    let rows = dump.object_chunks().flat_map(|chunk| chunk.flags().iter().zip(chunk.allocated().iter()));
    let is_estimated =
        |flags: u8| flags & ObjectFlags::ESTIMATED.0 != 0 && flags & ObjectFlags::STATIC.0 == 0;
    let estimated = rows.filter(|(flags, _)| is_estimated(**flags)).map(|(_, size)| size).sum::<u64>();
    let share = units::percent(units::ratio(estimated, allocated));
    check("share of estimated bytes", true, format!("{share} ({})", units::bytes(estimated)))
}

#[cfg(test)]
mod tests {
    use super::room;
    use pyheap_format::header::{MappingSum, ProcessMemory};

    #[test]
    fn objects_cannot_take_more_than_the_process_has() {
        let mapped = MappingSum { size: 1 << 30, ..MappingSum::default() };
        let mut process = ProcessMemory {
            rss: 15 << 20,
            swap: 5 << 20,
            mappings: [("anonymous".to_owned(), mapped)].into(),
            ..ProcessMemory::default()
        };
        let passes = |process: &ProcessMemory, allocated| room(process, allocated).map(|check| check.passed);
        assert_eq!(passes(&process, 1 << 30), Some(true), "memory that was never written");
        assert_eq!(passes(&process, (1 << 30) + 1), Some(false));
        assert_eq!(passes(&process, 1 << 63), Some(false));
        process.mappings.clear();
        assert_eq!(passes(&process, 20 << 20), Some(true));
        assert_eq!(passes(&process, (20 << 20) + 1), Some(false));
        assert_eq!(passes(&ProcessMemory::default(), 1 << 63), None, "an imported dump does not say");
    }
}

//! `verify`: whether the dump and this program's own sums can be believed.

use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_format::ObjectFlags;
use pyheap_format::header::ProcessMemory;
use pyheap_format::reader::Dump;
use pyheap_heap::{Analysis, DominatorTree, HeldGraph, TypeTotals, lengauer_tarjan};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    passed: bool,
    detail: String,
}

/// What was checked.
#[derive(Debug, Serialize)]
pub struct Verify {
    passed: bool,
    checks: Vec<Check>,
}

/// Checks a dump. Checksums are verified whenever one is opened; what failed is among its warnings.
pub fn verify(dump: &Dump) -> Verify {
    let mut checks = vec![Check {
        check: "records",
        passed: dump.complete(),
        detail: if dump.complete() {
            "all there, checksums agree".into()
        } else {
            dump.warnings().join("; ")
        },
    }];
    let totals = TypeTotals::of(dump).all();
    if let Some(summary) = dump.summary() {
        let found = (u64::from(dump.object_count()), dump.edge_count(), totals.shallow, totals.allocated);
        let stated = (summary.objects, summary.edges, summary.shallow_size, summary.allocated_size);
        checks.push(Check {
            check: "sums",
            passed: found == stated,
            detail: format!("objects, edges, shallow, allocated: {found:?}, stated {stated:?}"),
        });
    }
    checks.extend(room(&dump.header().process, totals.allocated));
    let analysis = Analysis::new(dump);
    checks.push(Check {
        check: "root retains everything",
        passed: analysis.total() == totals.allocated,
        detail: format!("{} of {}", units::bytes(analysis.total()), units::bytes(totals.allocated)),
    });
    let children = analysis.tree.children();
    let top =
        children.targets(analysis.holders.root()).iter().map(|&node| analysis.retained(node)).sum::<u64>();
    checks.push(Check {
        check: "top-level dominators add up",
        passed: top == totals.allocated,
        detail: format!("{} of {}", units::bytes(top), units::bytes(totals.allocated)),
    });
    let deficits = deficits(&analysis);
    drop((children, analysis));
    checks.push(two_algorithms(dump));
    checks.push(deficits);
    checks.push(estimated(dump, totals.allocated));
    Verify { passed: checks.iter().all(|check| check.passed), checks }
}

/// Whether the objects had room in the process, where it is known how large that was. More than was resident or swapped out can be: memory that
/// was never written is neither. More than was mapped cannot.
fn room(process: &ProcessMemory, allocated: u64) -> Option<Check> {
    if process.rss == 0 {
        return None;
    }
    let present = process.rss.saturating_add(process.swap);
    let mapped = process.mappings.values().fold(0, |sum: u64, mapping| sum.saturating_add(mapping.size));
    Some(Check {
        check: "the objects had room in the process",
        passed: allocated <= present.max(mapped),
        detail: format!(
            "{} allocated; resident and swapped {}, mapped {}",
            units::bytes(allocated),
            units::bytes(present),
            units::bytes(mapped)
        ),
    })
}

fn two_algorithms(dump: &Dump) -> Check {
    let objects = pyheap_heap::Objects::new(dump.object_chunks(), dump.types());
    let roots: Vec<_> = dump.roots().collect();
    let held = HeldGraph::new(dump, &objects, &roots);
    let second = lengauer_tarjan(&held.graph, &held.search);
    let first = DominatorTree::new(&held.referrers, held.search);
    let differing = (0..first.nodes() as u32).filter(|&node| first.idom(node) != second.idom(node)).count();
    Check {
        check: "two dominator algorithms agree",
        passed: differing == 0,
        detail: format!("{} nodes, {differing} differ", units::count(first.nodes() as u64)),
    }
}

/// Objects that may have more references than they count, as a share: some extensions do not count all that they hold.
const SURPLUS: f64 = 0.001;

fn deficits(analysis: &Analysis<'_>) -> Check {
    let objects = analysis.objects.len();
    let negative = analysis.deficits.iter().filter(|deficit| deficit.missing < 0).count();
    let (of, native) = (units::share(negative as u64, objects as u64), analysis.native.len());
    Check {
        check: "hardly an object has more references than it counts",
        passed: negative as f64 <= SURPLUS * objects as f64,
        detail: format!("{negative} have ({of}); {native} are held by native code"),
    }
}

fn estimated(dump: &Dump, allocated: u64) -> Check {
    let rows = dump.object_chunks().flat_map(|chunk| chunk.flags().iter().zip(chunk.allocated().iter()));
    let is_estimated =
        |flags: u8| flags & ObjectFlags::ESTIMATED.0 != 0 && flags & ObjectFlags::STATIC.0 == 0;
    let estimated = rows.filter(|(flags, _)| is_estimated(**flags)).map(|(_, size)| size).sum::<u64>();
    Check {
        check: "share of estimated bytes",
        passed: true,
        detail: format!("{} ({})", units::share(estimated, allocated), units::bytes(estimated)),
    }
}

impl Verify {
    /// Whether everything is as it should be.
    pub fn passed(&self) -> bool {
        self.passed
    }
}

impl Report for Verify {
    fn sections(&self) -> Vec<Section> {
        let rows = self.checks.iter().map(|check| {
            vec![
                Cell::from(if check.passed { "ok" } else { "FAILED" }),
                check.check.into(),
                check.detail.as_str().into(),
            ]
        });
        vec![Section {
            columns: vec![
                Column::text("", "passed"),
                Column::text("check", "check"),
                Column::text("", "detail"),
            ],
            rows: rows.collect(),
            ..Section::default()
        }]
    }
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

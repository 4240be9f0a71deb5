//! What a dump tells at a glance: memory, holders, threads, caveats.

use super::info::{Info, info};
use super::leaks;
use super::retained_heap::{Thread, threads};
use crate::report::{Report, Section};
use crate::units;
use pyheap_heap::Analysis;
use serde::Serialize;

/// Holders that are told.
const HOLDERS: usize = 5;

/// A holder of less than this share of the heap is not told, in percent.
const LEAST_SHARE: f64 = 0.5;

/// A summary.
#[derive(Debug, Serialize)]
pub struct Summary {
    info: Info,
    holders: Vec<leaks::Row>,
    usual_holders: Vec<leaks::Holder>,
    threads: Vec<Thread>,
    garbage_objects: u64,
    garbage_size: u64,
    native_roots: u64,
    caveats: Vec<String>,
}

/// The summary of a dump.
pub fn summary(analysis: &Analysis<'_>) -> Summary {
    let leaks = leaks::leaks(analysis, LEAST_SHARE, HOLDERS);
    let (holders, usual_holders) = leaks.into_parts();
    let info = info(analysis.dump);
    let garbage_size = analysis.retained(analysis.holders.garbage());
    let hidden_size = analysis.retained(analysis.holders.internals());
    let mut caveats = info.caveats();
    if analysis.garbage > 0 {
        caveats.push(format!(
            "{} objects ({}) are garbage that waits for a collection",
            units::count(analysis.garbage as u64),
            units::bytes(garbage_size)
        ));
    }
    if hidden_size > 0 {
        caveats
            .push(format!("{} are held by CPython itself where no dump shows it", units::bytes(hidden_size)));
    }
    Summary {
        info,
        holders,
        usual_holders,
        threads: threads(analysis),
        garbage_objects: analysis.garbage as u64,
        garbage_size,
        native_roots: analysis.native.len() as u64,
        caveats,
    }
}

impl Report for Summary {
    fn sections(&self) -> Vec<Section> {
        let section = |lines: Vec<String>| Section { lines, ..Section::default() };
        let mut holders = vec!["Where memory accumulates:".to_owned()];
        let numbered = self.holders.iter().enumerate();
        holders.extend(numbered.map(|(at, row)| format!("{}. {}.", at + 1, row.text())));
        holders.extend(self.usual_holders.iter().map(|holder| holder.text()));
        let threads = self.threads.iter().map(|thread| {
            format!("{}: {} held by its stack alone", thread.name(), units::bytes(thread.retained_size()))
        });
        let mut sections = vec![
            section(self.info.head()),
            section(holders),
            section(std::iter::once("Threads:".to_owned()).chain(threads).collect()),
        ];
        if !self.caveats.is_empty() {
            let caveats = self.caveats.iter().map(|caveat| format!("- {caveat}"));
            sections.push(section(std::iter::once("Mind that".to_owned()).chain(caveats).collect()));
        }
        sections
    }

    fn csv(&self) -> Section {
        leaks::section(&self.holders)
    }
}

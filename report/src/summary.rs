//! The summary of a dump: memory, suspects, threads, caveats.

use crate::info::Info;
use crate::leaks::{CauseRow, Leaks, Suspect};
use crate::retained_heap::ThreadSize;
use crate::table::{Report, Section};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// What a dump tells at a glance.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Where the dump comes from, and its totals.
    pub info: Info,
    /// Suspects in all.
    pub holders_total: u64,
    /// Where memory accumulates: the largest suspects.
    pub holders: Vec<Suspect>,
    /// Known causes that retain much.
    pub usual_holders: Vec<CauseRow>,
    /// All threads, the largest first.
    pub threads: Vec<ThreadSize>,
    /// Objects that nothing holds.
    pub garbage_objects: u64,
    /// Their allocated sizes, bytes.
    pub garbage_size: u64,
    /// Bytes that CPython itself holds where no dump shows it.
    pub hidden_size: u64,
    /// Objects that are roots because native code holds them.
    pub native_roots: u64,
    /// What limits how far the dump can be believed.
    pub caveats: Vec<String>,
}

impl Summary {
    /// The same with its caveats, made of its other fields.
    #[must_use]
    pub fn told(mut self) -> Self {
        self.caveats = self.info.caveats();
        if self.garbage_objects > 0 {
            let verb = if self.garbage_objects == 1 { "is" } else { "are" };
            self.caveats.push(format!(
                "{} ({}) {verb} garbage that waits for a collection",
                units::counted(self.garbage_objects, "object"),
                units::bytes(self.garbage_size)
            ));
        }
        if self.hidden_size > 0 {
            let size = units::bytes(self.hidden_size);
            self.caveats.push(format!("{size} are held by CPython itself where no dump shows it"));
        }
        self
    }

    fn leaks(&self) -> Leaks {
        Leaks {
            total_allocated_size: self.info.allocated_size,
            suspects_total: self.holders_total,
            offset: 0,
            suspects: self.holders.clone(),
            usual_holders: self.usual_holders.clone(),
        }
    }
}

fn headed(heading: &str, lines: impl IntoIterator<Item = String>) -> Section {
    Section::of_lines(std::iter::once(heading.to_owned()).chain(lines).collect())
}

impl Report for Summary {
    fn sections(&self) -> Vec<Section> {
        let mut holders = headed("Where memory accumulates:", self.leaks().sentences());
        let left_out = self.holders_total.saturating_sub(self.holders.len() as u64);
        if left_out > 0 {
            holders.lines.push(format!("{} of less memory: see `leaks`.", units::counted(left_out, "place")));
        }
        let threads = self.threads.iter().map(|thread| {
            format!("{}: {} retained by its stack alone", thread.name, units::bytes(thread.retained_size))
        });
        let mut sections = vec![Section::of_lines(self.info.head()), holders, headed("Threads:", threads)];
        if !self.caveats.is_empty() {
            sections.push(headed("Caveats:", self.caveats.iter().map(|caveat| format!("- {caveat}"))));
        }
        sections
    }

    fn csv(&self) -> Section {
        self.leaks().csv()
    }
}

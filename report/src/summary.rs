//! The summary of a dump: memory, suspects, threads, caveats.

use crate::info::Info;
use crate::leaks::{CauseRow, Suspect};
use crate::retained_heap::ThreadSize;
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// What a dump tells at a glance.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Where most of the process is, in a sentence.
    pub answer: String,
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

    /// The owners, the largest first, and what none of them holds.
    fn owners(&self) -> Section {
        let whole = self.info.process.rss.max(self.info.allocated_size);
        let row = |retained: u64, owner: String, keeps: String| Owner {
            retained,
            share: units::ratio(retained, whole),
            owner,
            keeps,
        };
        let suspect = |suspect: &Suspect| {
            let holder = suspect.holder.iter().map(|holder| format!("held through {holder}"));
            // What it holds may stand in rows of its own.
            let keeps = Some(suspect.keeps()).filter(|keeps| !keeps.is_empty());
            let words: Vec<String> = keeps.into_iter().chain(holder).collect();
            row(suspect.retained_size, suspect.owner(), words.join("; "))
        };
        let mut rows: Vec<Owner> = self.holders.iter().map(suspect).collect();
        let told = rows.iter().map(|row| row.retained).fold(0, u64::saturating_add);
        let places = self.holders_total.saturating_sub(self.holders.len() as u64);
        let others = match places {
            0 => "code, modules, and what is too small to be told".to_owned(),
            _ => format!("{} of less memory: see `leaks`; code, modules", units::counted(places, "place")),
        };
        rows.push(row(self.info.allocated_size.saturating_sub(told), "other Python objects".into(), others));
        let native = whole.saturating_sub(self.info.allocated_size);
        if native > 0 {
            rows.push(row(native, "what is no Python object".into(), "see the line above".into()));
        }
        Section::of_rows(&rows)
    }

    /// The largest threads, and how many there are besides.
    fn thread_lines(&self) -> Vec<String> {
        let thread = |thread: &ThreadSize| {
            format!("{}: {} retained by its stack alone", thread.name, units::bytes(thread.retained_size))
        };
        let mut lines: Vec<String> = self.threads.iter().take(THREADS).map(thread).collect();
        let more = self.threads.len().saturating_sub(THREADS) as u64;
        if more > 0 {
            lines.push(format!("… and {} more: see `threads`.", units::count(more)));
        }
        lines
    }
}

/// Threads that are told.
const THREADS: usize = 3;

/// A row of the table of owners.
struct Owner {
    retained: u64,
    share: f64,
    owner: String,
    keeps: String,
}

columns! { Owner {
    "retained" "retained_size" Bytes = |row| row.retained;
    "share" "share_of_process" Ratio = |row| row.share;
    "owner" "owner" Text = |row| &row.owner;
    "what it keeps" "content" Text = |row| &row.keeps;
} }

fn headed(heading: &str, lines: impl IntoIterator<Item = String>) -> Section {
    Section::of_lines(std::iter::once(heading.to_owned()).chain(lines).collect())
}

impl Report for Summary {
    fn sections(&self) -> Vec<Section> {
        let head = vec![self.answer.clone(), self.info.rss_line()];
        let mut sections = vec![Section::of_lines(head), self.owners()];
        if !self.usual_holders.is_empty() {
            sections.push(Section::of_lines(self.usual_holders.iter().map(CauseRow::sentence).collect()));
        }
        sections.push(Section::of_lines(self.info.head()));
        sections.push(headed("Threads:", self.thread_lines()));
        if !self.caveats.is_empty() {
            sections.push(headed("Caveats:", self.caveats.iter().map(|caveat| format!("- {caveat}"))));
        }
        sections
    }

    fn csv(&self) -> Section {
        Section::of_part(&self.holders, self.holders_total, 0)
    }
}

//! What a dump tells at a glance.

use super::retained_heap::threads;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_report::Summary;

/// Suspects that are told.
const SUSPECTS: usize = 5;

/// What holds less than this share of the process, in percent, is no suspect of a summary.
const LEAST_SHARE: f64 = 1.0;

impl Engine {
    /// Memory, suspects, threads, and what limits how far the dump can be believed.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn summary(&self, watch: Watch<'_>) -> Result<Summary, AskError> {
        let analysis = &self.analysis(watch)?;
        let info = self.info();
        let whole = info.process.rss.max(analysis.total());
        let share = whole as f64 * LEAST_SHARE / analysis.total().max(1) as f64;
        let leaks = self.leaks(share, Page::first(SUSPECTS), watch)?;
        let summary = Summary {
            answer: leaks.answer,
            info,
            holders_total: leaks.suspects_total,
            holders: leaks.suspects,
            usual_holders: leaks.usual_holders,
            threads: threads(analysis),
            garbage_objects: analysis.garbage as u64,
            garbage_size: analysis.retained(analysis.holders.garbage()),
            hidden_size: analysis.retained(analysis.holders.internals()),
            native_roots: analysis.native.len() as u64,
            caveats: Vec::new(),
        };
        Ok(summary.told())
    }
}

//! The objects that retain most, and what threads retain.

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_heap::Analysis;
use pyheap_report::{LargeObject, RetainedHeap, ThreadSize, units};
use std::cmp::Reverse;

impl Engine {
    /// The objects of largest retained size, and all threads.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn retained_heap(&self, page: Page, watch: Watch<'_>) -> Result<RetainedHeap, AskError> {
        let analysis = &self.analysis(watch)?;
        let total = analysis.total();
        let objects = page.of(analysis.largest(page.end())).map(|object| LargeObject {
            object: line(&self.dump, object),
            retained_size: analysis.retained(object),
            share: units::ratio(analysis.retained(object), total),
            allocated_size: analysis.objects.allocated(object),
            shallow_size: analysis.objects.shallow(object),
        });
        Ok(RetainedHeap {
            total_allocated_size: total,
            objects_total: u64::from(analysis.holders.objects()),
            offset: page.start(),
            objects: objects.collect(),
            threads: threads(analysis),
        })
    }
}

/// All threads, the one that retains most first.
pub(super) fn threads(analysis: &Analysis<'_>) -> Vec<ThreadSize> {
    let threads = (0..analysis.holders.threads()).map(|thread| {
        let retained_size = analysis.retained(analysis.holders.thread(thread));
        let share = units::ratio(retained_size, analysis.total());
        ThreadSize { name: analysis.thread_name(thread), retained_size, share }
    });
    let mut threads: Vec<ThreadSize> = threads.collect();
    threads.sort_by_key(|thread| Reverse(thread.retained_size));
    threads
}

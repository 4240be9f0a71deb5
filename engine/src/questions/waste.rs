//! Memory that could be saved.

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_heap::WasteKind;
use pyheap_report::{Waste, WasteRow, units};

impl Engine {
    /// Duplicates, spare capacity, missing `__slots__` and the like, by type.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn waste(&self, page: Page, watch: Watch<'_>) -> Result<Waste, AskError> {
        let analysis = &self.analysis(watch)?;
        let found = analysis.waste();
        let total = found.len() as u64;
        let rows = page.of(found).map(|waste| WasteRow {
            waste: text(waste.kind).into(),
            type_name: waste.type_name,
            objects: waste.objects,
            bytes: waste.bytes,
            share: units::ratio(waste.bytes, analysis.total()),
            example: line(&self.dump, waste.example),
        });
        Ok(Waste {
            total_allocated_size: analysis.total(),
            rows_total: total,
            offset: page.start(),
            rows: rows.collect(),
        })
    }
}

fn text(kind: WasteKind) -> &'static str {
    match kind {
        WasteKind::DuplicateText => "duplicate content",
        WasteKind::DuplicateTuple => "duplicate tuples",
        WasteKind::OverAllocated => "spare capacity",
        WasteKind::EmptyContainer => "empty containers",
        WasteKind::WithoutSlots => "no __slots__",
        WasteKind::BoxedNumber => "boxed numbers",
    }
}

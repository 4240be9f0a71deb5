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
        let found = self.indexes.waste.get_or_init(|| analysis.waste());
        let total = found.len() as u64;
        let rows = page.of(found).map(|waste| WasteRow {
            waste: text(waste.kind).into(),
            type_name: waste.type_name.clone(),
            held_as: waste.place.clone(),
            objects: waste.objects,
            bytes: waste.bytes,
            share: units::ratio(waste.bytes, analysis.total()),
            example: line(&self.dump, waste.example),
            change: change(waste.kind).into(),
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
        WasteKind::DuplicateContent => "duplicate content",
        WasteKind::DuplicateObject => "equal objects",
        WasteKind::UniformContent => "one value throughout",
        WasteKind::OverAllocated => "spare capacity",
        WasteKind::EmptyContainer => "empty containers",
        WasteKind::WithoutSlots => "no __slots__",
        WasteKind::BoxedNumber => "boxed numbers",
    }
}

/// What would save it.
fn change(kind: WasteKind) -> &'static str {
    match kind {
        WasteKind::DuplicateContent => "share one object: sys.intern, or a dict of known values",
        WasteKind::DuplicateObject => "share one object where it does not change",
        WasteKind::UniformContent => "keep the value and the length; numpy.broadcast_to",
        WasteKind::OverAllocated => "copy it when it is complete",
        WasteKind::EmptyContainer => "create it when it is first used",
        WasteKind::WithoutSlots => "declare __slots__, or dataclass(slots=True)",
        WasteKind::BoxedNumber => "array.array or a numpy array",
    }
}

//! Objects and bytes by type, and by the module that defines the type.

use crate::engine::Engine;
use crate::error::AskError;
use crate::page::{Order, Page};
use crate::watch::Watch;
use pyheap_heap::{GroupSizes, TypeTotals};
use pyheap_report::{ModuleRow, Modules, TypeRow, Types, units};

impl Engine {
    /// Objects and bytes by type; retained sizes, which need the analysis, only in the order of these.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn types(&self, order: Order, page: Page, watch: Watch<'_>) -> Result<Types, AskError> {
        let totals = TypeTotals::of(&self.dump);
        let all = totals.all();
        let retained = order == Order::Retained;
        let (groups, whole) = if retained {
            let analysis = self.analysis(watch)?;
            (analysis.by_name(|class| class.full_name()), analysis.total())
        } else {
            let groups = totals.by_name(self.dump.types()).into_iter();
            (groups.map(|(name, total)| (name, GroupSizes { total, retained: 0 })).collect(), 0)
        };
        let groups = sorted(groups, order);
        let total = groups.len() as u64;
        let row = |(type_name, sizes): (String, GroupSizes)| TypeRow {
            type_name,
            count: sizes.total.count,
            shallow_size: sizes.total.shallow,
            allocated_size: sizes.total.allocated,
            retained_size: retained.then_some(sizes.retained),
            share: retained.then(|| units::ratio(sizes.retained, whole)),
        };
        Ok(Types {
            objects: all.count,
            shallow_size: all.shallow,
            allocated_size: all.allocated,
            types_total: total,
            offset: page.start(),
            types: page.of(groups).map(row).collect(),
            with_retained: retained,
        })
    }

    /// Objects and bytes by the module that defines the type.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn modules(&self, order: Order, page: Page, watch: Watch<'_>) -> Result<Modules, AskError> {
        let analysis = &self.analysis(watch)?;
        let groups = analysis.by_name(|class| match class.module.as_str() {
            "" => "builtins".to_owned(),
            module => module.to_owned(),
        });
        let groups = sorted(groups, order);
        let total = groups.len() as u64;
        let row = |(module, sizes): (String, GroupSizes)| ModuleRow {
            module,
            count: sizes.total.count,
            shallow_size: sizes.total.shallow,
            allocated_size: sizes.total.allocated,
            retained_size: sizes.retained,
            share: units::ratio(sizes.retained, analysis.total()),
        };
        Ok(Modules {
            modules_total: total,
            offset: page.start(),
            modules: page.of(groups).map(row).collect(),
        })
    }
}

/// The groups that have objects, in an order; equal ones by name.
fn sorted(mut groups: Vec<(String, GroupSizes)>, order: Order) -> Vec<(String, GroupSizes)> {
    groups.retain(|(_, sizes)| sizes.total.count > 0);
    let size = |sizes: &GroupSizes| match order {
        Order::Retained => sizes.retained,
        Order::Allocated => sizes.total.allocated,
        Order::Shallow => sizes.total.shallow,
        Order::Count => sizes.total.count,
        Order::Name => 0,
    };
    groups.sort_by(|(left_name, left), (right_name, right)| {
        size(right).cmp(&size(left)).then_with(|| left_name.cmp(right_name))
    });
    groups
}

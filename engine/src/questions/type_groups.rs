//! Types, and what holds all of their instances.

use super::objects::is_within;
use crate::engine::Engine;
use crate::error::AskError;
use crate::indexes::{TypeGroup, module_name};
use crate::page::{Order, Page};
use crate::watch::Watch;
use pyheap_heap::{Analysis, GroupSizes, Node, NodeKind, ShortestPaths};
use pyheap_report::{ModuleRow, Modules, TypeGroups, units};
use std::cmp::Reverse;

impl Engine {
    /// The types whose full name contains `part`, whatever its case, and that the package or module defines.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn type_groups(
        &self,
        part: Option<&str>,
        module: Option<&str>,
        order: Order,
        page: Page,
        watch: Watch<'_>,
    ) -> Result<TypeGroups, AskError> {
        let analysis = &self.analysis(watch)?;
        let paths = self.shortest(analysis, watch)?;
        let part = part.map(str::to_lowercase);
        let is_wanted = |group: &&TypeGroup| {
            part.as_ref().is_none_or(|part| group.name.to_lowercase().contains(part))
                && module.is_none_or(|module| is_within(&group.module, module))
        };
        let mut groups: Vec<&TypeGroup> = self.groups(analysis, watch)?.iter().filter(is_wanted).collect();
        match order {
            Order::Name => groups.sort_by(|left, right| left.name.cmp(&right.name)),
            order => groups.sort_by_key(|group| Reverse(by(&group.sizes, order))),
        }
        let row = |group: &TypeGroup| {
            let (holder, holder_address) = holder(analysis, paths, group.holder);
            pyheap_report::TypeGroup {
                type_name: group.name.clone(),
                module: group.module.clone(),
                count: group.sizes.total.count,
                shallow_size: group.sizes.total.shallow,
                allocated_size: group.sizes.total.allocated,
                retained_size: group.sizes.retained,
                share: units::ratio(group.sizes.retained, analysis.total()),
                holder,
                holder_address,
            }
        };
        Ok(TypeGroups {
            types_total: groups.len() as u64,
            objects: groups.iter().map(|group| group.sizes.total.count).sum(),
            allocated_size: groups.iter().map(|group| group.sizes.total.allocated).sum(),
            offset: page.start(),
            types: page.of(groups).map(row).collect(),
        })
    }

    /// All modules, from what was indexed: as [`Self::modules`] in the order of retained sizes.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn module_sizes(&self, page: Page, watch: Watch<'_>) -> Result<Modules, AskError> {
        let analysis = &self.analysis(watch)?;
        let modules = self.module_groups(analysis, watch)?;
        let row = |(module, sizes): &(String, GroupSizes)| ModuleRow {
            module: module_name(module).to_owned(),
            count: sizes.total.count,
            shallow_size: sizes.total.shallow,
            allocated_size: sizes.total.allocated,
            retained_size: sizes.retained,
            share: units::ratio(sizes.retained, analysis.total()),
        };
        Ok(Modules {
            modules_total: modules.len() as u64,
            offset: page.start(),
            modules: page.of(modules).map(row).collect(),
        })
    }
}

fn by(sizes: &GroupSizes, order: Order) -> u64 {
    match order {
        Order::Retained => sizes.retained,
        Order::Allocated => sizes.total.allocated,
        Order::Shallow => sizes.total.shallow,
        Order::Count | Order::Name => sizes.total.count,
    }
}

/// What a common holder is called, and its address where it is an object; nothing for the root.
pub(super) fn holder(
    analysis: &Analysis<'_>,
    paths: &ShortestPaths,
    holder: Node,
) -> (Option<String>, Option<String>) {
    match analysis.holders.kind(holder) {
        NodeKind::Root => (None, None),
        NodeKind::Object => {
            let text = analysis.path_text(&paths.path(holder));
            (Some(text), Some(units::address(analysis.objects.address(holder))))
        }
        _ => (Some(analysis.holder_text(holder)), None),
    }
}

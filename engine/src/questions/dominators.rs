//! The dominator tree, cut where little is retained.

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_heap::{Cut, NodeKind};
use pyheap_report::{DominatorNode, Dominators, units};

impl Engine {
    /// The tree below the object at an address, or below the root: without what retains less than `share` percent of
    /// the heap, and at most `depth` levels of it.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn dominators(
        &self,
        address: Option<u64>,
        share: f64,
        depth: usize,
        page: Page,
        watch: Watch<'_>,
    ) -> Result<Dominators, AskError> {
        let object = address.map(|address| self.find(address, watch)).transpose()?;
        let analysis = &self.analysis(watch)?;
        let top = object.unwrap_or(analysis.holders.root());
        let least = (analysis.total() as f64 * share / 100.0) as u64;
        let branches = analysis.dominator_branches(top, Cut { least, depth });
        let total = branches.len() as u64;
        let nodes = page.of(branches).map(|branch| {
            let is_object = analysis.holders.kind(branch.node) == NodeKind::Object;
            DominatorNode {
                depth: branch.depth as u64,
                object: is_object.then(|| line(&self.dump, branch.node)),
                holder: (!is_object).then(|| analysis.holder_text(branch.node)),
                name: analysis.name_within_dominator(branch.node),
                retained_size: branch.retained,
                share: units::ratio(branch.retained, analysis.total()),
                drop: branch.is_drop,
                children: branch.children as u64,
                children_left_out: branch.children_left_out as u64,
            }
        });
        Ok(Dominators {
            total_allocated_size: analysis.total(),
            nodes_total: total,
            offset: page.start(),
            nodes: nodes.collect(),
        })
    }
}

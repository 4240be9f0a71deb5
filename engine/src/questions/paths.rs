//! What holds an object, or all instances of a type.

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_heap::Node;
use pyheap_report::{MergedPath, MergedPaths, Path, Paths};

impl Engine {
    /// For each referrer of the object at an address the shortest path that leads through it.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn paths(&self, address: u64, page: Page, watch: Watch<'_>) -> Result<Paths, AskError> {
        self.paths_ending(address, usize::MAX, page, watch)
    }

    /// The same with the last objects of each path only: that of a linked list has millions.
    ///
    /// # Errors
    /// As [`Self::paths`].
    pub fn paths_ending(
        &self,
        address: u64,
        most: usize,
        page: Page,
        watch: Watch<'_>,
    ) -> Result<Paths, AskError> {
        let object = self.find(address, watch)?;
        let analysis = &self.analysis(watch)?;
        let shortest = self.shortest(analysis, watch)?;
        let own = Some(shortest.path(object)).filter(|path| !path.is_empty());
        let is_type = analysis.objects.types().iter().any(|class| class.object == object);
        let nodes = analysis.graph().nodes() as Node;
        let others = if is_type {
            // Instances refer to their type, which no index tells.
            analysis.other_holders(shortest, object, 0..nodes)
        } else {
            let referrers = self.referrers(analysis, object, watch).into_iter();
            analysis.other_holders(shortest, object, referrers.chain(analysis.holders.objects()..nodes))
        };
        let total = (others.len() + usize::from(own.is_some())) as u64;
        let others = others.into_iter().map(|holder| {
            let mut path = shortest.path(holder);
            path.push(object);
            path
        });
        let paths = page.of(own.into_iter().chain(others)).map(|path| {
            let end = path.get(path.len().saturating_sub(most)..).unwrap_or_default();
            let objects = end.iter().filter(|&&node| node < analysis.holders.objects());
            Path {
                path: analysis.path_text(&path),
                length: path.len() as u64 - 1,
                objects: objects.map(|&node| line(&self.dump, node)).collect(),
            }
        });
        Ok(Paths {
            object: line(&self.dump, object),
            retained_size: analysis.retained(object),
            paths_total: total,
            offset: page.start(),
            paths: paths.collect(),
        })
    }

    /// The shortest paths to all instances of a type, given by its full name, merged where they differ in indices and
    /// keys only.
    ///
    /// # Errors
    /// There is no instance; the watch ends it.
    pub fn merged_paths(
        &self,
        type_name: &str,
        page: Page,
        watch: Watch<'_>,
    ) -> Result<MergedPaths, AskError> {
        let analysis = &self.analysis(watch)?;
        let instances = analysis.instances(|class| class.full_name() == type_name);
        if instances.is_empty() {
            return Err(AskError::NoInstance { name: type_name.into() });
        }
        let merged = analysis.merged_paths(self.shortest(analysis, watch)?, &instances);
        let total = merged.len() as u64;
        let paths = page.of(merged).map(|merged| MergedPath {
            path: merged.path,
            count: merged.count,
            retained_size: merged.retained,
        });
        Ok(MergedPaths {
            type_name: type_name.into(),
            count: instances.len() as u64,
            paths_total: total,
            offset: page.start(),
            paths: paths.collect(),
        })
    }
}

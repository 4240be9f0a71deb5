//! Orders and groups of a dump's objects, each made once: a page of a list is then as quick at its end as at its start.

use crate::engine::Engine;
use crate::questions::cycles::FoundCycle;
use crate::watch::{Cancelled, Step, Watch, tell};
use pyheap_heap::{Analysis, Dominated, GroupSizes, Node, NodeKind, Waste};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// What objects are sorted by, the largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Bytes that would be freed if the object went.
    #[default]
    Retained,
    /// Bytes kept from the allocator.
    Allocated,
    /// What `sys.getsizeof` answers, bytes.
    Shallow,
}

impl Measure {
    pub(crate) fn of(self, analysis: &Analysis<'_>, object: Node) -> u64 {
        match self {
            Self::Retained => analysis.retained(object),
            Self::Allocated => analysis.objects.allocated(object),
            Self::Shallow => analysis.objects.shallow(object),
        }
    }
}

/// What has been indexed of a dump. Takes 4 bytes per object for each order, and as much for each order by type.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    dominated: OnceLock<Dominated>,
    rankings: [OnceLock<Vec<Node>>; 3],
    by_type: [OnceLock<Vec<Node>>; 3],
    groups: OnceLock<Vec<TypeGroup>>,
    modules: OnceLock<Vec<(String, GroupSizes)>>,
    pub(crate) waste: OnceLock<Vec<Waste>>,
    pub(crate) cycles: OnceLock<Vec<FoundCycle>>,
}

/// The objects of all types of one full name.
#[derive(Debug)]
pub(crate) struct TypeGroup {
    pub(crate) name: String,
    pub(crate) module: String,
    pub(crate) sizes: GroupSizes,
    /// The immediate dominator of all of them together, none of them itself.
    pub(crate) holder: Node,
    /// The objects stand in the order by type behind those of the groups before.
    first: usize,
}

impl Engine {
    pub(crate) fn dominated(
        &self,
        analysis: &Analysis<'_>,
        watch: Watch<'_>,
    ) -> Result<&Dominated, Cancelled> {
        tell(watch, Step::Indexing)?;
        Ok(self.indexes.dominated.get_or_init(|| Dominated::of(&analysis.ownership)))
    }

    /// All objects, the largest first; of equal ones the one that holds the others comes first.
    pub(crate) fn ranking(
        &self,
        analysis: &Analysis<'_>,
        measure: Measure,
        watch: Watch<'_>,
    ) -> Result<&[Node], Cancelled> {
        tell(watch, Step::Indexing)?;
        Ok(self.indexes.rankings[measure as usize]
            .get_or_init(|| ranked(analysis, 0..analysis.holders.objects(), measure)))
    }

    /// The objects of a type, by full name, the largest first; none if there is no such type.
    pub(crate) fn of_type(
        &self,
        analysis: &Analysis<'_>,
        name: &str,
        measure: Measure,
        watch: Watch<'_>,
    ) -> Result<&[Node], Cancelled> {
        let groups = self.groups(analysis, watch)?;
        let Some(group) = groups.iter().find(|group| group.name == name) else { return Ok(&[]) };
        let ranking = self.ranking(analysis, measure, watch)?;
        let by_type = self.indexes.by_type[measure as usize].get_or_init(|| {
            let group_of_type = group_of_type(analysis, groups);
            let mut next: Vec<usize> = groups.iter().map(|group| group.first).collect();
            let mut sorted = vec![0; ranking.len()];
            for &object in ranking {
                let group = group_of(analysis, &group_of_type, object);
                let Some(place) = group.and_then(|group| next.get_mut(group)) else { continue };
                if let Some(slot) = sorted.get_mut(*place) {
                    *slot = object;
                }
                *place += 1;
            }
            sorted
        });
        let end = group.first + group.sizes.total.count as usize;
        Ok(by_type.get(group.first..end).unwrap_or_default())
    }

    /// The types that have objects, those that retain most first.
    pub(crate) fn groups(
        &self,
        analysis: &Analysis<'_>,
        watch: Watch<'_>,
    ) -> Result<&[TypeGroup], Cancelled> {
        let dominated = self.dominated(analysis, watch)?;
        Ok(self.indexes.groups.get_or_init(|| groups(analysis, dominated)))
    }

    /// The modules whose types have objects, those that retain most first.
    pub(crate) fn module_groups(
        &self,
        analysis: &Analysis<'_>,
        watch: Watch<'_>,
    ) -> Result<&[(String, GroupSizes)], Cancelled> {
        let dominated = self.dominated(analysis, watch)?;
        Ok(self.indexes.modules.get_or_init(|| {
            let module = |class: &pyheap_format::reader::Type| module_name(&class.module).to_owned();
            let mut modules = analysis.by_name_within(dominated.graph(), module);
            modules.retain(|(_, sizes)| sizes.total.count > 0);
            modules.sort_by(|(left_name, left), (right_name, right)| {
                right.retained.cmp(&left.retained).then_with(|| left_name.cmp(right_name))
            });
            modules
        }))
    }
}

/// The types of the interpreter itself have no module in some versions.
pub(crate) fn module_name(module: &str) -> &str {
    if module.is_empty() { "builtins" } else { module }
}

/// Objects in an order: the largest first; of equal ones the one that holds the others comes first.
pub(crate) fn ranked(
    analysis: &Analysis<'_>,
    objects: impl IntoIterator<Item = Node>,
    measure: Measure,
) -> Vec<Node> {
    let key = |object: Node| {
        let rank = analysis.tree.rank(object).unwrap_or(u32::MAX);
        (Reverse(measure.of(analysis, object)), rank, object)
    };
    let mut keys: Vec<_> = objects.into_iter().map(key).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(.., object)| object).collect()
}

fn groups(analysis: &Analysis<'_>, dominated: &Dominated) -> Vec<TypeGroup> {
    let mut named = analysis.by_name_within(dominated.graph(), |class| class.full_name());
    named.retain(|(_, sizes)| sizes.total.count > 0);
    named.sort_by(|(left_name, left), (right_name, right)| {
        right.retained.cmp(&left.retained).then_with(|| left_name.cmp(right_name))
    });
    let modules: HashMap<String, &str> = analysis
        .objects
        .types()
        .iter()
        .map(|class| (class.full_name(), module_name(&class.module)))
        .collect();
    let mut first = 0;
    let group = |(name, sizes): (String, GroupSizes)| {
        let module = modules.get(&name).map_or_else(String::new, |module| (*module).to_owned());
        let group = TypeGroup { name, module, sizes, holder: analysis.holders.root(), first };
        first += sizes.total.count as usize;
        group
    };
    let mut groups: Vec<TypeGroup> = named.into_iter().map(group).collect();
    for (group, holder) in common_holders(analysis, dominated, &groups).into_iter().enumerate() {
        if let Some(group) = groups.get_mut(group) {
            group.holder = holder;
        }
    }
    groups
}

/// For each type its group's place among the groups.
fn group_of_type(analysis: &Analysis<'_>, groups: &[TypeGroup]) -> Vec<Option<usize>> {
    let places: HashMap<&str, usize> = groups.iter().map(|group| group.name.as_str()).zip(0..).collect();
    let types = analysis.objects.types().iter();
    types.map(|class| places.get(class.full_name().as_str()).copied()).collect()
}

fn group_of(analysis: &Analysis<'_>, group_of_type: &[Option<usize>], object: Node) -> Option<usize> {
    group_of_type.get(analysis.objects.type_number(object)? as usize).copied().flatten()
}

/// For each group the nearest node outside of it that dominates all its objects.
///
/// In a depth-first order of the dominator tree, what dominates the first and the last object of a group dominates
/// all that stand between.
fn common_holders(analysis: &Analysis<'_>, dominated: &Dominated, groups: &[TypeGroup]) -> Vec<Node> {
    let root = analysis.holders.root();
    let group_of_type = group_of_type(analysis, groups);
    let group = |node: Node| match analysis.holders.kind(node) {
        NodeKind::Object => group_of(analysis, &group_of_type, node),
        _ => None,
    };
    let mut ends: Vec<Option<(Node, Node)>> = vec![None; groups.len()];
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        if let Some(ends) = group(node).and_then(|group| ends.get_mut(group)) {
            *ends = Some((ends.map_or(node, |(first, _)| first), node));
        }
        stack.extend(dominated.by(node).iter().rev());
    }
    let holder = |(place, ends): (usize, Option<(Node, Node)>)| {
        let Some((first, last)) = ends else { return root };
        let above: HashSet<Node> = std::iter::once(first).chain(analysis.tree.chain(first)).collect();
        let mut line = std::iter::once(last).chain(analysis.tree.chain(last));
        line.find(|node| above.contains(node) && group(*node) != Some(place)).unwrap_or(root)
    };
    ends.into_iter().enumerate().map(holder).collect()
}

//! Equal texts and bytes.

use super::line;
use super::type_groups::holder;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::{Cancelled, Step, Watch, tell};
use pyheap_format::ObjectFlags;
use pyheap_heap::{Analysis, Node};
use pyheap_report::{Duplicate, Duplicates};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Copies of one content for which what holds them all is looked up; what holds more of them is hardly one thing.
const HELD_TOGETHER: usize = 10_000;

/// Objects that have equals: 4 bytes per object, and 16 per content.
#[derive(Debug)]
pub(crate) struct Copies {
    /// The objects, those of a group in ascending order.
    objects: Vec<Node>,
    /// What wastes most first: where its objects end, and bytes of one of them.
    groups: Vec<Group>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    start: u32,
    count: u32,
    allocated: u64,
}

impl Group {
    fn wasted(self) -> u64 {
        self.allocated - self.allocated / u64::from(self.count.max(1))
    }
}

impl Copies {
    fn of(analysis: &Analysis<'_>) -> Self {
        let mut number_of: HashMap<(u32, &[u8]), u32> = HashMap::new();
        let mut members: Vec<(u32, Node)> = Vec::new();
        for (object, kind, data) in analysis.dump.preview_chunks().flat_map(|chunk| chunk.iter()) {
            let is_static = analysis.objects.flags(object).contains(ObjectFlags::STATIC);
            let whole = analysis.objects.is_whole(object, kind, data);
            if let Some(class) = analysis.objects.type_number(object).filter(|_| whole && !is_static) {
                let next = number_of.len() as u32;
                members.push((*number_of.entry((class, data)).or_insert(next), object));
            }
        }
        drop(number_of);
        members.sort_unstable();
        let mut copies = Self { objects: Vec::new(), groups: Vec::new() };
        for equal in members.chunk_by(|left, right| left.0 == right.0).filter(|equal| equal.len() > 1) {
            let start = copies.objects.len() as u32;
            copies.objects.extend(equal.iter().map(|(_, object)| object));
            let allocated = equal.iter().map(|&(_, object)| analysis.objects.allocated(object)).sum();
            copies.groups.push(Group { start, count: equal.len() as u32, allocated });
        }
        copies.objects.shrink_to_fit();
        copies.groups.sort_by_key(|group| (Reverse(group.wasted()), group.start));
        copies
    }

    fn members(&self, group: Group) -> &[Node] {
        let (start, count) = (group.start as usize, group.count as usize);
        self.objects.get(start..start + count).unwrap_or_default()
    }
}

impl Engine {
    fn all_copies(&self, analysis: &Analysis<'_>, watch: Watch<'_>) -> Result<&Copies, Cancelled> {
        tell(watch, Step::Indexing)?;
        Ok(self.copies.get_or_init(|| Copies::of(analysis)))
    }

    /// The objects whose content is equal to that of one, itself included; none if there is no other.
    pub(crate) fn copies(
        &self,
        analysis: &Analysis<'_>,
        object: Node,
        watch: Watch<'_>,
    ) -> Result<&[Node], Cancelled> {
        let copies = self.all_copies(analysis, watch)?;
        let group = copies.groups.iter().find(|group| copies.members(**group).binary_search(&object).is_ok());
        Ok(group.map_or(&[], |group| copies.members(*group)))
    }

    /// Texts and bytes that are there more than once, what wastes most first.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn duplicates(&self, page: Page, watch: Watch<'_>) -> Result<Duplicates, AskError> {
        let analysis = &self.analysis(watch)?;
        let copies = self.all_copies(analysis, watch)?;
        let paths = self.shortest(analysis, watch)?;
        let groups = copies.groups.get(page.offset.min(copies.groups.len())..).unwrap_or_default();
        let row = |group: &Group| {
            let members = copies.members(*group);
            let example = members.first().copied().unwrap_or_default();
            let common = Some(members).filter(|members| members.len() <= HELD_TOGETHER);
            let common = common.and_then(|members| common_holder(analysis, members));
            Duplicate {
                copies: u64::from(group.count),
                allocated_size: group.allocated,
                wasted: group.wasted(),
                length: analysis.objects.length(example).unwrap_or_default(),
                example: line(&self.dump, example),
                holder: common.and_then(|node| holder(analysis, paths, node).0),
            }
        };
        Ok(Duplicates {
            groups_total: copies.groups.len() as u64,
            objects: copies.groups.iter().map(|group| u64::from(group.count) - 1).sum(),
            wasted: copies.groups.iter().map(|group| group.wasted()).sum(),
            offset: page.start(),
            groups: groups.iter().take(page.limit).map(row).collect(),
        })
    }
}

/// The nearest node that dominates all of these.
fn common_holder(analysis: &Analysis<'_>, objects: &[Node]) -> Option<Node> {
    let (first, rest) = objects.split_first()?;
    let line: Vec<Node> = analysis.tree.chain(*first).collect();
    let place: HashMap<Node, usize> = line.iter().copied().zip(0..).collect();
    // What leads to a known place need not be climbed again.
    let mut known: HashSet<Node> = HashSet::new();
    let mut common = 0;
    for &object in rest {
        for node in analysis.tree.chain(object) {
            if let Some(&at) = place.get(&node) {
                common = common.max(at);
                break;
            }
            if !known.insert(node) {
                break;
            }
        }
    }
    line.get(common).copied()
}

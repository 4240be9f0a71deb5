//! The dominator tree as blocks, by owner or by type, cut where little is retained.

use crate::engine::Engine;
use crate::error::AskError;
use crate::watch::Watch;
use pyheap_heap::{Analysis, Dominated, Node, NodeKind, ShortestPaths};
use pyheap_report::{Block, BlockKind, Flame, units};
use std::cmp::Reverse;
use std::collections::HashMap;

/// What blocks stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlameBy {
    /// Objects; the small ones of a type together.
    Owner,
    /// All objects of a type below the same block together.
    Type,
}

/// How much of the tree is shown.
#[derive(Clone, Copy, Debug)]
pub struct FlameCut {
    /// What retains less than this share of the first block is left out, from 0 to 1.
    pub share: f64,
    /// Levels below the first block.
    pub depth: usize,
}

/// A group of objects whose blocks are yet to be made.
struct Open {
    nodes: Vec<Node>,
    block: Block,
}

struct Maker<'a> {
    analysis: &'a Analysis<'a>,
    dominated: &'a Dominated,
    paths: &'a ShortestPaths,
    by: FlameBy,
    least: u64,
    depth: u64,
    blocks: Vec<Block>,
}

impl Engine {
    /// The blocks below the object at an address, or below the root.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn flame(
        &self,
        by: FlameBy,
        address: Option<u64>,
        cut: FlameCut,
        watch: Watch<'_>,
    ) -> Result<Flame, AskError> {
        let object = address.map(|address| self.find(address, watch)).transpose()?;
        let analysis = &self.analysis(watch)?;
        let top = object.unwrap_or(analysis.holders.root());
        let dominated = self.dominated(analysis, watch)?;
        let least = ((analysis.retained(top) as f64 * cut.share) as u64).max(1);
        let paths = self.shortest(analysis, watch)?;
        let mut maker =
            Maker { analysis, dominated, paths, by, least, depth: cut.depth as u64, blocks: Vec::new() };
        let block = maker.object(top, None, 0);
        maker.open(Open { nodes: vec![top], block });
        Ok(Flame { total_allocated_size: analysis.total(), least, blocks: maker.blocks })
    }
}

impl Maker<'_> {
    /// Writes a block and all that are below it.
    fn open(&mut self, open: Open) {
        let (depth, retained) = (open.block.depth + 1, open.block.retained_size);
        self.blocks.push(open.block);
        if depth > self.depth {
            return;
        }
        let mut below: Vec<Open> = Vec::new();
        let mut small: HashMap<Option<u32>, Open> = HashMap::new();
        let mut held = 0;
        for &node in &open.nodes {
            for &child in self.dominated.by(node) {
                let size = self.analysis.retained(child);
                held += size;
                let kind = self.analysis.holders.kind(child);
                let alone = kind != NodeKind::Object || (self.by == FlameBy::Owner && size >= self.least);
                if alone {
                    below.push(Open { nodes: vec![child], block: self.object(child, Some(node), depth) });
                } else {
                    let class = self.analysis.objects.type_number(child);
                    let group = small.entry(class).or_insert_with(|| self.group(class, depth));
                    group.nodes.push(child);
                    group.block.retained_size += size;
                    group.block.count += 1;
                }
            }
        }
        debug_assert!(held <= retained, "children retain no more than their dominators");
        let (large, small): (Vec<Open>, Vec<Open>) =
            small.into_values().chain(below).partition(|open| open.block.retained_size >= self.least);
        below = large;
        below.sort_by(|left, right| {
            let key = |open: &Open| (Reverse(open.block.retained_size), open.nodes.first().copied());
            key(left).cmp(&key(right))
        });
        drop(open.nodes);
        for mut open in below {
            if open.block.kind == BlockKind::Type {
                open.block.name = match &open.block.type_name {
                    Some(name) => format!("{} {name}", units::count(open.block.count)),
                    None => units::counted(open.block.count, "object"),
                };
            }
            self.open(open);
        }
        let rest: u64 = small.iter().map(|open| open.block.retained_size).sum();
        if rest > 0 {
            let count = small.iter().map(|open| open.block.count).sum();
            let name = format!("{} smaller", units::count(count));
            self.blocks.push(Block {
                depth,
                kind: BlockKind::Rest,
                name,
                type_name: None,
                address: None,
                count,
                retained_size: rest,
            });
        }
    }

    fn object(&self, node: Node, above: Option<Node>, depth: u64) -> Block {
        let analysis = self.analysis;
        let is_object = analysis.holders.kind(node) == NodeKind::Object;
        let class = analysis.objects.type_of(node).filter(|_| is_object).map(|class| class.full_name());
        let name = if is_object {
            let name = match above.map(|above| analysis.holders.kind(above)) {
                Some(NodeKind::Object) => analysis.name_within_dominator(node),
                // What no object dominates is called by its whole path.
                _ => Some(analysis.path_text(&self.paths.path(node))).filter(|path| !path.is_empty()),
            };
            match (name, &class) {
                (Some(name), Some(class)) => format!("{name}: {class}"),
                (Some(name), None) => name,
                (None, _) => super::line(analysis.dump, node).repr,
            }
        } else {
            analysis.holder_text(node)
        };
        Block {
            depth,
            kind: if is_object { BlockKind::Object } else { BlockKind::Holder },
            name,
            type_name: class,
            address: is_object.then(|| units::address(analysis.objects.address(node))),
            count: 1,
            retained_size: analysis.retained(node),
        }
    }

    fn group(&self, class: Option<u32>, depth: u64) -> Open {
        let class = class.and_then(|class| self.analysis.objects.types().get(class as usize));
        let block = Block {
            depth,
            kind: BlockKind::Type,
            name: String::new(),
            type_name: class.map(|class| class.full_name()),
            address: None,
            count: 0,
            retained_size: 0,
        };
        Open { nodes: Vec::new(), block }
    }
}

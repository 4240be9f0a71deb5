//! Paths from what holds the heap to each object: the shortest ones, and among them those that read well.

use crate::graph::csr::Node;
use crate::graph::shortest::ShortestPaths;
use crate::objects::labels::{Label, LabelledEdge, LabelledEdges};
use crate::ownership::analysis::Analysis;
use crate::questions::path_text::expression_of;
use pyheap_format::reader::Root;
use pyheap_format::{EdgeKind, EdgeName, RootKind};
use std::collections::HashMap;

/// What an object holds, its class aside.
struct Targets {
    named: Vec<Node>,
    unnamed: Vec<Node>,
}

impl Analysis<'_> {
    /// Shortest paths to everything. Paths from modules and variables win over those from other roots, and those
    /// over paths that lead through the class of an object; within each kind, paths all of whose steps have a name win.
    pub fn shortest_paths(&self) -> ShortestPaths {
        let root = self.holders.root();
        let unnamed = self.unnamed_edges();
        let mut paths = ShortestPaths::new(self.graph().nodes(), root);
        let of_dump = |thread: &u32| *thread < self.holders.threads();
        let by_thread =
            |held: &Root| held.thread.filter(of_dump).map_or(root, |thread| self.holders.thread(thread));
        let objects = self.holders.objects();
        let present = || self.roots.iter().filter(|held| held.object < objects);

        for thread in 0..self.holders.threads() {
            paths.extend([(root, self.holders.thread(thread))], |_| &[]);
        }
        let good = present().filter(|held| self.is_good_root(held));
        let good = good.map(|held| (by_thread(held), held.object));
        self.extend(&mut paths, &unnamed, good.chain(self.variables()));
        let others = present().filter(|held| !held.kind.is_possible());
        self.extend(&mut paths, &unnamed, others.map(|held| (by_thread(held), held.object)));
        for thread in 0..self.holders.threads() {
            let thread = self.holders.thread(thread);
            let held = self.graph().targets(thread).iter().map(|&object| (thread, object));
            self.extend(&mut paths, &unnamed, held);
        }
        self.extend_by_classes(&mut paths, &unnamed);
        let held = self.graph().targets(root).iter().map(|&object| (root, object));
        self.extend(&mut paths, &unnamed, held);
        self.extend_by_classes(&mut paths, &unnamed);
        for holder in [self.holders.internals(), self.holders.garbage()] {
            paths.extend_by_graph([(root, holder)], self.graph());
        }
        paths
    }

    /// Adds what is reachable from the seeds: first over edges that have a name, then over those that have none.
    fn extend(
        &self,
        paths: &mut ShortestPaths,
        unnamed: &HashMap<Node, Targets>,
        seeds: impl IntoIterator<Item = (Node, Node)>,
    ) {
        let row = |node: Node| {
            unnamed.get(&node).map_or_else(|| self.row_without_class(node), |targets| &targets.named)
        };
        let mut from = paths.reached().len();
        paths.extend(seeds, row);
        while !unnamed.is_empty() && from < paths.reached().len() {
            let seeds: Vec<(Node, Node)> = paths.reached()[from..]
                .iter()
                .filter_map(|node| Some((*node, unnamed.get(node)?)))
                .flat_map(|(node, targets)| targets.unnamed.iter().map(move |&target| (node, target)))
                .collect();
            from = paths.reached().len();
            paths.extend(seeds, row);
        }
    }

    /// The objects that hold something under no name.
    fn unnamed_edges(&self) -> HashMap<Node, Targets> {
        let mut unnamed = HashMap::new();
        let is_unnamed = |name: &u32| EdgeName(*name).kind() == EdgeKind::Unnamed;
        let mut edges = self.dump.edge_chunks().flat_map(|chunk| chunk.names().iter());
        for chunk in self.objects.chunks() {
            for (object, count) in (chunk.first()..).zip(chunk.edge_counts().iter()) {
                // All edges are taken, so that the next object starts with its own.
                let own = edges.by_ref().take(count as usize);
                if own.fold(false, |found, name| found | is_unnamed(name)) {
                    unnamed.insert(object, self.targets_by_name(object));
                }
            }
        }
        unnamed
    }

    fn targets_by_name(&self, object: Node) -> Targets {
        let owned = LabelledEdges::new(self.dump, object).filter(|edge| edge.owned && !edge.is_class());
        let (unnamed, named) = owned
            .filter(|edge| edge.target < self.holders.objects())
            .partition::<Vec<LabelledEdge<'_>>, _>(|edge| edge.label == Label::Unnamed);
        let targets = |edges: Vec<LabelledEdge<'_>>| edges.into_iter().map(|edge| edge.target).collect();
        Targets { named: targets(named), unnamed: targets(unnamed) }
    }

    /// Whether a root reads well as the start of a path.
    fn is_good_root(&self, held: &Root) -> bool {
        let name = held.name.and_then(|name| self.dump.name(name));
        match held.kind {
            RootKind::Interpreter => name.is_some_and(|name| expression_of(name).is_some()),
            RootKind::Stack => true,
            _ => false,
        }
    }

    /// The variables of all frames, each with the thread's node.
    fn variables(&self) -> impl Iterator<Item = (Node, Node)> {
        let threads = (0..self.holders.threads()).zip(self.dump.threads());
        threads
            .flat_map(move |(thread, of)| {
                let locals = of.frames.iter().flat_map(|frame| &frame.locals);
                locals.map(move |(_, object)| (self.holders.thread(thread), *object))
            })
            .filter(move |&(_, object)| object < self.holders.objects())
    }

    fn has_class_edge(&self, node: Node) -> bool {
        node < self.holders.objects()
            && self
                .objects
                .type_of(node)
                .is_some_and(|class| class.is_heap_type() && class.object < self.holders.objects())
    }

    fn row_without_class(&self, node: Node) -> &[Node] {
        let row = self.graph().targets(node);
        if self.has_class_edge(node) { row.split_last().map_or(row, |(_, rest)| rest) } else { row }
    }

    /// Adds what only classes of reached objects lead to, until nothing is new.
    fn extend_by_classes(&self, paths: &mut ShortestPaths, unnamed: &HashMap<Node, Targets>) {
        let mut from = 0;
        while from < paths.reached().len() {
            let seeds: Vec<(Node, Node)> = paths.reached()[from..]
                .iter()
                .filter(|&&node| self.has_class_edge(node))
                .filter_map(|&node| Some((node, *self.graph().targets(node).last()?)))
                .filter(|&(_, class)| !paths.is_reached(class))
                .collect();
            from = paths.reached().len();
            self.extend(paths, unnamed, seeds);
        }
    }
}

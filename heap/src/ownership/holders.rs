//! What holds the heap from outside: the interpreter, threads, static and immortal objects, native code; and garbage.

use crate::graph::components::heads;
use crate::graph::csr::{Graph, Node};
use crate::graph::order::DepthFirst;
use crate::objects::columns::Objects;
use crate::ownership::findings::Phase;
use crate::ownership::references::{Deficit, References, exempt_types, marked};
use pyheap_format::reader::{Dump, Root};
use pyheap_format::{ObjectFlags, RootKind};
use std::convert::Infallible;
use std::panic::resume_unwind;

/// What a node of a [`HeldGraph`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// An object: the node is its number.
    Object,
    /// A thread: the index of its record. It holds what its frames and its thread state refer to.
    Thread(u32),
    /// The root, which holds whatever is not held by objects or threads.
    Root,
    /// CPython itself, in places that no dump shows: it holds str, bytes, int and code objects that nothing else
    /// reaches although their reference counts say that they are held.
    Internals,
    /// Nobody: what hangs here is garbage, waiting for a collection.
    Garbage,
}

/// Numbers of the nodes that are no objects: the threads follow the objects, then root, internals and garbage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holders {
    objects: u32,
    threads: u32,
}

impl Holders {
    /// Those of a dump.
    pub(crate) fn of(dump: &Dump) -> Self {
        Self { objects: dump.object_count(), threads: dump.threads().len() as u32 }
    }

    /// Number of objects, whose nodes come first.
    pub fn objects(self) -> u32 {
        self.objects
    }

    /// Number of threads.
    pub fn threads(self) -> u32 {
        self.threads
    }

    /// The node of a thread, by the index of its record.
    pub fn thread(self, thread: u32) -> Node {
        self.objects + thread
    }

    /// The root.
    pub fn root(self) -> Node {
        self.objects + self.threads
    }

    /// The node that holds what CPython itself holds unseen.
    pub fn internals(self) -> Node {
        self.root() + 1
    }

    /// The node that garbage hangs from.
    pub fn garbage(self) -> Node {
        self.root() + 2
    }

    /// What a node is.
    pub fn kind(self, node: Node) -> NodeKind {
        match node {
            object if object < self.objects => NodeKind::Object,
            thread if thread < self.root() => NodeKind::Thread(thread - self.objects),
            root if root == self.root() => NodeKind::Root,
            internals if internals == self.internals() => NodeKind::Internals,
            _ => NodeKind::Garbage,
        }
    }
}

/// A graph of owning references in which every object is reachable from the root.
#[derive(Debug)]
pub struct HeldGraph {
    /// An object's row ends with its type if that is a heap type.
    pub graph: Graph,
    /// The same with its edges turned round; who holds garbage is not in it.
    pub referrers: Graph,
    /// The order in which all nodes are reached from the root; garbage stands behind its barrier.
    pub search: DepthFirst,
    /// Numbers of the nodes.
    pub holders: Holders,
    /// Reference counts that do not agree with the known references.
    pub deficits: Vec<Deficit>,
    /// Objects that are roots because native code holds them, in ascending order.
    pub native: Vec<Node>,
    /// What CPython itself holds unseen: objects with more references than are known that the root does not reach.
    pub hidden: Vec<Node>,
    /// The objects from which all garbage can be reached.
    pub heads: Vec<Node>,
}

impl HeldGraph {
    /// Builds the graph from a dump's columns; `objects` and `roots` are the dump's.
    pub fn new<'a>(dump: &'a Dump, objects: &Objects<'a>, roots: &[Root]) -> Self {
        let Ok(held) = Self::watched(dump, objects, roots, &mut |_| Ok::<(), Infallible>(()));
        held
    }

    /// As [`Self::new`], and tells of each phase as it begins.
    ///
    /// # Errors
    /// Those of `watch`.
    pub fn watched<'a, E>(
        dump: &'a Dump,
        objects: &Objects<'a>,
        roots: &[Root],
        watch: &mut dyn FnMut(Phase) -> Result<(), E>,
    ) -> Result<Self, E> {
        watch(Phase::References)?;
        let (mut graph, holders, deficits, native) = rooted(dump, objects, roots);
        watch(Phase::Reachability)?;
        let root = holders.root();
        let short = deficits.iter().filter(|deficit| deficit.missing > 0).map(|deficit| deficit.object);
        // Where these are reached from the root after all, they are not hidden, and the edge is taken back.
        let internals = graph.push_node(short.clone());
        let mut search = DepthFirst::new(&graph, graph.nodes() + 1);
        let mut referrers = std::thread::scope(|scope| {
            let referrers = scope.spawn(|| graph.reversed());
            search.search(&graph, root);
            referrers.join().unwrap_or_else(|panic| resume_unwind(panic))
        });
        let (exposed, hidden): (Vec<Node>, Vec<Node>) = short.partition(|&object| search.reached(object));
        exposed.into_iter().for_each(|object| referrers.forget_last(object));
        graph.replace_last(hidden.iter().copied());
        search.search(&graph, internals);
        let complete = search.preorder().len() == graph.nodes();
        let unreached = |node| node < holders.objects && !search.reached(node);
        let heads = if complete { vec![] } else { heads(&graph, unreached) };
        let garbage = graph.push_node(heads.iter().copied());
        search.raise_barrier();
        search.search(&graph, garbage);
        Ok(Self { graph, referrers, search, holders, deficits, native, hidden, heads })
    }

    /// The graph alone, where it is known what the search would find.
    pub(crate) fn graph_of(
        dump: &Dump,
        objects: &Objects<'_>,
        roots: &[Root],
        hidden: &[Node],
        heads: &[Node],
    ) -> Graph {
        let (mut graph, ..) = rooted(dump, objects, roots);
        graph.push_node(hidden.iter().copied());
        graph.push_node(heads.iter().copied());
        graph
    }

    /// The garbage objects.
    pub fn garbage(&self) -> &[Node] {
        self.search.behind_barrier().get(1..).unwrap_or_default()
    }
}

/// The graph of objects, threads and root, with what the reference counts tell: deficits, and which of these native
/// code holds.
fn rooted<'a>(
    dump: &'a Dump,
    objects: &Objects<'a>,
    roots: &[Root],
) -> (Graph, Holders, Vec<Deficit>, Vec<Node>) {
    let mut references = References::read(objects, dump.edge_chunks());
    let mut real = references.explain_roots(objects, roots);
    real.extend(references.explain_frames(dump, objects, roots));
    let deficits = references.deficits(objects);
    let References { mut graph, explained } = references;
    drop(explained);
    let exempt = exempt_types(objects.types());
    let native: Vec<Node> = deficits
        .iter()
        .filter(|deficit| deficit.missing > 0 && !marked(&exempt, objects.type_number(deficit.object)))
        .map(|deficit| deficit.object)
        .collect();
    let holders = Holders::of(dump);
    push_threads(&mut graph, holders, roots, &real);
    graph.push_node(held_by_root(objects, holders, roots, &real, &native));
    (graph, holders, deficits, native)
}

/// A row per thread: what its roots hold, of the possible ones those that are real.
fn push_threads(graph: &mut Graph, holders: Holders, roots: &[Root], more: &[Root]) {
    let mut rows: Vec<Vec<Node>> = vec![vec![]; holders.threads as usize];
    let certain =
        roots.iter().filter(|root| matches!(root.kind, RootKind::Local | RootKind::Stack | RootKind::Thread));
    for root in certain.chain(more).filter(|root| root.object < holders.objects) {
        if let Some(row) = root.thread.and_then(|thread| rows.get_mut(thread as usize)) {
            row.push(root.object);
        }
    }
    for mut row in rows {
        row.sort_unstable();
        row.dedup();
        graph.push_node(row);
    }
}

/// The root's row: what the interpreter holds, of the possible roots those that are real, the threads, static and
/// immortal objects, what native code holds.
fn held_by_root(
    objects: &Objects<'_>,
    holders: Holders,
    roots: &[Root],
    real: &[Root],
    native: &[Node],
) -> Vec<Node> {
    let certain = roots.iter().filter(|root| !root.kind.is_possible());
    let own = |root: &&Root| {
        let by_thread = root.thread.is_some_and(|thread| thread < holders.threads);
        !by_thread && root.object < holders.objects
    };
    let mut row: Vec<Node> = certain.chain(real).filter(own).map(|root| root.object).collect();
    row.extend(holders.objects..holders.root());
    let flags = ObjectFlags::STATIC.0 | ObjectFlags::IMMORTAL.0;
    for chunk in objects.chunks() {
        let rows = chunk.flags().iter().enumerate().filter(|(_, own)| **own & flags != 0);
        row.extend(rows.map(|(at, _)| chunk.first() + at as u32));
    }
    row.extend(native);
    row
}

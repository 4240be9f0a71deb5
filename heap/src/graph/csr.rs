//! A directed graph in compressed sparse rows: for each node the run of its targets, nothing else.

/// Number of a node. Objects come first and keep their object numbers; holders that are no objects follow.
pub type Node = u32;

/// No node.
pub const NO_NODE: Node = u32::MAX;

/// Nodes whose offsets share one 64-bit base.
const BLOCK: usize = 1 << 12;

/// Directed graph in compressed sparse rows.
///
/// Takes 4 bytes per node and 4 per edge: an offset is a 32-bit distance from the base of its block of nodes, so
/// that graphs of more than 2^32 edges need no wider column.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    bases: Vec<u64>,
    starts: Vec<u32>,
    targets: Vec<Node>,
}

impl Graph {
    /// An empty graph with room for so many nodes and edges.
    pub fn with_capacity(nodes: usize, edges: usize) -> Self {
        Self {
            bases: Vec::with_capacity(nodes / BLOCK + 1),
            starts: Vec::with_capacity(nodes),
            targets: Vec::with_capacity(edges),
        }
    }

    /// A graph from the list of each node's targets, in the order of the nodes.
    pub fn from_rows<R>(rows: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = Node>,
    {
        let mut graph = Self::default();
        for row in rows {
            graph.push_node(row);
        }
        graph
    }

    /// Appends a node with its targets and returns its number. Targets may be nodes that are yet to come.
    ///
    /// # Panics
    /// When one block of 4096 nodes has more than 2^32 edges, or the graph 2^32 - 1 nodes: a dump cannot say either.
    pub fn push_node(&mut self, targets: impl IntoIterator<Item = Node>) -> Node {
        let node = self.start_node();
        self.targets.extend(targets);
        node
    }

    /// Appends a node; [`Self::push_target`] adds its targets. Panics as [`Self::push_node`] does.
    pub(crate) fn start_node(&mut self) -> Node {
        let node = self.starts.len();
        let end = self.targets.len() as u64;
        if node.is_multiple_of(BLOCK) {
            self.bases.push(end);
        }
        let start = end - self.bases[node / BLOCK];
        self.starts.push(u32::try_from(start).expect("a block of nodes has fewer than 2^32 edges"));
        u32::try_from(node).ok().filter(|&node| node != NO_NODE).expect("nodes are fewer than 2^32 - 1")
    }

    /// Adds a target to the node that was appended last.
    pub(crate) fn push_target(&mut self, target: Node) {
        self.targets.push(target);
    }

    /// Replaces the targets of the node that was appended last.
    pub(crate) fn replace_last(&mut self, targets: impl IntoIterator<Item = Node>) {
        self.targets.truncate(self.start(self.nodes().saturating_sub(1)));
        self.targets.extend(targets);
    }

    /// Makes the last target of a node a repetition of its first.
    pub(crate) fn forget_last(&mut self, node: Node) {
        let row = self.start(node as usize)..self.start(node as usize + 1);
        if let [first, .., last] = &mut self.targets[row] {
            *last = *first;
        }
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.starts.len()
    }

    /// Number of edges.
    pub fn edges(&self) -> usize {
        self.targets.len()
    }

    /// Targets of a node's edges.
    pub fn targets(&self, node: Node) -> &[Node] {
        &self.targets[self.start(node as usize)..self.start(node as usize + 1)]
    }

    /// The graph with every edge turned round; referrers stay in ascending order.
    pub fn reversed(&self) -> Self {
        let nodes = self.nodes();
        let mut counts = vec![0u32; nodes];
        for &target in &self.targets {
            counts[target as usize] += 1;
        }
        let mut reverse = Self::rows_of_lengths(&counts);
        drop(counts);
        let mut filled = vec![0u32; nodes];
        for node in 0..nodes as Node {
            for &target in self.targets(node) {
                let at = reverse.start(target as usize) + filled[target as usize] as usize;
                reverse.targets[at] = node;
                filled[target as usize] += 1;
            }
        }
        reverse
    }

    /// A graph whose rows have these lengths, every target 0 as yet.
    pub(crate) fn rows_of_lengths(lengths: &[u32]) -> Self {
        let mut graph = Self::with_capacity(lengths.len(), 0);
        let mut end = 0u64;
        for (node, &length) in lengths.iter().enumerate() {
            if node.is_multiple_of(BLOCK) {
                graph.bases.push(end);
            }
            let start = end - graph.bases[node / BLOCK];
            graph.starts.push(u32::try_from(start).expect("a block of nodes has fewer than 2^32 edges"));
            end += u64::from(length);
        }
        graph.targets = vec![0; end as usize];
        graph
    }

    /// Where a node's row starts in the column of all targets; for the number of nodes, the length of that column.
    pub(crate) fn start(&self, node: usize) -> usize {
        match self.starts.get(node) {
            Some(&start) => (self.bases[node / BLOCK] + u64::from(start)) as usize,
            None => self.targets.len(),
        }
    }

    /// The column of all targets.
    pub(crate) fn targets_mut(&mut self) -> &mut [Node] {
        &mut self.targets
    }

    /// The target at this position of the column of all targets.
    #[inline]
    pub(crate) fn target_at(&self, position: usize) -> Node {
        self.targets[position]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_pushed() {
        let graph = Graph::from_rows([vec![1, 2], vec![], vec![0, 0, 1]]);
        assert_eq!((graph.nodes(), graph.edges()), (3, 5));
        assert_eq!(graph.targets(0), [1, 2]);
        assert!(graph.targets(1).is_empty());
        assert_eq!(graph.targets(2), [0, 0, 1]);
    }

    #[test]
    fn reversing_keeps_every_edge_once() {
        let graph = Graph::from_rows([vec![1, 2], vec![2], vec![0, 0]]);
        let reverse = graph.reversed();
        assert_eq!(reverse.targets(0), [2, 2]);
        assert_eq!(reverse.targets(1), [0]);
        assert_eq!(reverse.targets(2), [0, 1]);
    }

    #[test]
    fn rows_cross_the_borders_of_blocks() {
        let nodes = 3 * BLOCK as u32 + 5;
        let graph = Graph::from_rows((0..nodes).map(|node| [node, nodes - 1 - node]));
        for node in [0, BLOCK as u32 - 1, BLOCK as u32, 2 * BLOCK as u32, nodes - 1] {
            assert_eq!(graph.targets(node), [node, nodes - 1 - node]);
        }
        assert_eq!(graph.reversed().targets(1), [1, nodes - 2]);
    }
}

//! Algorithms on plain graphs: compressed rows, search, dominators by two algorithms, components, shortest paths.
//!
//! Nothing here knows what a node is.

pub(crate) mod components;
pub(crate) mod csr;
pub(crate) mod dominators;
pub(crate) mod lengauer_tarjan;
pub(crate) mod order;
pub(crate) mod shortest;

pub use components::{Cycles, heads};
pub use csr::{Graph, NO_NODE, Node};
pub use dominators::DominatorTree;
pub use lengauer_tarjan::lengauer_tarjan;
pub use order::DepthFirst;
pub use shortest::ShortestPaths;

//! What a dump tells about its heap: graph, roots, dominators, retained sizes, paths.
//!
//! Pure: no files, no printing, no knowledge of CPython's layouts.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod attributes;
pub mod branches;
pub mod causes;
pub mod components;
pub mod diff;
pub mod dominators;
pub mod graph;
pub mod holders;
pub mod labels;
pub mod lengauer_tarjan;
pub mod merged;
pub mod objects;
pub mod order;
pub mod ownership;
pub mod paths;
pub mod references;
pub mod referrers;
pub mod representation;
pub mod restore;
pub mod retained;
pub mod shortest;
pub mod suspects;
pub mod totals;
pub mod waste;

pub use analysis::{Analysis, GroupSizes};
pub use attributes::{Attribute, attributes};
pub use branches::{Branch, Cut};
pub use causes::{CauseTotal, KnownCause};
pub use components::{Cycles, heads};
pub use diff::{Growth, growth, same_process, survivors};
pub use dominators::DominatorTree;
pub use graph::{Graph, NO_NODE, Node};
pub use holders::{HeldGraph, Holders, NodeKind};
pub use labels::{Label, LabelledEdge, LabelledEdges};
pub use lengauer_tarjan::lengauer_tarjan;
pub use merged::MergedPath;
pub use objects::Objects;
pub use order::DepthFirst;
pub use ownership::{Ownership, Phase};
pub use paths::PathStep;
pub use references::{Deficit, References};
pub use referrers::Referrers;
pub use representation::{Limits, is_builtin_kind, represent};
pub use retained::retained_by_group;
pub use shortest::ShortestPaths;
pub use suspects::{Accumulation, Suspect, TypeShare};
pub use totals::{Total, TypeTotals};
pub use waste::{Waste, WasteKind};

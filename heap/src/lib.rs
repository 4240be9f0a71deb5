//! What a dump tells about its heap: graph, roots, dominators, retained sizes, paths.
//!
//! Pure: no files, no printing, no knowledge of CPython's layouts.
//!
//! ```
//! use pyheap_format::reader::Dump;
//! use pyheap_heap::Analysis;
//! # use std::path::Path;
//!
//! # fn main() -> Result<(), pyheap_format::reader::ReadError> {
//! # let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../format/tests/dumps/version-1.0.cbor"));
//! let dump = Dump::open(path)?;
//! let analysis = Analysis::new(&dump);
//! let paths = analysis.shortest_paths();
//! for object in analysis.largest(3) {
//!     println!("{} bytes are kept alive by {}", analysis.retained(object), analysis.path_text(&paths.path(object)));
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod graph;
pub mod objects;
pub mod ownership;
pub mod questions;

pub use graph::{
    Cycles, DepthFirst, DominatorTree, Graph, NO_NODE, Node, ShortestPaths, heads, lengauer_tarjan,
};
pub use objects::{
    Attribute, Label, LabelledEdge, LabelledEdges, Limits, Objects, Referrers, Total, TypeTotals, attributes,
    is_builtin_kind, represent,
};
pub use ownership::{
    Analysis, Deficit, Dominated, GroupSizes, HeldGraph, Holders, NodeKind, Ownership, Phase, References,
    retained_by_group,
};
pub use questions::{
    Accumulation, Branch, CauseTotal, Cut, Growth, KnownCause, MergedPath, PathStep, Suspect, TypeShare,
    Waste, WasteKind, growth, same_process, survivors,
};

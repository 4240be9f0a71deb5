//! A dump's objects as a Python programmer sees them: their columns, names of edges, attributes, representations,
//! totals by type.

pub(crate) mod attributes;
pub(crate) mod columns;
pub(crate) mod labels;
pub(crate) mod referrers;
pub(crate) mod representation;
pub(crate) mod totals;

pub use attributes::{Attribute, attributes};
pub use columns::Objects;
pub use labels::{Label, LabelledEdge, LabelledEdges};
pub use referrers::Referrers;
pub use representation::{Limits, is_builtin_kind, represent};
pub use totals::{Total, TypeTotals};

//! From reference counts to retained sizes: known references, roots, the graph of what is held, dominators; and their
//! saved form.

pub(crate) mod analysis;
pub(crate) mod dominated;
pub(crate) mod findings;
pub(crate) mod holders;
pub(crate) mod references;
pub(crate) mod retained;
pub(crate) mod saved;

pub use analysis::{Analysis, GroupSizes};
pub use dominated::Dominated;
pub use findings::{Ownership, Phase};
pub use holders::{HeldGraph, Holders, NodeKind};
pub use references::{Deficit, References};
pub use retained::retained_by_group;

//! What can be asked of an analysed dump: paths, suspects, waste, differences. Answers are plain values, without
//! sentences.

pub(crate) mod branches;
pub(crate) mod causes;
pub(crate) mod diff;
pub(crate) mod folding;
pub(crate) mod merged;
pub(crate) mod path_text;
pub(crate) mod paths;
pub(crate) mod suspects;
pub(crate) mod waste;

pub use branches::{Branch, Cut};
pub use causes::{CauseTotal, KnownCause};
pub use diff::{Growth, growth, same_process, survivors};
pub use merged::MergedPath;
pub use path_text::PathStep;
pub use suspects::{Accumulation, Suspect, TypeShare};
pub use waste::{Waste, WasteKind};

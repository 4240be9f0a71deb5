//! What is told of long work, and how it is ended.

use pyheap_heap::Phase;
use std::ops::ControlFlow;
use thiserror::Error;

/// Work that takes time on a large dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The dump is read or decompressed.
    Opening,
    /// A kept analysis is read.
    Restoring,
    /// A phase of the analysis.
    Analysing(Phase),
    /// Shortest paths to everything are searched.
    Searching,
    /// An index over addresses or references is built.
    Indexing,
    /// All objects are gone through: so many are done, of so many.
    Scanning {
        /// Objects that are done.
        done: u32,
        /// Objects of the dump.
        of: u32,
    },
    /// The analysis is written down for the next time.
    Keeping,
}

/// Is told of each step as it begins, from the thread that asks; where it answers with a break, the work ends with
/// [`Cancelled`].
pub type Watch<'a> = &'a (dyn Fn(Step) -> ControlFlow<()> + 'a);

/// A watch that lets everything happen.
pub fn unwatched(_: Step) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The watch said that the work was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Tells of a step.
pub(crate) fn tell(watch: Watch<'_>, step: Step) -> Result<(), Cancelled> {
    match watch(step) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Cancelled),
    }
}

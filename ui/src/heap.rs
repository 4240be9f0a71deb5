//! What pages are made of: the engine with its dump, the older dump beside it, and answers that are kept whole.

use crate::preparation::Part;
use crate::trouble::Trouble;
use pyheap_engine::{AskError, Engine, FlameBy, FlameCut, Page, Step, Watch};
use pyheap_report::{Diff, Flame, Info, Leaks, NativeRefs, Threads};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What one request may take.
const TIME: Duration = Duration::from_secs(10);

/// Places that hold less than this share of the heap, in percent, are not listed.
const LEAST_SHARE: f64 = 0.1;

/// The whole tree: what has less than this share is left out, and what lies deeper.
const WHOLE: FlameCut = FlameCut { share: 0.002, depth: 16 };

/// Blocks of a page at most.
const BLOCKS: usize = 1000;

/// A dump that is analysed, and what pages ask of it more than once.
#[derive(Debug)]
pub(crate) struct Heap {
    pub(crate) engine: Engine,
    pub(crate) baseline: Option<Engine>,
    pub(crate) name: String,
    pub(crate) info: Info,
    ready: Mutex<BTreeSet<Part>>,
    leaks: OnceLock<Leaks>,
    native: OnceLock<NativeRefs>,
    diff: OnceLock<Diff>,
    threads: OnceLock<Threads>,
    flames: [OnceLock<Flame>; 2],
}

impl Heap {
    pub(crate) fn new(engine: Engine, baseline: Option<Engine>, name: String) -> Self {
        let info = engine.info();
        Self {
            engine,
            baseline,
            name,
            info,
            ready: Mutex::default(),
            leaks: OnceLock::new(),
            native: OnceLock::new(),
            diff: OnceLock::new(),
            threads: OnceLock::new(),
            flames: Default::default(),
        }
    }

    /// Says that a part is made.
    pub(crate) fn has(&self, part: Part) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(part);
    }

    /// Waits for nothing: what is not made yet is told.
    ///
    /// # Errors
    /// [`Trouble::NotYet`].
    pub(crate) fn need(&self, part: Part) -> Result<(), Trouble> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.contains(&part) { Ok(()) } else { Err(Trouble::NotYet(part.text().into())) }
    }

    /// Where memory accumulates: all places that are worth a line.
    pub(crate) fn leaks(&self, watch: Watch<'_>) -> Result<&Leaks, AskError> {
        kept(&self.leaks, || self.engine.leaks(LEAST_SHARE, Page::ALL, watch))
    }

    /// What native code holds, by type.
    pub(crate) fn native(&self, watch: Watch<'_>) -> Result<&NativeRefs, AskError> {
        kept(&self.native, || self.engine.native_refs(Page::ALL, watch))
    }

    /// All threads with their stacks.
    pub(crate) fn threads(&self, watch: Watch<'_>) -> Result<&Threads, AskError> {
        kept(&self.threads, || self.engine.threads(watch))
    }

    /// How the heap grew since the older dump, if there is one.
    pub(crate) fn diff(&self) -> Option<&Diff> {
        let baseline = self.baseline.as_ref()?;
        Some(self.diff.get_or_init(|| self.engine.diff(baseline, Page::ALL)))
    }

    /// The whole dominator tree as blocks.
    pub(crate) fn flame(&self, by: FlameBy, watch: Watch<'_>) -> Result<&Flame, AskError> {
        kept(&self.flames[by as usize], || self.flame_below(by, None, watch))
    }

    /// The tree below an object, or all of it: with so few blocks that a page of them stays small.
    pub(crate) fn flame_below(
        &self,
        by: FlameBy,
        top: Option<u64>,
        watch: Watch<'_>,
    ) -> Result<Flame, AskError> {
        let mut cut = WHOLE;
        loop {
            let flame = self.engine.flame(by, top, cut, watch)?;
            if flame.blocks.len() <= BLOCKS {
                return Ok(flame);
            }
            cut.share *= 2.0;
        }
    }
}

fn kept<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, AskError>) -> Result<&T, AskError> {
    match cell.get() {
        Some(value) => Ok(value),
        None => {
            let made = make()?;
            Ok(cell.get_or_init(|| made))
        }
    }
}

/// Ends what takes longer than a request may.
pub(crate) fn in_time() -> impl Fn(Step) -> ControlFlow<()> {
    let end = Instant::now() + TIME;
    move |_| if Instant::now() < end { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

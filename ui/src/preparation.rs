//! What is made of a dump before pages need it, and how far that is.

use crate::heap::Heap;
use crate::link::Link;
use crate::trouble::Trouble;
use pyheap_engine::{
    AskError, Engine, FlameBy, Measure, OpenError, Order, Page, Selection, Source, Step, Watch,
};
use pyheap_report::LinkKind;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// Where the server stands.
#[derive(Debug)]
pub(crate) struct Preparation {
    heap: OnceLock<Arc<Heap>>,
    doing: Mutex<&'static str>,
    begun: Instant,
}

/// What is made after the analysis; pages that need it wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Types,
    Objects,
    Referrers,
    Suspects,
    Flame,
    Modules,
    Waste,
    Strings,
    Cycles,
    Native,
    Difference,
}

impl Part {
    const ALL: [Self; 11] = [
        Self::Types,
        Self::Objects,
        Self::Referrers,
        Self::Suspects,
        Self::Flame,
        Self::Modules,
        Self::Waste,
        Self::Strings,
        Self::Cycles,
        Self::Native,
        Self::Difference,
    ];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Types => "summing up the types",
            Self::Objects => "sorting the objects",
            Self::Referrers => "indexing addresses and referrers",
            Self::Suspects => "looking for places where memory accumulates",
            Self::Flame => "laying out the dominator tree",
            Self::Modules => "summing up the modules",
            Self::Waste => "looking for waste",
            Self::Strings => "comparing strings",
            Self::Cycles => "looking for cycles",
            Self::Native => "comparing reference counts",
            Self::Difference => "comparing the dumps",
        }
    }

    fn make(self, heap: &Heap, watch: Watch<'_>) -> Result<(), AskError> {
        let engine = &heap.engine;
        let first = Page::first(1);
        match self {
            Self::Types => drop(engine.type_groups(None, None, Order::Retained, first, watch)?),
            Self::Objects => {
                for measure in [Measure::Retained, Measure::Allocated, Measure::Shallow] {
                    let all = engine.objects(&Selection::default(), measure, first, watch)?;
                    let type_name = all.objects.first().and_then(|first| first.object.type_name.clone());
                    let of_type = Selection { type_name, ..Selection::default() };
                    engine.objects(&of_type, measure, first, watch)?;
                }
            }
            Self::Referrers => {
                let largest = engine.objects(&Selection::default(), Measure::Retained, first, watch)?;
                let address = largest.objects.first().and_then(|first| first.object.address.as_deref());
                let Some(address) = address.and_then(Link::address) else { return Ok(()) };
                // The engine makes an index when it is asked for the second time.
                for _ in 0..2 {
                    engine.links(address, LinkKind::Referrers, first, watch)?;
                }
            }
            Self::Suspects => drop(heap.leaks(watch)?),
            Self::Flame => {
                heap.flame(FlameBy::Owner, watch)?;
                heap.flame(FlameBy::Type, watch)?;
            }
            Self::Modules => drop(engine.module_sizes(first, watch)?),
            Self::Waste => drop(engine.waste(first, watch)?),
            Self::Strings => drop(engine.duplicates(first, watch)?),
            Self::Cycles => drop(engine.cycles(first, watch)?),
            Self::Native => drop(heap.native(watch)?),
            Self::Difference => drop(heap.diff()),
        }
        Ok(())
    }
}

/// What is opened.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) dump: Source,
    pub(crate) baseline: Option<Source>,
    pub(crate) engine: pyheap_engine::Options,
    /// What the dump is called.
    pub(crate) name: String,
}

impl Preparation {
    pub(crate) fn new() -> Self {
        Self { heap: OnceLock::new(), doing: Mutex::new("opening the dump"), begun: Instant::now() }
    }

    /// The heap, once it is analysed.
    ///
    /// # Errors
    /// [`Trouble::NotYet`] with what is being done for it.
    pub(crate) fn heap(&self) -> Result<&Arc<Heap>, Trouble> {
        self.heap.get().ok_or_else(|| {
            let doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
            Trouble::NotYet(format!("{doing} (for {} s now)", self.begun.elapsed().as_secs()))
        })
    }

    /// Opens the dump and makes everything that pages need, in the order in which people want it.
    ///
    /// # Errors
    /// The dump cannot be opened.
    pub(crate) fn run(&self, sources: Sources) -> Result<(), OpenError> {
        let watch = |step| self.tell(step);
        let engine = Engine::open(sources.dump, &sources.engine, &watch)?;
        let baseline = sources.baseline.map(|source| Engine::open(source, &sources.engine, &watch));
        let baseline = baseline.transpose()?;
        engine.analyse(&watch)?;
        let heap = Arc::new(Heap::new(engine, baseline, sources.name));
        for part in Part::ALL {
            // Nobody cancels; a part that cannot be made is asked for again by the page that needs it.
            let _ = part.make(&heap, &watch);
            heap.has(part);
            if part == Part::Types {
                let _ = self.heap.set(heap.clone());
            }
        }
        // A full disk is no reason not to serve: the next start takes longer, that is all.
        let _ = heap.engine.keep(&watch);
        Ok(())
    }

    fn tell(&self, step: Step) -> ControlFlow<()> {
        let doing = match step {
            Step::Opening => "opening the dump",
            Step::Restoring => "reading the kept analysis",
            Step::Analysing(_) => "analysing who holds what",
            Step::Searching => "searching paths",
            Step::Indexing => "indexing",
            Step::Scanning { .. } => "going through the objects",
            Step::Keeping => "keeping the analysis",
        };
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = doing;
        ControlFlow::Continue(())
    }
}

//! The engine: a dump, and what has been found out about it.

use crate::cache::Cache;
use crate::error::{AskError, Kept, OpenError};
use crate::indexes::Indexes;
use crate::lookup::{AddressIndex, SecondTime};
use crate::questions::duplicates::Copies;
use crate::questions::objects::Selections;
use crate::source::{Opened, Source};
use crate::watch::{Cancelled, Step, Watch, tell};
use pyheap_format::reader::Dump;
use pyheap_heap::{Analysis, Node, Objects, Ownership, Referrers, ShortestPaths};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Where analyses are kept from one run to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Caching {
    /// Nowhere.
    #[default]
    Off,
    /// In the user's cache folder, for dumps that take time to analyse.
    Usual,
    /// In this folder, whatever the size of the dump.
    Folder(PathBuf),
}

/// How a dump is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where its analysis is kept.
    pub caching: Caching,
    /// Answers tell nothing of what objects contain: types, lengths and names that stand in code are told, and for
    /// each content a number that only equal contents share.
    pub redact: bool,
}

/// A dump that answers questions.
#[derive(Debug)]
pub struct Engine {
    pub(crate) dump: Dump,
    notes: Vec<String>,
    cache: Option<Cache>,
    ownership: OnceLock<Arc<Ownership>>,
    /// Held by whoever makes the analysis: nobody makes it twice.
    analysing: Mutex<Made>,
    shortest: OnceLock<ShortestPaths>,
    addresses: SecondTime<AddressIndex>,
    referrers: SecondTime<Referrers>,
    pub(crate) indexes: Indexes,
    pub(crate) copies: OnceLock<Copies>,
    pub(crate) selections: Selections,
}

/// Where the analysis comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Made {
    #[default]
    NotYet,
    Restored,
    Computed,
}

impl Engine {
    /// Opens a dump. What is missing in it, or stands in for something, is told by [`Self::warnings`] and
    /// [`Self::notes`].
    ///
    /// # Errors
    /// [`OpenError`] where nothing of it can be used.
    pub fn open(source: Source, options: &Options, watch: Watch<'_>) -> Result<Self, OpenError> {
        tell(watch, Step::Opening)?;
        let Opened { mut dump, notes } = source.open()?;
        if options.redact {
            dump.conceal();
        }
        let cache = Cache::of(&dump, &options.caching);
        Ok(Self {
            dump,
            notes,
            cache,
            ownership: OnceLock::new(),
            analysing: Mutex::default(),
            shortest: OnceLock::new(),
            addresses: SecondTime::new(),
            referrers: SecondTime::new(),
            indexes: Indexes::default(),
            copies: OnceLock::new(),
            selections: Selections::default(),
        })
    }

    /// The dump itself.
    pub fn dump(&self) -> &Dump {
        &self.dump
    }

    /// What is missing or damaged in the dump, in sentences without a final stop.
    pub fn warnings(&self) -> &[String] {
        self.dump.warnings()
    }

    /// What the file's format could not tell, and what stands in for it, in sentences without a final stop.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Makes the analysis, unless it is there already: questions that need it are answered at once from then on.
    ///
    /// # Errors
    /// The watch says so; whoever asks next begins anew.
    pub fn analyse(&self, watch: Watch<'_>) -> Result<(), Cancelled> {
        self.ownership(watch).map(|_| ())
    }

    /// Keeps the analysis for the next time where that is wanted and it was computed, not restored.
    ///
    /// # Errors
    /// Those of the file system, a full one for instance. The engine can be used as before.
    pub fn keep(&self, watch: Watch<'_>) -> Kept {
        let made = *self.analysing.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(cache), Some(ownership), Made::Computed) = (&self.cache, self.ownership.get(), made)
            && tell(watch, Step::Keeping).is_ok()
        {
            cache.store(&self.dump, ownership)?;
        }
        Ok(())
    }

    pub(crate) fn analysis(&self, watch: Watch<'_>) -> Result<Analysis<'_>, Cancelled> {
        Ok(Analysis::with(&self.dump, self.ownership(watch)?.clone()))
    }

    fn ownership(&self, watch: Watch<'_>) -> Result<&Arc<Ownership>, Cancelled> {
        if let Some(ownership) = self.ownership.get() {
            return Ok(ownership);
        }
        let mut made = self.analysing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ownership) = self.ownership.get() {
            return Ok(ownership);
        }
        let restored = match &self.cache {
            Some(cache) => {
                tell(watch, Step::Restoring)?;
                cache.restore(&self.dump)
            }
            None => None,
        };
        let ownership = match restored {
            Some(ownership) => {
                *made = Made::Restored;
                ownership
            }
            None => {
                let computed =
                    Ownership::watched(&self.dump, &mut |phase| tell(watch, Step::Analysing(phase)))?;
                *made = Made::Computed;
                computed
            }
        };
        Ok(self.ownership.get_or_init(|| Arc::new(ownership)))
    }

    /// Shortest paths to everything.
    pub(crate) fn shortest(
        &self,
        analysis: &Analysis<'_>,
        watch: Watch<'_>,
    ) -> Result<&ShortestPaths, Cancelled> {
        if self.shortest.get().is_none() {
            tell(watch, Step::Searching)?;
        }
        Ok(self.shortest.get_or_init(|| analysis.shortest_paths()))
    }

    /// The object at an address in the target's address space.
    ///
    /// # Errors
    /// [`AskError::NoObject`].
    pub fn find(&self, address: u64, watch: Watch<'_>) -> Result<Node, AskError> {
        let index = self.addresses.get(|| {
            // An index that nobody waits for is of use to whoever asks next.
            let _ = tell(watch, Step::Indexing);
            AddressIndex::of(&self.dump)
        });
        let found = match index {
            Some(index) => index.find(&Objects::of(&self.dump), address),
            None => self.dump.find(address),
        };
        found.ok_or(AskError::NoObject { address })
    }

    /// The objects that have an edge to this one, whether it owns a reference or not, in ascending order.
    pub(crate) fn referrers(&self, analysis: &Analysis<'_>, object: Node, watch: Watch<'_>) -> Vec<Node> {
        let index = self.referrers.get(|| {
            let _ = tell(watch, Step::Indexing);
            Referrers::of(&self.dump)
        });
        match index {
            Some(index) => index.of_object(object),
            None => analysis.referrers(object),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_can_be_shared() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Arc<Engine>>();
    }
}

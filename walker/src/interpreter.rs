//! Finds the interpreter's parts from the address of `_PyRuntime`: GIL, collector, threads, modules.

use crate::debug_offsets;
use crate::layout::{ABSENT, Layout, Scope, fixed};
use crate::memory::{Memory, Unreadable};
use alloc::vec::Vec;
use core::fmt;

/// Why a target cannot be walked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// No layout is known for this version.
    Version {
        /// `PY_VERSION_HEX`.
        hex: u32,
    },
    /// No layout is known for this kind of build (free-threaded, debug).
    Build {
        /// What is special about it.
        kind: &'static str,
    },
    /// The layout is known but the target's memory does not agree with it.
    Inconsistent {
        /// What was checked.
        what: &'static str,
    },
    /// The interpreter's own structures cannot be read.
    Unreadable(Unreadable),
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { hex } => {
                write!(f, "no layout is known for CPython {}.{}", hex >> 24, hex >> 16 & 0xFF)
            }
            Self::Build { kind } => write!(f, "no layout is known for a {kind} build of CPython"),
            Self::Inconsistent { what } => {
                write!(f, "the target's memory does not look like its version: {what}")
            }
            Self::Unreadable(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Unsupported {}

impl From<Unreadable> for Unsupported {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

/// Whether a thread holds the global interpreter lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GilState {
    /// Some thread holds it.
    pub held: bool,
    /// Address of the `PyThreadState` that took it last, while it is held.
    pub holder: Option<u64>,
    /// Operating system's id, in the target's PID namespace, of the thread that holds it; before 3.11 and where unknown, `None`.
    pub holder_native_id: Option<u64>,
    /// `pthread_self()` of the thread that holds it.
    pub holder_ident: Option<u64>,
}

/// A located and validated interpreter: the runtime and its main interpreter state.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// Address of `_PyRuntime`.
    pub runtime: u64,
    /// `PY_VERSION_HEX`.
    pub python: u32,
    /// Where this version keeps what.
    pub layout: Layout,
    /// Addresses of all `PyInterpreterState`s, the main one first.
    pub states: Vec<u64>,
}

/// Interpreters beyond this number mean that the list is damaged.
const MOST_INTERPRETERS: usize = 4096;

impl Interpreter {
    /// Validates what `memory` holds at `runtime`, the address of `_PyRuntime`, against the layout of version `python`
    /// (`PY_VERSION_HEX`) and the kind of build.
    pub fn locate(
        memory: &dyn Memory,
        runtime: u64,
        python: u32,
        free_threaded: bool,
        debug: bool,
    ) -> Result<Self, Unsupported> {
        let mut layout = Layout::for_version(python)?.clone();
        if free_threaded {
            return Err(Unsupported::Build { kind: "free-threaded" });
        }
        if debug {
            return Err(Unsupported::Build { kind: "debug" });
        }
        debug_offsets::adopt(memory, runtime, python, &mut layout)?;
        let mut states = Vec::new();
        let mut state = memory.word(runtime + u64::from(layout.offsets.runtime_interpreters_head))?;
        while state != 0 {
            if states.len() == MOST_INTERPRETERS {
                return Err(Unsupported::Inconsistent { what: "the list of interpreters does not end" });
            }
            states.push(state);
            state = memory.word(state + u64::from(layout.offsets.interp_next))?;
        }
        // The list is in reverse order of creation.
        states.reverse();
        let &main = states.first().ok_or(Unsupported::Inconsistent { what: "there is no interpreter" })?;
        let thread = memory.word(main + u64::from(layout.offsets.interp_threads_head))?;
        if memory.word(thread + fixed::TSTATE_INTERP)? != main {
            return Err(Unsupported::Inconsistent { what: "a thread state does not name its interpreter" });
        }
        debug_offsets::find_static_types(memory, main, &mut layout.offsets)?;
        let collector = u64::from(layout.offsets.gc)
            + match layout.features.collector {
                Scope::Runtime => runtime,
                Scope::Interpreter => main,
            };
        let candidates = [Some(layout.offsets.gc_generations), layout.features.patched_generations];
        let found = candidates.into_iter().flatten().find(|offset| {
            (0..3).all(|n| is_ring(memory, collector + u64::from(offset + n * GENERATION_STRIDE)))
        });
        match found {
            Some(offset) => {
                // The permanent generation stands behind the others.
                let moved = offset.wrapping_sub(layout.offsets.gc_generations);
                layout.offsets.gc_permanent = layout.offsets.gc_permanent.wrapping_add(moved);
                layout.offsets.gc_generations = offset;
            }
            // During a collection the back links hold counts.
            None if memory.half(collector + u64::from(layout.offsets.gc_collecting))? != 0 => {}
            None => {
                return Err(Unsupported::Inconsistent { what: "the collector's generations are no lists" });
            }
        }
        Ok(Self { runtime, python, layout, states })
    }

    /// Whether the GIL is held, and by whom.
    pub fn gil(&self, memory: &dyn Memory) -> Result<GilState, Unreadable> {
        for &state in &self.states {
            let gil = match self.layout.features.gil {
                Scope::Runtime => self.runtime + u64::from(self.layout.offsets.gil),
                Scope::Interpreter => memory.word(state + u64::from(self.layout.offsets.gil))?,
            };
            if memory.half(gil + u64::from(self.layout.offsets.gil_locked))? as i32 > 0 {
                let holder = memory.word(gil + u64::from(self.layout.offsets.gil_last_holder))?;
                let native = self.layout.offsets.tstate_native_thread_id;
                return Ok(GilState {
                    held: true,
                    holder: Some(holder),
                    holder_native_id: match native {
                        ABSENT => None,
                        offset => memory.word(holder + u64::from(offset)).ok(),
                    },
                    holder_ident: memory.word(holder + u64::from(self.layout.offsets.tstate_thread_id)).ok(),
                });
            }
            match self.layout.features.gil {
                Scope::Runtime => break,
                Scope::Interpreter => {}
            }
        }
        Ok(GilState { held: false, holder: None, holder_native_id: None, holder_ident: None })
    }

    /// Whether a garbage collection is under way in any interpreter.
    pub fn collecting(&self, memory: &dyn Memory) -> Result<bool, Unreadable> {
        for collector in self.collectors() {
            if memory.half(collector + u64::from(self.layout.offsets.gc_collecting))? != 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Addresses of the collectors' states.
    pub(crate) fn collectors(&self) -> Vec<u64> {
        let gc = u64::from(self.layout.offsets.gc);
        match self.layout.features.collector {
            Scope::Runtime => Vec::from([self.runtime + gc]),
            Scope::Interpreter => self.states.iter().map(|state| state + gc).collect(),
        }
    }

    /// Heads of the collector's lists, the permanent generation included.
    pub(crate) fn generation_heads(&self) -> Vec<u64> {
        let mut heads = Vec::new();
        for collector in self.collectors() {
            for n in 0..3 {
                heads.push(collector + u64::from(self.layout.offsets.gc_generations + n * GENERATION_STRIDE));
            }
            heads.push(collector + u64::from(self.layout.offsets.gc_permanent));
        }
        heads
    }
}

/// `sizeof(struct gc_generation)`.
const GENERATION_STRIDE: u32 = 24;

/// Whether the list at `head` is linked both ways at its ends.
fn is_ring(memory: &dyn Memory, head: u64) -> bool {
    let linked = || -> Result<bool, Unreadable> {
        let next = memory.word(head)? & !3;
        let previous = memory.word(head + 8)? & !3;
        Ok(memory.word(next + 8)? & !3 == head && memory.word(previous)? & !3 == head)
    };
    linked().unwrap_or(false)
}

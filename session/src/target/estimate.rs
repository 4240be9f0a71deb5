//! What a dump of a process would cost it, told without touching it.

use crate::error::SessionError;
use crate::target::snapshot::Identified;
use crate::text;
use pyheap_process::{MemoryBudget, Resident};
use std::fmt;
use std::fs;
use std::time::Duration;

/// The snapshot of a process with no memory to speak of.
const LEAST_PAUSE: Duration = Duration::from_millis(4);

/// What the copies of the page tables take for each GiB that is resident.
const PAUSE_PER_GIB: Duration = Duration::from_millis(20);

/// What it takes to stop and resume a thread.
const PAUSE_PER_THREAD: Duration = Duration::from_micros(40);

/// Objects that a walker covers in a second, roughly.
const OBJECTS_PER_SECOND: f64 = 3e6;

/// What a dump would cost.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// Version of the interpreter, such as `3.11.7`.
    pub python: String,
    /// What the process has in memory.
    pub resident: Resident,
    /// What the snapshot may take, and what there is room for.
    pub budget: MemoryBudget,
    /// For how long the process would be kept from running: what is usual, not a promise.
    pub pause: Duration,
    /// How long the walk may take at most, while the process runs on.
    pub walk: Duration,
}

impl Estimate {
    /// Looks at process `pid`, which goes on meanwhile. Fails where a dump would, as far as that can be known.
    /// `ignore_compatibility_checks`: the dump's option of this name.
    pub fn of(pid: u32, ignore_compatibility_checks: bool) -> Result<Self, SessionError> {
        let target = Identified::of(pid, false)?;
        if !ignore_compatibility_checks {
            target.interpreter.check_name()?;
        }
        let resident = target.resident;
        let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(1, Iterator::count);
        let gibibytes = resident.rss as f64 / f64::from(1 << 30);
        Ok(Self {
            python: target.interpreter.version.to_string(),
            resident,
            budget: target.budget,
            pause: LEAST_PAUSE
                + PAUSE_PER_GIB.mul_f64(gibibytes)
                + PAUSE_PER_THREAD * u32::try_from(threads).unwrap_or(u32::MAX),
            walk: Duration::from_secs_f64(
                pyheap_process::limits::estimate_objects(&resident) as f64 / OBJECTS_PER_SECOND,
            ),
        })
    }

    /// Why a snapshot would be refused, with figures.
    pub fn refusal(&self) -> Option<String> {
        self.budget.refusal()
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Python {}, {} resident. A snapshot would keep it from running for about {:.0} ms; the walk takes {:.1} s at most, while it \
             runs on, and up to {} of memory",
            self.python,
            text::bytes(self.resident.rss),
            self.pause.as_secs_f64() * 1e3,
            self.walk.as_secs_f64(),
            text::bytes(self.budget.need),
        )?;
        if let Some(cgroup) = &self.budget.cgroup {
            let (room, limit) = (text::bytes(cgroup.room()), text::bytes(cgroup.limit));
            write!(f, ", of which its memory limit of {limit} leaves {room}")?;
        }
        match self.refusal() {
            Some(reason) => write!(f, ". It would be refused: {reason}. Nothing was touched."),
            None => f.write_str(". Nothing was touched."),
        }
    }
}

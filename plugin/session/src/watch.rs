//! Watches over the memory limit of the process while its copy-on-write child lives.

use crate::snapshot::Taken;
use crate::text;
use pyheap_inferior::WALKER_NAME;
use pyheap_process::{MemoryCgroup, namespace};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::time::{Duration, Instant};

/// How often the limit is looked at.
pub const INTERVAL: Duration = Duration::from_millis(20);

/// The child is ended when this part of the room that there was at the start is all that is left,
const RESERVED_PART: u64 = 8;

/// or this many bytes: what processes that write as fast as they can take within a few intervals.
const MOST_RESERVED: u64 = 128 << 20;

/// A watch over one child.
#[derive(Debug)]
pub struct Watch {
    cgroup: MemoryCgroup,
    reserve: u64,
    /// The child, as this process sees it.
    walker: u32,
    looked: Instant,
}

impl Watch {
    /// Begins to watch, if there is a limit and the child can be found.
    pub fn begin(taken: &Taken) -> Option<Self> {
        let cgroup = taken.budget.cgroup.clone()?;
        let walker = namespace::translate(taken.pid, taken.walker?)?;
        let reserve = (cgroup.room() / RESERVED_PART).min(MOST_RESERVED);
        Some(Self { cgroup, reserve, walker, looked: Instant::now() })
    }

    /// Ends the child if too little room is left; says why, then.
    pub fn look(&mut self) -> Option<String> {
        if self.looked.elapsed() < INTERVAL {
            return None;
        }
        self.looked = Instant::now();
        let now = self.cgroup.read_again()?;
        let is_walker = || {
            fs::read_to_string(format!("/proc/{}/comm", self.walker))
                .is_ok_and(|name| name.trim_end().as_bytes() == WALKER_NAME.to_bytes())
        };
        if now.room() >= self.reserve || !is_walker() {
            return None;
        }
        kill_process(Pid::from_raw(self.walker as i32)?, Signal::KILL).ok()?;
        Some(format!(
            "the memory cgroup had room for {} only (limit {}, used {})",
            text::bytes(now.room()),
            text::bytes(now.limit),
            text::bytes(now.usage)
        ))
    }
}

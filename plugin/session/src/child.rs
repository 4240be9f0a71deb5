//! The copy-on-write child as seen from outside: whether it does anything, and how it ended.

use crate::watch::Watch;
use pyheap_inferior::status;
use pyheap_process::{Ending, MemoryBudget, MemoryCgroup, ProcessHandle, limits, namespace};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For how long a child may send nothing and use no processor time before the user is told,
const NOTICE: Duration = Duration::from_secs(2);

/// and before it is given up.
const SILENCE: Duration = Duration::from_secs(20);

/// How long its end is waited for once its pipe has ended.
const END: Duration = Duration::from_millis(200);

/// The copy-on-write child. Dropped before it has ended, it is killed: nobody needs it any more.
#[derive(Debug)]
pub struct Child {
    process: Arc<ProcessHandle>,
    watch: Option<Watch>,
    cgroup: Option<MemoryCgroup>,
    /// How many processes the kernel had killed for want of memory before.
    kills: u64,
    heard: Instant,
    ticks: u64,
    told: bool,
}

/// Why a child did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It was ended because memory was running out: the figures.
    NearLimit(String),
    /// It was ended because it did nothing: what it waited for.
    Silent(String),
    /// It ended by itself: how, where that can be known.
    Died(String),
}

impl Child {
    /// Takes hold of the child that process `pid` knows as `inner`, and begins to watch over the memory. Nothing if it cannot be found.
    pub fn find(pid: u32, inner: u32, budget: &MemoryBudget) -> Option<Self> {
        let process = Arc::new(ProcessHandle::open(namespace::translate(pid, inner)?));
        let cgroup = budget.cgroup.clone();
        let watch = cgroup.clone().map(|cgroup| Watch::begin(cgroup, Arc::clone(&process)));
        let kills = kills(cgroup.as_ref());
        Some(Self { process, watch, cgroup, kills, heard: Instant::now(), ticks: 0, told: false })
    }

    /// Takes note that something has arrived.
    pub fn heard(&mut self) {
        self.heard = Instant::now();
        self.told = false;
    }

    /// To be asked while nothing arrives. Ends a child that does nothing for too long, and says so.
    pub fn silence(&mut self) -> Option<Stopped> {
        let activity = self.process.activity()?;
        if activity.ticks != self.ticks {
            self.ticks = activity.ticks;
            self.heard();
            return None;
        }
        let silent = self.heard.elapsed();
        let waits = waits(activity.state)?;
        if silent > NOTICE && !self.told {
            self.told = true;
            eprintln!(
                "The walker (process {}) sends nothing and does nothing: {waits}. It is given up after {} s.",
                self.process.pid(),
                SILENCE.as_secs()
            );
        }
        if silent < SILENCE {
            return None;
        }
        self.process.kill();
        Some(Stopped::Silent(format!("nothing came from it for {} s: {waits}", SILENCE.as_secs())))
    }

    /// Why it ended, once its pipe has ended too early.
    pub fn end(&mut self) -> Stopped {
        if let Some(near) = self.finish() {
            return Stopped::NearLimit(near);
        }
        let ending = self.process.ending(END);
        let killed = matches!(ending, None | Some(Ending::Signaled(9)));
        Stopped::Died(match ending {
            _ if killed && kills(self.cgroup.as_ref()) > self.kills => {
                "memory ran out, and the kernel killed it (signal 9)".to_owned()
            }
            Some(Ending::Exited(status::PANICKED)) => "an error of its own stopped it".to_owned(),
            Some(Ending::Exited(status @ status::FAULTED..)) => {
                format!("a fault of its own stopped it ({})", Ending::Signaled(status - status::FAULTED))
            }
            Some(ending) => ending.to_string(),
            None => "this kernel does not tell how".to_owned(),
        })
    }

    /// Ends the watch, whose work is done when the last record has arrived; says why it ended the child, if it did.
    pub fn finish(&mut self) -> Option<String> {
        self.watch.take().and_then(Watch::end)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.process.kill();
    }
}

fn kills(cgroup: Option<&MemoryCgroup>) -> u64 {
    cgroup.and_then(MemoryCgroup::kills).unwrap_or(0) + limits::machine_kills().unwrap_or(0)
}

/// What a process in this state waits for; nothing where it has ended.
fn waits(state: char) -> Option<&'static str> {
    Some(match state {
        'T' => "a signal has stopped it (state T)",
        't' => "another debugger has stopped it (state t)",
        'D' => "it waits for a disk (state D)",
        'Z' | 'X' => return None,
        'R' => "no processor takes it (state R)",
        _ => "it sleeps (state S)",
    })
}

//! The copy-on-write child as seen from outside: whether it does anything, and how it ended.

use crate::error::SessionError;
use crate::listener::Listener;
use crate::stream::watch::Watch;
use pyheap_inferior::{READER_WAIT, status};
use pyheap_process::{Ending, MemoryBudget, MemoryCgroup, ProcessHandle, limits, namespace};
use std::fs::{self, File};
use std::io;
use std::sync::Arc;
use std::thread;
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
    /// Takes hold of the child that process `pid` knows as `inner`, and begins to watch over the memory.
    pub fn find(pid: u32, inner: u32, budget: &MemoryBudget) -> Result<Self, SessionError> {
        let id = namespace::translate(pid, inner)
            .ok_or_else(|| Stopped::Died("it had no time to begin".to_owned()).error(0, String::new()))?;
        let process = Arc::new(ProcessHandle::open(id));
        let cgroup = budget.cgroup.clone();
        let watch = cgroup.clone().map(|cgroup| Watch::begin(cgroup, Arc::clone(&process)));
        let kills = kills(cgroup.as_ref());
        Ok(Self { process, watch, cgroup, kills, heard: Instant::now(), ticks: 0, told: false })
    }

    /// Opens its pipe, once it has closed everything else.
    pub fn open_pipe(&mut self) -> Result<File, SessionError> {
        let deadline = Instant::now() + Duration::from_millis(READER_WAIT.into());
        loop {
            match has_only_a_pipe(self.process.pid()) {
                Ok(true) => break,
                Ok(false) if self.process.activity().is_some_and(|activity| activity.state != 'Z') => {}
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(SessionError::Pipe(error));
                }
                _ => return Err(self.end().error(0, String::new())),
            }
            if Instant::now() > deadline {
                return Err(SessionError::Pipe(io::ErrorKind::TimedOut.into()));
            }
            thread::sleep(Duration::from_micros(200));
        }
        let pipe = File::open(format!("/proc/{}/fd/0", self.process.pid())).map_err(SessionError::Pipe)?;
        self.heard();
        Ok(pipe)
    }

    /// Takes note that something has arrived.
    pub fn heard(&mut self) {
        self.heard = Instant::now();
        self.told = false;
    }

    /// To be asked while nothing arrives. Ends a child that does nothing for too long, and says so.
    pub fn silence(&mut self, listener: &mut dyn Listener) -> Option<Stopped> {
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
            listener.note(&format!(
                "The walker (process {}) sends nothing and does nothing: {waits}. It is given up after {} s.",
                self.process.pid(),
                SILENCE.as_secs()
            ));
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
            Some(ending @ Ending::Exited(status::FAILED)) => format!("it gave up ({ending})"),
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

impl Stopped {
    /// As an error, after so many objects; `kept` says where the incomplete dump is.
    pub fn error(self, objects: u64, kept: String) -> SessionError {
        match self {
            Self::NearLimit(reason) => SessionError::MemoryLimit { objects, reason, kept },
            Self::Silent(reason) => SessionError::Silent { objects, reason, kept },
            Self::Died(ending) => SessionError::WalkerDied { objects, ending, kept },
        }
    }
}

/// Whether a process has two descriptors, 0 and 1, which are the ends of one pipe.
fn has_only_a_pipe(pid: u32) -> io::Result<bool> {
    let folder = format!("/proc/{pid}/fd");
    let count = fs::read_dir(&folder)?.count();
    let end = |fd: u32| fs::read_link(format!("{folder}/{fd}")).ok();
    Ok(count == 2
        && end(0).is_some_and(|pipe| pipe.to_string_lossy().starts_with("pipe:"))
        && end(0) == end(1))
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

//! Watches over the memory limit of the process while its copy-on-write child lives, in a thread of its own: nothing that the stream waits
//! for delays it.

use crate::text;
use pyheap_process::{MemoryCgroup, ProcessHandle};
use rustix::process::setpriority_process;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the usage is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// How many looks apart the limit and what the kernel can drop are read again: longer files.
const LOOKS: u32 = 20;

/// The child is ended when this part of the room that there was at the start is all that is left,
const RESERVED_PART: u64 = 3;

/// or this many bytes,
const MOST_RESERVED: u64 = 128 << 20;

/// but not less than this many where all processes of the group would be killed,
const GROUP_RESERVED: u64 = 64 << 20;

/// or when at the present rate the room would last only so long: for a few looks, and for the child's end.
const HORIZON: Duration = Duration::from_millis(40);

/// The nice value of the watch.
const HIGHEST_PRIORITY: i32 = -20;

/// A watch over one child; it ends with this value.
#[derive(Debug)]
pub struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<Option<String>>,
}

impl Watch {
    /// Begins to watch.
    pub fn begin(cgroup: MemoryCgroup, child: Arc<ProcessHandle>) -> Self {
        let (stop, stopped) = channel();
        Self { stop, thread: thread::spawn(move || watch(cgroup, &child, &stopped)) }
    }

    /// Ends the watch; says why it ended the child, if it did.
    pub fn end(self) -> Option<String> {
        drop(self.stop);
        self.thread.join().ok().flatten()
    }
}

fn watch(mut cgroup: MemoryCgroup, child: &ProcessHandle, stopped: &Receiver<()>) -> Option<String> {
    // This thread alone, where that is allowed: it must not wait for a processor behind the writers.
    let _ = setpriority_process(None, HIGHEST_PRIORITY);
    cgroup = cgroup.read_again().unwrap_or(cgroup);
    let mut forecast = Forecast::new(cgroup.room(), cgroup.kills_all);
    let mut looked = Instant::now();
    let mut looks = 0;
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(INTERVAL) {
        looks += 1;
        if looks % LOOKS == 0 {
            cgroup = cgroup.read_again()?;
        } else {
            cgroup.usage = cgroup.usage_now()?;
        }
        let elapsed = looked.elapsed();
        looked = Instant::now();
        if forecast.is_near(cgroup.room(), elapsed) {
            let near = format!(
                "the memory cgroup had room for {} only{} (limit {}, used {})",
                text::bytes(cgroup.room()),
                forecast.rate(),
                text::bytes(cgroup.limit),
                text::bytes(cgroup.usage)
            );
            return child.kill().then(|| {
                child.release_memory();
                near
            });
        }
    }
    None
}

/// What room there was, and how fast it goes.
#[derive(Debug)]
struct Forecast {
    reserve: u64,
    room: u64,
    /// Bytes taken between the last two looks, and the time between them.
    before: (u64, Duration),
    /// Bytes per second.
    rate: f64,
}

impl Forecast {
    fn new(room: u64, kills_all: bool) -> Self {
        let least = if kills_all { GROUP_RESERVED } else { 0 };
        Self {
            reserve: (room / RESERVED_PART).min(MOST_RESERVED).max(least),
            room,
            before: (0, INTERVAL),
            rate: 0.0,
        }
    }

    /// Takes the room that there is `elapsed` after the last look. True if it is too little.
    fn is_near(&mut self, room: u64, elapsed: Duration) -> bool {
        let now = (self.room.saturating_sub(room), elapsed);
        // Over two looks: a table that grows is no writer.
        let time = (now.1 + self.before.1).as_secs_f64().max(1e-3);
        self.rate = (now.0 + self.before.0) as f64 / time;
        self.before = now;
        self.room = room;
        room < self.reserve || (room as f64) < self.rate * HORIZON.as_secs_f64()
    }

    /// The rate in words, where it matters.
    fn rate(&self) -> String {
        if self.room < self.reserve {
            String::new()
        } else {
            format!(", which went at {}/s", text::bytes(self.rate as u64))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Forecast, INTERVAL};

    const MIB: u64 = 1 << 20;

    /// The room that is left when the child is ended, `per_look` bytes being taken between two looks.
    fn left(room: u64, kills_all: bool, per_look: u64) -> u64 {
        let mut forecast = Forecast::new(room, kills_all);
        let mut left = room;
        while !forecast.is_near(left, INTERVAL) {
            left = left.checked_sub(per_look).expect("the room has gone unnoticed");
        }
        left
    }

    #[test]
    fn a_slow_writer_may_take_most_of_the_room() {
        assert!((29 * MIB..=30 * MIB).contains(&left(90 * MIB, false, MIB / 100)));
        assert!((127 * MIB..=128 * MIB).contains(&left(4096 * MIB, false, MIB / 10)));
    }

    #[test]
    fn a_fast_writer_leaves_time_to_end_the_child() {
        // 2 GB/s.
        let per_look = 10 * MIB;
        for room in [80 * MIB, 300 * MIB, 4096 * MIB] {
            assert!(left(room, false, per_look) / per_look >= 6, "{room}");
        }
    }

    #[test]
    fn a_table_that_grows_is_no_writer() {
        let mut forecast = Forecast::new(40 * MIB, false);
        assert!(!forecast.is_near(35 * MIB, INTERVAL));
        for _ in 0..100 {
            assert!(!forecast.is_near(35 * MIB, INTERVAL));
        }
    }

    #[test]
    fn a_group_that_is_killed_as_a_whole_keeps_more() {
        assert!(left(90 * MIB, true, MIB / 100) >= 63 * MIB);
        // Forced into too little room: ended at once.
        assert_eq!(left(50 * MIB, true, MIB), 50 * MIB);
    }
}

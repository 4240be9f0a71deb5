//! A hold on a process that is nobody's child here: it is killed without a mix-up of ids, and tells how it ended.
#![expect(unsafe_code, reason = "no crate offers PIDFD_GET_INFO and process_mrelease")]

use procfs::process::Process;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use std::fmt;
use std::time::{Duration, Instant};

/// A process that may end at any time.
#[derive(Debug)]
pub struct ProcessHandle {
    pid: u32,
    /// Where the kernel has such descriptors: since Linux 5.3.
    pidfd: Option<OwnedFd>,
    /// When it started, by which another process of the same id is told apart.
    started: Option<u64>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Exited(u8),
    /// By this signal.
    Signaled(u8),
}

/// What a process does, or that it does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// `R`, `S`, `D`, `T`, `t`, `Z`, …
    pub state: char,
    /// CPU time that it has used, clock ticks.
    pub ticks: u64,
}

impl ProcessHandle {
    /// Takes hold of process `pid`.
    pub fn open(pid: u32) -> Self {
        let pidfd = process_id(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        Self { pid, pidfd, started: started(pid) }
    }

    /// Its id, as this process sees it.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Kills it. False if that is not possible, because it has ended or is another user's.
    pub fn kill(&self) -> bool {
        match &self.pidfd {
            Some(pidfd) => pidfd_send_signal(pidfd, Signal::KILL).is_ok(),
            None => process_id(self.pid)
                .filter(|_| self.started.is_some() && self.started == started(self.pid))
                .is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok()),
        }
    }

    /// Frees the memory of a process that was killed, by the caller's own processor time; otherwise that is done when a processor takes the
    /// process, and the kernel may be out of memory by then. Since Linux 5.15; before, nothing happens.
    pub fn release_memory(&self) {
        if let Some(pidfd) = &self.pidfd {
            // SAFETY: only the memory of a process that is being killed is concerned.
            unsafe { libc::syscall(libc::SYS_process_mrelease, pidfd.as_raw_fd(), 0) };
        }
    }

    /// What it does at the moment, or `None` if it is gone.
    pub fn activity(&self) -> Option<Activity> {
        let stat = Process::new(self.pid as i32).ok()?.stat().ok()?;
        Some(Activity { state: stat.state, ticks: stat.utime + stat.stime })
    }

    /// How it ended, as soon as it does within `limit`; `None` if it lives on, or if the kernel does not tell: a process that is not a
    /// child of the caller leaves its status since Linux 6.15, before only until its parent has waited for it.
    pub fn ending(&self, limit: Duration) -> Option<Ending> {
        const STEP: Duration = Duration::from_millis(1);
        let deadline = Instant::now() + limit;
        if let Some(pidfd) = &self.pidfd {
            let left = Timespec::try_from(limit).ok()?;
            poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&left)).ok().filter(|&ended| ended > 0)?;
        }
        loop {
            let gone = self.activity().is_none();
            // In this order, an end that its parent learns of in between is not missed.
            let status =
                status_of_zombie(self.pid).or_else(|| self.pidfd.as_ref().and_then(status_after_end));
            if status.is_some() || gone || Instant::now() >= deadline {
                return status.map(Ending::of_status);
            }
            std::thread::sleep(STEP);
        }
    }
}

impl Ending {
    /// From the form that `wait` hands out.
    fn of_status(status: i32) -> Self {
        match status & 0x7F {
            0 => Self::Exited((status >> 8) as u8),
            signal => Self::Signaled(signal as u8),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exit status {status}"),
            Self::Signaled(number) => match name(*number) {
                Some(name) => write!(f, "signal {number}, {name}"),
                None => write!(f, "signal {number}"),
            },
        }
    }
}

/// Names of signals that end processes; the numbers are those of x86_64 and AArch64.
fn name(signal: u8) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}

/// When the process started, clock ticks since boot.
fn started(pid: u32) -> Option<u64> {
    Some(Process::new(pid as i32).ok()?.stat().ok()?.starttime)
}

fn process_id(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// `struct pidfd_info` of `include/uapi/linux/pidfd.h`, as far as it went in its first version.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// `PIDFD_GET_INFO`
const GET_INFO: Opcode = opcode::read_write::<PidfdInfo>(0xFF, 11);
/// `PIDFD_INFO_EXIT`
const EXIT: u64 = 1 << 3;

/// The status that the kernel keeps once the process has been waited for.
fn status_after_end(pidfd: &OwnedFd) -> Option<i32> {
    let mut info = PidfdInfo { mask: EXIT, ..PidfdInfo::default() };
    // SAFETY: the number of the call includes the size of the structure, which the kernel reads and writes.
    unsafe { ioctl(pidfd, Updater::<GET_INFO, _>::new(&mut info)) }.ok()?;
    (info.mask & EXIT != 0).then_some(info.exit_code)
}

/// The status of a process that has ended and was not waited for.
fn status_of_zombie(pid: u32) -> Option<i32> {
    let stat = Process::new(pid as i32).ok()?.stat().ok()?;
    stat.exit_code.filter(|_| matches!(stat.state, 'Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use super::{Ending, ProcessHandle};
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A shell that does what it is told.
    fn shell() -> Child {
        Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh")
    }

    fn tell(shell: &mut Child, line: &str) {
        let input = shell.stdin.as_mut().expect("a pipe");
        input.write_all(line.as_bytes()).and_then(|()| input.write_all(b"\n")).expect("written");
    }

    #[test]
    fn children_tell_how_they_ended_while_they_are_zombies() {
        for (line, ending) in [("exit 7", Ending::Exited(7)), ("kill -SEGV $$", Ending::Signaled(11))] {
            let mut shell = shell();
            let handle = ProcessHandle::open(shell.id());
            assert_eq!(handle.ending(Duration::ZERO), None);
            tell(&mut shell, line);
            assert_eq!(handle.ending(PATIENCE), Some(ending));
            shell.wait().expect("waited for");
        }
    }

    #[test]
    fn others_children_tell_it_afterwards_where_the_kernel_does() {
        let mut parent = shell();
        // The child's child: waited for by its own parent, at once.
        tell(&mut parent, "sh -c 'echo $$; read line; exit 5' <&0 & wait");
        let mut output = BufReader::new(parent.stdout.take().expect("a pipe"));
        let mut pid = String::new();
        output.read_line(&mut pid).expect("a line");
        let handle = ProcessHandle::open(pid.trim().parse().expect("a number"));
        assert!(handle.activity().is_some());
        tell(&mut parent, "go");
        // Kernels before 6.15 cannot say.
        assert!(matches!(handle.ending(Duration::from_secs(2)), Some(Ending::Exited(5)) | None));
        drop(parent.stdin.take());
        parent.wait().expect("waited for");
        assert!(handle.activity().is_none());
    }

    #[test]
    fn what_is_killed_says_so() {
        let mut shell = shell();
        let handle = ProcessHandle::open(shell.id());
        assert!(handle.kill());
        assert_eq!(handle.ending(PATIENCE), Some(Ending::Signaled(9)));
        assert_eq!(handle.ending(PATIENCE).expect("an end").to_string(), "signal 9, SIGKILL");
        shell.wait().expect("waited for");
    }
}

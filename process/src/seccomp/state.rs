//! Whether a thread is filtered at all.

use crate::error::ProcessError;
use std::fs;

/// How the kernel filters the system calls of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Off,
    /// Only `read`, `write`, `exit` and `rt_sigreturn` are let through; all else kills.
    Strict,
    /// By programs: this many, where the kernel tells (since Linux 5.9).
    Filtered(Option<u32>),
}

impl Mode {
    /// Reads the mode of thread `thread` of process `pid`: each thread has its own.
    pub fn read(pid: u32, thread: u32) -> Result<Self, ProcessError> {
        let path = format!("/proc/{pid}/task/{thread}/status");
        let status =
            fs::read_to_string(&path).map_err(|error| ProcessError::from_io(pid, path.clone(), &error))?;
        Ok(Self::parse(&status))
    }

    /// The mode of the thread that asks.
    pub fn own() -> Result<Self, ProcessError> {
        let path = "/proc/thread-self/status";
        let status = fs::read_to_string(path)
            .map_err(|error| ProcessError::from_io(std::process::id(), path, &error))?;
        Ok(Self::parse(&status))
    }

    fn parse(status: &str) -> Self {
        let number =
            |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        match number("Seccomp:") {
            // A kernel without the line has no seccomp.
            None | Some(0) => Self::Off,
            Some(1) => Self::Strict,
            Some(_) => Self::Filtered(number("Seccomp_filters:")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn modes() {
        for (status, mode) in [
            ("Name:\tcat\n", Mode::Off),
            ("NoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n", Mode::Off),
            ("Seccomp:\t1\n", Mode::Strict),
            ("Seccomp:\t2\n", Mode::Filtered(None)),
            ("Seccomp:\t2\nSeccomp_filters:\t3\n", Mode::Filtered(Some(3))),
        ] {
            assert_eq!(Mode::parse(status), mode, "{status}");
        }
    }

    #[test]
    fn of_this_thread() {
        let pid = std::process::id();
        assert_eq!(Mode::read(pid, pid).expect("readable"), Mode::own().expect("readable"));
    }
}

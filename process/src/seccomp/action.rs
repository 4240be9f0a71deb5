//! What a filter returns, and what becomes of the call then.

/// What filters answer, the strictest first: the order in which the kernel prefers them when several filters are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// The process is killed.
    KillProcess,
    /// The thread is killed; it takes the process with it unless the program expects that.
    KillThread,
    /// SIGSYS is forced upon the thread; where the signal is blocked, the process is killed.
    Trap,
    /// The answer depends on what is not known: it may be any of these.
    Undetermined,
    /// The call fails with this error number; with 0 it pretends to have been made.
    Errno(u16),
    /// Another process decides.
    UserNotify,
    /// A tracer that asked for it decides; without one the call fails with `ENOSYS`.
    Trace,
    /// The call is made, and logged.
    Log,
    /// The call is made.
    Allow,
}

impl Action {
    /// What the kernel makes of a filter's return value (`include/uapi/linux/seccomp.h`).
    pub fn of(value: u32) -> Self {
        const LARGEST_ERRNO: u16 = 4095;
        match value & 0xFFFF_0000 {
            0x8000_0000 => Self::KillProcess,
            0 => Self::KillThread,
            0x0003_0000 => Self::Trap,
            0x0005_0000 => Self::Errno((value as u16).min(LARGEST_ERRNO)),
            0x7FC0_0000 => Self::UserNotify,
            0x7FF0_0000 => Self::Trace,
            0x7FFC_0000 => Self::Log,
            0x7FFF_0000 => Self::Allow,
            // "Unknown actions" kill the process.
            _ => Self::KillProcess,
        }
    }

    /// What becomes of the call.
    pub fn verdict(self) -> Verdict {
        const ENOSYS: u16 = 38;
        match self {
            Self::KillProcess | Self::KillThread | Self::Trap => Verdict::Deadly(self),
            Self::Errno(errno) => Verdict::Refused(errno),
            Self::Trace => Verdict::Refused(ENOSYS),
            Self::Undetermined | Self::UserNotify => Verdict::Unknown,
            Self::Log | Self::Allow => Verdict::Allowed,
        }
    }
}

/// What becomes of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is made.
    Allowed,
    /// It fails with this error number, or pretends to have been made where that is 0.
    Refused(u16),
    /// It may cost the process: killed or trapped.
    Deadly(Action),
    /// Another process decides, or the filter looks at what is not known.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::{Action, Verdict};

    #[test]
    fn the_order_is_the_kernels() {
        // include/uapi/linux/seccomp.h: "The ordering ensures that a min_t() over composed return values always selects the least
        // permissive choice", of signed values.
        let values = [
            0x8000_0000_u32,
            0,
            0x0003_0000,
            0x0005_0001,
            0x7FC0_0000,
            0x7FF0_0000,
            0x7FFC_0000,
            0x7FFF_0000,
        ];
        assert!(values.map(|value| value as i32).is_sorted());
        assert!(values.map(Action::of).is_sorted());
    }

    #[test]
    fn verdicts() {
        for (value, verdict) in [
            (0x7FFF_0000, Verdict::Allowed),
            (0x7FFC_0000, Verdict::Allowed),
            (0x7FF0_0007, Verdict::Refused(38)),
            (0x7FC0_0000, Verdict::Unknown),
            (0x0005_0001, Verdict::Refused(1)),
            (0x0005_FFFF, Verdict::Refused(4095)),
            (0x0003_0000, Verdict::Deadly(Action::Trap)),
            (0x0000_0000, Verdict::Deadly(Action::KillThread)),
            (0x8000_0000, Verdict::Deadly(Action::KillProcess)),
            (0x1234_0000, Verdict::Deadly(Action::KillProcess)),
        ] {
            assert_eq!(Action::of(value).verdict(), verdict, "{value:#x}");
        }
    }
}

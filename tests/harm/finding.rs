//! What may be wrong with a process after an attack.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Numbers that the kernel keeps for itself: `ERESTARTSYS` and its kin.
pub const KERNEL_ERRNOS: std::ops::RangeInclusive<i64> = 512..=516;

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// It died of a signal.
    Died(&'static str),
    /// It ended by itself, with this code.
    Ended(i32),
    /// A system call returned a number that only the kernel itself should see.
    KernelErrno(i64),
    /// A breakpoint's instruction stands in its code.
    Breakpoint,
    /// Other bytes of its code differ from the file's.
    Code,
    /// A thread is stopped or traced.
    Stopped,
    /// A thread blocks other signals than before.
    SignalMask,
    /// A signal is pending that was not.
    PendingSignal,
    /// It does not answer.
    Hang,
    /// A sleep was too short, too long, or said something else than that it is over.
    Sleep,
    /// A sleep ended early with EINTR, as after a signal's handler.
    SleepInterrupted,
    /// A vector register changed.
    Registers,
    /// Something that it computes or is told came out wrong.
    Result(String),
    /// A mapping is left.
    Mapping,
    /// A descriptor is left.
    Descriptor,
    /// A child or zombie is left.
    Child,
    /// A thread is left or gone.
    Thread,
    /// A copy of it runs on.
    Walker,
    /// The debugger did not end.
    DebuggerHangs,
    /// It wrote no dump, and said why.
    NoDump(String),
    /// The same where nothing else can be expected.
    Refused(String),
}

impl Finding {
    /// Whether the process is lost, or will be: the rest it survives.
    pub fn is_loss(&self) -> bool {
        !matches!(
            self,
            Self::SleepInterrupted
                | Self::Mapping
                | Self::Descriptor
                | Self::Child
                | Self::Walker
                | Self::DebuggerHangs
                | Self::NoDump(_)
                | Self::Refused(_)
        )
    }
}

/// How a process ended that should not have: from its status and what it wrote to standard error.
pub fn of_end(status: ExitStatus, errors: &str) -> Finding {
    if let Some(signal) = status.signal() {
        return Finding::Died(signal_name(signal));
    }
    let number = errors.rsplit_once("[Errno ").and_then(|(_, rest)| rest.split(']').next()?.parse().ok());
    match number.filter(|number| KERNEL_ERRNOS.contains(number)) {
        Some(number) => Finding::KernelErrno(number),
        None => Finding::Ended(status.code().unwrap_or(-1)),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Died(signal) => write!(f, "died of {signal}"),
            Self::Ended(code) => write!(f, "ended with {code}"),
            Self::KernelErrno(number) => write!(f, "errno {number}"),
            Self::Breakpoint => f.write_str("int3 left in its code"),
            Self::Code => f.write_str("code changed"),
            Self::Stopped => f.write_str("left stopped"),
            Self::SignalMask => f.write_str("signal mask changed"),
            Self::PendingSignal => f.write_str("signal left pending"),
            Self::Hang => f.write_str("hangs"),
            Self::Sleep => f.write_str("sleep wrong"),
            Self::SleepInterrupted => f.write_str("sleep ended by EINTR"),
            Self::Registers => f.write_str("vector registers changed"),
            Self::Result(what) => write!(f, "wrong {what}"),
            Self::Mapping => f.write_str("mapping left"),
            Self::Descriptor => f.write_str("descriptor left"),
            Self::Child => f.write_str("child left"),
            Self::Thread => f.write_str("threads differ"),
            Self::Walker => f.write_str("walker left"),
            Self::DebuggerHangs => f.write_str("debugger does not end"),
            Self::NoDump(reason) => write!(f, "no dump ({reason})"),
            Self::Refused(reason) => write!(f, "refused ({reason})"),
        }
    }
}

/// Name of a signal, as the findings tell it.
pub fn signal_name(number: i32) -> &'static str {
    const NAMES: [(i32, &str); 13] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (4, "SIGILL"),
        (5, "SIGTRAP"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (15, "SIGTERM"),
        (19, "SIGSTOP"),
        (31, "SIGSYS"),
    ];
    NAMES.iter().find(|(known, _)| *known == number).map_or("another signal", |(_, name)| name)
}

//! Signals that a process does not care for, and whether a thread has just sent one to itself.

use crate::interpreter::CodeRange;
use crate::memory::ProcessMemory;
use procfs::ProcResult;
use procfs::process::{Process, Syscall};

/// A signal whose default action is to be ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The kernel's number; the same on x86_64 and AArch64.
    pub number: i32,
    /// Such as `SIGURG`.
    pub name: &'static str,
}

/// The rarest first; the last one also ends a stop.
const IGNORED_BY_DEFAULT: [Signal; 4] = [
    Signal { number: 23, name: "SIGURG" },
    Signal { number: 28, name: "SIGWINCH" },
    Signal { number: 17, name: "SIGCHLD" },
    Signal { number: 18, name: "SIGCONT" },
];

#[cfg(target_arch = "x86_64")]
mod calls {
    pub const TKILL: i64 = 200;
    pub const TGKILL: i64 = 234;
    pub const RT_SIGPROCMASK: i64 = 14;
}

#[cfg(target_arch = "aarch64")]
mod calls {
    pub const TKILL: i64 = 130;
    pub const TGKILL: i64 = 131;
    pub const RT_SIGPROCMASK: i64 = 135;
}

/// The signals that process `pid` handles now: signal n is bit n - 1.
pub fn caught(pid: u32) -> Option<u64> {
    Process::new(pid as i32).and_then(|process| process.status()).ok().map(|status| status.sigcgt)
}

impl Signal {
    /// A signal that process `pid` does not catch and that `thread` of it does not block: sent to that thread, it changes nothing.
    pub fn unused(pid: u32, thread: u32) -> Option<Self> {
        let blocked = || -> ProcResult<u64> {
            Ok(Process::new(pid as i32)?.task_from_tid(thread as i32)?.status()?.sigblk)
        };
        let used = caught(pid)? | blocked().ok()?;
        IGNORED_BY_DEFAULT.into_iter().find(|signal| used >> (signal.number - 1) & 1 == 0)
    }

    /// Whether `thread` of process `pid`, which is about to receive this signal, has sent it to itself by the C library's `raise`, rather
    /// than getting it from elsewhere at this moment.
    pub fn was_raised(self, pid: u32, thread: u32, raise: CodeRange, memory: &ProcessMemory) -> bool {
        let look = || Process::new(pid as i32)?.task_from_tid(thread as i32)?.syscall();
        let Ok(Syscall::Blocked { syscall_number, argument_registers, stack_pointer, program_counter }) =
            look()
        else {
            return false;
        };
        let number = self.number as u64;
        match syscall_number {
            calls::TGKILL => argument_registers[2] == number,
            calls::TKILL => argument_registers[1] == number,
            // Some C libraries block all signals around the call: this one arrives when they unblock them.
            calls::RT_SIGPROCMASK => {
                let mut stack = [0; 128];
                let _ = memory.read(stack_pointer, &mut stack);
                let (words, _) = stack.as_chunks::<8>();
                let mut places = words.iter().map(|&word| u64::from_le_bytes(word)).chain([program_counter]);
                places.any(|place| raise.contains(place))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;
    use std::process::{Command, Stdio};

    #[test]
    fn what_is_blocked_or_caught_is_not_unused() {
        // The shell catches one signal and hands on a mask; `env` of coreutils blocks another.
        let script = "trap : WINCH; echo; read -r line";
        let mut shell = Command::new("env")
            .args(["--block-signal=URG", "bash", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("env and bash");
        let mut byte = [0];
        std::io::Read::read_exact(&mut shell.stdout.take().expect("piped"), &mut byte).expect("it is ready");
        let pid = shell.id();
        let found = Signal::unused(pid, pid).map(|signal| signal.name);
        drop(shell.stdin.take());
        shell.wait().expect("it ends");
        // A shell catches SIGCHLD for itself.
        assert!(matches!(found, Some("SIGCHLD" | "SIGCONT")), "{found:?}");
        assert_eq!(Signal::unused(pid, pid), None, "it is gone");
    }
}

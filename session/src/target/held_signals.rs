//! Signals that would end or interrupt the debugger, held back while the target is not itself.
//!
//! Handlers belong to the whole process and whichever thread a signal reaches: that is why they are replaced, not masked. What arrives is
//! remembered, and sent again once the debugger's own handlers are back.
#![expect(
    unsafe_code,
    reason = "signal handlers: the one thing here that the C library offers to unsafe code only"
)]

use libc::{SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};

/// Ctrl-C, a closed terminal, a polite end, Ctrl-\\, a reader of the debugger's output that has gone.
const HELD: [i32; 5] = [SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGPIPE];

/// What has arrived: signal n is bit n.
static ARRIVED: AtomicU64 = AtomicU64::new(0);

/// While this lives, the signals have no effect but to be remembered. A process holds one at a time.
pub struct HeldSignals {
    before: [libc::sigaction; HELD.len()],
}

extern "C" fn remember(signal: i32) {
    ARRIVED.fetch_or(1 << signal, Ordering::Relaxed);
}

impl HeldSignals {
    /// Holds them back.
    pub fn hold() -> Self {
        ARRIVED.store(0, Ordering::Relaxed);
        let before = HELD.map(|signal| {
            // SAFETY: all bytes zero are a valid `sigaction`: the default action, no flags, an empty mask.
            let (mut action, mut before): (libc::sigaction, libc::sigaction) =
                unsafe { (zeroed(), zeroed()) };
            action.sa_sigaction = remember as *const () as usize;
            // What waits in a system call goes on waiting.
            action.sa_flags = libc::SA_RESTART;
            // SAFETY: the handler only sets a bit of an atomic variable, which is allowed anywhere.
            unsafe { libc::sigaction(signal, &raw const action, &raw mut before) };
            before
        });
        Self { before }
    }

    /// Whether one of them has arrived that asks to stop.
    pub fn arrived(&self) -> bool {
        ARRIVED.load(Ordering::Relaxed) & !(1 << SIGPIPE) != 0
    }

    /// Whether one of them has arrived that ends the debugger, rather than what it does.
    pub fn end_the_debugger(&self) -> bool {
        ARRIVED.load(Ordering::Relaxed) & (1 << SIGHUP | 1 << SIGTERM | 1 << SIGQUIT) != 0
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        for (signal, before) in HELD.iter().zip(&self.before) {
            // SAFETY: the action was in force before.
            unsafe { libc::sigaction(*signal, before, null_mut()) };
        }
        let arrived = ARRIVED.swap(0, Ordering::Relaxed);
        for signal in HELD.into_iter().filter(|signal| arrived >> signal & 1 == 1) {
            // SAFETY: concerns no memory.
            unsafe { libc::kill(libc::getpid(), signal) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HeldSignals;

    // SIGPIPE, which Rust's programs ignore: a test must not be ended by the signal that it sends again.
    #[test]
    fn what_arrives_is_remembered() {
        let held = HeldSignals::hold();
        assert!(!held.arrived());
        // SAFETY: the handler is in force.
        unsafe { libc::raise(libc::SIGPIPE) };
        assert!(!held.arrived(), "nobody asks to stop by it");
        // SAFETY: as above.
        unsafe { libc::raise(libc::SIGTERM) };
        assert!(held.arrived());
        super::ARRIVED.store(0, super::Ordering::Relaxed);
    }
}

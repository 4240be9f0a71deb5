//! What happens when the target's memory or code faults: the walk goes on.
//!
//! A load that faults continues at its fixup; a call of `tp_traverse` that faults, or that does not come back in time, continues where the call returns.
//! The handlers only change the registers that the signal interrupted.

use crate::arch::{self, Context, Recovery};
use crate::kernel::{self, AlternateStack, SignalAction, SignalSet};
use crate::region::Region;
use crate::status;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::fmt::{self, Write};
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed, compiler_fence};
use pyheap_walker::{Memory, Traversal, Unreadable};

/// SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV.
const FAULTS: [u32; 6] = [4, 5, 6, 7, 8, 11];
/// The watchdog's signal: a real-time one that programs hardly use.
const WATCHDOG: u32 = 62;
const SA_SIGINFO: u64 = 4;
const SA_RESTORER: u64 = 0x0400_0000;
const SA_ONSTACK: u64 = 0x0800_0000;
const SA_NODEFER: u64 = 0x4000_0000;

const FAULTED: usize = 1;
const HUNG: usize = 2;
const PANICKED: usize = 3;

/// What the handlers look at.
pub struct Guard {
    traverse: Recovery,
    /// A call of `tp_traverse` is under way.
    traversing: Flag,
    /// The visitor runs: this code's own, which must not be cut short.
    visiting: Flag,
    /// Counts calls of `tp_traverse`.
    calls: AtomicU64,
    /// The call that was under way when the watchdog last looked.
    seen: AtomicU64,
    step: Recovery,
    /// A contained call is under way.
    stepping: Flag,
    cause: Cause,
}

/// Whether a stretch of code is being executed.
struct Flag(AtomicBool);

impl Flag {
    /// Sets it at the place in the code where this stands, for a handler on the same thread.
    fn set(&self, value: bool) {
        compiler_fence(SeqCst);
        self.0.store(value, Relaxed);
        compiler_fence(SeqCst);
    }

    fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// Why a contained call was cut short: the start of a sentence, as much as fits.
struct Cause {
    text: [AtomicU8; 240],
    length: AtomicUsize,
}

impl Write for &Cause {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let length = self.length.load(Relaxed);
        let room = self.text.get(length..).unwrap_or_default();
        let fits = text.floor_char_boundary(room.len());
        for (to, from) in room.iter().zip(text.as_bytes().iter().take(fits)) {
            to.store(*from, Relaxed);
        }
        self.length.store(length + fits, Relaxed);
        Ok(())
    }
}

impl Guard {
    /// What ended the last contained call that did not come to its end.
    pub fn cause(&self) -> String {
        let length = self.cause.length.load(Relaxed);
        let text: Vec<u8> = self.cause.text.iter().take(length).map(|byte| byte.load(Relaxed)).collect();
        String::from_utf8(text).unwrap_or_default()
    }

    fn note(&self, cause: fmt::Arguments<'_>) {
        self.cause.length.store(0, Relaxed);
        // What does not fit is cut off: that is no error.
        let _ = (&self.cause).write_fmt(cause);
    }
}

/// Signal handling as it was before.
pub struct Installed {
    /// Of those that could be set.
    actions: [Option<SignalAction>; FAULTS.len() + 1],
    alternate: AlternateStack,
    blocked: SignalSet,
    timer: Option<i32>,
}

/// Installs the handlers, for this thread alone in effect: every signal but theirs is blocked.
pub fn install(watchdog_ms: u32) -> Installed {
    let region = Region::current();
    let (start, length) = region.signal_stack();
    let alternate = kernel::set_alternate_stack(&AlternateStack { start, flags: 0, length });
    let action = SignalAction {
        handler: handle as *const () as usize,
        flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_NODEFER,
        restorer: arch::signal_return as *const () as usize,
        mask: 0,
    };
    let mut actions = [None; FAULTS.len() + 1];
    let mut blocked = !0;
    let mut watched = false;
    for (signal, old) in FAULTS.into_iter().chain([WATCHDOG]).zip(&mut actions) {
        // SAFETY: the handler touches nothing but the guard and the interrupted registers.
        *old = unsafe { kernel::set_action(signal, &action) };
        if old.is_some() {
            blocked &= !(1 << (signal - 1));
            watched |= signal == WATCHDOG;
        }
    }
    let blocked = kernel::block_signals(blocked);
    // Without its handler the watchdog's signal would end the process.
    let timer = (watched && watchdog_ms > 0).then(|| kernel::start_timer(WATCHDOG, watchdog_ms)).flatten();
    Installed { actions, alternate, blocked, timer }
}

impl Installed {
    /// Puts everything back.
    pub fn remove(self) {
        if let Some(timer) = self.timer {
            kernel::stop_timer(timer);
        }
        kernel::block_signals(!0);
        for (signal, old) in FAULTS.into_iter().chain([WATCHDOG]).zip(&self.actions) {
            if let Some(old) = old {
                // SAFETY: the action was in force before.
                unsafe { kernel::set_action(signal, old) };
            }
        }
        kernel::set_alternate_stack(&self.alternate);
        kernel::block_signals(self.blocked);
    }
}

extern "C" fn handle(signal: u32, _info: *const c_void, context: *mut Context) {
    let region = Region::current();
    let guard = &region.state().guard;
    // SAFETY: the kernel hands the handler the registers that the signal interrupted.
    let context = unsafe { &mut *context };
    if signal == WATCHDOG {
        if guard.traversing.is_set() && !guard.visiting.is_set() {
            let calls = guard.calls.load(Relaxed);
            if guard.seen.swap(calls, Relaxed) == calls {
                context.recover(&guard.traverse, HUNG);
            }
        }
        return;
    }
    if let Some(fixup) = fixup(context.instruction()) {
        context.set_instruction(fixup);
    } else if guard.traversing.is_set() && !guard.visiting.is_set() {
        context.recover(&guard.traverse, FAULTED);
    } else if guard.stepping.is_set() {
        guard.note(format_args!("received signal {signal} at 0x{:x}", context.instruction()));
        context.recover(&guard.step, PANICKED);
    } else {
        kernel::exit(i32::from(status::FAULTED) + signal as i32);
    }
}

/// Ends the contained call that is under way, or else the process, which is a copy then. The cause is the rest of a sentence about the walker.
pub fn abandon(cause: fmt::Arguments<'_>) -> ! {
    let guard = &Region::current().state().guard;
    if guard.stepping.is_set() {
        guard.note(cause);
        // SAFETY: the call is under way further up this stack.
        unsafe { arch::jump(&guard.step, PANICKED) };
    }
    kernel::exit(status::PANICKED.into())
}

/// Calls `function(argument)` such that a panic or a fault of this code itself ends only the call: false then, and [`Guard::cause`] tells why.
pub fn contained(function: extern "C" fn(usize), argument: usize) -> bool {
    let guard = &Region::current().state().guard;
    guard.stepping.set(true);
    // SAFETY: the function is this code's own; what it leaves behind when cut short is freed as a whole.
    let status = unsafe { arch::guarded_call(function as usize, argument, 0, 0, &guard.step) };
    guard.stepping.set(false);
    guard.traversing.set(false);
    guard.visiting.set(false);
    status == 0
}

/// A fixup: both places relative to the fields themselves.
#[repr(C)]
struct Fixup {
    load: i32,
    target: i32,
}

unsafe extern "C" {
    static __start_pyheap_fixups: [Fixup; 0];
    static __stop_pyheap_fixups: [Fixup; 0];
}

/// Where to go on after a fault of the load at `instruction`.
fn fixup(instruction: u64) -> Option<u64> {
    let mut at = &raw const __start_pyheap_fixups as u64;
    let end = &raw const __stop_pyheap_fixups as u64;
    while at < end {
        // SAFETY: the linker gathers the table between the two symbols.
        let fixup = unsafe { (at as *const Fixup).read() };
        if at.wrapping_add_signed(i64::from(fixup.load)) == instruction {
            return Some((at + 4).wrapping_add_signed(i64::from(fixup.target)));
        }
        at += size_of::<Fixup>() as u64;
    }
    None
}

/// The memory of the process that this code runs in.
pub struct OwnMemory;

impl Memory for OwnMemory {
    #[inline(always)]
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let length = buffer.len();
        if arch::copy(address, buffer) { Ok(()) } else { Err(Unreadable { address, length }) }
    }

    #[inline(always)]
    fn word(&self, address: u64) -> Result<u64, Unreadable> {
        arch::load_u64(address).ok_or(Unreadable { address, length: 8 })
    }

    #[inline(always)]
    fn half(&self, address: u64) -> Result<u32, Unreadable> {
        arch::load_u32(address).ok_or(Unreadable { address, length: 4 })
    }

    #[inline(always)]
    fn byte(&self, address: u64) -> Result<u8, Unreadable> {
        arch::load_u8(address).ok_or(Unreadable { address, length: 1 })
    }

    #[inline(always)]
    fn prefetch(&self, address: u64) {
        arch::prefetch(address);
    }

    fn traverse(&self, traverse: u64, object: u64, mut visit: &mut dyn FnMut(u64)) -> Traversal {
        let guard = &Region::current().state().guard;
        // No read-modify-write: the handlers only read it.
        guard.calls.store(guard.calls.load(Relaxed) + 1, Relaxed);
        guard.traversing.set(true);
        // SAFETY: the target's own `tp_traverse`, called as its collector calls it; whatever it does ends at the guard.
        let status = unsafe {
            arch::guarded_call(
                traverse as usize,
                object as usize,
                visited as *const () as usize,
                &raw mut visit as usize,
                &guard.traverse,
            )
        };
        guard.traversing.set(false);
        match status {
            0 => Traversal::Complete,
            HUNG => Traversal::Hung,
            _ => Traversal::Faulted,
        }
    }
}

/// The `visitproc` that `tp_traverse` calls.
extern "C" fn visited(object: u64, visit: *mut &mut dyn FnMut(u64)) -> i32 {
    let guard = &Region::current().state().guard;
    guard.visiting.set(true);
    // SAFETY: `traverse` passes its visitor, which lives until the call ends.
    unsafe { (*visit)(object) };
    guard.visiting.set(false);
    0
}

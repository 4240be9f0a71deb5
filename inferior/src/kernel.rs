//! The kernel's services: raw system calls, no C library.

use crate::arch;
use crate::{Arguments, avoid};
use linux_raw_sys::general as raw;
use syscalls::{Errno, Sysno, syscall};

/// A bit per signal: signal n is bit n - 1.
pub type SignalSet = u64;

/// The kernel's `struct sigaction`, the same on x86_64 and AArch64.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct SignalAction {
    pub handler: usize,
    pub flags: u64,
    pub restorer: usize,
    pub mask: SignalSet,
}

/// Maps fresh anonymous memory that can be read and written.
pub fn map(length: usize) -> Result<usize, Errno> {
    let protection = raw::PROT_READ | raw::PROT_WRITE;
    let flags = raw::MAP_PRIVATE | raw::MAP_ANONYMOUS | raw::MAP_NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice changes no memory in use.
    unsafe { syscall!(Sysno::mmap, 0, length, protection, flags, usize::MAX, 0) }
}

/// Removes a mapping.
///
/// # Safety
/// The mapping is this code's own and nothing refers to it any more.
pub unsafe fn unmap(address: usize, length: usize) {
    // SAFETY: as the caller vouches.
    let _ = unsafe { syscall!(Sysno::munmap, address, length) };
}

/// Grows or shrinks a mapping, moving it if need be.
///
/// # Safety
/// The mapping is this code's own and nothing refers to its old address any more.
pub unsafe fn remap(address: usize, old: usize, new: usize) -> Result<usize, Errno> {
    // SAFETY: as the caller vouches.
    unsafe { syscall!(Sysno::mremap, address, old, new, raw::MREMAP_MAYMOVE) }
}

/// Makes a pipe that is closed on exec: read end and write end.
pub fn pipe() -> Result<(i32, i32), Errno> {
    let mut ends = [0_i32; 2];
    // SAFETY: the kernel writes two descriptors.
    unsafe { syscall!(Sysno::pipe2, ends.as_mut_ptr(), raw::O_CLOEXEC) }?;
    let [read_end, write_end] = ends;
    Ok((read_end, write_end))
}

/// Asks for a larger pipe; a refusal does not matter.
pub fn widen_pipe(fd: i32, bytes: usize) {
    const F_SETPIPE_SZ: usize = 1031;
    // SAFETY: only this pipe's buffer is concerned.
    let _ = unsafe { syscall!(Sysno::fcntl, fd, F_SETPIPE_SZ, bytes) };
}

/// Fills a pipe with zeros, as far as it takes them without waiting.
pub fn fill_pipe(write_end: i32) {
    let zeros = [0_u8; 4096];
    never_wait(write_end);
    // SAFETY: the kernel reads `zeros`.
    while unsafe { syscall!(Sysno::write, write_end, zeros.as_ptr(), zeros.len()) }.is_ok() {}
    set_flags(write_end, 0);
}

/// Lets writes to a pipe fail where they would wait.
pub fn never_wait(write_end: i32) {
    set_flags(write_end, raw::O_NONBLOCK);
}

fn set_flags(fd: i32, flags: u32) {
    // SAFETY: only this descriptor is concerned.
    let _ = unsafe { syscall!(Sysno::fcntl, fd, raw::F_SETFL, flags) };
}

/// Waits until a descriptor can be written to; false if it cannot within the time.
pub fn wait_until_writable(fd: i32, milliseconds: u32) -> bool {
    let mut poll = raw::pollfd { fd, events: raw::POLLOUT as i16, revents: 0 };
    let wait = raw::timespec {
        tv_sec: i64::from(milliseconds / 1000),
        tv_nsec: i64::from(milliseconds % 1000) * 1_000_000,
    };
    // SAFETY: the kernel reads and writes one description, and reads the time.
    let result = unsafe { syscall!(Sysno::ppoll, &raw mut poll, 1, &raw const wait, 0, 0) };
    result == Ok(1) && u32::from(poll.revents as u16) & raw::POLLOUT != 0
}

/// Closes a descriptor that is this code's own.
pub fn close(fd: i32) {
    // SAFETY: only a descriptor is concerned.
    let _ = unsafe { syscall!(Sysno::close, fd) };
}

/// Closes every descriptor of this process from `first` to `last`.
pub fn close_range(first: u32, last: u32, arguments: &Arguments) {
    if first > last {
        return;
    }
    if !arguments.avoids(avoid::CLOSE_RANGE) {
        // SAFETY: only descriptors of this process are concerned.
        if unsafe { syscall!(Sysno::close_range, first, last, 0) }.is_ok() {
            return;
        }
    }
    // Before Linux 5.9, or where it is refused: one by one, as far as there can be any.
    for fd in first..=last.min(descriptor_limit(arguments)) {
        close(fd as i32);
    }
}

/// No more descriptors than this are closed where the limit is not known.
const DESCRIPTORS: u32 = 1 << 16;

fn descriptor_limit(arguments: &Arguments) -> u32 {
    const RLIMIT_NOFILE: usize = 7;
    if arguments.avoids(avoid::LIMITS) {
        return DESCRIPTORS;
    }
    let mut limit = [0_u64; 2];
    // SAFETY: the kernel writes two words.
    let result = unsafe { syscall!(Sysno::prlimit64, 0, RLIMIT_NOFILE, 0, limit.as_mut_ptr()) };
    let [soft, _] = limit;
    if result.is_ok() { u32::try_from(soft).unwrap_or(1 << 20) } else { DESCRIPTORS }
}

/// Writes all of `bytes`.
pub fn write_all(fd: i32, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: the kernel reads `bytes`.
        match unsafe { syscall!(Sysno::write, fd, bytes.as_ptr(), bytes.len()) } {
            Ok(written) => bytes = bytes.get(written..).unwrap_or(&[]),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `bytes` to a pipe that fails where it would wait, until this moment of the monotonic clock at the latest. Whether there is
/// still a reader or not, no signal is left over.
pub fn write_until(fd: i32, mut bytes: &[u8], moment: u64) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: the kernel reads `bytes`.
        match unsafe { syscall!(Sysno::write, fd, bytes.as_ptr(), bytes.len()) } {
            Ok(written) => bytes = bytes.get(written..).unwrap_or(&[]),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let left = moment.saturating_sub(now()) / 1_000_000;
                if left == 0 || !wait_until_writable(fd, left as u32) {
                    return Err(Errno::ETIMEDOUT);
                }
            }
            Err(error) => {
                if error == Errno::EPIPE {
                    take_pending(SIGPIPE);
                }
                return Err(error);
            }
        }
    }
    Ok(())
}

const SIGPIPE: u32 = 13;

/// Takes back a blocked signal that was sent to this thread.
fn take_pending(signal: u32) {
    let set: SignalSet = 1 << (signal - 1);
    let no_time = [0_u64; 2];
    // SAFETY: the kernel reads the set and the time.
    let _ = unsafe {
        syscall!(Sysno::rt_sigtimedwait, &raw const set, 0, no_time.as_ptr(), size_of::<SignalSet>())
    };
}

/// Writes a few bytes into a file that exists, if it can.
pub fn write_file(path: &core::ffi::CStr, bytes: &[u8]) {
    const AT_FDCWD: isize = -100;
    let flags = raw::O_WRONLY | raw::O_CLOEXEC;
    // SAFETY: the kernel reads the path.
    let opened = unsafe { syscall!(Sysno::openat, AT_FDCWD, path.as_ptr(), flags, 0) };
    if let Ok(fd) = opened {
        let _ = write_all(fd as i32, bytes);
        close(fd as i32);
    }
}

/// Reads a file piece by piece, as far as it can be read.
pub fn read_file(path: &core::ffi::CStr, buffer: &mut [u8], mut take: impl FnMut(&[u8])) {
    const AT_FDCWD: isize = -100;
    let flags = raw::O_RDONLY | raw::O_CLOEXEC;
    // SAFETY: the kernel reads the path.
    let opened = unsafe { syscall!(Sysno::openat, AT_FDCWD, path.as_ptr(), flags, 0) };
    let Ok(fd) = opened else { return };
    loop {
        // SAFETY: the kernel writes into the buffer, no more than its length.
        match unsafe { syscall!(Sysno::read, fd, buffer.as_mut_ptr(), buffer.len()) } {
            Ok(0) => break,
            Ok(read) => take(buffer.get(..read).unwrap_or_default()),
            Err(Errno::EINTR) => {}
            Err(_) => break,
        }
    }
    close(fd as i32);
}

/// Replaces the set of blocked signals and returns the old one.
pub fn block_signals(set: SignalSet) -> SignalSet {
    let mut old: SignalSet = 0;
    // SAFETY: the kernel reads one set and writes the other.
    let _ = unsafe {
        syscall!(
            Sysno::rt_sigprocmask,
            raw::SIG_SETMASK,
            &set as *const SignalSet,
            &mut old as *mut SignalSet,
            size_of::<SignalSet>()
        )
    };
    old
}

/// Sets the action of a signal and returns the old one, or nothing where that is refused.
///
/// # Safety
/// The handler is sound wherever the signal can arrive.
pub unsafe fn set_action(signal: u32, action: &SignalAction) -> Option<SignalAction> {
    let mut old = SignalAction::default();
    // SAFETY: as the caller vouches; the kernel reads one action and writes the other.
    let set = unsafe {
        syscall!(
            Sysno::rt_sigaction,
            signal,
            action as *const SignalAction,
            &mut old as *mut SignalAction,
            size_of::<SignalSet>()
        )
    };
    set.is_ok().then_some(old)
}

/// `stack_t`
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct AlternateStack {
    pub start: usize,
    pub flags: i32,
    pub length: usize,
}

/// Sets the stack of signal handlers and returns the old one.
pub fn set_alternate_stack(stack: &AlternateStack) -> AlternateStack {
    let mut old = AlternateStack::default();
    // SAFETY: the kernel reads one description and writes the other; the memory is this code's own.
    let _ = unsafe { syscall!(Sysno::sigaltstack, stack as *const _, &mut old as *mut AlternateStack) };
    old
}

/// Waits for a child of any kind to end.
pub fn wait(pid: i32) -> Result<(), Errno> {
    const WALL: usize = 0x4000_0000;
    loop {
        // SAFETY: no status is asked for.
        match unsafe { syscall!(Sysno::wait4, pid, 0, WALL, 0) } {
            Err(Errno::EINTR) => {}
            result => return result.map(|_| ()),
        }
    }
}

/// Nanoseconds of the monotonic clock.
pub fn now() -> u64 {
    const CLOCK_MONOTONIC: usize = 1;
    let mut time = [0_u64; 2];
    // SAFETY: the kernel writes two words.
    let _ = unsafe { syscall!(Sysno::clock_gettime, CLOCK_MONOTONIC, time.as_mut_ptr()) };
    let [seconds, nanoseconds] = time;
    seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds)
}

/// Names this thread in `/proc`.
pub fn set_name(name: &core::ffi::CStr) {
    const PR_SET_NAME: usize = 15;
    // SAFETY: the kernel reads the name.
    let _ = unsafe { syscall!(Sysno::prctl, PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
}

/// Makes a timer that sends `signal` to this thread every `milliseconds`. Returns its number.
pub fn start_timer(signal: u32, milliseconds: u32) -> Option<i32> {
    const CLOCK_MONOTONIC: usize = 1;
    const SIGEV_THREAD_ID: i32 = 4;
    // `struct sigevent`: value, signal, how, thread.
    #[repr(C)]
    struct Event {
        value: u64,
        signal: i32,
        notify: i32,
        thread: i32,
        reserve: [i32; 11],
    }
    // SAFETY: no argument.
    let thread = unsafe { syscall!(Sysno::gettid) }.ok()? as i32;
    let event = Event { value: 0, signal: signal as i32, notify: SIGEV_THREAD_ID, thread, reserve: [0; 11] };
    let mut timer = 0_i32;
    // SAFETY: the kernel reads the event and writes the number.
    unsafe { syscall!(Sysno::timer_create, CLOCK_MONOTONIC, &event as *const Event, &mut timer as *mut i32) }
        .ok()?;
    let seconds = u64::from(milliseconds / 1000);
    let nanoseconds = u64::from(milliseconds % 1000) * 1_000_000;
    let interval = [seconds, nanoseconds, seconds, nanoseconds];
    // SAFETY: the kernel reads interval and first expiry.
    unsafe { syscall!(Sysno::timer_settime, timer, 0, interval.as_ptr(), 0) }.ok()?;
    Some(timer)
}

/// Ends a timer.
pub fn stop_timer(timer: i32) {
    // SAFETY: only this timer is concerned.
    let _ = unsafe { syscall!(Sysno::timer_delete, timer) };
}

/// Ends this process, by whatever way the kernel leaves open.
pub fn exit(status: i32) -> ! {
    const SIGKILL: usize = 9;
    // SAFETY: a call that is let through does not return.
    unsafe {
        let _ = syscall!(Sysno::exit_group, status);
        let _ = syscall!(Sysno::exit, status);
        if let Ok(this) = syscall!(Sysno::getpid) {
            let _ = syscall!(Sysno::kill, this, SIGKILL);
        }
    }
    // A fault whose signal is blocked kills. It comes last: before Linux 5.16 a core dump of the intermediate process would take the
    // target with it.
    block_signals(!0);
    arch::fault()
}

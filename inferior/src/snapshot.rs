//! `pyheap_snapshot`: a copy-on-write child that walks while the target goes on.

use crate::arch;
use crate::guard;
use crate::kernel;
use crate::region::Region;
use crate::walking::{self, Advance};
use crate::{ARGUMENTS_VERSION, Arguments, Failure, READER_WAIT, WALKER_NAME, avoid, status, step};
use core::sync::atomic::Ordering::{Acquire, Release};
use syscalls::Errno;

/// How often the intermediate process's result is looked at where the kernel refuses to wait for it: about a second.
const MOST_LOOKS: u32 = 100_000_000;

const CLONE_VM: usize = 0x100;
const CLONE_UNTRACED: usize = 0x80_0000;

/// Room in the pipe, so that the walker does not wait for the host at each record.
pub const PIPE_BYTES: usize = 1 << 20;

/// A failure of a step, packed.
pub fn failure(step: u8, errno: Errno) -> i64 {
    Failure { step, errno: errno.into_raw() as u16 }.pack()
}

/// Reads the host's arguments, or says that they are of another version.
///
/// # Safety
/// `arguments` points to what the host wrote.
pub unsafe fn read_arguments(arguments: *const Arguments) -> Result<Arguments, i64> {
    // SAFETY: as the caller vouches.
    let arguments = unsafe { arguments.read() };
    if arguments.version == ARGUMENTS_VERSION {
        Ok(arguments)
    } else {
        Err(Failure { step: step::ARGUMENTS, errno: 0 }.pack())
    }
}

/// See `entry::SNAPSHOT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pyheap_snapshot(arguments: *const Arguments) -> i64 {
    // SAFETY: the host passes the address of the arguments that it wrote.
    let arguments = match unsafe { read_arguments(arguments) } {
        Ok(arguments) => arguments,
        Err(failure) => return failure,
    };
    let blocked = kernel::block_signals(!0);
    let result = match Region::new(arguments) {
        Ok(region) => {
            // SAFETY: the region's stack is fresh, and nothing outlives the call.
            unsafe {
                let result = arch::on_stack(0, clone_walker, region.stack());
                // An intermediate process that could not be waited for may still stand on its stack.
                if result >= 0 || Failure::unpack(result).step != step::WAIT {
                    region.free();
                }
                result
            }
        }
        Err(errno) => failure(step::STACK, errno),
    };
    kernel::block_signals(blocked);
    result
}

/// The walker is the child of an intermediate process that ends at once, so that the target has no child to reap and gets no signal.
extern "C" fn clone_walker(_: usize) -> i64 {
    let region = Region::current();
    // SAFETY: the intermediate process shares the memory but has a stack of its own, and ends without returning.
    let intermediate = unsafe {
        arch::clone_onto(CLONE_VM | CLONE_UNTRACED, region.intermediate_stack(), run_intermediate, 0)
    };
    if intermediate < 0 {
        return failure(step::INTERMEDIATE, Errno::new(-intermediate as i32));
    }
    let waited = kernel::wait(intermediate as i32);
    let walker = || region.state().walker.load(Acquire);
    if let Err(errno) = waited {
        // What is left of it after that are a few instructions of the injected code, which will be unmapped.
        (0..MOST_LOOKS).find(|_| {
            core::hint::spin_loop();
            walker() != 0
        });
        return failure(step::WAIT, errno);
    }
    let walker = walker();
    if walker < 0 { failure(step::WALKER, Errno::new(-walker as i32)) } else { walker as i64 }
}

extern "C" fn run_intermediate(_: usize) -> ! {
    let region = Region::current();
    // SAFETY: without CLONE_VM the child gets a copy of everything, this stack included.
    let walker = unsafe { arch::clone_onto(CLONE_UNTRACED, region.stack(), run_walker, 0) };
    region.state().walker.store(walker, Release);
    kernel::exit(0)
}

/// The copy-on-write child.
extern "C" fn run_walker(_: usize) -> ! {
    let region = Region::current();
    let arguments = region.state().arguments;
    // Of what the target has open nothing must stay: a connection that it closes would not be closed for the other side.
    kernel::close_range(0, u32::MAX, &arguments);
    if !arguments.avoids(avoid::OPEN) {
        // Should memory run out, this process goes first.
        kernel::write_file(c"/proc/self/oom_score_adj", b"1000");
    }
    if !arguments.avoids(avoid::NAME) {
        kernel::set_name(WALKER_NAME);
    }
    let Some(write_end) = offer_pipe() else { kernel::exit(status::FAILED.into()) };
    region.state().write_end.set(write_end);
    if !arguments.avoids(avoid::GUARD) {
        let watchdog = if arguments.avoids(avoid::WATCHDOG) { 0 } else { arguments.traverse_limit_ms };
        guard::install(watchdog);
    }
    kernel::exit(if walking::advance(None) == Advance::Done { 0 } else { status::FAILED.into() })
}

/// Makes the pipe and waits for its reader. Returns the write end.
fn offer_pipe() -> Option<u32> {
    let (read_end, write_end) = kernel::pipe().ok()?;
    kernel::fill_pipe(write_end);
    if !kernel::wait_until_writable(write_end, READER_WAIT) {
        return None;
    }
    kernel::close(read_end);
    kernel::widen_pipe(write_end, PIPE_BYTES);
    Some(write_end as u32)
}

//! `pyheap_begin`, `pyheap_step`, `pyheap_end`: a walk of the target by itself, in slices, for where no copy can be made.

use crate::arch;
use crate::guard;
use crate::kernel;
use crate::region::{CLOSED, Region, State};
use crate::snapshot::{PIPE_BYTES, failure, read_arguments};
use crate::walking::{self, Advance};
use crate::{Arguments, Failure, step};
use core::cell::Cell;
use syscalls::Errno;

/// How long a step waits for the host to read, beyond its slice: nanoseconds. A host that lives reads at once; the process must not wait for
/// one that does not.
const PATIENCE: u64 = 500_000_000;

/// What a step reports.
const DONE: i64 = 0;
const MORE: i64 = 1;

/// See `entry::BEGIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pyheap_begin(arguments: *const Arguments) -> i64 {
    // SAFETY: the host passes the address of the arguments that it wrote.
    let arguments = match unsafe { read_arguments(arguments) } {
        Ok(arguments) => arguments,
        Err(failure) => return failure,
    };
    match Region::new(arguments) {
        Ok(region) => match open_pipe(region) {
            Ok(()) => {
                let state = region.state();
                kernel::never_wait(state.write_end.get() as i32);
                state.in_place.set(true);
                region.state_address() as i64
            }
            Err(errno) => {
                // SAFETY: nothing runs on the region yet.
                unsafe { region.free() };
                failure(step::PIPE, errno)
            }
        },
        Err(errno) => failure(step::STACK, errno),
    }
}

/// Makes the pipe: in the target itself, where it stands among its own descriptors.
fn open_pipe(region: Region) -> Result<(), Errno> {
    let (read_end, write_end) = kernel::pipe()?;
    kernel::widen_pipe(write_end, PIPE_BYTES);
    let state = region.state();
    state.read_end.set(read_end as u32);
    state.write_end.set(write_end as u32);
    Ok(())
}

/// See `entry::STEP`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pyheap_step(state: usize) -> i64 {
    let blocked = kernel::block_signals(!0);
    // SAFETY: the host passes what `pyheap_begin` returned; the region's stack is free between steps.
    let result = unsafe { arch::on_stack(state, take_step, Region::at(state).stack()) };
    kernel::block_signals(blocked);
    result
}

extern "C" fn take_step(_: usize) -> i64 {
    let state = Region::current().state();
    // The host has opened it: were the process itself still a reader, it would wait for itself once the host is gone.
    close(&state.read_end);
    let arguments = state.arguments;
    let deadline = kernel::now() + u64::from(arguments.slice_ms) * 1_000_000;
    state.give_up.set(deadline + PATIENCE);
    let installed = guard::install(arguments.traverse_limit_ms);
    let advanced = walking::advance(Some(deadline));
    installed.remove();
    match advanced {
        Advance::Done => DONE,
        Advance::More => MORE,
        Advance::Failed => {
            // Nobody may be left to end the walk.
            release(state);
            Failure { step: step::WALK, errno: state.write_error.get() }.pack()
        }
    }
}

/// See `entry::END`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pyheap_end(state: usize) -> i64 {
    let region = Region::at(state);
    release(region.state());
    // SAFETY: the walk is over.
    unsafe { region.free() };
    DONE
}

/// Closes the pipe and frees the memory of the walk, which is over then.
fn release(state: &State) {
    close(&state.read_end);
    close(&state.write_end);
    state.walk.set(0);
    // SAFETY: the walk's box stands in these pages too, and nothing else refers to them.
    unsafe { state.pages.free_all() };
}

fn close(end: &Cell<u32>) {
    let fd = end.replace(CLOSED);
    if fd != CLOSED {
        kernel::close(fd as i32);
    }
}

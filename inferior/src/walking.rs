//! The walk itself, in the copy or in place: from arguments to records in the pipe.

use crate::guard::{self, OwnMemory};
use crate::kernel;
use crate::mappings;
use crate::region::Region;
use crate::{Arguments, BUILD_DEBUG, BUILD_FREE_THREADED, LibraryData, avoid};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use pyheap_format::Summary;
use pyheap_format::writer::{Sink, Writer};
use pyheap_walker::{Data, Extents, Failure, Interpreter, Options, Progress, Walk};
use syscalls::Errno;

/// The pipe.
#[derive(Clone, Copy)]
pub struct Pipe {
    fd: i32,
}

impl Sink for Pipe {
    type Error = Errno;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let state = Region::current().state();
        if !state.in_place.get() {
            return kernel::write_all(self.fd, bytes);
        }
        let written = kernel::write_until(self.fd, bytes, state.give_up.get());
        state.write_error.set(written.err().map_or(0, |errno| errno.into_raw() as u16));
        written
    }
}

/// How far a call of [`advance`] came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// There is more to walk.
    More,
    /// The walk is over, the summary written.
    Done,
    /// The walk ended early; the summary says why, unless the pipe is broken.
    Failed,
}

/// Walks until `deadline`, in nanoseconds of the monotonic clock, or to the end; starts the region's walk where there is none yet. Where this
/// code itself fails, what was walked is written, with a summary that says what happened.
pub fn advance(deadline: Option<u64>) -> Advance {
    let mut task = Task { deadline, advance: Advance::Failed };
    let completed = guard::contained(perform, &raw mut task as usize);
    if completed {
        return task.advance;
    }
    // Should this fail, too, the stream ends here.
    guard::contained(report_failure, 0);
    Advance::Failed
}

struct Task {
    deadline: Option<u64>,
    advance: Advance,
}

extern "C" fn perform(task: usize) {
    // SAFETY: the variable of `advance`, which waits for this call.
    let task = unsafe { &mut *(task as *mut Task) };
    let state = Region::current().state();
    if state.walk.get() == 0 {
        // SAFETY: the arguments are the host's.
        let Some(walking) = (unsafe { Walking::start(&state.arguments, state.write_end.get()) }) else {
            return;
        };
        state.walk.set(Box::into_raw(Box::new(walking)) as usize);
    }
    // SAFETY: the address is that of the box above, and calls take turns.
    let walking = unsafe { &mut *(state.walk.get() as *mut Walking) };
    let deadline = task.deadline;
    if let Ok(done) = walking.step(|| deadline.is_some_and(|deadline| kernel::now() >= deadline)) {
        task.advance = if done { Advance::Done } else { Advance::More };
    }
}

extern "C" fn report_failure(_: usize) {
    let state = Region::current().state();
    let mut reason = String::from("the walker ");
    reason += &state.guard.cause();
    // A pipe that is broken, too, cannot be told of.
    if state.walk.get() == 0 {
        let row = Summary { error: Some(Cow::Borrowed(&reason)), ..Summary::default() };
        let _ = Writer::new(Pipe { fd: state.write_end.get() as i32 }).finish(&row);
    } else {
        // SAFETY: the address is that of the walk's box; the call that was cut short uses it no more.
        let walking = unsafe { &mut *(state.walk.get() as *mut Walking) };
        let _ = walking.walk.abandon(walking.nanoseconds, state.pages.peak(), &reason);
    }
}

/// A walk with its clock.
struct Walking {
    walk: Walk<'static, OwnMemory, Pipe>,
    clock: fn() -> u64,
    nanoseconds: u64,
}

static OWN_MEMORY: OwnMemory = OwnMemory;

impl Walking {
    /// Locates the interpreter and starts the walk. Where that fails, the summary says why.
    ///
    /// # Safety
    /// `arguments` tells where the host wrote its table.
    unsafe fn start(arguments: &Arguments, write_end: u32) -> Option<Self> {
        let pipe = Pipe { fd: write_end as i32 };
        let clock = if arguments.avoids(avoid::CLOCK) { || 0 } else { kernel::now };
        let started = clock();
        let (free_threaded, debug) =
            (arguments.build & BUILD_FREE_THREADED != 0, arguments.build & BUILD_DEBUG != 0);
        let interpreter =
            match Interpreter::locate(&OWN_MEMORY, arguments.runtime, arguments.python, free_threaded, debug)
            {
                Ok(interpreter) => interpreter,
                Err(error) => {
                    let mut text = String::new();
                    let _ = write!(text, "{error}");
                    let _ = Writer::new(pipe)
                        .finish(&Summary { error: Some(Cow::Borrowed(&text)), ..Summary::default() });
                    return None;
                }
            };
        let options = Options {
            str_repr_len: arguments.str_repr_len,
            digest_limit: arguments.digest_limit,
            image: arguments.image_start..arguments.image_end,
            // SAFETY: as the caller vouches.
            data: unsafe { library_data(arguments) },
            // Where files must not be opened, the walk does without.
            extents: if arguments.avoids(avoid::OPEN) { Extents::default() } else { mappings::extents() },
        };
        let walk = Walk::start(&OWN_MEMORY, interpreter, options, pipe).ok()?;
        Some(Self { walk, clock, nanoseconds: clock() - started })
    }

    /// Walks until `expired`. True when the walk is over, the summary written.
    fn step(&mut self, expired: impl FnMut() -> bool) -> Result<bool, Failure> {
        let started = (self.clock)();
        let progress = self.walk.step(expired);
        self.nanoseconds += (self.clock)() - started;
        match progress {
            Ok(Progress::More) => Ok(false),
            Ok(Progress::Done) => self.finish(None).map(|()| true),
            Err(Failure::Full) => self
                .finish(Some("more than 2^32 objects, or no memory for the walker's tables"))
                .map(|()| true),
            Err(Failure::Sink) => Err(Failure::Sink),
        }
    }

    fn finish(&mut self, error: Option<&str>) -> Result<(), Failure> {
        let memory = Region::current().state().pages.peak();
        self.walk.finish(self.nanoseconds, memory, error)
    }
}

/// The host's table.
///
/// # Safety
/// `arguments` tells where the host wrote it.
unsafe fn library_data(arguments: &Arguments) -> Vec<Data> {
    if arguments.data_count == 0 {
        return Vec::new();
    }
    // SAFETY: as the caller vouches; the host aligned it.
    let table = unsafe {
        core::slice::from_raw_parts(arguments.data as *const LibraryData, arguments.data_count as usize)
    };
    let data = table.iter().map(|data| {
        // SAFETY: the host wrote the names behind the table.
        let name = unsafe { core::slice::from_raw_parts(data.name as *const u8, data.name_length as usize) };
        Data { range: data.start..data.end, of: String::from_utf8_lossy(name).into_owned() }
    });
    data.collect()
}

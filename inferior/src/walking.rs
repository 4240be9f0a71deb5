//! The walk itself, in the copy or in place: from arguments to records in the pipe.

use crate::guard::OwnMemory;
use crate::kernel;
use crate::region::Region;
use crate::{Arguments, BUILD_DEBUG, BUILD_FREE_THREADED, LibraryData, avoid};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use pyheap_format::writer::{Sink, SummaryRow, Writer};
use pyheap_walker::{Data, Failure, Interpreter, Options, Progress, Walk};
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
        if !state.in_place {
            return kernel::write_all(self.fd, bytes);
        }
        let written = kernel::write_until(self.fd, bytes, state.give_up);
        state.write_error = written.err().map_or(0, |errno| errno.into_raw() as u16);
        written
    }
}

/// A walk with its clock.
pub struct Walking {
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
    pub unsafe fn start(arguments: &Arguments, write_end: u32) -> Option<Self> {
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
                    let _ =
                        Writer::new(pipe).finish(&SummaryRow { error: Some(&text), ..SummaryRow::default() });
                    return None;
                }
            };
        let options = Options {
            str_repr_len: arguments.str_repr_len,
            image: arguments.image_start..arguments.image_end,
            // SAFETY: as the caller vouches.
            data: unsafe { library_data(arguments) },
        };
        let walk = Walk::start(&OWN_MEMORY, interpreter, options, pipe).ok()?;
        Some(Self { walk, clock, nanoseconds: clock() - started })
    }

    /// Walks until `expired`. True when the walk is over, the summary written.
    pub fn step(&mut self, expired: impl FnMut() -> bool) -> Result<bool, Failure> {
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

//! A stay in the target: whatever way it ends, the target and the debugger are as they were before.

use crate::debugger::{Debugger, DebuggerError};
use crate::error::SessionError;
use crate::image::Image;
use crate::target_memory::TargetMemory;
use pyheap_inferior::{Arguments, LibraryData as Entry, entry};
use pyheap_process::{Interpreter, LibraryData};
use std::time::{Duration, Instant};

const PAGE: usize = 4096;

// For mmap in the target; the same on x86_64 and AArch64.
const PROT_READ_EXEC: u64 = 1 | 4;
const MAP_PRIVATE_ANONYMOUS: u64 = 2 | 32;

/// The code for the target, in the target.
#[derive(Debug)]
struct Injected {
    image: Image,
    base: u64,
    length: usize,
    arguments: u64,
    /// The read end of a pipe that is to be closed in the target at the end.
    pipe: Option<u32>,
}

/// A stay in the target, from the debugger's preparation to its restoration.
pub struct Visit<'d> {
    /// The debugger; use [`Self::run`] rather than its own method, so that the time is counted.
    pub debugger: &'d mut dyn Debugger,
    /// The target's memory.
    pub memory: TargetMemory,
    munmap: u64,
    mmap: u64,
    injected: Option<Injected>,
    prepared: bool,
    began: Instant,
    ran: Duration,
}

impl<'d> Visit<'d> {
    /// Prepares the debugger. `began` is when the command began.
    pub fn begin(
        debugger: &'d mut dyn Debugger,
        memory: TargetMemory,
        interpreter: &Interpreter,
        began: Instant,
    ) -> Result<Self, SessionError> {
        let visit = Self {
            debugger,
            memory,
            munmap: interpreter.munmap,
            mmap: interpreter.mmap,
            injected: None,
            // From here on, even a failed preparation is undone.
            prepared: true,
            began,
            ran: Duration::ZERO,
        };
        visit.debugger.prepare()?;
        Ok(visit)
    }

    /// Lets the target run, see [`Debugger::run`].
    pub fn run(&mut self, stops: &[u64], limit: Duration) -> Result<crate::debugger::Stop, DebuggerError> {
        let began = Instant::now();
        let stop = self.debugger.run(stops, limit);
        self.ran += began.elapsed();
        stop
    }

    /// Time for which the target ran since the command began.
    pub fn ran(&self) -> Duration {
        self.ran
    }

    /// Time for which the target stood still since the command began.
    pub fn stood(&self) -> Duration {
        self.began.elapsed().saturating_sub(self.ran)
    }

    /// Puts the code into the target with its arguments, of which those that tell of `data` are filled in; unless it is there already.
    pub fn inject(&mut self, arguments: Arguments, data: &[LibraryData]) -> Result<(), SessionError> {
        if self.injected.is_some() {
            return Ok(());
        }
        let image = crate::image::embedded()?;
        let arguments_at = image.len().next_multiple_of(PAGE);
        let table_at = arguments_at + size_of::<Arguments>();
        let length = (table_at + encode_data(data, 0).len()).next_multiple_of(PAGE);
        let no_file = -1i64 as u64;
        let base = self
            .debugger
            .call(self.mmap, &[0, length as u64, PROT_READ_EXEC, MAP_PRIVATE_ANONYMOUS, no_file, 0])?;
        if base as i64 == -1 {
            // The error number is in the target's thread-local storage; running out of memory or of address space is the one cause.
            const ENOMEM: i32 = 12;
            return Err(SessionError::Map { length, errno: ENOMEM });
        }
        let bytes = image.at(base);
        let arguments_at = base + arguments_at as u64;
        self.injected = Some(Injected { image, base, length, arguments: arguments_at, pipe: None });
        self.write(base, &bytes)?;
        let table = base + table_at as u64;
        let arguments = Arguments { data: table, data_count: data.len() as u32, ..arguments };
        self.write(arguments_at, &[encode(&arguments), encode_data(data, table)].concat())
    }

    /// Address of an entry of the injected code.
    pub fn entry(&self, name: &'static str) -> Result<u64, SessionError> {
        let injected = self.injected.as_ref().ok_or(crate::image::ImageError::NoEntry(name))?;
        Ok(injected.base + injected.image.entry(name)?)
    }

    /// Calls an entry that takes the address of the arguments.
    pub fn call_with_arguments(&mut self, name: &'static str) -> Result<i64, SessionError> {
        let address = self.entry(name)?;
        let arguments = self.injected.as_ref().map_or(0, |injected| injected.arguments);
        Ok(self.debugger.call(address, &[arguments])? as i64)
    }

    /// Remembers the read end of a pipe in the target, to be closed at the end.
    pub fn close_at_end(&mut self, pipe: u32) {
        if let Some(injected) = &mut self.injected {
            injected.pipe = Some(pipe);
        }
    }

    /// Takes the code out of the target again.
    pub fn eject(&mut self) -> Result<(), SessionError> {
        let Some(injected) = self.injected.take() else { return Ok(()) };
        let finish = injected.base + injected.image.entry(entry::FINISH)?;
        let pipe = injected.pipe.map_or(-1i64 as u64, u64::from);
        self.debugger.call(finish, &[pipe, injected.base, injected.length as u64, self.munmap])?;
        Ok(())
    }

    /// Lets the process go for good.
    pub fn detach(&mut self) -> Result<(), SessionError> {
        self.eject()?;
        Ok(self.debugger.detach()?)
    }

    /// Ends the stay: the debugger is as it was.
    pub fn end(mut self) -> Result<(), SessionError> {
        let ejected = self.eject();
        self.prepared = false;
        self.debugger.restore()?;
        ejected
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), SessionError> {
        self.memory.0.write(address, bytes).map_err(|source| SessionError::Write { address, source })
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        // The error that led here is the one to report; these can only follow from it.
        let _ = self.eject();
        if self.prepared {
            let _ = self.debugger.restore();
        }
    }
}

/// The arguments as they stand in memory.
fn encode(arguments: &Arguments) -> Vec<u8> {
    let Arguments {
        version,
        runtime,
        python,
        build,
        str_repr_len,
        traverse_limit_ms,
        slice_ms,
        data_count,
        image_start,
        image_end,
        data,
    } = *arguments;
    let first = [version, runtime].map(u64::to_le_bytes);
    let halves = [python, build, str_repr_len, traverse_limit_ms, slice_ms, data_count].map(u32::to_le_bytes);
    let last = [image_start, image_end, data].map(u64::to_le_bytes);
    [first.as_flattened(), halves.as_flattened(), last.as_flattened()].concat()
}

/// The table of the data of libraries as it stands at an address, with the names behind it.
fn encode_data(data: &[LibraryData], address: u64) -> Vec<u8> {
    let mut name = address + (data.len() * size_of::<Entry>()) as u64;
    let mut table = Vec::new();
    for of in data {
        let name_length = of.name.len() as u64;
        table.extend([of.range.start, of.range.end, name, name_length].map(u64::to_le_bytes));
        name += name_length;
    }
    let names = data.iter().flat_map(|of| of.name.bytes());
    table.into_iter().flatten().chain(names).collect()
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Entry, LibraryData, encode, encode_data};
    use std::mem::offset_of;

    #[test]
    fn arguments_are_laid_out_as_the_other_side_reads_them() {
        let arguments = Arguments {
            version: 1,
            runtime: 2,
            python: 3,
            build: 4,
            slice_ms: 5,
            image_end: 6,
            data: 7,
            ..Arguments::default()
        };
        let bytes = encode(&arguments);
        assert_eq!(bytes.len(), size_of::<Arguments>());
        assert_eq!(bytes[offset_of!(Arguments, runtime)], 2);
        assert_eq!(bytes[offset_of!(Arguments, python)], 3);
        assert_eq!(bytes[offset_of!(Arguments, build)], 4);
        assert_eq!(bytes[offset_of!(Arguments, slice_ms)], 5);
        assert_eq!(bytes[offset_of!(Arguments, image_end)], 6);
        assert_eq!(bytes[offset_of!(Arguments, data)], 7);
    }

    #[test]
    fn the_table_tells_where_its_names_stand() {
        let data = |name: &str, range| LibraryData { name: name.to_owned(), range };
        let table = [data("libc.so.6", 0x10..0x20), data("a", 0x30..0x40)];
        let bytes = encode_data(&table, 0x1000);
        let word = |entry: usize, field: usize| {
            let at = entry * size_of::<Entry>() + field;
            u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a word"))
        };
        for (entry, of) in table.iter().enumerate() {
            assert_eq!(word(entry, offset_of!(Entry, start))..word(entry, offset_of!(Entry, end)), of.range);
            let name = word(entry, offset_of!(Entry, name)) as usize - 0x1000;
            let length = word(entry, offset_of!(Entry, name_length)) as usize;
            assert_eq!(&bytes[name..name + length], of.name.as_bytes());
        }
        assert_eq!(encode_data(&table, 0).len(), bytes.len());
    }
}

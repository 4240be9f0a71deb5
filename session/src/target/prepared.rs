//! A stay in the target: whatever way it ends, the target and the debugger are as they were before.

use crate::debugger::{Debugger, DebuggerError, Stop};
use crate::error::SessionError;
use crate::target::held_signals::HeldSignals;
use crate::target::image::{Image, ImageError};
use crate::target::memory::TargetMemory;
use crate::target::system_calls::{Walk, permitted};
use pyheap_inferior::{Arguments, LibraryData as Entry, entry};
use pyheap_process::seccomp::Avoid;
use pyheap_process::{Interpreter, LibraryData, Signal};
use std::time::{Duration, Instant};

const PAGE: usize = 4096;

// For mmap in the target; the same on x86_64 and AArch64.
const PROT_READ_EXEC: u64 = 1 | 4;
const MAP_PRIVATE_ANONYMOUS: u64 = 2 | 32;

/// Error numbers are results from here to -1.
const LEAST_ERROR: i64 = -4095;

/// The code for the target, in the target.
#[derive(Debug)]
struct Injected {
    base: u64,
    length: usize,
    arguments: u64,
}

/// Addresses in the target that a stay needs.
#[derive(Clone, Copy, Debug)]
struct Addresses {
    mmap: u64,
    munmap: u64,
    signal_return: u64,
}

/// What a stay is for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose {
    /// For the injected code; those that tell of the libraries' data are filled in.
    pub arguments: Arguments,
    /// Which system calls will be made.
    pub walk: Walk,
    /// Make them even where seccomp filters cannot be read or do not permit them.
    pub force_seccomp: bool,
}

/// A stay in the target, from the debugger's preparation to its restoration.
pub struct PreparedTarget<'d> {
    /// The debugger; use [`Self::run`] and [`Self::call`] rather than its own methods.
    pub debugger: &'d mut dyn Debugger,
    /// The target's memory.
    pub memory: TargetMemory,
    addresses: Addresses,
    process: u32,
    purpose: Purpose,
    /// The thread on which the target's seccomp filters have been asked, and what the walker has to leave out there.
    permitted: Option<(u32, Avoid)>,
    data: Vec<LibraryData>,
    image: Image,
    injected: Option<Injected>,
    prepared: bool,
    signals: Option<HeldSignals>,
    began: Instant,
    ran: Duration,
}

impl<'d> PreparedTarget<'d> {
    /// Prepares the debugger. `began` is when the command began.
    pub fn begin(
        debugger: &'d mut dyn Debugger,
        memory: TargetMemory,
        interpreter: &Interpreter,
        purpose: Purpose,
        began: Instant,
    ) -> Result<Self, SessionError> {
        let Interpreter { mmap, munmap, signal_return, .. } = *interpreter;
        let process = debugger.process()?;
        let visit = Self {
            process,
            signals: Some(HeldSignals::hold()),
            debugger,
            memory,
            addresses: Addresses { mmap, munmap, signal_return },
            purpose,
            permitted: None,
            data: interpreter.data.clone(),
            // Before anything stands still.
            image: crate::target::image::embedded()?,
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
    pub fn run(
        &mut self,
        stops: &[u64],
        signal: Option<Signal>,
        limit: Duration,
    ) -> Result<Stop, DebuggerError> {
        let began = Instant::now();
        let stop = self.debugger.run(stops, signal, limit);
        self.ran += began.elapsed();
        self.check_interrupt()?;
        stop
    }

    /// Fails if the user, or whoever ends the debugger, has asked to stop.
    pub fn check_interrupt(&mut self) -> Result<(), DebuggerError> {
        if self.signals.as_ref().is_some_and(HeldSignals::arrived) {
            return Err(DebuggerError::Interrupted);
        }
        self.debugger.check_interrupt()
    }

    /// Time for which the target ran since the command began.
    pub fn ran(&self) -> Duration {
        self.ran
    }

    /// Time for which the target stood still since the command began.
    pub fn stood(&self) -> Duration {
        self.began.elapsed().saturating_sub(self.ran)
    }

    /// Puts the code into the target, unless it is there already.
    pub fn inject(&mut self) -> Result<(), SessionError> {
        self.away(Self::ensure_injected)
    }

    /// Calls an entry of the injected code, by its name, with one argument.
    pub fn call_entry(&mut self, name: &'static str, argument: u64) -> Result<i64, SessionError> {
        self.inject()?;
        let address = self.entry(name)?;
        self.call(address, &[argument]).map(|result| result as i64)
    }

    /// Calls a function of the target with up to four arguments.
    pub fn call(&mut self, function: u64, arguments: &[u64]) -> Result<u64, SessionError> {
        self.away(|visit| {
            visit.ensure_injected()?;
            let call = visit.entry(entry::CALL)?;
            Ok(visit.debugger.call(call, &[&[function], arguments].concat())?.kept)
        })
    }

    /// Makes the copy-on-write child and takes the code out of the target again, in one go. Returns what `SNAPSHOT` does, or nothing if
    /// `still_safe` says no once the code is there.
    pub fn snapshot(
        &mut self,
        still_safe: impl FnOnce(&TargetMemory) -> Result<bool, SessionError>,
    ) -> Result<Option<i64>, SessionError> {
        self.away(|visit| {
            visit.ensure_injected()?;
            if !still_safe(&visit.memory)? {
                return Ok(None);
            }
            let (snapshot, arguments) = (visit.entry(entry::SNAPSHOT)?, visit.arguments_address());
            visit.leave(snapshot, arguments).map(|result| Some(result as i64))
        })
    }

    /// Takes the code out of the target.
    pub fn eject(&mut self) -> Result<(), SessionError> {
        if self.injected.is_none() {
            return Ok(());
        }
        self.away(|visit| visit.leave(0, 0)).map(drop)
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

    /// Address of the arguments in the target.
    pub fn arguments_address(&self) -> u64 {
        self.injected.as_ref().map_or(0, |injected| injected.arguments)
    }

    fn entry(&self, name: &'static str) -> Result<u64, SessionError> {
        let injected = self.injected.as_ref().ok_or(ImageError::NoEntry(name))?;
        Ok(injected.base + self.image.entry(name)?)
    }

    /// Does something while the selected thread is borrowed.
    fn away<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, SessionError>,
    ) -> Result<T, SessionError> {
        self.ask_filters()?;
        self.debugger.borrow(self.addresses.signal_return)?;
        let result = work(self);
        let back = self.debugger.give_back();
        // The error that came first is the one to report.
        let result = result?;
        back?;
        Ok(result)
    }

    /// Before anything is executed on a thread: whether its seccomp filters permit that.
    fn ask_filters(&mut self) -> Result<(), SessionError> {
        let thread = self.debugger.selected_thread()?;
        if self.permitted.is_none_or(|(asked, _)| asked != thread) {
            let Purpose { walk, force_seccomp, .. } = self.purpose;
            self.permitted = Some((thread, permitted(self.debugger, self.process, walk, force_seccomp)?));
        }
        Ok(())
    }

    fn ensure_injected(&mut self) -> Result<(), SessionError> {
        if self.injected.is_some() {
            return Ok(());
        }
        let arguments_at = self.image.len().next_multiple_of(PAGE);
        let table_at = arguments_at + size_of::<Arguments>();
        let length = (table_at + encode_data(&self.data, 0).len()).next_multiple_of(PAGE);
        let no_file = -1i64 as u64;
        let arguments = [0, length as u64, PROT_READ_EXEC, MAP_PRIVATE_ANONYMOUS, no_file, 0];
        let base = self.debugger.call(self.addresses.mmap, &arguments)?.system_call;
        if let LEAST_ERROR..0 = base as i64 {
            return Err(SessionError::Map { length, errno: (base as i64).unsigned_abs() as i32 });
        }
        let bytes = self.image.at(base);
        let arguments_at = base + arguments_at as u64;
        self.injected = Some(Injected { base, length, arguments: arguments_at });
        self.write(base, &bytes)?;
        let table = base + table_at as u64;
        let Avoid(avoid) = self.permitted.map_or(Avoid::default(), |(_, avoid)| avoid);
        let data_count = self.data.len() as u32;
        let arguments = Arguments { data: table, data_count, avoid: avoid.into(), ..self.purpose.arguments };
        self.write(arguments_at, &[encode(&arguments), encode_data(&self.data, table)].concat())
    }

    /// Calls `function(argument)` unless it is 0, and takes the code out of the target. Returns what the function did.
    fn leave(&mut self, function: u64, argument: u64) -> Result<u64, SessionError> {
        let leave = self.entry(entry::LEAVE)?;
        let Some(injected) = self.injected.take() else {
            return Err(ImageError::NoEntry(entry::LEAVE).into());
        };
        let arguments = [function, argument, injected.base, injected.length as u64, self.addresses.munmap];
        Ok(self.debugger.call(leave, &arguments)?.kept)
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), SessionError> {
        self.memory.0.write(address, bytes).map_err(|source| SessionError::Write { address, source })
    }
}

impl Drop for PreparedTarget<'_> {
    fn drop(&mut self) {
        // The error that led here is the one to report; these can only follow from it.
        let _ = self.eject();
        if self.prepared {
            let _ = self.debugger.restore();
        }
        if self.signals.as_ref().is_some_and(HeldSignals::end_the_debugger) {
            // A debugger that ends at once leaves breakpoints of its own behind.
            let _ = self.debugger.detach();
        }
        // Only now may what arrived meanwhile have its effect on the debugger.
        drop(self.signals.take());
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
        avoid,
        digest_limit,
    } = *arguments;
    let first = [version, runtime].map(u64::to_le_bytes);
    let halves = [python, build, str_repr_len, traverse_limit_ms, slice_ms, data_count].map(u32::to_le_bytes);
    let last = [image_start, image_end, data, avoid, digest_limit].map(u64::to_le_bytes);
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
            avoid: 8,
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
        assert_eq!(bytes[offset_of!(Arguments, avoid)], 8);
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

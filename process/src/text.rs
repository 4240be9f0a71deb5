//! Breakpoints that a debugger left in a process's code when it died: the process would die of the next one that it comes to.
//!
//! A breakpoint is told from other changes by its page: but for breakpoints, it is what the file holds.

use crate::error::ProcessError;
use crate::interpreter::Interpreter;
use crate::mapped::{MappedFile, mapped_files, path_of};
use crate::memory::ProcessMemory;
use procfs::process::{MMPermissions, MemoryMap, Process};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// `int3`.
#[cfg(target_arch = "x86_64")]
const BREAKPOINT: [u8; 1] = [0xCC];

/// `brk #0`.
#[cfg(target_arch = "aarch64")]
const BREAKPOINT: [u8; 4] = [0x00, 0x00, 0x20, 0xD4];

const PAGE_SIZE: u64 = 4096;

/// More in one page are not a debugger's.
const MOST_IN_A_PAGE: usize = 16;

/// A breakpoint that is not in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBreakpoint {
    /// Where it is, in the target's address space.
    pub address: u64,
    /// What the file holds instead.
    pub original: [u8; BREAKPOINT.len()],
    /// The file, as the target sees it.
    pub file: String,
    /// The nearest symbol at or before it, and the distance in bytes.
    pub symbol: Option<(String, u64)>,
}

/// What a look at a process's code found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// In the order of their addresses, file by file.
    pub breakpoints: Vec<LeftBreakpoint>,
    /// Number of files that were compared.
    pub compared: usize,
    /// Why others were not.
    pub skipped: Vec<String>,
}

impl LeftBreakpoint {
    /// Puts back what the file holds, unless it is no breakpoint any more.
    pub fn remove(&self, memory: &ProcessMemory) -> io::Result<()> {
        if is_breakpoint(memory, self.address) { memory.write(self.address, &self.original) } else { Ok(()) }
    }
}

/// A stretch of code, and where in its file it begins.
struct Code {
    range: Range<u64>,
    offset: u64,
}

/// Compares all code of process `pid` that comes from files. Fails while a debugger is attached: its breakpoints are in use.
pub fn left_breakpoints(pid: u32, memory: &ProcessMemory) -> Result<Findings, ProcessError> {
    let (process, maps) = look(pid)?;
    let status = process.status().map_err(|error| ProcessError::from_proc(pid, "the status", error))?;
    if status.tracerpid != 0 {
        return Err(ProcessError::Traced { pid, tracer: status.tracerpid as u32 });
    }
    let mut findings = Findings::default();
    for file in mapped_files(&maps) {
        let code: Vec<Code> = code_of(&file, &maps).collect();
        if code.is_empty() {
            continue;
        }
        match compare(&process, memory, &file, &code) {
            Ok(breakpoints) => {
                findings.compared += 1;
                findings.breakpoints.extend(breakpoints);
            }
            Err(error) => findings.skipped.push(error.to_string()),
        }
    }
    Ok(findings)
}

/// The places at which pyheap and debuggers usually put breakpoints.
pub fn usual_places(
    pid: u32,
    memory: &ProcessMemory,
    interpreter: &Interpreter,
) -> Result<Vec<u64>, ProcessError> {
    let (process, maps) = look(pid)?;
    let places = [interpreter.eval_frame.start, interpreter.save_thread].into_iter();
    let elsewhere =
        entry_point(&process).into_iter().chain(debug_state(&process, memory, &mapped_files(&maps)));
    Ok(places.chain(interpreter.thread_state_swap).chain(elsewhere).collect())
}

/// Breakpoints at some places, whether a debugger is attached or not. Where there are none, that takes a look at each place.
pub fn left_breakpoints_at(
    pid: u32,
    memory: &ProcessMemory,
    places: &[u64],
) -> Result<Vec<LeftBreakpoint>, ProcessError> {
    let suspects: Vec<u64> = places.iter().copied().filter(|&place| is_breakpoint(memory, place)).collect();
    let mut breakpoints = Vec::new();
    if suspects.is_empty() {
        return Ok(breakpoints);
    }
    let (process, maps) = look(pid)?;
    let files = mapped_files(&maps);
    for place in suspects {
        let found = files.iter().find_map(|file| {
            let code = code_of(file, &maps).find(|code| code.range.contains(&place))?;
            let page = place & !(PAGE_SIZE - 1);
            let offset = code.offset + (page - code.range.start);
            Some((file, Code { range: page..page + PAGE_SIZE, offset }))
        });
        let Some((file, page)) = found else { continue };
        breakpoints.extend(compare(&process, memory, file, &[page])?);
    }
    Ok(breakpoints)
}

fn look(pid: u32) -> Result<(Process, Vec<MemoryMap>), ProcessError> {
    let process =
        Process::new(pid as i32).map_err(|e| ProcessError::from_proc(pid, format!("/proc/{pid}"), e))?;
    let maps = process.maps().map_err(|e| ProcessError::from_proc(pid, "the mappings", e))?;
    Ok((process, maps.into_iter().collect()))
}

fn is_breakpoint(memory: &ProcessMemory, address: u64) -> bool {
    let mut found = [0; BREAKPOINT.len()];
    memory.read(address, &mut found).is_ok_and(|()| found == BREAKPOINT)
}

/// Address of the program's first instruction.
fn entry_point(process: &Process) -> Option<u64> {
    const AT_ENTRY: u64 = 9;
    process.auxv().ok()?.get(&AT_ENTRY).copied()
}

/// Address of the function by which the dynamic linker tells debuggers of libraries.
fn debug_state(process: &Process, memory: &ProcessMemory, files: &[MappedFile]) -> Option<u64> {
    let linker = files.iter().find(|file| file.name().starts_with("ld-"))?.open(process, memory).ok()?;
    let [found] = linker.elf.dynamic_symbols(["_dl_debug_state"]).ok()?;
    Some(found?.value.wrapping_add(linker.bias))
}

fn code_of<'m>(file: &'m MappedFile, maps: &'m [MemoryMap]) -> impl Iterator<Item = Code> + 'm {
    let of_file = maps.iter().filter(|map| path_of(map) == Some(file.path.as_path()));
    of_file
        .filter(|map| map.perms.contains(MMPermissions::EXECUTE))
        .map(|map| Code { range: map.address.0..map.address.1, offset: map.offset })
}

/// The breakpoints in stretches of one file.
fn compare(
    process: &Process,
    memory: &ProcessMemory,
    file: &MappedFile,
    stretches: &[Code],
) -> Result<Vec<LeftBreakpoint>, ProcessError> {
    let on_disk = file.open_raw(process, memory)?;
    let mut breakpoints = Vec::new();
    for Code { range, offset } in stretches {
        for address in range.clone().step_by(PAGE_SIZE as usize) {
            let (mut found, mut expected) = ([0; PAGE_SIZE as usize], [0; PAGE_SIZE as usize]);
            let length = read_up_to(&on_disk, &mut expected, offset + (address - range.start));
            // What lies behind the file's end cannot be read, nor executed.
            if memory.read(address, &mut found).is_err() {
                continue;
            }
            for (at, original) in breakpoints_in(&found[..length], &expected[..length]) {
                let file = file.path.display().to_string();
                breakpoints.push(LeftBreakpoint { address: address + at, original, file, symbol: None });
            }
        }
    }
    if !breakpoints.is_empty() {
        let loaded = file.open(process, memory)?;
        for breakpoint in &mut breakpoints {
            let place = breakpoint.address.wrapping_sub(loaded.bias);
            breakpoint.symbol = loaded.elf.symbol_before(place).map_err(|error| file.malformed(error))?;
        }
    }
    Ok(breakpoints)
}

/// Fills the buffer as far as the file goes; tells how far.
fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    length
}

/// Offsets of the breakpoints in a page that the file does not have, with what it has; none if the page differs in anything else.
fn breakpoints_in(found: &[u8], expected: &[u8]) -> Vec<(u64, [u8; BREAKPOINT.len()])> {
    let mut breakpoints = Vec::new();
    if found == expected {
        return breakpoints;
    }
    let (found, rest) = found.as_chunks::<{ BREAKPOINT.len() }>();
    let (expected, expected_rest) = expected.as_chunks::<{ BREAKPOINT.len() }>();
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        if found == expected {
            continue;
        }
        if *found != BREAKPOINT || breakpoints.len() == MOST_IN_A_PAGE {
            return Vec::new();
        }
        breakpoints.push(((at * BREAKPOINT.len()) as u64, *expected));
    }
    if rest == expected_rest { breakpoints } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::{BREAKPOINT, MOST_IN_A_PAGE, breakpoints_in};

    #[test]
    fn only_breakpoints_are_found() {
        let step = BREAKPOINT.len();
        let file: Vec<u8> = (0..4096u32).map(|at| (at % 199) as u8).collect();
        let with = |places: &[usize]| {
            let mut page = file.clone();
            for &place in places {
                page[place * step..][..step].copy_from_slice(&BREAKPOINT);
            }
            page
        };
        assert_eq!(breakpoints_in(&file, &file), []);
        let found = breakpoints_in(&with(&[0, 7]), &file);
        let offsets: Vec<u64> = found.iter().map(|&(at, _)| at).collect();
        assert_eq!(offsets, [0, 7 * step as u64]);
        assert_eq!(found[1].1, file[7 * step..8 * step]);
        // A page that differs in something else is another file's, or was changed on purpose.
        let mut other = with(&[7]);
        other[100 * step] ^= 1;
        assert_eq!(breakpoints_in(&other, &file), []);
        let many: Vec<usize> = (0..=MOST_IN_A_PAGE).collect();
        assert_eq!(breakpoints_in(&with(&many), &file), []);
        // The other way round: the file has breakpoints of its own.
        assert_eq!(breakpoints_in(&file, &with(&[7])), []);
    }
}

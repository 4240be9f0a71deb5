//! Finds the Python interpreter in a process: which file holds it, where it is loaded, its version, the addresses a dump needs.

use crate::error::ProcessError;
use crate::mapped::{LibraryData, LoadedElf, MappedFile, library_data, mapped_files, path_of};
use crate::memory::ProcessMemory;
use crate::signal_return;
use crate::version::Version;
use object::elf::{EM_AARCH64, EM_X86_64, Machine};
use procfs::process::{MemoryMap, Process};
use std::ops::Range;

/// A stretch of code, in the target's address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRange {
    /// First instruction.
    pub start: u64,
    /// Bytes.
    pub size: u64,
}

impl CodeRange {
    /// Whether an instruction stands in it.
    pub fn contains(self, address: u64) -> bool {
        address >= self.start && address - self.start < self.size
    }
}

/// The interpreter of a process. All addresses are in the target's address space.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// Version of the running interpreter.
    pub version: Version,
    /// `--disable-gil` build.
    pub free_threaded: bool,
    /// `--with-pydebug` build.
    pub debug: bool,
    /// The executable, as the target sees it.
    pub executable: String,
    /// The file that holds the interpreter, as the target sees it: the executable or libpython.
    pub library: String,
    /// `x86_64` or `aarch64`.
    pub architecture: &'static str,
    /// What the library takes of the address space, from its first mapping to the end of its data, `.bss` included.
    pub image: Range<u64>,
    /// Variables of the executable and of all libraries.
    pub data: Vec<LibraryData>,
    /// Address of `_PyRuntime`.
    pub runtime: u64,
    /// `_PyEval_EvalFrameDefault`.
    pub eval_frame: CodeRange,
    /// Entry of `PyEval_SaveThread`.
    pub save_thread: u64,
    /// Entry of `_PyThreadState_Swap`, where it is exported.
    pub thread_state_swap: Option<u64>,
    /// The C library's `raise`.
    pub raise: CodeRange,
    /// Entry of the C library's `mmap`.
    pub mmap: u64,
    /// Entry of the C library's `munmap`.
    pub munmap: u64,
    /// Entry of the C library's `waitpid`.
    pub waitpid: u64,
    /// The C library's code that calls `rt_sigreturn`.
    pub signal_return: u64,
}

/// Data of an interpreter that is searched at most, bytes; libpython has about one megabyte.
const DATA_LIMIT: u64 = 32 << 20;

impl Interpreter {
    /// Whether process `pid` looks as if it ran Python, by the names of its files: a cheap look, for lists of processes. Where its
    /// mappings cannot be read, its executable's name or the name that it goes by has to do.
    pub fn is_likely(pid: u32) -> bool {
        let Ok(process) = Process::new(pid as i32) else { return false };
        let is_python = |name: &str| name.contains("python");
        match process.maps() {
            Ok(maps) => maps.into_iter().any(|map| {
                let name = path_of(&map).and_then(|path| Some(path.file_name()?.to_string_lossy()));
                // An interpreter linked into another program still loads extensions that are named after it.
                name.is_some_and(|name| is_python(&name))
            }),
            Err(_) => process.stat().is_ok_and(|stat| is_python(&stat.comm)),
        }
    }

    /// Finds the interpreter of process `pid`. Takes a few milliseconds and does not stop the process.
    pub fn find(pid: u32, memory: &ProcessMemory) -> Result<Self, ProcessError> {
        let process =
            Process::new(pid as i32).map_err(|e| ProcessError::from_proc(pid, format!("/proc/{pid}"), e))?;
        let maps: Vec<MemoryMap> = process
            .maps()
            .map_err(|e| ProcessError::from_proc(pid, "the mappings", e))?
            .into_iter()
            .collect();
        let executable = process.exe().map(|path| path.display().to_string()).unwrap_or_default();
        let files = mapped_files(&maps);

        let (file, loaded, runtime) = find_python(&process, memory, &files, &executable)?;
        let machine = loaded.elf.machine().map_err(|e| file.malformed(e))?;
        let architecture = architecture(pid, machine)?;
        let library = file.path.display().to_string();

        let names = ["_PyEval_EvalFrameDefault", "PyEval_SaveThread"];
        let found = loaded.elf.dynamic_symbols(names).map_err(|e| file.malformed(e))?;
        let required = |at: usize| {
            found[at].ok_or(ProcessError::MissingSymbol { file: library.clone(), symbol: names[at] })
        };
        let at = |value: u64| value.wrapping_add(loaded.bias);
        let eval_frame = required(0)?;
        let version = find_version(memory, file, &loaded)?;
        let [merge, negative, total, count, swap] = loaded
            .elf
            // The first exists in builds without the GIL only, the next three in builds that count all references.
            .dynamic_symbols([
                "_Py_MergeZeroLocalRefcount",
                "_Py_NegativeRefcount",
                "_Py_RefTotal",
                "_Py_INCREF_IncRefTotal",
                "_PyThreadState_Swap",
            ])
            .map_err(|e| file.malformed(e))?;
        let (c_library, [mmap, munmap, waitpid, raise]) =
            find_c_library(&process, memory, &files, &executable)?;
        let is_c_library = |map: &MemoryMap| path_of(map) == Some(&c_library.path);
        let signal_return =
            signal_return::find(&maps, memory, is_c_library).ok_or(ProcessError::NoSignalReturn { pid })?;
        Ok(Self {
            version,
            free_threaded: merge.is_some(),
            debug: negative.or(total).or(count).is_some(),
            architecture,
            image: file.first.0..at(loaded.elf.end().map_err(|e| file.malformed(e))?),
            data: library_data(&maps, &files, memory),
            runtime,
            eval_frame: CodeRange { start: at(eval_frame.value), size: eval_frame.size },
            save_thread: at(required(1)?.value),
            thread_state_swap: swap.map(|symbol| at(symbol.value)),
            raise,
            mmap: mmap.start,
            munmap: munmap.start,
            waitpid: waitpid.start,
            signal_return,
            executable,
            library,
        })
    }

    /// Checks the version that the interpreter states against the one after which its file is named.
    ///
    /// # Errors
    /// They differ: [`ProcessError::Misnamed`].
    pub fn check_name(&self) -> Result<(), ProcessError> {
        let name = self.library.rsplit('/').next().unwrap_or_default();
        match Version::in_file_name(name) {
            Some(named) if named != (self.version.major(), self.version.minor()) => {
                Err(ProcessError::Misnamed { file: self.library.clone(), stated: self.version, named })
            }
            _ => Ok(()),
        }
    }
}

/// The file that exports `_PyRuntime`: libpython, else the executable, else whatever embeds an interpreter.
fn find_python<'f>(
    process: &Process,
    memory: &ProcessMemory,
    files: &'f [MappedFile],
    executable: &str,
) -> Result<(&'f MappedFile, LoadedElf, u64), ProcessError> {
    let rank = |file: &MappedFile| match file.name() {
        name if name.starts_with("libpython") => 0,
        _ if file.path.as_os_str() == executable => 1,
        name if name.contains(".so") || name.contains("python") => 2,
        _ => 3,
    };
    let mut candidates: Vec<&MappedFile> = files.iter().collect();
    candidates.sort_by_key(|file| rank(file));
    let mut failure = None;
    for file in candidates {
        let likely = rank(file) < 2;
        let loaded = match file.open(process, memory) {
            Ok(loaded) => loaded,
            Err(error) => {
                if likely {
                    failure.get_or_insert(error);
                }
                continue;
            }
        };
        match loaded.elf.dynamic_symbols(["_PyRuntime"]) {
            Ok([Some(symbol)]) => {
                let runtime = symbol.value.wrapping_add(loaded.bias);
                return Ok((file, loaded, runtime));
            }
            Ok(_) => {}
            Err(error) => {
                if likely {
                    failure.get_or_insert(file.malformed(error));
                }
            }
        }
    }
    let pid = process.pid() as u32;
    Err(failure.unwrap_or(ProcessError::NotPython { pid, executable: executable.to_owned() }))
}

/// `mmap`, `munmap`, `waitpid` and `raise` of the C library: glibc's, musl's, or those linked into the executable.
fn find_c_library<'f>(
    process: &Process,
    memory: &ProcessMemory,
    files: &'f [MappedFile],
    executable: &str,
) -> Result<(&'f MappedFile, [CodeRange; 4]), ProcessError> {
    let is_libc = |file: &&MappedFile| {
        let name = file.name();
        name.starts_with("libc.so") || name.starts_with("libc-2.") || name.starts_with("ld-musl-")
    };
    let is_executable = |file: &&MappedFile| file.path.as_os_str() == executable;
    let names = ["mmap", "munmap", "waitpid", "raise"];
    for file in files.iter().filter(is_libc).chain(files.iter().filter(is_executable)) {
        let loaded = file.open(process, memory)?;
        let mut found = loaded.elf.dynamic_symbols(names).map_err(|e| file.malformed(e))?;
        if found.contains(&None) && is_executable(&file) {
            found = loaded.elf.static_symbols(names).map_err(|e| file.malformed(e))?;
        }
        if let [Some(mmap), Some(munmap), Some(waitpid), Some(raise)] = found {
            let range = |symbol: crate::elf::Symbol| CodeRange {
                start: symbol.value.wrapping_add(loaded.bias),
                size: symbol.size,
            };
            return Ok((file, [mmap, munmap, waitpid, raise].map(range)));
        }
    }
    Err(ProcessError::NoCLibrary { pid: process.pid() as u32 })
}

/// The version that the interpreter itself states.
fn find_version(
    memory: &ProcessMemory,
    file: &MappedFile,
    loaded: &LoadedElf,
) -> Result<Version, ProcessError> {
    let unknown =
        |reason: String| ProcessError::UnknownVersion { file: file.path.display().to_string(), reason };
    let [constant] = loaded.elf.dynamic_symbols(["Py_Version"]).map_err(|e| file.malformed(e))?;
    if let Some(constant) = constant {
        // Since 3.11.
        let mut bytes = [0; 4];
        memory
            .read(constant.value.wrapping_add(loaded.bias), &mut bytes)
            .map_err(|error| unknown(format!("Py_Version cannot be read: {error}")))?;
        Ok(Version { hex: u32::from_le_bytes(bytes) })
    } else {
        find_version_text(memory, file, loaded)?.ok_or_else(|| {
            unknown("it has neither Py_Version nor the text of sys.version in its data".into())
        })
    }
}

fn find_version_text(
    memory: &ProcessMemory,
    file: &MappedFile,
    loaded: &LoadedElf,
) -> Result<Option<Version>, ProcessError> {
    let ranges = loaded.elf.writable_ranges().map_err(|e| file.malformed(e))?;
    Ok(ranges.into_iter().find_map(|range| {
        let length = (range.end - range.start).min(DATA_LIMIT);
        let mut data = vec![0; length as usize];
        memory.read(range.start.wrapping_add(loaded.bias), &mut data).ok()?;
        Version::find_in_data(&data)
    }))
}

fn architecture(pid: u32, machine: Machine) -> Result<&'static str, ProcessError> {
    let found = match machine {
        EM_X86_64 => "x86_64",
        EM_AARCH64 => "aarch64",
        other => return Err(unsupported(pid, format!("{other:?}"))),
    };
    // The walker is built for the machine that this program runs on.
    if found == std::env::consts::ARCH { Ok(found) } else { Err(unsupported(pid, found.to_owned())) }
}

fn unsupported(pid: u32, found: String) -> ProcessError {
    ProcessError::Architecture { pid, found, expected: std::env::consts::ARCH }
}

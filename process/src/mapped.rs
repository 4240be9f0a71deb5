//! The files that a process maps, opened as the process sees them.

use crate::access;
use crate::elf::{ElfFile, first_page, writable_ranges};
use crate::error::ProcessError;
use crate::memory::ProcessMemory;
use procfs::process::{MMPermissions, MMapPath, MemoryMap, Process};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const PAGE_SIZE: u64 = 4096;

/// A file that is mapped from its start.
#[derive(Clone, Debug)]
pub struct MappedFile {
    /// Path as the target sees it.
    pub path: PathBuf,
    /// Range of the mapping that holds the file's first byte, in the target's address space.
    pub first: (u64, u64),
}

/// An ELF file of the target, and where it is loaded.
#[derive(Debug)]
pub struct LoadedElf {
    /// The file.
    pub elf: ElfFile,
    /// What to add to an address that the file states, to get one in the target's address space.
    pub bias: u64,
}

/// Variables of an executable or library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryData {
    /// Last component of the file's path.
    pub name: String,
    /// Where they stand in the target's address space, `.bss` included.
    pub range: Range<u64>,
}

/// Variables of one library beyond this are left out, bytes.
const DATA_LIMIT: u64 = 64 << 20;

/// The variables of everything that is loaded. Read from memory alone, where the kernel and the dynamic linker need the program headers
/// too: opening hundreds of files takes longer than a target may stand still.
pub fn library_data(maps: &[MemoryMap], files: &[MappedFile], memory: &ProcessMemory) -> Vec<LibraryData> {
    let writable: HashSet<&OsStr> = maps
        .iter()
        .filter(|map| map.perms.contains(MMPermissions::WRITE))
        .filter_map(|map| path_of(map).map(Path::as_os_str))
        .collect();
    let ranges_of = |file: &MappedFile| {
        let mut beginning = [0; PAGE_SIZE as usize];
        memory.read(file.first.0, &mut beginning).ok()?;
        let bias = file.first.0.wrapping_sub(first_page(&beginning[..], PAGE_SIZE).ok()?);
        let ranges = writable_ranges(&beginning[..]).ok()?;
        Some(ranges.into_iter().map(move |range| {
            let start = range.start.wrapping_add(bias);
            start..start.saturating_add((range.end - range.start).min(DATA_LIMIT))
        }))
    };
    let data_of = |file: &MappedFile| {
        let ranges = ranges_of(file).into_iter().flatten();
        let name = file.name().to_owned();
        ranges.map(move |range| LibraryData { name: name.clone(), range }).collect::<Vec<_>>()
    };
    files.iter().filter(|file| writable.contains(file.path.as_os_str())).flat_map(data_of).collect()
}

/// The file that a mapping shows.
pub fn path_of(map: &MemoryMap) -> Option<&Path> {
    match &map.pathname {
        MMapPath::Path(path) => Some(path),
        _ => None,
    }
}

/// All files that are mapped from their start, in the order of their addresses, each once.
pub fn mapped_files(maps: &[MemoryMap]) -> Vec<MappedFile> {
    let mut known = HashSet::new();
    let starts = maps.iter().filter(|map| map.offset == 0 && map.inode != 0);
    starts
        .filter_map(|map| {
            let path = path_of(map).filter(|path| known.insert(path.as_os_str()))?;
            Some(MappedFile { path: path.to_owned(), first: map.address })
        })
        .collect()
}

impl MappedFile {
    /// The last component of the path.
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Opens the file that is really mapped: by its path in the target's mount namespace, by the kernel's own link to it, or by the same
    /// path here; each only if its beginning is what stands in the target's memory.
    pub fn open(&self, process: &Process, memory: &ProcessMemory) -> Result<LoadedElf, ProcessError> {
        let elf = ElfFile::new(self.open_raw(process, memory)?);
        let first_page = elf.first_page(PAGE_SIZE).map_err(|error| self.malformed(error))?;
        Ok(LoadedElf { elf, bias: self.first.0.wrapping_sub(first_page) })
    }

    /// The same as mere bytes.
    pub fn open_raw(&self, process: &Process, memory: &ProcessMemory) -> Result<File, ProcessError> {
        let pid = process.pid() as u32;
        let plain = self.path.to_string_lossy();
        let plain = Path::new(plain.strip_suffix(" (deleted)").unwrap_or(&plain));
        let (start, end) = self.first;
        let candidates = [
            PathBuf::from(format!("/proc/{pid}/root{}", plain.display())),
            PathBuf::from(format!("/proc/{pid}/map_files/{start:x}-{end:x}")),
            plain.to_owned(),
        ];
        let mut mapped = [0; 1024];
        memory
            .read(start, &mut mapped)
            .map_err(|error| ProcessError::from_io(pid, format!("memory at 0x{start:x}"), &error))?;
        let mut denied = false;
        for candidate in candidates {
            let file = match File::open(&candidate) {
                Ok(file) => file,
                Err(error) => {
                    denied |= error.kind() == std::io::ErrorKind::PermissionDenied;
                    continue;
                }
            };
            let mut on_disk = [0; 1024];
            if file.read_exact_at(&mut on_disk, 0).is_ok() && on_disk == mapped {
                return Ok(file);
            }
        }
        let file = self.path.display().to_string();
        // Without an obstacle it is the kernel's view of the mapped file that is kept for administrators.
        Err(if denied && access::obstacle(pid).is_some() {
            ProcessError::no_permission(pid, file)
        } else {
            ProcessError::FileReplaced { pid, file }
        })
    }

    /// The error for a file that the ELF parser refuses.
    pub fn malformed(&self, error: object::read::Error) -> ProcessError {
        ProcessError::Elf { file: self.path.display().to_string(), reason: error.to_string() }
    }
}

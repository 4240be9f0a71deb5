//! The memory of another process through `/proc/PID/mem`.

use crate::error::ProcessError;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The address space of a process. Reading needs the rights of ptrace; the process need not be stopped.
#[derive(Debug)]
pub struct ProcessMemory {
    file: File,
}

impl ProcessMemory {
    /// Opens the memory of process `pid`, for writing too.
    pub fn open(pid: u32) -> Result<Self, ProcessError> {
        let path = format!("/proc/{pid}/mem");
        let file = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| ProcessError::from_io(pid, path, &error))?;
        Ok(Self { file })
    }

    /// Fills `buffer` from `address` on.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, address)
    }

    /// Writes `bytes` at `address`, whatever the protection of the pages.
    pub fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, address)
    }
}

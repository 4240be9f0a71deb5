//! Why a process cannot be examined, and what the user can try.

use crate::access::{self, Obstacle};
use crate::version::Version;
use std::io;

/// Why a process cannot be examined.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such process.
    #[error("process {pid} does not exist (any more)")]
    NoSuchProcess {
        /// Process id as this process sees it.
        pid: u32,
    },
    /// It has executed another program, or another process has got its id.
    #[error("process {pid} has begun another program meanwhile; that one is untouched")]
    OtherProgram {
        /// Process id as this process sees it.
        pid: u32,
    },
    /// It, or its first thread, waits to be taken note of.
    #[error(
        "process {pid} has ended, or its first thread has: the kernel shows nothing of the memory of such a process"
    )]
    Zombie {
        /// Process id as this process sees it.
        pid: u32,
    },
    /// It runs in another process's memory.
    #[error(
        "process {pid} has not begun its program and runs in the memory of its parent {parent} (vfork): dump that one, or try again in a moment"
    )]
    Borrows {
        /// Process id as this process sees it.
        pid: u32,
        /// Its parent's.
        parent: u32,
    },
    /// The kernel refuses access.
    #[error("no permission to read {what} of process {pid}: {obstacle}")]
    NoPermission {
        /// Process id as this process sees it.
        pid: u32,
        /// What was to be read.
        what: String,
        /// Why, and what to run instead.
        obstacle: Obstacle,
    },
    /// Nothing that it maps exports `_PyRuntime`.
    #[error(
        "process {pid} ({executable}) is not a Python process: none of the files that it maps exports _PyRuntime; \
         if it starts Python in a child process, attach to that one"
    )]
    NotPython {
        /// Process id as this process sees it.
        pid: u32,
        /// Its executable.
        executable: String,
    },
    /// The interpreter is not complete.
    #[error("{file} exports _PyRuntime but not {symbol}: it is not an interpreter that can be examined")]
    MissingSymbol {
        /// Path as the target sees it.
        file: String,
        /// Name of the symbol that is missing.
        symbol: &'static str,
    },
    /// The C library was not found.
    #[error("process {pid} maps no C library that exports mmap, munmap, waitpid and raise")]
    NoCLibrary {
        /// Process id as this process sees it.
        pid: u32,
    },
    /// No code that returns from signal handlers was found.
    #[error("process {pid} maps no code that calls rt_sigreturn: its C library is of an unknown kind")]
    NoSignalReturn {
        /// Process id as this process sees it.
        pid: u32,
    },
    /// A debugger works on it.
    #[error(
        "process {pid} is being debugged by process {tracer}, whose breakpoints are in use: detach that debugger first"
    )]
    Traced {
        /// Process id as this process sees it.
        pid: u32,
        /// The debugger's.
        tracer: u32,
    },
    /// The file is not the one that the process runs.
    #[error(
        "{file} on disk is not the file that process {pid} runs (upgraded or deleted since its start?); \
         run the debugger as root, so that the kernel shows the file that is mapped"
    )]
    FileReplaced {
        /// Process id as this process sees it.
        pid: u32,
        /// Path as the target sees it.
        file: String,
    },
    /// The process runs other machine code than this program.
    #[error("process {pid} runs {found} code; this build of pyheap supports {expected} only")]
    Architecture {
        /// Process id as this process sees it.
        pid: u32,
        /// The target's architecture.
        found: String,
        /// The supported one.
        expected: &'static str,
    },
    /// The version could not be found.
    #[error("the Python version of {file} was not found: {reason}")]
    UnknownVersion {
        /// Path as the target sees it.
        file: String,
        /// What was looked for.
        reason: String,
    },
    /// The interpreter states another version than its file's name does.
    #[error(
        "{file} states that it is CPython {stated}, but is named after {}.{}: with --ignore-compatibility-checks what it states is believed",
        named.0,
        named.1
    )]
    Misnamed {
        /// Path as the target sees it.
        file: String,
        /// What the interpreter states.
        stated: Version,
        /// What the name says: major and minor number.
        named: (u8, u8),
    },
    /// An ELF file is malformed.
    #[error("{file} is not a well-formed ELF file: {reason}")]
    Elf {
        /// Path as the target sees it.
        file: String,
        /// What the parser says.
        reason: String,
    },
    /// Anything else that the operating system refuses.
    #[error("failed to read {what} of process {pid}: {reason}")]
    Io {
        /// Process id as this process sees it.
        pid: u32,
        /// What was to be read.
        what: String,
        /// The system's reason.
        reason: String,
    },
}

impl ProcessError {
    /// Sorts an error of the operating system into the cases that a user can act on.
    pub fn from_io(pid: u32, what: impl Into<String>, error: &io::Error) -> Self {
        let what = what.into();
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::no_permission(pid, what),
            // /proc/PID files of a process that ended answer ESRCH, which has no kind of its own.
            _ if error.raw_os_error() == Some(3) => Self::NoSuchProcess { pid },
            io::ErrorKind::NotFound if what.starts_with("/proc") => Self::NoSuchProcess { pid },
            _ => Self::Io { pid, what, reason: error.to_string() },
        }
    }

    pub(crate) fn no_permission(pid: u32, what: String) -> Self {
        Self::NoPermission { pid, what, obstacle: access::reason(pid) }
    }

    /// The same for the errors of the `/proc` parser.
    pub fn from_proc(pid: u32, what: impl Into<String>, error: procfs::ProcError) -> Self {
        let what = what.into();
        match error {
            procfs::ProcError::PermissionDenied(_) => Self::no_permission(pid, what),
            procfs::ProcError::NotFound(_) => Self::NoSuchProcess { pid },
            procfs::ProcError::Io(error, _) => Self::from_io(pid, what, &error),
            other => Self::Io { pid, what, reason: other.to_string() },
        }
    }
}

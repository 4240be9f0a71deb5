//! Why a command failed, with what the user can try.

use crate::debugger::DebuggerError;
use crate::target::image::ImageError;
use pyheap_format::reader::{FrameError, ReadError};
use pyheap_format::text::printable;
use pyheap_inferior::{Failure, step};
use pyheap_process::ProcessError;
use pyheap_process::seccomp::Refusal;
use pyheap_walker::Unsupported;
use pyheap_walker::layout::SUPPORTED;
use std::io;
use std::path::PathBuf;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The arguments are wrong; clap's text names the option.
    #[error("{0}")]
    Usage(String),
    /// The debugger failed.
    #[error("{0}")]
    Debugger(#[from] DebuggerError),
    /// The process cannot be examined.
    #[error("{}", printable(&.0.to_string()))]
    Process(#[from] ProcessError),
    /// The interpreter is not supported.
    #[error("{0}; supported are CPython {SUPPORTED}")]
    Unsupported(#[from] Unsupported),
    /// The code for the target is broken.
    #[error("{0}: this build of pyheap is unusable")]
    Image(#[from] ImageError),
    /// No consistent state within the time.
    #[error(
        "no safe point was reached within {seconds} s: a thread holds the GIL in native code, such as a long call of an extension, and did \
         not come back to the interpreter; the process is unharmed. Try again, or allow more time with --timeout"
    )]
    NoSafePoint {
        /// The time that was allowed.
        seconds: f64,
    },
    /// The interpreter cannot be asked for a safe point.
    #[error("failed to write the request for a safe point at 0x{address:x}: {source}")]
    Ask {
        /// Where.
        address: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// A breakpoint of a dead debugger cannot be removed.
    #[error("failed to remove the breakpoint that a debugger left behind at 0x{address:x}: {source}")]
    Repair {
        /// Where.
        address: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// Memory for the injected code.
    #[error("the process cannot map {length} bytes for the walker: {}", io::Error::from_raw_os_error(*.errno))]
    Map {
        /// Bytes asked for.
        length: usize,
        /// The kernel's error number.
        errno: i32,
    },
    /// The target's memory cannot be written.
    #[error("failed to write the walker at 0x{address:x}: {source}")]
    Write {
        /// Where.
        address: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// A fork would not fit in the limits that hold for the process.
    #[error("a snapshot is refused: {reason}. {alternative}")]
    Refused {
        /// With figures.
        reason: String,
        /// What else can be done, and at what cost.
        alternative: String,
    },
    /// What the visit would execute costs the process, or may.
    #[error("{refusal}; the process is untouched. {hint}")]
    Seccomp {
        /// Which call, and what its answer would be.
        refusal: Refusal,
        /// What to run instead.
        hint: &'static str,
    },
    /// An entry of the injected code failed.
    #[error("the process failed to {}{}. {alternative}", failed_step(*.failure), failed_reason(*.failure))]
    Injected {
        /// Step and error number.
        failure: Failure,
        /// What else can be done.
        alternative: String,
    },
    /// The pipe from the walker cannot be opened.
    #[error("failed to open the walker's pipe: {0}")]
    Pipe(io::Error),
    /// The pipe from the walker cannot be read any more.
    #[error("failed to read from the walker's pipe: {0}; the process is unharmed, try again")]
    ReadPipe(io::Error),
    /// The walker ended before its last record.
    #[error("the walker ended after {objects} objects, before the dump was complete: {ending}{kept}")]
    WalkerDied {
        /// How it ended.
        ending: String,
        /// Objects received.
        objects: u64,
        /// Where the incomplete dump is, or nothing.
        kept: String,
    },
    /// The walker was ended because it did nothing.
    #[error("the walker was given up after {objects} objects: {reason}{kept}")]
    Silent {
        /// Objects received.
        objects: u64,
        /// For how long, and what it waited for.
        reason: String,
        /// Where the incomplete dump is, or nothing.
        kept: String,
    },
    /// The walker was ended for the sake of the process.
    #[error(
        "the snapshot was ended after {objects} objects, near the memory limit: {reason}{kept}. The process is unharmed"
    )]
    MemoryLimit {
        /// Objects received.
        objects: u64,
        /// With figures.
        reason: String,
        /// Where the incomplete dump is, or nothing.
        kept: String,
    },
    /// The walker gave up.
    #[error("the walk failed: {}{kept}", printable(reason))]
    Walk {
        /// Its reason.
        reason: String,
        /// Where the incomplete dump is, or nothing.
        kept: String,
    },
    /// The stream is damaged.
    #[error("the walker's stream is damaged: {0}")]
    Stream(#[from] FrameError),
    /// The records cannot be analysed.
    #[error("the walker's records are damaged: {0}")]
    Records(#[from] ReadError),
    /// The file exists.
    #[error("{} exists: choose another name with -o, or overwrite it with --force", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("failed to write {}: {source}{kept}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
        /// Where the incomplete dump is, or nothing.
        kept: String,
    },
    /// The name stands for something that no dump can be written to.
    #[error("{} is {what}: no dump can be written to it; choose another name with -o", path.display())]
    NoFile {
        /// The name.
        path: PathBuf,
        /// What it stands for.
        what: &'static str,
    },
    /// The name has been taken while the dump was written.
    #[error("{} was made by somebody else meanwhile, and is left alone: the dump is complete in {}", path.display(), part.display())]
    Overtaken {
        /// The name.
        path: PathBuf,
        /// The file that could not get it.
        part: PathBuf,
    },
}

fn failed_step(failure: Failure) -> &'static str {
    match failure.step {
        step::ARGUMENTS => "understand the walker's arguments",
        step::STACK => "map a stack for the walker",
        step::PIPE => "make a pipe",
        step::INTERMEDIATE | step::WALKER => "fork",
        step::WAIT => "wait for the fork",
        _ => "walk its heap",
    }
}

fn failed_reason(failure: Failure) -> String {
    match failure.errno {
        0 => String::new(),
        errno => format!(": {}", io::Error::from_raw_os_error(errno.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::SessionError;
    use pyheap_process::ProcessError;

    #[test]
    fn names_of_the_target_are_harmless_in_messages() {
        let executable = "py\u{1b}]52;c;aGk=\u{7}thon\n".into();
        let error = SessionError::Process(ProcessError::NotPython { pid: 1, executable });
        assert!(error.to_string().contains("(py\u{fffd}]52;c;aGk=\u{fffd}thon\u{fffd})"), "{error}");
        let error = SessionError::Walk { reason: "\u{9b}2J".into(), kept: String::new() };
        assert_eq!(error.to_string(), "the walk failed: \u{fffd}2J");
    }
}

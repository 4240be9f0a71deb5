//! Where a dump goes: into a part file that gets its name at the end, or, where that name is a device or a pipe, into that as it arrives.

use crate::error::SessionError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, RenameFlags, fchown, renameat_with};
use rustix::process::{Gid, Uid, geteuid};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How long the reader of a pipe may take nothing.
const PATIENCE: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// Part files beside one name, at most.
const MOST_PARTS: u32 = 1000;

/// The name that stands for this process's standard output.
pub const STANDARD_OUTPUT: &str = "-";

/// Where a dump goes.
#[derive(Debug)]
pub enum Destination {
    /// A file.
    Part(PartFile),
    /// A character device, or a pipe with a name.
    Stream(Stream),
}

impl Destination {
    /// Opens what this name stands for. A file that exists is an error, unless it is to be overwritten; what is no file is never replaced.
    /// The name `-` stands for this process's standard output.
    pub fn open(path: &Path, overwrite: bool) -> Result<Self, SessionError> {
        if path == Path::new(STANDARD_OUTPUT) {
            return Stream::standard_output().map(Self::Stream);
        }
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => Stream::open(path).map(Self::Stream),
            _ => PartFile::create(path, overwrite).map(Self::Part),
        }
    }
}

/// A file without its final name yet. Unless finished or kept, it is removed.
#[derive(Debug)]
pub struct PartFile {
    path: PathBuf,
    part: PathBuf,
    file: File,
    overwrite: bool,
    keep: bool,
}

impl PartFile {
    /// Creates it beside its final name, for the user alone. Each dump has one of its own, `FILE.PID.part`, whatever else is there: another
    /// dump under way, or what one that was killed has left.
    fn create(path: &Path, overwrite: bool) -> Result<Self, SessionError> {
        if !overwrite && path.symlink_metadata().is_ok() {
            return Err(SessionError::Exists(path.to_owned()));
        }
        let mut number = 0;
        loop {
            let mut part = path.as_os_str().to_owned();
            part.push(match number {
                0 => format!(".{}.part", std::process::id()),
                _ => format!(".{}-{number}.part", std::process::id()),
            });
            let part = PathBuf::from(part);
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part) {
                Ok(file) => {
                    give_to_the_user(&file);
                    return Ok(Self { path: path.to_owned(), part, file, overwrite, keep: false });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < MOST_PARTS => number += 1,
                Err(error) => return Err(failed(&part)(error)),
            }
        }
    }

    /// Writes behind what was written before. Where that fails, what was written stays, if it is worth anything.
    pub fn append(&mut self, bytes: &[u8], worth_keeping: bool) -> Result<(), SessionError> {
        self.file.write_all(bytes).map_err(|source| self.failed(source, worth_keeping))
    }

    /// Writes over the start.
    pub fn rewrite_start(&self, bytes: &[u8]) -> Result<(), SessionError> {
        self.file.write_all_at(bytes, 0).map_err(failed(&self.part))
    }

    /// Leaves it where it is, and tells its name.
    pub fn keep(&mut self) -> &Path {
        self.keep = true;
        &self.part
    }

    /// Waits until the disk has all of it, then gives it its name, which the last of several dumps has in the end.
    pub fn finish(mut self) -> Result<(), SessionError> {
        self.file.sync_all().map_err(|source| self.failed(source, true))?;
        if !self.overwrite {
            match renameat_with(CWD, &self.part, CWD, &self.path, RenameFlags::NOREPLACE) {
                Ok(()) => {}
                Err(rustix::io::Errno::EXIST) => return Err(self.overtaken()),
                // Not every file system can.
                Err(rustix::io::Errno::INVAL) if self.path.symlink_metadata().is_ok() => {
                    return Err(self.overtaken());
                }
                Err(rustix::io::Errno::INVAL) => self.rename()?,
                Err(error) => return Err(self.failed(error.into(), true)),
            }
        } else if fs::metadata(&self.path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(self.overtaken());
        } else {
            self.rename()?;
        }
        self.keep = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // The name, too, must outlive a loss of power; where a folder cannot be synchronised, nothing is lost but this.
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn rename(&mut self) -> Result<(), SessionError> {
        fs::rename(&self.part, &self.path).map_err(|source| self.failed(source, true))
    }

    /// Somebody else has taken the name.
    fn overtaken(&mut self) -> SessionError {
        SessionError::Overtaken { path: self.path.clone(), part: self.keep().to_owned() }
    }

    fn failed(&mut self, source: io::Error, worth_keeping: bool) -> SessionError {
        let written = self.file.metadata().map_or(0, |metadata| metadata.len());
        let kept = if worth_keeping {
            let part = self.keep().display();
            format!(
                "; the {} that were written are kept: what is whole of them is readable in {part}",
                crate::text::bytes(written)
            )
        } else {
            String::new()
        };
        SessionError::File { path: self.path.clone(), source, kept }
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.keep {
            // The error that led here is the one to report.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// What takes a dump as it arrives, and cannot go back to its start.
#[derive(Debug)]
pub struct Stream {
    path: PathBuf,
    file: File,
}

impl Stream {
    fn open(path: &Path) -> Result<Self, SessionError> {
        let refused = |what| SessionError::NoFile { path: path.to_owned(), what };
        let open = || {
            // A pipe that nobody reads would keep the process waiting, and with it whoever uses it.
            let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
            OpenOptions::new().write(true).custom_flags(flags.bits() as i32).open(path)
        };
        let kind = fs::metadata(path).map_err(failed(path))?.file_type();
        if kind.is_dir() {
            return Err(refused("a folder"));
        } else if kind.is_socket() {
            return Err(refused("a socket"));
        } else if kind.is_block_device() {
            return Err(refused("a block device"));
        }
        let file = match open() {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                return Err(refused("a pipe that nobody reads"));
            }
            opened => opened.map_err(failed(path))?,
        };
        // Another thing may have been put there meanwhile.
        let kind = file.metadata().map_err(failed(path))?.file_type();
        if !(kind.is_char_device() || kind.is_fifo()) {
            return Err(refused("no longer what it was"));
        } else if file.is_terminal() {
            return Err(refused("a terminal"));
        }
        Ok(Self { path: path.to_owned(), file })
    }

    fn standard_output() -> Result<Self, SessionError> {
        let stdout = io::stdout();
        let path = Path::new("standard output");
        if stdout.is_terminal() {
            return Err(SessionError::NoFile { path: path.to_owned(), what: "a terminal" });
        }
        let file = stdout.as_fd().try_clone_to_owned().map_err(failed(path))?;
        Ok(Self { path: path.to_owned(), file: file.into() })
    }

    /// Writes behind what was written before.
    pub fn append(&mut self, mut bytes: &[u8]) -> Result<(), SessionError> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(failed(&self.path)(ErrorKind::WriteZero.into())),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait()?,
                Err(error) => return Err(failed(&self.path)(error)),
            }
        }
        Ok(())
    }

    fn wait(&self) -> Result<(), SessionError> {
        match poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], Some(&PATIENCE)) {
            Ok(0) => Err(failed(&self.path)(io::Error::new(ErrorKind::TimedOut, "its reader takes nothing"))),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(failed(&self.path)(error.into())),
        }
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A file that root has made for a user with sudo belongs to that user.
fn give_to_the_user(file: &File) {
    let number = |name| std::env::var(name).ok()?.parse().ok();
    if let (true, Some(user), Some(group)) = (geteuid().is_root(), number("SUDO_UID"), number("SUDO_GID")) {
        // Where that cannot be, it stays root's: readable, and no reason to go without a dump.
        let _ = fchown(file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
    }
}

/// An error that concerns a file in which nothing is worth keeping.
pub fn failed(path: &Path) -> impl Fn(io::Error) -> SessionError {
    move |source| SessionError::File { path: path.to_owned(), source, kept: String::new() }
}

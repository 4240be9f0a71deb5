//! The file of a dump: under its final name only once it is whole.

use crate::error::SessionError;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A dump that is being written, as `FILE.part` beside its final name. Unless finished or kept, it is removed.
#[derive(Debug)]
pub struct DumpFile {
    path: PathBuf,
    part: PathBuf,
    file: File,
    overwrite: bool,
    bytes: u64,
    keep: bool,
}

impl DumpFile {
    /// Creates the part file, for the user alone. Fails if a file of the final name exists, unless it is to be overwritten.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, SessionError> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        if !overwrite && path.symlink_metadata().is_ok() {
            return Err(SessionError::Exists(path.to_owned()));
        }
        if overwrite {
            match fs::remove_file(&part) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&part)(error)),
                _ => {}
            }
        }
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(|error| {
                match error.kind() {
                    io::ErrorKind::AlreadyExists => SessionError::Exists(part.clone()),
                    _ => failed(&part)(error),
                }
            })?;
        Ok(Self { path: path.to_owned(), part, file, overwrite, bytes: 0, keep: false })
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.file.write_all(bytes).map_err(failed(&self.part))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Replaces the first bytes.
    pub fn rewrite_start(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.file.write_all_at(bytes, 0).map_err(failed(&self.part))
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Leaves the part file where it is, and tells its name.
    pub fn keep(&mut self) -> &Path {
        self.keep = true;
        &self.part
    }

    /// Waits until the disk has all of it, then gives the file its name.
    pub fn finish(mut self) -> Result<PathBuf, SessionError> {
        self.file.sync_all().map_err(failed(&self.part))?;
        if self.overwrite {
            fs::rename(&self.part, &self.path).map_err(failed(&self.path))?;
        } else {
            match renameat_with(CWD, &self.part, CWD, &self.path, RenameFlags::NOREPLACE) {
                Ok(()) => {}
                Err(rustix::io::Errno::EXIST) => return Err(SessionError::Exists(self.path.clone())),
                // Not every file system can.
                Err(rustix::io::Errno::INVAL) => {
                    fs::rename(&self.part, &self.path).map_err(failed(&self.path))?;
                }
                Err(error) => return Err(failed(&self.path)(error.into())),
            }
        }
        self.keep = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // The name, too, must outlive a loss of power; where a folder cannot be synchronised, nothing is lost but this.
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        Ok(self.path.clone())
    }
}

impl Drop for DumpFile {
    fn drop(&mut self) {
        if !self.keep {
            // The error that led here is the one to report.
            let _ = fs::remove_file(&self.part);
        }
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> SessionError {
    move |source| SessionError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::DumpFile;
    use crate::error::SessionError;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.cbor");
        let part = folder.path().join("a.cbor.part");
        let mut file = DumpFile::create(&path, false).expect("created");
        file.write(b"abc").expect("written");
        assert!(part.exists() && !path.exists());
        drop(file);
        assert!(!part.exists() && !path.exists());

        let mut file = DumpFile::create(&path, false).expect("created");
        file.write(b"abc").expect("written");
        file.rewrite_start(b"x").expect("written");
        assert_eq!(file.finish().expect("finished"), path);
        assert_eq!(fs::read(&path).expect("read"), b"xbc");
        assert_eq!(fs::metadata(&path).expect("stat").permissions().mode() & 0o777, 0o600);
        assert!(!part.exists());
    }

    #[test]
    fn overwrites_only_when_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.cbor");
        fs::write(&path, "old").expect("written");
        assert!(matches!(DumpFile::create(&path, false), Err(SessionError::Exists(_))));
        let mut file = DumpFile::create(&path, true).expect("created");
        file.write(b"new").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"old");
        file.finish().expect("finished");
        assert_eq!(fs::read(&path).expect("read"), b"new");

        // Somebody else was faster.
        fs::remove_file(&path).expect("removed");
        let file = DumpFile::create(&path, false).expect("created");
        fs::write(&path, "theirs").expect("written");
        assert!(matches!(file.finish(), Err(SessionError::Exists(_))));
        assert_eq!(fs::read(&path).expect("read"), b"theirs");
    }
}

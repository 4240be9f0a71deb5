//! The file of a dump: under its final name only once it is whole, compressed where that name asks for it.

use crate::compressor::Compressor;
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
    compressor: Option<Compressor>,
    overwrite: bool,
    bytes: u64,
    stored: u64,
    keep: bool,
}

impl DumpFile {
    /// Creates the part file, for the user alone; what is written to a name that ends in `.zst` is compressed. Fails if a file of the
    /// final name exists, unless it is to be overwritten.
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
        let mut file = Self {
            path: path.to_owned(),
            part,
            file,
            compressor: None,
            overwrite,
            bytes: 0,
            stored: 0,
            keep: false,
        };
        if path.extension().is_some_and(|extension| extension == "zst") {
            file.compressor = Some(Compressor::new().map_err(failed(path))?);
        }
        Ok(file)
    }

    /// Writes the first record, which [`Self::rewrite_start`] may replace.
    pub fn start(&mut self, record: &[u8]) -> Result<(), SessionError> {
        self.append(record, Compressor::replaceable)
    }

    /// Appends a record.
    pub fn write(&mut self, record: &[u8]) -> Result<(), SessionError> {
        self.append(record, Compressor::frame)
    }

    fn append(
        &mut self,
        record: &[u8],
        compress: impl for<'c> FnOnce(&'c mut Compressor, &[u8]) -> io::Result<&'c [u8]>,
    ) -> Result<(), SessionError> {
        let stored = match &mut self.compressor {
            Some(compressor) => compress(compressor, record).map_err(failed(&self.part))?,
            None => record,
        };
        self.file.write_all(stored).map_err(failed(&self.part))?;
        self.bytes += record.len() as u64;
        self.stored += stored.len() as u64;
        Ok(())
    }

    /// Replaces the first record by one of the same length.
    pub fn rewrite_start(&mut self, record: &[u8]) -> Result<(), SessionError> {
        let stored = match &mut self.compressor {
            Some(compressor) => compressor.replaceable(record).map_err(failed(&self.part))?,
            None => record,
        };
        self.file.write_all_at(stored, 0).map_err(failed(&self.part))
    }

    /// Bytes of all records so far, before compression.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that they take in the file.
    pub fn stored(&self) -> u64 {
        self.stored
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
    fn a_name_that_ends_in_zst_is_compressed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.cbor.zst");
        let mut file = DumpFile::create(&path, false).expect("created");
        let (first, replaced) = ("header ".repeat(300), "HEADER.".repeat(300));
        file.start(first.as_bytes()).expect("written");
        let before = file.stored();
        file.rewrite_start(noise(first.len()).as_slice()).expect("written");
        file.rewrite_start(replaced.as_bytes()).expect("written");
        let records = [vec![7; 300_000], noise(100_000), Vec::new(), b"footer".to_vec()];
        for record in &records {
            file.write(record).expect("written");
        }
        let whole = [replaced.into_bytes(), records.concat()].concat();
        assert_eq!(file.bytes(), whole.len() as u64);
        let stored = file.stored();
        file.finish().expect("finished");
        assert_eq!(fs::metadata(&path).expect("stat").len(), stored);
        assert!(stored < before + 120_000, "{stored} bytes");
        let content = fs::read(&path).expect("read");
        assert!(content.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]));
        assert!(zstd::decode_all(content.as_slice()).expect("zstd frames") == whole);
    }

    /// Bytes that cannot be compressed.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        };
        std::iter::repeat_with(&mut next).take(length).collect()
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

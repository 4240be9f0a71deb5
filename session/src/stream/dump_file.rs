//! The file of a dump: under its final name only once it is whole, compressed where that name asks for it.

use crate::error::SessionError;
use crate::stream::compressor::Compressor;
use crate::stream::destination::{Destination, failed};
use std::io;
use std::path::{Path, PathBuf};

/// A dump that is being written.
#[derive(Debug)]
pub struct DumpFile {
    path: PathBuf,
    destination: Destination,
    compressor: Option<Compressor>,
    bytes: u64,
    stored: u64,
    worth_keeping: bool,
}

impl DumpFile {
    /// Opens it; what is written to a name that ends in `.zst` is compressed. Fails if a file of the final name exists, unless it is to be
    /// overwritten. Devices and pipes take the dump as it arrives.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, SessionError> {
        let compressed = path.extension().is_some_and(|extension| extension == "zst");
        let compressor = compressed.then(Compressor::new).transpose().map_err(failed(path))?;
        let destination = Destination::open(path, overwrite)?;
        let path = match &destination {
            Destination::Part(_) => path,
            Destination::Stream(stream) => stream.path(),
        };
        let path = path.to_owned();
        Ok(Self { path, destination, compressor, bytes: 0, stored: 0, worth_keeping: false })
    }

    /// Writes the first record, which [`Self::rewrite_start`] may replace.
    pub fn start(&mut self, record: &[u8]) -> Result<(), SessionError> {
        match self.destination {
            Destination::Part(_) => self.append(record, Compressor::replaceable),
            Destination::Stream(_) => self.append(record, Compressor::frame),
        }
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
            Some(compressor) => compress(compressor, record).map_err(failed(&self.path))?,
            None => record,
        };
        match &mut self.destination {
            Destination::Part(part) => part.append(stored, self.worth_keeping)?,
            Destination::Stream(stream) => stream.append(stored)?,
        }
        self.bytes += record.len() as u64;
        self.stored += stored.len() as u64;
        Ok(())
    }

    /// Replaces the first record by one of the same length, where there is a way back to it.
    pub fn rewrite_start(&mut self, record: &[u8]) -> Result<(), SessionError> {
        let Destination::Part(part) = &self.destination else { return Ok(()) };
        let stored = match &mut self.compressor {
            Some(compressor) => compressor.replaceable(record).map_err(failed(&self.path))?,
            None => record,
        };
        part.rewrite_start(stored)
    }

    /// Whether [`Self::rewrite_start`] does anything.
    pub fn can_be_rewritten(&self) -> bool {
        matches!(self.destination, Destination::Part(_))
    }

    /// What was written is to be kept, should a later record find no room.
    pub fn set_worth_keeping(&mut self) {
        self.worth_keeping = true;
    }

    /// Bytes of all records so far, before compression.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that they take in the file.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// Leaves an incomplete dump where it is, and says where that is: the end of a sentence.
    pub fn keep(&mut self) -> String {
        match &mut self.destination {
            Destination::Part(part) => format!("; what arrived is readable in {}", part.keep().display()),
            Destination::Stream(stream) => {
                format!("; what arrived was written to {}", stream.path().display())
            }
        }
    }

    /// Waits until the disk has all of it, then gives the file its name.
    pub fn finish(self) -> Result<PathBuf, SessionError> {
        match self.destination {
            Destination::Part(part) => part.finish()?,
            Destination::Stream(_) => {}
        }
        Ok(self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::DumpFile;
    use crate::error::SessionError;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
    use std::path::{Path, PathBuf};

    /// Part files in a folder.
    fn parts(folder: &Path) -> Vec<PathBuf> {
        let files = fs::read_dir(folder).expect("listed").map(|entry| entry.expect("listed").path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "part")).collect()
    }

    fn fifo(path: &Path) {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).expect("made");
    }

    #[test]
    fn appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.cbor");
        let mut file = DumpFile::create(&path, false).expect("created");
        file.write(b"abc").expect("written");
        assert!(parts(folder.path()).len() == 1 && !path.exists());
        drop(file);
        assert!(parts(folder.path()).is_empty() && !path.exists());

        let mut file = DumpFile::create(&path, false).expect("created");
        file.write(b"abc").expect("written");
        file.rewrite_start(b"x").expect("written");
        assert_eq!(file.finish().expect("finished"), path);
        assert_eq!(fs::read(&path).expect("read"), b"xbc");
        assert_eq!(fs::metadata(&path).expect("stat").permissions().mode() & 0o777, 0o600);
        assert!(parts(folder.path()).is_empty());
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
        let Err(SessionError::Overtaken { part, .. }) = file.finish() else { panic!("it was overwritten") };
        assert_eq!(fs::read(&path).expect("read"), b"theirs");
        assert!(part.exists(), "a whole dump is lost");
    }

    #[test]
    fn dumps_to_one_name_do_not_mix() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.cbor");
        // What a killed dump has left is in nobody's way.
        fs::write(folder.path().join(format!("a.cbor.{}.part", std::process::id())), "stale")
            .expect("written");
        let [mut first, mut second] = [(); 2].map(|()| DumpFile::create(&path, true).expect("created"));
        first.write(b"first").expect("written");
        second.write(b"second, longer").expect("written");
        first.write(b", too").expect("written");
        first.finish().expect("finished");
        assert_eq!(fs::read(&path).expect("read"), b"first, too");
        second.finish().expect("finished");
        assert_eq!(fs::read(&path).expect("read"), b"second, longer");
        assert_eq!(fs::read(&parts(folder.path())[0]).expect("read"), b"stale");
    }

    #[test]
    fn devices_are_written_to_and_stay_what_they_are() {
        for overwrite in [false, true] {
            let mut file = DumpFile::create(Path::new("/dev/null"), overwrite).expect("opened");
            file.start(b"abc").expect("written");
            file.rewrite_start(b"xyz").expect("left");
            file.finish().expect("finished");
            assert!(fs::metadata("/dev/null").expect("stat").file_type().is_char_device());
            let mut full = DumpFile::create(Path::new("/dev/full"), overwrite).expect("opened");
            assert!(full.start(b"abc").unwrap_err().to_string().contains("No space left"));
        }
        assert!(parts(Path::new("/dev")).is_empty());
    }

    #[test]
    fn a_pipe_takes_what_arrives() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pipe.zst");
        fifo(&path);
        let error = DumpFile::create(&path, true).unwrap_err().to_string();
        assert!(error.contains("a pipe that nobody reads") && !error.contains("--force"), "{error}");
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let mut reader =
            fs::File::options().read(true).custom_flags(nonblocking).open(&path).expect("opened");
        let mut file = DumpFile::create(&path, false).expect("opened");
        rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::empty()).expect("set");
        let content = std::thread::spawn(move || {
            let mut content = Vec::new();
            reader.read_to_end(&mut content).map(|_| content)
        });
        // More than fits into a pipe.
        let records = [noise(3000), noise(1 << 20)];
        file.start(&records[0]).expect("written");
        file.write(&records[1]).expect("written");
        file.rewrite_start(&noise(10)).expect("left");
        file.finish().expect("finished");
        let content = content.join().expect("joined").expect("read");
        assert!(zstd::decode_all(content.as_slice()).expect("zstd frames") == records.concat());
        assert!(fs::metadata(&path).expect("stat").file_type().is_fifo());
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        for (path, what) in [(folder.path(), "a folder"), (&socket, "a socket")] {
            let error = DumpFile::create(path, true).unwrap_err().to_string();
            assert!(error.contains(what) && !error.contains("--force"), "{error}");
        }
        assert!(parts(folder.path()).is_empty());
    }

    #[test]
    fn a_file_made_with_sudo_is_the_users() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.cbor");
        let program = std::env::current_exe().expect("this test");
        let status = std::process::Command::new(program)
            .args([
                "--exact",
                "stream::dump_file::tests::makes_a_file_for_another_test",
                "--ignored",
                "--quiet",
            ])
            .envs([("SUDO_UID", "1234"), ("SUDO_GID", "2345")])
            .env("PYHEAP_TEST_FILE", &path)
            .output()
            .expect("run");
        assert!(status.status.success(), "{status:?}");
        let metadata = fs::metadata(&path).expect("stat");
        if rustix::process::geteuid().is_root() {
            assert_eq!((metadata.uid(), metadata.gid()), (1234, 2345));
        } else {
            assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw());
        }
    }

    #[test]
    #[ignore = "run by another test, with an environment of its own"]
    fn makes_a_file_for_another_test() {
        let path = std::env::var_os("PYHEAP_TEST_FILE").expect("a name");
        DumpFile::create(Path::new(&path), false).and_then(DumpFile::finish).expect("made");
    }
}

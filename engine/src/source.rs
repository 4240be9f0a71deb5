//! Where a dump comes from: its format is told from its first bytes, not from its name.

use crate::error::OpenError;
use pyheap_format::reader::{Dump, ReadError};
use pyheap_import::{import, is_legacy};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes that tell whether a file is to be imported.
const START: u64 = 8;

/// What to open.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file; what is not a regular one is read to its end.
    File(PathBuf),
    /// Standard input, to its end.
    StandardInput,
    /// A whole dump.
    Bytes(Vec<u8>),
}

/// A dump that was opened.
pub(crate) struct Opened {
    pub(crate) dump: Dump,
    /// What the file's format could not tell, and what stands in for it.
    pub(crate) notes: Vec<String>,
}

impl Source {
    /// The source by its file name `-`, or any other.
    pub fn named(path: &Path) -> Self {
        if path == Path::new("-") { Self::StandardInput } else { Self::File(path.to_owned()) }
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::StandardInput => "standard input".into(),
            Self::Bytes(_) => "memory".into(),
        }
    }

    pub(crate) fn open(self) -> Result<Opened, OpenError> {
        let name = self.name();
        let read = |source| OpenError::Read { name: name.clone(), source };
        let bytes = match self {
            Self::File(path) => match in_place(&path).map_err(read)? {
                Some(dump) => return Ok(Opened { dump, notes: Vec::new() }),
                None => fs::read(path).map_err(|error| read(error.into()))?,
            },
            Self::StandardInput => {
                let mut bytes = Vec::new();
                io::stdin().read_to_end(&mut bytes).map_err(|error| read(error.into()))?;
                bytes
            }
            Self::Bytes(bytes) => bytes,
        };
        if !is_legacy(&bytes) {
            return Ok(Opened { dump: Dump::from_vec(bytes).map_err(read)?, notes: Vec::new() });
        }
        let imported = import(&bytes).map_err(|source| OpenError::Import { name: name.clone(), source })?;
        Ok(Opened { dump: Dump::from_vec(imported.dump).map_err(read)?, notes: imported.notes })
    }
}

/// Opens a regular file without reading it: dumps can be larger than memory. None where it has to be imported, or is
/// no regular file.
fn in_place(path: &Path) -> Result<Option<Dump>, ReadError> {
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut start = Vec::new();
    File::open(path)?.take(START).read_to_end(&mut start)?;
    if is_legacy(&start) { Ok(None) } else { Dump::open(path).map(Some) }
}

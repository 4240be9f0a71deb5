//! The bytes of a dump: a file mapped into memory, or a buffer. The only module of this crate with unsafe code.

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::path::Path;

/// Bytes that start at a multiple of 8 in memory.
#[derive(Debug)]
pub(super) enum Bytes {
    Mapped(Mmap),
    /// A buffer that happens to be aligned.
    Aligned(Vec<u8>),
    /// Of u64 for the alignment; the length is in bytes.
    Copied(Vec<u64>, usize),
}

impl Bytes {
    /// Maps a regular file; reads anything else, such as a pipe, to its end.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            let mut buffer = Vec::new();
            io::Read::read_to_end(&mut file, &mut buffer)?;
            return Ok(Self::owned(buffer));
        }
        if metadata.len() == 0 {
            return Ok(Self::copied(&[]));
        }
        #[expect(unsafe_code, reason = "mapping a file is the only way to read columns in place")]
        // SAFETY: the mapping is private and read-only, so nothing in this process writes to it. A dump is not written to after it has
        // been renamed to its final name: `pyheap-dump` writes under another name and never into an existing file.
        let mapped = unsafe { memmap2::MmapOptions::new().map_copy_read_only(&file)? };
        Ok(Self::Mapped(mapped))
    }

    /// Takes a buffer, and copies it only where it is not aligned.
    pub(super) fn owned(bytes: Vec<u8>) -> Self {
        if bytes.as_ptr().cast::<u64>().is_aligned() { Self::Aligned(bytes) } else { Self::copied(&bytes) }
    }

    /// Copies bytes into an aligned buffer.
    pub(super) fn copied(bytes: &[u8]) -> Self {
        let mut words = vec![0u64; bytes.len().div_ceil(8)];
        if let Some(room) = bytemuck::cast_slice_mut::<u64, u8>(&mut words).get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
        }
        Self::Copied(words, bytes.len())
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Aligned(bytes) => bytes,
            Self::Copied(words, length) => {
                bytemuck::cast_slice::<u64, u8>(words).get(..*length).unwrap_or_default()
            }
        }
    }
}

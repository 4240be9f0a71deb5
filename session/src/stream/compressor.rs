//! Compresses a dump while it arrives: one zstd frame per record, so that what was written before an interruption can be decompressed.

use std::io;
use zstd::bulk;
use zstd::zstd_safe::{CParameter, compress_bound};

/// The fastest of zstd's regular levels: it keeps up with a walker, and higher ones save only a few percent more of a dump.
const LEVEL: i32 = 1;

/// The first bytes of a skippable frame (RFC 8878, 3.1.2), and the length of its head: these and the length of its content.
const SKIPPABLE: [u8; 4] = 0x184D_2A50_u32.to_le_bytes();
const SKIPPABLE_HEAD: usize = 8;

/// Makes frames.
pub struct Compressor {
    zstd: bulk::Compressor<'static>,
    frame: Vec<u8>,
}

impl Compressor {
    /// Fails where the library has no memory.
    pub fn new() -> io::Result<Self> {
        let mut zstd = bulk::Compressor::new(LEVEL)?;
        zstd.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Self { zstd, frame: Vec::new() })
    }

    /// A record in a frame.
    pub fn frame(&mut self, record: &[u8]) -> io::Result<&[u8]> {
        self.frame.clear();
        self.frame.reserve(compress_bound(record.len()));
        self.zstd.compress_to_buffer(record, &mut self.frame)?;
        Ok(&self.frame)
    }

    /// A record in a frame, then one that readers skip: together as long as for any other record of the same length.
    pub fn replaceable(&mut self, record: &[u8]) -> io::Result<&[u8]> {
        self.frame(record)?;
        let skipped = (compress_bound(record.len()) - self.frame.len()) as u32;
        self.frame.extend(SKIPPABLE);
        self.frame.extend(skipped.to_le_bytes());
        self.frame.resize(compress_bound(record.len()) + SKIPPABLE_HEAD, 0);
        Ok(&self.frame)
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

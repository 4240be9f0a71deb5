//! Why a dump, or a record of it, cannot be read.

use thiserror::Error;

/// Why a file is not read at all.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file cannot be opened, mapped or read.
    #[error("the file cannot be read")]
    Io(#[from] std::io::Error),
    /// The file is empty.
    #[error("the file is empty: the dump ended before its first record was written")]
    Empty,
    /// The file does not start as a dump does.
    #[error("this is not a pyheap dump: it starts with {}, and a dump starts with 84 00 1a", hex(start))]
    Foreign {
        /// The first bytes of the file, at most eight.
        start: Vec<u8>,
    },
    /// The header is cut off or damaged: without it nothing can be interpreted.
    #[error("the dump's header cannot be read: {reason}")]
    Header {
        /// What is wrong with it.
        reason: String,
    },
    /// The dump's major version is no longer read.
    #[error("the dump has format version {}.{}, which is too old for this program: it reads versions {supported}.x", found.0, found.1)]
    TooOld {
        /// Version of the dump.
        found: (u32, u32),
        /// Major version that is read.
        supported: u32,
    },
    /// The dump's major version is not read yet.
    #[error("the dump has format version {}.{}, which is too new for this program: it reads versions {supported}.x", found.0, found.1)]
    TooNew {
        /// Version of the dump.
        found: (u32, u32),
        /// Major version that is read.
        supported: u32,
    },
    /// The compressed file cannot be decompressed.
    #[error("the compressed dump cannot be decompressed: {reason}")]
    Compression {
        /// What is wrong with it.
        reason: String,
    },
    /// The compressed file holds more than fits into memory.
    #[error(
        "the compressed dump is too large: there is no memory for more than the {decompressed} bytes decompressed so far"
    )]
    TooLarge {
        /// Bytes of the dump that were decompressed until then.
        decompressed: u64,
    },
}

impl ReadError {
    /// What the person who sees the error can try, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io(_) => None,
            Self::Empty | Self::Header { .. } => Some("take the dump again with `pyheap-dump`"),
            Self::Foreign { .. } => Some("dumps are written by `pyheap-dump` inside the debugger"),
            Self::TooOld { .. } => {
                Some("read it with the version of pyheap-analyze that came with the pyheap that wrote it")
            }
            Self::TooNew { .. } => Some("update pyheap-analyze"),
            Self::Compression { .. } => {
                Some("check the file with `zstd -t`, or decompress it with `zstd -d`")
            }
            Self::TooLarge { .. } => Some(
                "if you trust the file, decompress it with `zstd -d`: what is not compressed is read in place",
            ),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// What is wrong with a record's body.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Another CBOR item was expected, or the body ends here.
    #[error("expected {expected} before byte {offset} of the body")]
    Item {
        /// In the body.
        offset: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// A column does not have as many numbers as the record has rows, or cannot be used in place.
    #[error("column {column}: {problem}")]
    Column {
        /// Its name in `docs/format.md`.
        column: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A map with text keys does not have the expected types.
    #[error("{0}")]
    Map(String),
}

/// Why a stream is not a sequence of whole records.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// No record starts where one should.
    #[error("no record starts at byte {offset} of the stream")]
    NotARecord {
        /// From the start of the stream, bytes.
        offset: u64,
    },
    /// The body is not what was written.
    #[error(
        "the record at byte {offset} of the stream is damaged: checksum {found:08x}, expected {expected:08x}"
    )]
    Checksum {
        /// Start of the record from the start of the stream, bytes.
        offset: u64,
        /// Checksum of the body as it is.
        found: u32,
        /// Checksum that the record's head states.
        expected: u32,
    },
}

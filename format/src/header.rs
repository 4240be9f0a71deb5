//! The records of who writes the file: header and footer, maps with text keys.
//!
//! Readers ignore keys that they do not know; keys that a writer left out read as their default.

use crate::record::{self, kind};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The first record: where the dump comes from. Written before the walk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Always `pyheap`.
    pub format: String,
    /// Major and minor version of the format.
    pub version: (u32, u32),
    /// Tool and version that wrote the dump.
    pub tool: String,
    /// When the snapshot was taken, RFC 3339, UTC.
    pub created_at: String,
    /// The interpreter.
    pub python: Python,
    /// Process id as the debugger sees it.
    pub pid: u32,
    /// Start of the process in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub start_time: u64,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// The process's command line.
    pub command_line: Vec<String>,
    /// Container id, from the cgroup path, where there is one.
    pub container: Option<String>,
    /// Machine architecture: `x86_64` or `aarch64`.
    pub architecture: String,
    /// Debugger and version.
    pub debugger: String,
    /// How a consistent state was reached.
    pub safe_point: SafePoint,
    /// The snapshot was taken while a collection was under way.
    pub collecting: bool,
    /// The snapshot was taken where the heap may be inconsistent.
    pub torn: bool,
    /// Whether a copy-on-write child was walked; otherwise the process itself, while it stood still.
    pub forked: bool,
    /// Options that shaped the dump.
    pub options: Options,
    /// The process's memory as the kernel and the allocators see it.
    pub process: ProcessMemory,
    /// Spaces: room for what is known only at the end, when the header is written again over itself.
    pub padding: String,
}

/// The interpreter of the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Python {
    /// Version such as `3.11.7`.
    pub version: String,
    /// `Py_Version` / `PY_VERSION_HEX`.
    pub hex: u32,
    /// `--disable-gil` build.
    pub free_threaded: bool,
    /// `--with-pydebug` build.
    pub debug: bool,
    /// Path of the executable as the target sees it.
    pub executable: String,
    /// Path of the object file that holds the interpreter: the executable itself or libpython.
    pub library: String,
}

/// How the snapshot reached a consistent state.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SafePoint {
    /// Nobody held the GIL.
    #[default]
    Idle,
    /// At the entry of `_PyEval_EvalFrameDefault`.
    EvalFrame,
    /// Where a thread lets go of the GIL: at the entry of `PyEval_SaveThread`, or between two instructions.
    SaveThread,
    /// In a pending call.
    PendingCall,
}

/// Options that shaped the dump.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Characters or bytes kept of a str or bytes at most; 0: none.
    pub str_repr_len: u32,
}

/// Memory of the process; all in bytes.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessMemory {
    /// Resident set size.
    pub rss: u64,
    /// Proportional set size.
    pub pss: u64,
    /// Swapped out.
    pub swap: u64,
    /// Resident and private to the process.
    pub private: u64,
    /// Resident pages of file mappings.
    pub mapped_files: u64,
    /// Resident anonymous pages.
    pub anonymous: u64,
    /// Sums of mappings by kind: `heap`, `stack`, `anonymous`, `file`, `shared`, `special`.
    pub mappings: BTreeMap<String, MappingSum>,
    /// Limit of the process's cgroup, where there is one.
    pub cgroup_limit: Option<u64>,
    /// Usage of the process's cgroup.
    pub cgroup_usage: Option<u64>,
}

/// Mappings of one kind, summed; bytes except the count.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MappingSum {
    /// Number of mappings.
    pub count: u64,
    /// Address space.
    pub size: u64,
    /// Resident.
    pub rss: u64,
    /// Proportional.
    pub pss: u64,
    /// Swapped out.
    pub swap: u64,
}

/// What is known only at the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Footer {
    /// Number of records before the footer.
    pub records: u64,
    /// Bytes before the footer.
    pub bytes: u64,
    /// Time for which the command kept the target from running, for the snapshot, milliseconds.
    pub pause_ms: f64,
    /// Time for which the target stood still in all, from the attach (where known) or the command on, milliseconds.
    pub stopped_ms: f64,
}

impl Header {
    /// The whole record, to be written first.
    pub fn to_record(&self) -> Vec<u8> {
        to_record(kind::HEADER, self)
    }
}

impl Footer {
    /// The whole record, to be written last.
    pub fn to_record(&self) -> Vec<u8> {
        to_record(kind::FOOTER, self)
    }
}

fn to_record(kind: u8, map: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::from([0; record::BODY_OFFSET]);
    // Writing into a vector cannot fail, and these maps hold nothing that CBOR cannot express.
    let _ = ciborium::into_writer(map, &mut bytes);
    let body = bytes.split_off(record::BODY_OFFSET);
    let head = record::record_head(kind, crc32fast::hash(&body), body.len() as u32);
    [&head, body.as_slice(), record::record_padding(body.len())].concat()
}

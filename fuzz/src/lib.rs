//! What the fuzz targets do with their inputs: read all that can be read. A panic, or memory out of proportion, is a bug.
#![forbid(unsafe_code)]

#[path = "../../heap/tests/reading/mod.rs"]
mod reading;

pub use reading::read_everything;

use pyheap_format::record::{BODY_OFFSET, record_length};

/// Makes the checksums right, record for record: a fuzzer cannot guess them.
pub fn with_checksums(mut file: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(head) = file.get(at..at + BODY_OFFSET) {
        let length = u32::from_be_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let Some(body) = file.get(at + BODY_OFFSET..(at + BODY_OFFSET).saturating_add(length)) else { break };
        let checksum = crc32fast::hash(body);
        file[at + 3..at + 7].copy_from_slice(&checksum.to_be_bytes());
        at += record_length(length);
    }
    file
}

//! A compressed file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyheap_format::reader::Dump;

fuzz_target!(|frames: &[u8]| {
    let mut file = vec![0x28, 0xB5, 0x2F, 0xFD];
    file.extend_from_slice(frames);
    let _ = Dump::from_bytes(&file);
});

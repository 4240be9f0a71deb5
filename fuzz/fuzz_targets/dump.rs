//! A whole file: opened in place, read, analysed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyheap_format::reader::Dump;

fuzz_target!(|file: &[u8]| {
    let _ = Dump::from_bytes(file);
    if let Ok(dump) = Dump::from_bytes(&pyheap_fuzz::with_checksums(file.to_vec())) {
        pyheap_fuzz::read_everything(&dump);
    }
});

//! A file of the Python implementation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyheap_format::reader::Dump;

fuzz_target!(|file: &[u8]| {
    if let Ok(imported) = pyheap_import::import(file) {
        let dump = Dump::from_bytes(&imported.dump).expect("what was imported can be read");
        pyheap_fuzz::read_everything(&dump);
    }
});

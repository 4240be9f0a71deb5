//! Stored inputs of the fuzz target `legacy`: whatever is in a file, it is read in part or refused.

#[path = "../../heap/tests/reading/mod.rs"]
mod reading;

use pyheap_format::reader::Dump;
use pyheap_import::import;
use std::fs;
use std::path::Path;

#[test]
fn damaged_files_are_read_in_part_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/damaged");
    let mut read = 0;
    for entry in folder.read_dir().expect("the folder") {
        let path = entry.expect("an entry").path();
        if let Ok(imported) = import(&fs::read(&path).expect("a file")) {
            let dump = Dump::from_bytes(&imported.dump).expect("what was imported can be read");
            reading::read_everything(&dump);
            read += 1;
        }
    }
    assert!(read > 0, "nothing was read");
}

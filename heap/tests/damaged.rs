//! Stored inputs of the fuzz targets `dump` and `compressed`: whatever is in a file, it is read in part or refused.

mod reading;

use pyheap_format::reader::Dump;
use std::path::Path;

#[test]
fn damaged_dumps_are_read_in_part_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/damaged");
    let mut read = 0;
    for entry in folder.read_dir().expect("the folder") {
        let path = entry.expect("an entry").path();
        match Dump::open(&path) {
            Ok(dump) => {
                assert!(!dump.complete() && !dump.warnings().is_empty(), "{} seems whole", path.display());
                reading::read_everything(&dump);
                read += 1;
            }
            Err(error) => assert!(!error.to_string().is_empty(), "{}", path.display()),
        }
    }
    assert!(read > 0, "nothing was read");
}

//! The example adds up to what the walker counted.

#[expect(dead_code, reason = "its main function is for people")]
#[path = "../examples/types.rs"]
mod example;

use pyheap_format::reader::Dump;
use std::fs;
use std::path::Path;

#[test]
fn types_add_up_to_the_walkers_totals() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut dumps = 0;
    for folder in ["format/tests/dumps", "host-cli/analyze/tests/dumps"] {
        let files = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        for path in files.filter(|path| path.extension().is_some_and(|extension| extension != "md")) {
            let dump = Dump::open(&path).unwrap();
            let rows = example::types(&dump);
            let summary = dump.summary().unwrap();
            let sum = |column: fn(&(String, u64, u64)) -> u64| rows.iter().map(column).sum::<u64>();
            assert_eq!(sum(|row| row.1), summary.objects, "{}", path.display());
            assert_eq!(sum(|row| row.2), summary.allocated_size, "{}", path.display());
            assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row.2)), "{}", path.display());
            dumps += 1;
        }
    }
    assert_ne!(dumps, 0);
}

//! The browser UI, end to end: `pyheap-analyze serve` over stored dumps, asked over sockets and in Chromium.

mod answers;
mod browser;
mod entry;
mod hostile;
mod pages;
mod served;
mod views;

use pyheap_tests::Suite;
use std::path::PathBuf;
use std::process::ExitCode;

/// A stored dump of the command line's tests.
pub fn stored(name: &str) -> PathBuf {
    pyheap_tests::project().join("host-cli/analyze/tests/dumps").join(name)
}

/// The dump that most tests look at, and an older one of the same process.
pub fn grown() -> (PathBuf, PathBuf) {
    (stored("python3.12-grown.cbor.zst"), stored("python3.12.cbor.zst"))
}

fn main() -> ExitCode {
    let mut suite = Suite::new();
    entry::register(&mut suite);
    pages::register(&mut suite);
    answers::register(&mut suite);
    views::register(&mut suite);
    hostile::register(&mut suite);
    suite.run()
}

//! Opens the dump that the command line names.

use anyhow::Context;
use pyheap_format::reader::{Dump, ReadError};
use std::io::Read;
use std::path::Path;

/// Opens a dump, or reads it from standard input for `-`; what is missing in it is told on standard error.
pub fn open(path: &Path) -> anyhow::Result<Dump> {
    let dump = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        Dump::from_bytes(&bytes).context("standard input")?
    } else {
        Dump::open(path).with_context(|| path.display().to_string())?
    };
    for warning in dump.warnings() {
        eprintln!("warning: {warning}");
    }
    Ok(dump)
}

/// What the person who sees the error can try.
pub fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| cause.downcast_ref::<ReadError>()?.hint())
}

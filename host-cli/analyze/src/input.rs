//! Opens the dump that the command line names.

use anyhow::Context;
use pyheap_format::reader::{Dump, ReadError};
use pyheap_format::text::printable;
use pyheap_import::{import, is_legacy};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Bytes that tell whether a file is to be imported.
const START: u64 = 8;

/// Opens a dump, or reads it from standard input for `-`; what is missing in it is told on standard error.
pub fn open(path: &Path) -> anyhow::Result<Dump> {
    let dump = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        from_bytes(&bytes).context("standard input")?
    } else {
        from_file(path).with_context(|| path.display().to_string())?
    };
    for warning in dump.warnings() {
        eprintln!("warning: {}", printable(warning));
    }
    Ok(dump)
}

fn from_file(path: &Path) -> anyhow::Result<Dump> {
    let io = |error| ReadError::Io(error);
    if !fs::metadata(path).map_err(io)?.is_file() {
        return from_bytes(&fs::read(path).map_err(io)?);
    }
    let mut start = Vec::new();
    File::open(path).and_then(|file| file.take(START).read_to_end(&mut start)).map_err(io)?;
    if is_legacy(&start) {
        from_bytes(&fs::read(path).map_err(io)?)
    } else {
        // In place: dumps can be larger than memory.
        Ok(Dump::open(path)?)
    }
}

fn from_bytes(bytes: &[u8]) -> anyhow::Result<Dump> {
    if !is_legacy(bytes) {
        return Ok(Dump::from_bytes(bytes)?);
    }
    let imported = import(bytes)?;
    for note in imported.notes {
        eprintln!("note: {}", printable(&note));
    }
    Ok(Dump::from_bytes(&imported.dump)?)
}

/// What the person who sees the error can try.
pub fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| cause.downcast_ref::<ReadError>()?.hint())
}

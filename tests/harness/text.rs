//! The code of a process against the files that it was loaded from.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::FileExt;

/// Checks that all code of the process is, byte by byte, what its files hold: no debugger has left anything in it.
///
/// # Errors
/// Says what stands where; or a file cannot be read.
pub fn assert_text_unchanged(pid: u32) -> Result<()> {
    let memory = fs::File::open(format!("/proc/{pid}/mem"))?;
    for line in fs::read_to_string(format!("/proc/{pid}/maps"))?.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [range, permissions, offset, _, _, path] = fields[..] else { continue };
        if !permissions.contains('x') || !path.starts_with('/') {
            continue;
        }
        let number = |text: &str| u64::from_str_radix(text, 16).with_context(|| line.to_owned());
        let (start, end) = range.split_once('-').context("a range")?;
        let (start, end, offset) = (number(start)?, number(end)?, number(offset)?);
        // Of a process with another root, the kernel names its files as this one sees them.
        let file = fs::read(format!("/proc/{pid}/root{path}")).or_else(|_| fs::read(path))?;
        let expected = file.get(usize::try_from(offset)?..).context("a mapping behind the file's end")?;
        let mut found = vec![0; usize::try_from(end - start)?.min(expected.len())];
        memory.read_exact_at(&mut found, start)?;
        let changed = found.iter().zip(expected).position(|(found, expected)| found != expected);
        if let Some(at) = changed {
            let (found, expected) = (found[at], expected[at]);
            let address = offset + at as u64;
            ensure!(false, "{found:#x} instead of {expected:#x} at {address:#x} of {path}");
        }
    }
    Ok(())
}

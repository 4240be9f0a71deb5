//! Allocated sizes against what the process's memory really grows by.

use anyhow::{Context, Result, ensure};
use pyheap_format::reader::Dump;
use pyheap_tests::{Debugger, Python, Suite, Target, Verdict};
use std::fs;
use std::path::Path;

/// Largest tolerated difference between growth of memory and sum of allocated sizes.
const TOLERANCE: f64 = 0.05;

pub fn register(suite: &mut Suite) {
    suite.interpreters("allocated_sizes_match_growth", allocated_sizes_match_growth);
}

fn allocated_sizes_match_growth(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "growth.py", &[])?;
    let kinds: Vec<String> = serde_json::from_value(target.fact("kinds")?.clone())?;
    let mut allocated = allocated_size(debugger, &target, folder.path())?;
    let mut resident = resident_size(target.pid())?;
    let mut wrong = Vec::new();
    for kind in kinds {
        target.ask(&format!("grow {kind}"))?;
        let (next_resident, next_allocated) =
            (resident_size(target.pid())?, allocated_size(debugger, &target, folder.path())?);
        let (grown, counted) = (next_resident - resident, next_allocated - allocated);
        let ratio = counted as f64 / grown as f64;
        println!("{kind}: {counted} of {grown} bytes, {ratio:.3}");
        if (ratio - 1.0).abs() > TOLERANCE {
            wrong.push(format!("{kind}: {counted} bytes counted, memory grew by {grown}: {ratio:.3}"));
        }
        (resident, allocated) = (next_resident, next_allocated);
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn allocated_size(debugger: Debugger, target: &Target, folder: &Path) -> Result<i64> {
    let dump = Dump::open(&debugger.dump(target.pid(), "--detach --force --str-repr-len 0", folder)?)?;
    Ok(dump.summary().context("no summary")?.allocated_size.try_into()?)
}

/// Resident pages of the process's own, in bytes.
fn resident_size(pid: u32) -> Result<i64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let fields: Vec<i64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let (Some(resident), Some(shared)) = (fields.get(1), fields.get(2)) else {
        anyhow::bail!("statm: {text}")
    };
    Ok((resident - shared) * rustix::param::page_size() as i64)
}

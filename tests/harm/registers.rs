//! GDB itself writes no register of the target: what it cannot do right on some processors it is never asked to do.

use crate::subject::{Attack, Subject};
use crate::watched::Watched;
use crate::way::Way;
use anyhow::{Result, ensure};
use pyheap_tests::{Debugger, Interpreter, Verdict, skipped};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Requests by which GDB writes registers. pyheap's own calls use none of these.
const REQUESTS: [&str; 3] = ["PTRACE_SETREGS,", "PTRACE_SETFPREGS,", "PTRACE_POKEUSER,"];

/// The first GDB that knows how large the registers of a processor with AMX are.
const KNOWS_AMX: u32 = 14;

/// No register is written through GDB, for calls or otherwise.
pub fn gdb_writes_none() -> Result<Verdict> {
    let trace = traced_dump("idle")?;
    for request in REQUESTS {
        let found = trace.lines().filter(|line| line.contains(request)).count();
        ensure!(found == 0, "GDB wrote registers {found} times by {request}");
    }
    Ok(Verdict::Passed)
}

/// An old GDB on a new processor, whose registers it cannot write.
pub fn old_gdb_on_amx() -> Result<Verdict> {
    if !fs::read_to_string("/proc/cpuinfo")?.contains(" amx_tile") {
        return skipped("this processor has no AMX");
    }
    let output = Command::new(Debugger::Gdb.find()?).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap_or_default();
    if version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok())
        .is_none_or(|major: u32| major >= KNOWS_AMX)
    {
        return skipped(format!("GDB {version} knows AMX"));
    }
    for kind in ["idle", "vectors", "napping", "busy"] {
        traced_dump(kind)?;
    }
    Ok(Verdict::Passed)
}

/// Dumps a process with GDB, checks that it is well, and returns what strace saw.
fn traced_dump(kind: &'static str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let mut subject = Subject::start(&Interpreter::usual().find()?, kind)?;
    let begin = Instant::now();
    let mut watched = Watched::start(Way::Gdb, subject.pid(), None, folder.path())?;
    ensure!(watched.end(Duration::from_secs(60))?.is_some(), "the dump does not end: {}", watched.text()?);
    ensure!(folder.path().join("heap.cbor").is_file(), "no dump: {}", watched.text()?);
    let findings = subject.examine(Attack { lasted: begin.elapsed(), tracer_killed: false })?;
    ensure!(findings.is_empty(), "after the dump of a target that is {kind}: {findings:?}");
    subject.finish()?;
    watched.trace()
}

//! How long breakpoints stand in a target's code: the time in which the end of the debugger would cost the target its life.
//!
//! strace sees the bytes that the debugger writes and when. It slows the debugger down, so the times are upper bounds.

use crate::subject::{Attack, Subject};
use crate::tally::publish;
use crate::watched::Watched;
use crate::way::Way;
use anyhow::{Context, Result, ensure};
use pyheap_tests::Interpreter;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::time::{Duration, Instant};

/// The instruction of a breakpoint on x86_64.
const BREAKPOINT: u64 = 0xcc;

/// Measures dumps by every way, so many of each kind of target, and publishes the table.
///
/// # Errors
/// A dump fails.
pub fn measure(ways: &[Way], kinds: &[&'static str], dumps: usize) -> Result<()> {
    let python = Interpreter::usual().find()?;
    let mut text = String::from(
        "## How long breakpoints stand\n\n\
         Dumps under strace, which sees the bytes that are written into the target's code, and when; it makes the times longer than they are. \
         *At a time* is from the first breakpoint that is inserted to the last one that is removed.\n\n\
         | dump by | target | dumps | with breakpoints | at a time, median | longest |\n| --- | --- | ---: | ---: | ---: | ---: |\n",
    );
    for &way in ways.iter().filter(|way| way.dumps() && way.available().is_ok()) {
        for &kind in kinds {
            let mut subject = Subject::start(&python, kind)?;
            let code = code(subject.pid())?;
            let mut times = Vec::new();
            let mut with = 0;
            for _ in 0..dumps {
                let folder = tempfile::tempdir()?;
                let begin = Instant::now();
                let mut watched = Watched::start(way, subject.pid(), None, folder.path())?;
                ensure!(
                    watched.end(Duration::from_secs(60))?.is_some(),
                    "a dump does not end: {}",
                    watched.text()?
                );
                let findings = subject.examine(Attack { lasted: begin.elapsed(), tracer_killed: false })?;
                ensure!(
                    findings.is_empty(),
                    "after a dump by {way} of a target that is {kind}: {findings:?}"
                );
                let found = intervals(&watched.trace()?, &code)?;
                with += usize::from(!found.is_empty());
                times.extend(found);
            }
            subject.finish()?;
            times.sort_by(f64::total_cmp);
            let shown = |seconds: Option<&f64>| {
                seconds.map_or("-".into(), |seconds| format!("{:.1} ms", seconds * 1e3))
            };
            let (median, longest) = (shown(times.get(times.len() / 2)), shown(times.last()));
            let line = format!("| {way} | {kind} | {dumps} | {with} | {median} | {longest} |");
            eprintln!("{line}");
            let _ = writeln!(text, "{line}");
        }
    }
    publish("standing", &text)
}

/// Where the code of a process lies: breakpoints elsewhere, as on the stack for a call's return, are met by nobody.
fn code(pid: u32) -> Result<Vec<Range<u64>>> {
    let mut ranges = Vec::new();
    for line in fs::read_to_string(format!("/proc/{pid}/maps"))?.lines() {
        let mut words = line.split_whitespace();
        if let (Some(range), Some(rights)) = (words.next(), words.next())
            && let Some((begin, end)) = range.split_once('-')
            && rights.contains('x')
        {
            ranges.push(u64::from_str_radix(begin, 16)?..u64::from_str_radix(end, 16)?);
        }
    }
    Ok(ranges)
}

/// Spans of seconds in which at least one breakpoint stood in the code.
fn intervals(trace: &str, code: &[Range<u64>]) -> Result<Vec<f64>> {
    let mut standing: BTreeSet<u64> = BTreeSet::new();
    let mut since = 0.0;
    let mut spans = Vec::new();
    for line in trace.lines() {
        let Some((time, call)) = line.split_once(' ') else { continue };
        let Some((address, breakpoint)) = written(call.trim_start()) else { continue };
        if !code.iter().any(|range| range.contains(&address)) {
            continue;
        }
        let time: f64 = time.parse().with_context(|| format!("time of {line}"))?;
        if breakpoint {
            if standing.is_empty() {
                since = time;
            }
            standing.insert(address);
        } else if standing.remove(&address) && standing.is_empty() {
            spans.push(time - since);
        }
    }
    ensure!(standing.is_empty(), "breakpoints that nobody removed: {standing:x?}");
    Ok(spans)
}

/// Address of a write of few bytes, and whether they begin with a breakpoint.
fn written(call: &str) -> Option<(u64, bool)> {
    if let Some(arguments) = call.strip_prefix("pwrite64(") {
        // pwrite64(12, "\314", 1, 140205041942624) = 1
        let arguments: Vec<_> = arguments.split(')').next()?.split(", ").collect();
        let [_, bytes, length, offset] = arguments.as_slice() else { return None };
        return if *length == "1" { Some((offset.parse().ok()?, bytes.contains("\\314"))) } else { None };
    }
    let arguments = call.strip_prefix("ptrace(PTRACE_POKE")?;
    // ptrace(PTRACE_POKEDATA, 1234, 0x7f83b5b1a2d0, 0x8948fd89485541cc) = 0
    let arguments: Vec<_> = arguments.split(')').next()?.split(", ").collect();
    let ["DATA" | "TEXT", _, address, word] = arguments.as_slice() else { return None };
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    Some((number(address)?, number(word)? & 0xff == BREAKPOINT))
}

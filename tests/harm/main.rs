//! Proves that the target survives: whatever happens to the debugger, whatever the target is, whatever its heap holds.
//!
//! `cargo xtask harm` runs all of it and writes docs/harmless.md; the ordinary test run has a small part of each.

mod condition;
mod finding;
mod killed;
mod kinds;
mod registers;
mod standing;
mod stream;
mod subject;
mod tally;
mod trials;
mod watched;
mod way;

use anyhow::{Context, Result, bail};
use kinds::Extent;
use pyheap_tests::{Debugger, Suite, skipped};
use std::process::ExitCode;
use subject::Subject;
use way::Way;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == "prove"
    {
        return prove(rest);
    }
    let mut suite = Suite::new();
    register(&mut suite);
    Ok(suite.run())
}

/// A small part of each, for the ordinary run.
fn register(suite: &mut Suite) {
    suite.test("gdb_writes_no_register", registers::gdb_writes_none);
    suite.test("old_gdb_on_amx", registers::old_gdb_on_amx);
    for way in Way::HARMLESS {
        suite.test(&format!("killed::{way:?}"), move || match way.available() {
            Ok(()) => killed::prove(&[way], &["idle", "napping", "busy"], 24, 1)?.verdict(),
            Err(error) => skipped(format!("{error:#}")),
        });
    }
    // Calls that are made in the target itself; calls of the copy cannot harm it.
    for (name, only) in
        [("programs", &[][..]), ("heaps", &[]), ("filters", &["mmap", "pipe2", "clone", "wait4"])]
    {
        suite.test(name, move || {
            let debuggers = &[Debugger::Gdb];
            kinds::prove(name, Extent { debuggers, times: 1, interpreters: false, only, workers: 1 })?
                .verdict()
        });
    }
}

/// All of it, or one part: `prove [PART] [--count N]`.
fn prove(arguments: &[String]) -> Result<ExitCode> {
    let mut count = 2000;
    let mut workers = std::thread::available_parallelism()?.get();
    let mut only = None;
    let mut ways = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|word| word.parse().ok()).context("a number is missing");
        match word.as_str() {
            "--count" => count = number()?,
            "--workers" => workers = number()?,
            name => match Way::ALL.iter().find(|way| format!("{way:?}").eq_ignore_ascii_case(name)) {
                Some(way) => ways.push(*way),
                None => only = Some(name.to_owned()),
            },
        }
    }
    if !ways.is_empty() && only.is_none() {
        only = Some("killed".to_owned());
    }
    if ways.is_empty() {
        ways = Way::ALL.to_vec();
    }
    let mut lost = 0;
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let mut known = false;
    if wanted("killed") {
        known = true;
        let table = killed::prove(&ways, &Subject::KINDS, count, workers)?;
        table.print();
        table.publish()?;
        lost += table.lost();
    }
    if wanted("standing") {
        known = true;
        standing::measure(&ways, &["idle", "busy"], 10)?;
    }
    if wanted("stream") {
        known = true;
        let table = stream::prove(&[Debugger::Gdb, Debugger::Lldb], count.div_ceil(40))?;
        table.print();
        table.publish()?;
        lost += table.lost();
    }
    for name in ["programs", "heaps", "filters"] {
        if wanted(name) {
            known = true;
            let times = if name == "programs" { 3 } else { 1 };
            let debuggers = &[Debugger::Gdb, Debugger::Lldb];
            let table =
                kinds::prove(name, Extent { debuggers, times, interpreters: true, only: &[], workers })?;
            table.print();
            table.publish()?;
            lost += table.lost();
        }
    }
    if !known {
        bail!("no such part: {}", only.unwrap_or_default());
    }
    Ok(if lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

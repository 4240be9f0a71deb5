//! Runs all tests and says in the last line how many there were.

use crate::{interpreters, second_lldb, setup};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// Runs the tests; arguments go to the test runner.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    setup::install(&setup::DEBUGGING)?;
    for programs in [&setup::TESTING[..], &setup::CONTAINERS] {
        if let Err(error) = setup::install(programs) {
            eprintln!("{error:#}: the tests that need it are skipped");
        }
    }
    if let Err(error) = second_lldb::install() {
        eprintln!("no LLDB 19: {error:#}: the tests that need it are skipped");
    }
    if let Err(error) = interpreters::install() {
        eprintln!("no interpreters of other releases: {error:#}: the tests that need them are skipped");
    }
    setup::build()?;
    let notes = tempfile::NamedTempFile::new()?;
    let nextest = setup::installed("cargo-nextest");
    let mut command = setup::cargo();
    if nextest {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        command.args(["test", "--workspace", "--no-fail-fast"]);
    }
    command
        .args(arguments)
        .env("PYHEAP_SKIPS", notes.path())
        .env("PYHEAP_PLUGIN_DIR", setup::project().join("target/release"));
    let (success, output) = watch(&mut command)?;
    let mut counts = if nextest { from_nextest(&output) } else { from_cargo(&output) };

    // A closing line with zeros would look like a result.
    ensure!(success || counts != Counts::default(), "no test ran");

    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let notes = fs::read_to_string(notes.path())?;
    for (name, reason) in notes.lines().filter_map(|line| line.split_once('\t')) {
        reasons.entry(reason).or_default().push(name);
    }
    if nextest {
        // A test that finds out by itself that it cannot run here counts as passed for nextest.
        let noted = reasons.values().map(|names| names.len() as u64).sum();
        counts.passed = counts.passed.saturating_sub(noted);
        counts.skipped += noted;
    }
    println!();
    for (reason, names) in &reasons {
        println!("skipped {} for want of: {reason} ({})", names.len(), names.join(", "));
    }
    println!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    Ok(if success && counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a command, shows what it writes, and returns it too.
fn watch(command: &mut Command) -> Result<(bool, String)> {
    let (reader, writer) = std::io::pipe()?;
    let mut process = command
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .stdin(Stdio::null())
        .spawn()
        .context("test runner")?;
    // The command still holds the pipe's write ends.
    *command = Command::new("true");
    let mut all = String::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        let mut output = std::io::stdout().lock();
        writeln!(output, "{line}")?;
        all.push_str(&line);
        all.push('\n');
    }
    Ok((process.wait()?.success(), all))
}

/// From nextest's closing line, `Summary [ 1.2s] 5 tests run: 4 passed (1 slow), 1 failed, 2 skipped`.
fn from_nextest(output: &str) -> Counts {
    let summary = output.lines().rev().find(|line| line.trim_start().starts_with("Summary"));
    let (_, parts) = summary.and_then(|line| line.split_once("run:")).unwrap_or_default();
    let mut counts = Counts::default();
    for part in parts.split(',') {
        let mut words = part.split_whitespace();
        let (Some(Ok(number)), Some(what)) = (words.next().map(str::parse::<u64>), words.next()) else {
            continue;
        };
        match what {
            "passed" => counts.passed += number,
            "failed" | "timed" | "exec" => counts.failed += number,
            "skipped" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

/// From the closing line of each test binary, `test result: ok. 4 passed; 1 failed; 2 ignored; …`.
fn from_cargo(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
        let (_, parts) = line.split_once(". ").unwrap_or_default();
        for part in parts.split(';') {
            let Some((Ok(number), what)) =
                part.trim().split_once(' ').map(|(number, what)| (number.parse::<u64>(), what))
            else {
                continue;
            };
            match what {
                "passed" => counts.passed += number,
                "failed" => counts.failed += number,
                "ignored" => counts.skipped += number,
                _ => {}
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_closing_line_of_nextest() {
        let output = "x\n     Summary [   1.289s] 100 tests run: 97 passed (2 slow), 3 failed, 1 timed out, 5 skipped\nerror\n";
        assert_eq!(from_nextest(output), Counts { passed: 97, failed: 4, skipped: 5 });
    }

    #[test]
    fn adds_up_the_binaries_of_cargo_test() {
        let output = "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                      test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.0s\n";
        assert_eq!(from_cargo(output), Counts { passed: 5, failed: 2, skipped: 1 });
    }
}

//! docs/accuracy.md: what a dump's sizes and `sys.getsizeof` do not agree on, written by the test that finds out.

use crate::comparison::Comparison;
use anyhow::{Result, ensure};
use pyheap_tests::project;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};

const PREFACE: &str = "# Accuracy of sizes

Written by the oracle test when `PYHEAP_WRITE_ACCURACY` is set; without it, the test fails when a type differs that is not listed here.

The test compares the shallow size of every object of a process that holds one of everything with what `sys.getsizeof` answers there.
Every dict, list, tuple, set, frozenset, str, bytes, int, float, function, class and instance of a Python class agrees. Types whose
objects differ, with an example:
";

const TABLE: &str = "| type | `sys.getsizeof` | pyheap |\n|---|---:|---:|";

/// Writes the section of an interpreter, or checks that all differences stand in it.
pub fn note(section: &str, comparison: &Comparison) -> Result<()> {
    let path = project().join("docs/accuracy.md");
    // Several tests may write their sections at once.
    let lock = File::create(project().join("target/accuracy.lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let text = fs::read_to_string(&path).unwrap_or_default();
    let mut sections: Vec<&str> = text.split("\n## ").skip(1).collect();
    let old = sections.iter().position(|old| old.lines().next() == Some(section));
    if std::env::var_os("PYHEAP_WRITE_ACCURACY").is_some() {
        let rows: Vec<_> =
            comparison.size.types().map(|(kind, _, example)| format!("| {kind} | {example} |")).collect();
        let body = if rows.is_empty() { "None.".to_owned() } else { format!("{TABLE}\n{}", rows.join("\n")) };
        let new = format!("{section}\n\n{body}\n");
        match old {
            Some(place) => sections[place] = &new,
            None => sections.push(&new),
        }
        sections.sort_by_key(|section| order(section));
        let sections: Vec<_> = sections.iter().map(|section| section.trim_end()).collect();
        fs::write(&path, format!("{PREFACE}\n## {}\n", sections.join("\n\n## ")))?;
    } else {
        let listed = old.and_then(|place| sections.get(place)).copied().unwrap_or_default();
        for (kind, count, example) in comparison.size.types() {
            ensure!(
                listed.contains(&format!("| {kind} |")),
                "{count} of {kind} differ ({example}), which section {section:?} does not list"
            );
        }
    }
    Ok(())
}

/// 3.8 before 3.13.
fn order(section: &str) -> (u32, String) {
    let line = section.lines().next().unwrap_or_default();
    let minor =
        line.split('.').nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or_default();
    (minor, line.to_owned())
}

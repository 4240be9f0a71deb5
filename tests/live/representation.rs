//! What the dump's reader writes for a value is what `repr` answers in the target.

use anyhow::{Context, Result, ensure};
use pyheap_tests::{Debugger, Python, Suite, Target, Verdict, analyze_json};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;

pub fn register(suite: &mut Suite) {
    suite.interpreters("representations", representations);
}

fn representations(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let expected = folder.path().join("expected.json");
    let target = Target::spawn(python, "representation.py", &[&expected.to_string_lossy()])?;
    let file = debugger.dump(target.pid(), "--detach", folder.path())?;
    let values = format!("{:#x}", target.number("values")?);
    target.finish()?;

    let expected: Vec<(u64, String)> = serde_json::from_slice(&fs::read(expected)?)?;
    let object = analyze_json(&["object", &file.to_string_lossy(), &values])?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let found: HashMap<String, String> = object["referents"]
        .as_array()
        .context("no referents")?
        .iter()
        .filter_map(|referent| Some((text(&referent["address"])?, text(&referent["repr"])?)))
        .collect();
    let different: Vec<_> = expected
        .iter()
        .filter_map(|(address, expected)| {
            let found = found.get(&format!("{address:#x}"));
            (found != Some(expected)).then(|| format!("{expected:?} is written {found:?}"))
        })
        .collect();
    ensure!(
        different.is_empty(),
        "{} of {}: {}",
        different.len(),
        expected.len(),
        different.iter().take(5).cloned().collect::<Vec<_>>().join("; ")
    );
    Ok(Verdict::Passed)
}

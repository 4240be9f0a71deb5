//! Others can read a dump: by its CDDL, and with a CBOR library of another language.

use anyhow::{Context, Result, ensure};
use pyheap_tests::{Debugger, Python, Suite, Target, Verdict, analyze_json, packages, skipped};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

pub fn register(suite: &mut Suite) {
    suite.interpreters("read_by_another_library", read_by_another_library);
    suite.interpreters("valid_by_its_schema", valid_by_its_schema);
}

fn read_by_another_library(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let reader = pyheap_tests::Interpreter::usual().find()?;
    let path = match packages(&reader, &["cbor2"]) {
        Ok(path) => path,
        Err(error) => return skipped(format!("cbor2: {error:#}")),
    };
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "names.py", &[])?;
    let file = debugger.dump(target.pid(), "--detach", folder.path())?;
    target.finish()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("readers/totals.py");
    let output = Command::new(&reader.path).arg(script).arg(&file).env("PYTHONPATH", path).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let totals: Value = serde_json::from_slice(&output.stdout)?;
    let info = analyze_json(&["info", &file.to_string_lossy()])?;
    for name in [
        "objects",
        "edges",
        "types",
        "threads",
        "shallow_size",
        "allocated_size",
        "unreadable",
        "opaque",
        "estimated",
        "pid",
    ] {
        ensure!(
            !totals[name].is_null() && totals[name] == info[name],
            "{name}: {} and {}",
            totals[name],
            info[name]
        );
    }
    ensure!(totals["python"] == python.version_text(), "version {}", totals["python"]);
    let list = analyze_json(&["types", &file.to_string_lossy()])?;
    let list = list["types"].as_array().context("types")?;
    let sum = |name: &str| list.iter().filter_map(|row| row[name].as_u64()).sum::<u64>();
    ensure!(totals["objects"] == sum("count"), "{} objects, {} by type", totals["objects"], sum("count"));
    ensure!(totals["shallow_size"] == sum("shallow_size"), "shallow sizes by type");
    Ok(Verdict::Passed)
}

fn valid_by_its_schema(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let reader = pyheap_tests::Interpreter::usual().find()?;
    let path = match packages(&reader, &["cbor2", "pycddl"]) {
        Ok(path) => path,
        Err(error) => return skipped(format!("cbor2 and pycddl: {error:#}")),
    };
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "names.py", &[])?;
    let file = debugger.dump(target.pid(), "--detach", folder.path())?;
    target.finish()?;
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(&reader.path)
        .arg(tests.join("readers/schema.py"))
        .arg(&file)
        .arg(tests.join("../docs/dump.cddl"))
        .env("PYTHONPATH", path)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let records: Value = serde_json::from_slice(&output.stdout)?;
    for kind in
        ["header", "names", "types", "objects", "edges", "previews", "thread", "roots", "summary", "footer"]
    {
        ensure!(records[kind].as_u64() >= Some(1), "no {kind} record");
    }
    Ok(Verdict::Passed)
}

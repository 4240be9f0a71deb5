//! The walker's tables of offsets against the headers of an installed interpreter, compiled.

use anyhow::{Context, Result, ensure};
use pyheap_tests::{Interpreter, Verdict, project, skipped};
use pyheap_walker::layout::Layout;
use std::collections::BTreeMap;
use std::process::Command;

/// Compiles `walker/layouts/offsets.c` with the interpreter's headers, runs it, and compares number by number.
pub fn agree(interpreter: Interpreter) -> Result<Verdict> {
    let python = match interpreter.find() {
        Ok(python) => python,
        Err(error) => {
            let promised = interpreter.promised();
            return Ok(Verdict::Skipped { reason: format!("{interpreter}: {error:#}"), promised });
        }
    };
    let script = "import sys, sysconfig; print(sysconfig.get_path('include')); print(sys.hexversion)";
    let output = Command::new(&python.path).args(["-c", script]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (include, hex) = text.trim().split_once('\n').context("include path and version")?;
    let include = python.root.join(include.trim_start_matches('/'));
    let internal = include.join("internal");
    if !internal.exists() {
        return skipped(format!("{} has no internal headers", python.path.display()));
    }

    let folder = tempfile::tempdir()?;
    let program = folder.path().join("offsets");
    let compiler = Command::new("cc")
        .args(["-w", "-DPy_BUILD_CORE", "-I"])
        .arg(&include)
        .arg("-I")
        .arg(&internal)
        // Debian's headers are in two places.
        .arg("-idirafter")
        .arg(python.root.join("usr/include"))
        .arg("-o")
        .arg(&program)
        .arg(project().join("walker/layouts/offsets.c"))
        .output()
        .context("cc")?;
    ensure!(compiler.status.success(), "cc: {}", String::from_utf8_lossy(&compiler.stderr));
    let printed = String::from_utf8(Command::new(&program).output()?.stdout)?;
    let expected: BTreeMap<&str, u32> = printed
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(' ').context("name and value")?;
            Ok((name, value.parse()?))
        })
        .collect::<Result<_>>()?;

    let found: BTreeMap<&str, u32> = Layout::for_version(hex.trim().parse()?)?.entries().collect();
    ensure!(found.keys().eq(expected.keys()), "the table and offsets.c do not name the same fields");
    for (name, value) in &found {
        ensure!(expected[name] == *value, "{name}: headers say {}, table {value}", expected[name]);
    }
    Ok(Verdict::Passed)
}

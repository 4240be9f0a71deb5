//! Where the project and its built parts are.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The project's folder.
pub fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A built file: in `$PYHEAP_PLUGIN_DIR`, else in `target/release` or `target/debug`, whichever is newer.
///
/// # Errors
/// None of them exists: the tests do not build what they test.
pub fn binary(name: &str) -> Result<PathBuf> {
    if let Some(folder) = env::var_os("PYHEAP_PLUGIN_DIR") {
        let path = Path::new(&folder).join(name);
        ensure!(path.exists(), "{} does not exist", path.display());
        return Ok(path);
    }
    let built = ["release", "debug"].map(|profile| project().join("target").join(profile).join(name));
    let newest =
        built.into_iter().filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path))).max();
    match newest {
        Some((_, path)) => Ok(path),
        None => bail!("{name} is not built: run `cargo xtask test`, or `cargo build --release` first"),
    }
}

/// Runs `pyheap-analyze` and returns its standard output.
///
/// # Errors
/// It failed; with what it wrote to standard error.
pub fn analyze(arguments: &[&str]) -> Result<String> {
    let output = Command::new(binary("pyheap-analyze")?).args(arguments).output()?;
    ensure!(
        output.status.success(),
        "pyheap-analyze {arguments:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).context("output of pyheap-analyze")
}

/// Runs `pyheap-analyze … --format json`.
///
/// # Errors
/// It failed, or its output is not JSON.
pub fn analyze_json(arguments: &[&str]) -> Result<Value> {
    let output = analyze(&[arguments, &["--format", "json"]].concat())?;
    serde_json::from_str(&output).with_context(|| format!("output of pyheap-analyze: {output:.200}"))
}

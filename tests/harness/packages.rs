//! Python packages for targets and for readers in another language, installed once per machine into the build folder.

use crate::installation::project;
use crate::{Interpreter, Python};
use anyhow::{Context, Result, ensure};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

/// A folder for `PYTHONPATH` that holds these packages for an interpreter.
///
/// # Errors
/// They cannot be installed here, because no network or no wheel is there: a reason to skip.
pub fn packages(python: &Python, names: &[&str]) -> Result<PathBuf> {
    let (major, minor, _) = python.version;
    let cache = project().join("target/python-packages");
    fs::create_dir_all(&cache)?;
    let folder = cache.join(format!("{major}.{minor}-{}", names.join("-")));
    // Tests run side by side, in processes of their own: one installs, the others wait.
    let lock = File::create(folder.with_extension("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let done = folder.join("installed");
    if !done.exists() {
        // Distributions may ship their interpreter without pip; wheels depend on the minor version only.
        let installer = Interpreter::Pyenv(minor).find().unwrap_or_else(|_| python.clone());
        let output = Command::new(&installer.path)
            .args(["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target"])
            .arg(&folder)
            .args(names)
            .output()
            .context("pip")?;
        ensure!(
            output.status.success(),
            "pip install {names:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        File::create(done)?;
    }
    Ok(folder)
}

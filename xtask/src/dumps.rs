//! Records the stored dumps anew.

use crate::{interpreters, setup};
use anyhow::{Result, ensure};

/// Builds the plugin and records a dump of each interpreter.
pub fn run() -> Result<()> {
    setup::install(&setup::DEBUGGING)?;
    interpreters::install()?;
    setup::build()?;
    let status = setup::cargo()
        .args(["run", "--quiet", "-p", "pyheap-tests", "--bin", "record-dumps"])
        .env("PYHEAP_PLUGIN_DIR", setup::project().join("target/release"))
        .status()?;
    ensure!(status.success(), "record-dumps: {status}");
    Ok(())
}

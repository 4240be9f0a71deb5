//! Proves that targets survive, and publishes the counts.

use crate::setup;
use anyhow::Result;
use std::process::ExitCode;

/// What the attacks need beside the debuggers.
const ATTACKS: [setup::Program; 3] = [
    setup::Program { name: "strace", package: "strace" },
    setup::Program { name: "setsid", package: "util-linux" },
    setup::Program { name: "gcc", package: "gcc" },
];

/// Runs the attacks; arguments go to the test binary.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    for programs in [&setup::DEBUGGING[..], &setup::TESTING, &ATTACKS] {
        setup::install(programs)?;
    }
    setup::build()?;
    let status = setup::cargo()
        .args(["test", "--quiet", "-p", "pyheap-tests", "--test", "harm", "--", "prove"])
        .args(arguments)
        .env("PYHEAP_PLUGIN_DIR", setup::project().join("target/release"))
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

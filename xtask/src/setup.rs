//! Brings a fresh Debian-like machine to the point where pyheap can be built and used.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A program and the Debian package that brings it.
pub struct Program {
    /// Name of its executable.
    pub name: &'static str,
    /// Package.
    pub package: &'static str,
}

/// What a dump through GDB needs.
pub const DEBUGGING: [Program; 3] = [
    Program { name: "gdb", package: "gdb" },
    Program { name: "python3", package: "python3" },
    Program { name: "cc", package: "gcc" },
];

/// What only some tests and the benchmark need; without it the tests are skipped, except where `CI` is set.
pub const TESTING: [Program; 3] = [
    Program { name: "lldb", package: "lldb" },
    Program { name: "chromium", package: "chromium" },
    Program { name: "chromedriver", package: "chromium-driver" },
];

/// What the tests of processes in containers need.
pub const CONTAINERS: [Program; 2] = [
    Program { name: "dockerd", package: "docker.io" },
    Program { name: "systemd-nspawn", package: "systemd-container" },
];

/// The project's folder.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| ".".into(), Path::to_owned)
}

/// The cargo that runs this task.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project());
    command
}

/// Whether a program is on the path.
pub fn installed(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| fs::metadata(folder.join(name)).is_ok_and(|file| file.is_file()))
}

/// Installs what is missing, as root or through sudo.
///
/// # Errors
/// `apt-get` fails or is not there.
pub fn install(programs: &[Program]) -> Result<()> {
    let missing: Vec<_> =
        programs.iter().filter(|program| !installed(program.name)).map(|program| program.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("installing {}", missing.join(", "));
    apt_get(&["update", "--quiet"])?;
    apt_get(&[&["install", "--yes", "--quiet", "--no-install-recommends"], &missing[..]].concat())
}

/// Runs `apt-get`, as root or through sudo.
///
/// # Errors
/// It fails or is not there.
pub fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    };
    let status = command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .context("apt-get cannot be run: install gdb, python3 and gcc by the means of this system")?;
    ensure!(status.success(), "apt-get {}: {status}", arguments.join(" "));
    Ok(())
}

/// Builds the plugins and the analyzer with optimisation.
///
/// # Errors
/// The build fails.
pub fn build() -> Result<()> {
    let status = cargo()
        .args([
            "build",
            "--release",
            "-p",
            "pyheap-gdb",
            "-p",
            "pyheap-lldb",
            "-p",
            "pyheap-dump",
            "-p",
            "pyheap-analyze",
        ])
        .status()?;
    ensure!(status.success(), "cargo build: {status}");
    Ok(())
}

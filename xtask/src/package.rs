//! What is handed to people who do not build: a program without libraries, its second name, completions and man pages.

use crate::setup::{cargo, project};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::symlink;

/// Bytes that the program may have.
const LARGEST: u64 = 6_000_000;

/// Makes `target/package`.
///
/// # Errors
/// A build fails, or the program is too large.
pub fn run() -> Result<()> {
    let package = project().join("target/package");
    let (programs, share) = (package.join("bin"), package.join("share"));
    if package.exists() {
        fs::remove_dir_all(&package)?;
    }
    fs::create_dir_all(&programs)?;
    // With the target named, the flag does not hold for build scripts and procedural macros, which must be loaded dynamically.
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let status = cargo()
        .args([
            "build",
            "--release",
            "-p",
            "pyheap-dump",
            "--target",
            &target,
            "--target-dir",
            "target/static",
        ])
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .status()?;
    ensure!(status.success(), "cargo build: {status}");
    let built = project().join("target/static").join(target).join("release/pyheap-dump");
    let size = fs::copy(&built, programs.join("pyheap-dump")).with_context(|| built.display().to_string())?;
    ensure!(size <= LARGEST, "pyheap-dump has {size} bytes, more than {LARGEST}");
    symlink("pyheap-dump", programs.join("pyheap-top"))?;
    let status = cargo().args(["run", "--quiet", "-p", "pyheap-packaging", "--"]).arg(&share).status()?;
    ensure!(status.success(), "pyheap-packaging: {status}");
    println!("{}: pyheap-dump has {:.1} MB", package.display(), size as f64 / 1e6);
    Ok(())
}

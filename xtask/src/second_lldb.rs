//! A second LLDB for tests, beside the one that the distribution installs: packages of different versions exclude each other, so it is
//! unpacked into the build folder.

use crate::setup;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The newest LLDB that the tests know, and the libraries that come with it.
const PACKAGES: [&str; 4] = ["lldb-19", "liblldb-19", "libllvm19", "libclang-cpp19"];

/// Downloads and unpacks it into `target/lldb-19`, unless it is there.
///
/// # Errors
/// This distribution does not have it, or no network is there: a reason to skip its tests.
pub fn install() -> Result<()> {
    let target = setup::project().join("target");
    let place = target.join("lldb-19");
    if place.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(&target)?;
    let work = tempfile::tempdir_in(&target)?;
    eprintln!("downloading {}", PACKAGES.join(", "));
    let download =
        || run(Command::new("apt-get").args(["download", "--quiet"]).args(PACKAGES).current_dir(&work));
    // A machine that has never asked knows no packages.
    download().or_else(|_| setup::apt_get(&["update", "--quiet"]).and_then(|()| download()))?;
    let unpacked = work.path().join("unpacked");
    for entry in fs::read_dir(&work)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg-deb").arg("-x").args([&path, &unpacked]))?;
        }
    }
    check(&unpacked)?;
    fs::rename(unpacked, place).context("unpacked")
}

/// Whether it runs: its packages need others, which the distribution's own LLDB brings in most cases.
fn check(unpacked: &Path) -> Result<()> {
    let multiarch = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let libraries = ["usr/lib/llvm-19/lib", &multiarch].map(|folder| unpacked.join(folder));
    let mut lldb = Command::new(unpacked.join("usr/lib/llvm-19/bin/lldb"));
    lldb.arg("--version").env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?).stdout(Stdio::null());
    run(&mut lldb)
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).status().with_context(|| name.clone())?;
    ensure!(status.success(), "{name}: {status}");
    Ok(())
}

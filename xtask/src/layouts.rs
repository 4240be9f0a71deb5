//! Writes the walker's table of offsets for a version of CPython from the headers of an installed one.

use crate::interpreters;
use crate::setup::project;
use anyhow::{Context, Result, ensure};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::{env, fs};

/// What `walker/layouts/offsets.c` prints for a field that a version does not have.
const ABSENT: &str = "65535";

/// Compiles and runs `walker/layouts/offsets.c` with the headers of version `3.N` and writes what it prints as the table of that version.
///
/// # Errors
/// The version is not installed, has no internal headers, or they lack something that the program asks for: the compiler says what.
pub fn write(version: &str) -> Result<()> {
    let minor: u32 = version
        .strip_prefix("3.")
        .and_then(|minor| minor.parse().ok())
        .with_context(|| format!("{version} is no minor version of CPython 3, such as 3.13"))?;
    let (python, root) = find(minor)?;
    let script =
        "import sysconfig, platform; print(sysconfig.get_path('include')); print(platform.python_version())";
    let text = output(Command::new(&python).args(["-c", script]))
        .with_context(|| format!("{}: install it by `pyenv install 3.{minor}`", python.display()))?;
    let (include, release) = text.trim().split_once('\n').context("include path and release")?;

    let folder = tempfile::tempdir()?;
    let program = folder.path().join("offsets");
    let include = root.join(include.trim_start_matches('/'));
    output(
        Command::new("cc")
            .args(["-w", "-DPy_BUILD_CORE", "-I"])
            .arg(&include)
            .arg("-I")
            .arg(include.join("internal"))
            // Debian's headers are in two places.
            .arg("-idirafter")
            .arg(root.join("usr/include"))
            .arg("-o")
            .arg(&program)
            .arg(project().join("walker/layouts/offsets.c")),
    )?;
    let table = project().join(format!("walker/src/layout/offsets/v3_{minor}.rs"));
    fs::write(&table, render(minor, release, &output(&mut Command::new(&program))?)?)?;
    println!("{}: from the headers of {release} in {}", table.display(), include.display());
    Ok(())
}

/// The table as Rust, of lines of name and number.
fn render(minor: u32, release: &str, printed: &str) -> Result<String> {
    let mut fields = String::new();
    let mut imported = "Offsets";
    for line in printed.lines() {
        let (name, number) = line.split_once(' ').with_context(|| format!("no name and number: {line}"))?;
        if name.starts_with(|first: char| first.is_ascii_uppercase()) {
            // The same in all versions.
            continue;
        }
        let value = if number == ABSENT { "ABSENT" } else { number };
        if value == "ABSENT" {
            imported = "{ABSENT, Offsets}";
        }
        writeln!(fields, "    {name}: {value},")?;
    }
    Ok(format!(
        "//! CPython 3.{minor}: written by `cargo xtask layouts 3.{minor}` from the headers of {release}.\n\n\
         use super::{imported};\n\n\
         pub(in crate::layout) const OFFSETS: Offsets = Offsets {{\n{fields}}};\n"
    ))
}

/// The newest release of 3.`minor` that pyenv has, or another Debian release, or the one on the path; and the root of its file system.
fn find(minor: u32) -> Result<(PathBuf, PathBuf)> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")));
    let folder = root.context("neither PYENV_ROOT nor HOME is set")?.join("versions");
    let prefix = format!("3.{minor}.");
    let newest = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix(&prefix)?.parse::<u32>().ok())
        .max();
    let name = format!("python3.{minor}");
    if let Some(patch) = newest {
        return Ok((folder.join(format!("{prefix}{patch}/bin/{name}")), "/".into()));
    }
    Ok(interpreters::find(&name).unwrap_or_else(|| (name.into(), "/".into())))
}

/// What a program prints.
fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_owned();
    let Output { status, stdout, stderr } =
        command.output().with_context(|| format!("cannot run {}", name.display()))?;
    ensure!(status.success(), "{}: {status}: {}", name.display(), String::from_utf8_lossy(&stderr));
    Ok(String::from_utf8(stdout)?)
}

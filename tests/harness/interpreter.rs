//! The interpreters that tests run on.

use anyhow::{Context, Result};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Minor versions of CPython 3 that pyheap supports.
const SUPPORTED: std::ops::RangeInclusive<u32> = 8..=15;

/// Those that pyenv builds for the tests.
const PYENV: std::ops::RangeInclusive<u32> = 8..=13;

/// An interpreter that tests may ask for, whether the machine has it or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpreter {
    /// Built by pyenv with a shared library: 3.minor.
    Pyenv(u32),
    /// The distribution's `/usr/bin/python3`.
    System,
    /// 3.minor of another release of Debian, which `cargo xtask test` installs under `target/systems`.
    Debian(&'static str, u32),
}

/// An interpreter of this machine.
#[derive(Clone, Debug)]
pub struct Python {
    /// The executable.
    pub path: PathBuf,
    /// Major, minor, patch.
    pub version: (u32, u32, u32),
    /// The root of its file system.
    pub root: PathBuf,
}

impl Interpreter {
    /// All of them.
    pub fn all() -> Vec<Self> {
        PYENV.map(Self::Pyenv).chain([Self::System]).chain(Self::of_releases()).collect()
    }

    /// Those of other releases of Debian: what no other one has, and what Debian builds in its own way.
    fn of_releases() -> [Self; 4] {
        [
            Self::Debian("bullseye", 9),
            Self::Debian("trixie", 13),
            Self::Debian("sid", 14),
            Self::Debian("sid", 15),
        ]
    }

    /// The one for tests in which the interpreter makes no difference.
    pub fn usual() -> Self {
        Self::Pyenv(11)
    }

    /// Finds it; the error says why this machine has none.
    ///
    /// # Errors
    /// It is not installed, or of a version that pyheap does not support.
    pub fn find(self) -> Result<Python> {
        match self {
            Self::Pyenv(minor) => pyenv(minor),
            Self::System => {
                let python = Python::at(Path::new("/usr/bin/python3"))?;
                let (major, minor, _) = python.version;
                anyhow::ensure!(
                    major == 3 && SUPPORTED.contains(&minor),
                    "/usr/bin/python3 is {major}.{minor}"
                );
                Ok(python)
            }
            Self::Debian(release, minor) => {
                let systems = crate::project().join("target/systems");
                let command = systems.join(format!("{release}.commands/python3.{minor}"));
                let python = Python::at(&command)
                    .with_context(|| format!("`cargo xtask test`, as root, installs {release}"))?;
                Ok(Python { root: systems.join(release), ..python })
            }
        }
    }

    /// Whether its headers are not those that its version's table of offsets comes from: an early patch release, or one that Debian patched.
    /// What is different there must be found in the process.
    pub fn differs_from_its_version(self) -> bool {
        matches!(self, Self::Debian("bullseye" | "trixie", _))
    }

    /// Whether continuous integration promises it.
    pub fn promised(self) -> bool {
        matches!(self, Self::Pyenv(minor) if PYENV.contains(&minor))
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pyenv(minor) => write!(f, "python3.{minor}"),
            Self::System => f.write_str("system-python"),
            Self::Debian(release, minor) => write!(f, "{release}-python3.{minor}"),
        }
    }
}

impl Python {
    fn at(path: &Path) -> Result<Self> {
        let output = Command::new(path)
            .args(["-c", "import sys; print(*sys.version_info[:3])"])
            .output()
            .with_context(|| format!("no {}", path.display()))?;
        let text = String::from_utf8(output.stdout)?;
        let mut parts = text.split_whitespace().map(str::parse);
        let mut next = || parts.next().context("no version")?.context("version");
        Ok(Self { path: path.to_owned(), version: (next()?, next()?, next()?), root: "/".into() })
    }

    /// Its title in docs/accuracy.md: patch releases of one origin do not differ in layout.
    pub fn section(&self) -> String {
        let (major, minor, _) = self.version;
        let release = self.root.file_name().map(|name| name.to_string_lossy());
        let origin = match &release {
            Some(release) => &**release,
            None if self.path.starts_with("/usr") => "distribution",
            None => "pyenv",
        };
        format!("CPython {major}.{minor} ({origin})")
    }

    /// Version as in `3.11.7`.
    pub fn version_text(&self) -> String {
        let (major, minor, patch) = self.version;
        format!("{major}.{minor}.{patch}")
    }
}

/// The newest patch release of 3.`minor` that pyenv has; also used for versions that pyheap refuses.
///
/// # Errors
/// pyenv has none.
fn pyenv(minor: u32) -> Result<Python> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")));
    let folder = root.context("neither PYENV_ROOT nor HOME is set")?.join("versions");
    let prefix = format!("3.{minor}.");
    let newest = fs::read_dir(&folder)
        .ok()
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            Some((entry.ok()?.file_name().to_str()?.strip_prefix(&prefix)?.parse::<u32>().ok()?, ()))
        })
        .map(|(patch, ())| patch)
        .max()
        .with_context(|| format!("pyenv has no 3.{minor}"))?;
    // Not through the name `python`: scripts that stand in for it would be attached to instead.
    Python::at(&folder.join(format!("3.{minor}.{newest}/bin/python3.{minor}")))
}

//! Interpreters for tests that only other Debian releases have.
//!
//! A release is installed by debootstrap into `target/systems/NAME`. Its programs need its own C library, so each interpreter gets a command
//! of its name in `target/systems/NAME.commands` that runs it by `chroot`, in a mount namespace that shows the project and `/tmp` at the same
//! places: for who starts it, it is an interpreter like any other.

use crate::setup;
use crate::systems::{self, System};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// A release, and the interpreters that it has.
struct Release {
    name: &'static str,
    interpreters: &'static [&'static str],
}

/// The releases whose interpreters tests ask for. What changes there within a version is followed: patch releases of sid come and go.
const RELEASES: [Release; 3] = [
    Release { name: "bullseye", interpreters: &["python3.9"] },
    Release { name: "trixie", interpreters: &["python3.13"] },
    Release { name: "sid", interpreters: &["python3.14", "python3.15"] },
];

/// Installs the interpreters of all releases, with their debug builds and headers, unless they are there.
///
/// # Errors
/// This is no Debian, not root, or no network is there: a reason to skip their tests.
pub fn install() -> Result<()> {
    for release in &RELEASES {
        let commands = systems::commands_of(release.name);
        let names: Vec<_> = release
            .interpreters
            .iter()
            .flat_map(|name| [(*name).to_owned(), format!("{name}-dbg")])
            .collect();
        if names.iter().all(|name| commands.join(name).is_file()) {
            continue;
        }
        setup::install(&[setup::Program { name: "debootstrap", package: "debootstrap" }])?;
        let headers = release.interpreters.iter().map(|name| format!("lib{name}-dev"));
        let packages: Vec<_> = names.iter().cloned().chain(headers).collect();
        let system = System::with_packages(release.name, &packages)?;
        for name in &names {
            system.command(name, Path::new("/usr/bin").join(name))?;
        }
    }
    Ok(())
}

/// The command that runs this interpreter, such as `python3.14`, of a release, and the release's root.
pub fn find(name: &str) -> Option<(PathBuf, PathBuf)> {
    let release = RELEASES.iter().find(|release| release.interpreters.contains(&name))?;
    let command = systems::commands_of(release.name).join(name);
    command.is_file().then(|| (command, systems::root_of(release.name)))
}

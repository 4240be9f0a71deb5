//! The live tests with the debuggers of other Debian releases.
//!
//! A release is installed by debootstrap into `target/systems/NAME`. Its debuggers run there by `chroot`, in a mount namespace of their own
//! that shows them the project, the interpreters, `/proc`, `/sys` and `/tmp` at the same places, while the tests and the targets stay outside. The
//! plugins of this build are used where the release's C library is new enough for them; otherwise they are built within the release, by
//! this machine's Rust toolchain.

use crate::setup;
use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What is installed in a release beside its minimal system and an LLDB.
const PACKAGES: [&str; 4] = ["gdb", "python3", "gcc", "libc6-dev"];

/// The first LLDB that pyheap supports.
const FIRST_LLDB: u32 = 14;

/// Runs the live tests of one interpreter with the debuggers of a Debian release, and with an LLDB of it that may not be its usual one; arguments
/// go to the test runner.
///
/// # Errors
/// The release cannot be installed, has no such LLDB, or the plugins cannot be built for it.
pub fn run(name: &str, lldb: Option<u32>, arguments: &[String]) -> Result<ExitCode> {
    setup::install(&setup::DEBUGGING)?;
    setup::install(&[setup::Program { name: "debootstrap", package: "debootstrap" }])?;
    setup::build()?;
    let lldb = lldb.map_or_else(|| "lldb".to_owned(), |version| format!("lldb-{version}"));
    let packages: Vec<_> = PACKAGES.into_iter().chain([&*lldb]).map(str::to_owned).collect();
    let system = System::with_packages(name, &packages)?;
    let mut debuggers = vec!["gdb"];
    system.command("gdb", "/usr/bin/gdb")?;
    match system.lldb_version(&lldb) {
        Some(version) if version >= FIRST_LLDB => {
            debuggers.push("lldb");
            system.command("lldb", Path::new("/usr/bin").join(&lldb))?;
        }
        version => println!("skipped: LLDB of {name} is {version:?}, older than {FIRST_LLDB}"),
    }
    let plugins = system.plugins()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(commands_of(name)).chain(std::env::split_paths(&path)))?;
    let names = debuggers.join("|");
    let status = setup::cargo()
        .args(["nextest", "run", "-p", "pyheap-tests", "--test", "live", "--no-fail-fast", "-E"])
        .arg(format!("test(/::({names})::python3\\.11$/)"))
        .args(arguments)
        .env("PATH", path)
        .env("PYHEAP_PLUGIN_DIR", plugins)
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a release is installed.
pub fn root_of(name: &str) -> PathBuf {
    setup::project().join("target/systems").join(name)
}

/// The folder of commands that run a release's programs.
pub fn commands_of(name: &str) -> PathBuf {
    setup::project().join(format!("target/systems/{name}.commands"))
}

/// An installed release.
pub struct System {
    name: String,
    root: PathBuf,
}

impl System {
    /// Installs a release with these packages, and what is missing of them where it is there already.
    ///
    /// # Errors
    /// There is no such release or package, or no network.
    pub fn with_packages(name: &str, packages: &[String]) -> Result<Self> {
        let root = root_of(name);
        if !root.is_dir() {
            let part = root_of(&format!("{name}.part"));
            fs::create_dir_all(setup::project().join("target/systems"))?;
            let _ = fs::remove_dir_all(&part);
            run_command(Command::new("debootstrap").args(["--variant=minbase", name]).arg(&part))?;
            fs::rename(part, &root)?;
        }
        apt_get(&root, packages)?;
        Ok(Self { name: name.to_owned(), root })
    }

    fn lldb_version(&self, lldb: &str) -> Option<u32> {
        let output = Command::new("chroot").arg(&self.root).args([lldb, "--version"]).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split("version ").nth(1)?.split('.').next()?.parse().ok()
    }

    /// A folder of plugins that can be loaded in the release.
    fn plugins(&self) -> Result<PathBuf> {
        let release = setup::project().join("target/release");
        let mut try_to_load = Command::new("/usr/bin/python3");
        try_to_load
            .args(["-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])"])
            .arg(release.join("libpyheap_lldb.so"));
        if self.within(&try_to_load, &[]).status()?.success() {
            return Ok(release);
        }
        println!("the C library of {} is older than this machine's: building within it", self.name);
        let target = setup::project().join(format!("target/systems/{}.build", self.name));
        let toolchain = Command::new("rustc").args(["--print", "sysroot"]).output().context("rustc")?;
        let toolchain = PathBuf::from(String::from_utf8(toolchain.stdout)?.trim());
        let home = PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?);
        let registry = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
        let mut build = Command::new(toolchain.join("bin/cargo"));
        build.args([
            "build",
            "--release",
            "--offline",
            "-p",
            "pyheap-gdb",
            "-p",
            "pyheap-lldb",
            "-p",
            "pyheap-analyze",
            "-p",
            "pyheap-dump",
        ]);
        build.arg("--target-dir").arg(&target);
        let mut within = self.within(&build, &[&toolchain, &registry]);
        let path = std::env::join_paths([
            toolchain.join("bin"),
            "/usr/bin".into(),
            "/bin".into(),
            "/usr/sbin".into(),
        ])?;
        within.env("CARGO_HOME", &registry).env("RUSTC", toolchain.join("bin/rustc")).env("PATH", path);
        run_command(&mut within)?;
        Ok(target.join("release"))
    }

    /// Makes a command of this name that runs a program of the release.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn command(&self, name: &str, program: impl AsRef<OsStr>) -> Result<()> {
        let folder = commands_of(&self.name);
        fs::create_dir_all(&folder)?;
        let words = words(&self.within(&Command::new(program), &[]));
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\nexec {words} \"$@\"\n"))?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?)
    }

    /// A command that runs another one in the release, in the same current folder, with more folders that it is to see.
    fn within(&self, command: &Command, folders: &[&Path]) -> Command {
        let project = setup::project();
        let interpreters = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
        let mut seen = ["/proc", "/sys", "/dev", "/tmp"].map(Path::new).to_vec();
        seen.push(&project);
        seen.extend(interpreters.as_deref().filter(|path| path.is_dir()));
        seen.extend(folders);
        let root = self.root.display();
        let mounts: Vec<_> = seen
            .iter()
            .map(|path| path.display())
            .map(|path| format!("mkdir -p '{root}{path}' && mount --rbind '{path}' '{root}{path}'"))
            .collect();
        let script = format!(
            "{} && exec chroot '{root}' /bin/sh -c 'cd \"$0\" && exec \"$@\"' \"$PWD\" \"$@\"",
            mounts.join(" && ")
        );
        let mut within = Command::new("unshare");
        within
            .args(["--mount", "sh", "-c", &script, "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        within
    }
}

/// Installs packages in a release; not by debootstrap, which does not know packages that others provide.
fn apt_get(root: &Path, packages: &[String]) -> Result<()> {
    let mut install = Command::new("chroot");
    install.arg(root).args(["apt-get", "install", "--yes", "--no-install-recommends"]).args(packages);
    run_command(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// A command for a shell.
fn words(command: &Command) -> String {
    let quote = |word: &OsStr| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"));
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).map(quote).collect();
    words.join(" ")
}

fn run_command(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

//! Containers: a root file system with an interpreter, and a Docker engine of the test's own.

use crate::Python;
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// Where the interpreter is in a root that [`make_root`] has made. Debian has another program at the same place.
pub const PYTHON_INSIDE: &str = "/usr/bin/python3.11";

/// Folders of the library that no target needs.
const LEFT_OUT: [&str; 6] = ["site-packages", "test", "tests", "__pycache__", "idlelib", "ensurepip"];

/// Makes a root file system of an interpreter, the libraries that it needs, and the scripts of `targets/` in `/app`.
///
/// # Errors
/// A file cannot be copied.
pub fn make_root(python: &Python, root: &Path) -> Result<()> {
    for folder in ["usr/bin", "usr/lib", "proc", "sys", "dev", "etc"] {
        fs::create_dir_all(root.join(folder))?;
    }
    let inside = root.join(PYTHON_INSIDE.trim_start_matches('/'));
    fs::copy(&python.path, inside)?;
    let library = python.path.ancestors().nth(2).context("no prefix")?.join("lib");
    let output = Command::new("ldd").arg(&python.path).output().context("ldd")?;
    for path in String::from_utf8(output.stdout)?.split_whitespace().filter(|word| word.starts_with('/')) {
        let path = Path::new(path);
        let place = match path.strip_prefix(&library) {
            Ok(name) => root.join("usr/lib").join(name),
            Err(_) => root.join(path.strip_prefix("/")?),
        };
        fs::create_dir_all(place.parent().context("no folder")?)?;
        fs::copy(path, place)?;
    }
    let (_, minor, _) = python.version;
    copy_folder(&library.join(format!("python3.{minor}")), &root.join(format!("usr/lib/python3.{minor}")))?;
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("targets"), &root.join("app"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir().with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if kind.is_dir() && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            copy_folder(&entry.path(), &to.join(&name))?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

/// A Docker engine that is there for one test, without a network. Its files are gone when it is dropped.
pub struct DockerEngine {
    daemon: Child,
    folder: TempDir,
}

impl DockerEngine {
    /// Starts it and waits until it takes orders.
    ///
    /// # Errors
    /// This machine has no engine, or does not let it run.
    pub fn start() -> Result<Self> {
        ensure!(rustix::process::geteuid().is_root(), "only root can start a Docker engine");
        Command::new("docker").arg("--version").output().context("no docker")?;
        let folder = tempfile::tempdir()?;
        let mut command = Command::new("dockerd");
        for (option, name) in [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")] {
            command.arg(option).arg(folder.path().join(name));
        }
        command.arg("--host").arg(address(folder.path())).args(["--iptables=false", "--bridge=none"]);
        let mut daemon = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().context("no dockerd")?;
        let mut said = BufReader::new(daemon.stderr.take().context("no output")?).lines();
        let mut last = String::new();
        loop {
            match said.next() {
                Some(line) => last = line?,
                None => bail!("dockerd ended: {}: {last}", daemon.wait()?),
            }
            if last.contains("API listen on") {
                break;
            }
        }
        // It must not be kept waiting for a reader.
        std::thread::spawn(move || said.for_each(drop));
        Ok(Self { daemon, folder })
    }

    /// A command of the Docker client.
    pub fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_HOST", self.address()).env("DOCKER_BUILDKIT", "0");
        command
    }

    /// Where it takes orders, as `DOCKER_HOST`.
    pub fn address(&self) -> String {
        address(self.folder.path())
    }

    /// Runs a command of the client to success; returns what it wrote.
    ///
    /// # Errors
    /// It failed.
    pub fn succeed(&self, arguments: &[&str]) -> Result<String> {
        let Output { status, stdout, stderr } = self.docker(arguments).output()?;
        ensure!(status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&stderr));
        Ok(String::from_utf8(stdout)?.trim().to_owned())
    }

    /// Makes an image of a root file system.
    ///
    /// # Errors
    /// It cannot be packed or imported.
    pub fn import(&self, root: &Path, name: &str) -> Result<()> {
        let archive: PathBuf = self.folder.path().join("root.tar");
        let status = Command::new("tar")
            .arg("-C")
            .arg(root)
            .arg("-cf")
            .arg(&archive)
            .arg(".")
            .status()
            .context("tar")?;
        ensure!(status.success(), "tar: {status}");
        self.succeed(&["import", &archive.to_string_lossy(), name])?;
        Ok(fs::remove_file(archive)?)
    }
}

fn address(folder: &Path) -> String {
    format!("unix://{}/socket", folder.display())
}

impl Drop for DockerEngine {
    fn drop(&mut self) {
        // It ends its containers and its containerd; nothing can be done about an error here.
        if let Some(pid) = i32::try_from(self.daemon.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.daemon.wait();
    }
}

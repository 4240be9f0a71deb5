//! The debuggers that pyheap lives in, driven in batch mode, and the program that needs none.

use crate::installation::{binary, project};
use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use wait_timeout::ChildExt;

/// A debugger that takes longer than this is a failure.
const PATIENCE: Duration = Duration::from_secs(180);

/// A debugger that tests may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debugger {
    /// GDB.
    Gdb,
    /// The distribution's LLDB.
    Lldb,
    /// LLDB 19, from a folder of its own.
    Lldb19,
    /// The program `pyheap-dump`, which is its own debugger.
    Program,
}

impl Debugger {
    /// All of them: for tests on one interpreter.
    pub fn all() -> Vec<Self> {
        vec![Self::Gdb, Self::Lldb, Self::Lldb19, Self::Program]
    }

    /// Those in which a person can have a session.
    pub fn with_sessions() -> Vec<Self> {
        vec![Self::Gdb, Self::Lldb, Self::Lldb19]
    }

    /// Those that tests run on with every interpreter.
    pub fn core() -> Vec<Self> {
        vec![Self::Gdb, Self::Lldb, Self::Program]
    }

    /// Whether it is an LLDB of any version.
    pub fn is_lldb(self) -> bool {
        matches!(self, Self::Lldb | Self::Lldb19)
    }

    /// Its executable; the error says why it cannot be used here.
    ///
    /// # Errors
    /// It is not installed.
    pub fn find(self) -> Result<PathBuf> {
        if self == Self::Program {
            return binary("pyheap-dump");
        }
        let name = self.to_string();
        if self == Self::Lldb19 {
            let unpacked = second_lldb().join("usr/lib/llvm-19/bin/lldb");
            if unpacked.is_file() {
                return Ok(unpacked);
            }
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join(&name))
            .find(|candidate| candidate.is_file())
            .with_context(|| format!("{name} is not installed"))
    }

    /// Whether continuous integration promises it.
    pub fn promised(self) -> bool {
        match self {
            Self::Gdb | Self::Lldb | Self::Program => true,
            Self::Lldb19 => false,
        }
    }

    /// Starts it on a process, with pyheap loaded, to run commands in the debugger's own language.
    ///
    /// # Errors
    /// It cannot be started, or the plugin is not built.
    pub fn start(self, pid: u32, commands: &[&str], folder: &Path) -> Result<Session> {
        self.start_with(self.command()?, &project().join(self.script()), pid, commands, folder)
    }

    /// The same with a debugger's command and a script that loads pyheap of the caller's choice.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_with(
        self,
        mut command: Command,
        script: &Path,
        pid: u32,
        commands: &[&str],
        folder: &Path,
    ) -> Result<Session> {
        if self == Self::Program {
            command.args(as_words(pid, commands));
        } else if self.is_lldb() {
            command.args(["--batch", "-p"]).arg(pid.to_string());
            command.arg("-o").arg(format!("command source -s true {}", script.display()));
            for line in commands {
                command.arg("-o").arg(line);
            }
        } else {
            command.arg("-batch").arg("-p").arg(pid.to_string()).arg("-x").arg(script);
            for line in commands {
                command.arg("-ex").arg(line);
            }
        }
        // To files: a debugger that writes more than a pipe holds must not wait for us.
        let output = log()?;
        let errors = log()?;
        let process = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(errors.try_clone()?)
            .spawn()?;
        Ok(Session { process, output, errors })
    }

    /// The bare debugger, without the user's own settings, that will find the plugin.
    ///
    /// # Errors
    /// It is not installed, or the plugin is not built.
    pub fn command(self) -> Result<Command> {
        let mut command = Command::new(self.find()?);
        if self == Self::Program {
            let program = command.get_program().to_owned();
            // A shell, so that one command after the other can be run; the last one, or the only one, is its process.
            command = Command::new("sh");
            command.args(["-ec", r#"while [ "$2" ]; do "$0" $1; shift; done; exec "$0" $1"#]).arg(program);
            return Ok(command);
        }
        let plugin = binary(if self.is_lldb() { "libpyheap_lldb.so" } else { "libpyheap_gdb.so" })?;
        command.env("PYHEAP_PLUGIN_DIR", plugin.parent().context("plugin without folder")?);
        match self {
            Self::Gdb => {
                command.args(["-nx", "-readnever"]);
                command.args(["-iex", "set debuginfod enabled off", "-iex", "set auto-load no"]);
            }
            Self::Lldb | Self::Lldb19 => {
                command.arg("--no-lldbinit");
            }
            Self::Program => {}
        }
        if self == Self::Lldb19 {
            let multiarch = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
            let libraries = ["usr/lib/llvm-19/lib", &multiarch].map(|folder| second_lldb().join(folder));
            command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?);
        }
        Ok(command)
    }

    /// Name of the project's script that loads pyheap into it.
    pub fn script(self) -> &'static str {
        if self.is_lldb() { "lldbinit" } else { "gdbinit" }
    }

    /// Runs commands to the end.
    ///
    /// # Errors
    /// It cannot be started or does not end.
    pub fn run(self, pid: u32, commands: &[&str], folder: &Path) -> Result<Transcript> {
        self.start(pid, commands, folder)?.wait()
    }

    /// Dumps the process into `folder/heap.cbor`, with options.
    ///
    /// # Errors
    /// The command failed.
    pub fn dump(self, pid: u32, options: &str, folder: &Path) -> Result<PathBuf> {
        let transcript = self.run(pid, &[&format!("pyheap-dump -o heap.cbor {options}")], folder)?;
        transcript.assert_success()?;
        let file = folder.join("heap.cbor");
        ensure!(file.is_file(), "no dump: {transcript:?}");
        Ok(file)
    }
}

impl fmt::Display for Debugger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gdb => f.write_str("gdb"),
            Self::Lldb => f.write_str("lldb"),
            Self::Lldb19 => f.write_str("lldb-19"),
            Self::Program => f.write_str("pyheap-dump"),
        }
    }
}

/// A debugger at work.
#[derive(Debug)]
pub struct Session {
    process: Child,
    output: File,
    errors: File,
}

impl Session {
    /// The debugger's process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// Its state cannot be read.
    pub fn ended(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_some())
    }

    /// What it wrote so far to standard output and standard error.
    ///
    /// # Errors
    /// The files that keep it cannot be read.
    pub fn output(&mut self) -> Result<String> {
        Ok(content(&self.output)? + &content(&self.errors)?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not end. It is left running then: killing it could take the target with it.
    pub fn wait(self) -> Result<Transcript> {
        self.wait_at_most(PATIENCE)
    }

    /// Waits for its end, but not longer than this.
    ///
    /// # Errors
    /// As for [`Session::wait`].
    pub fn wait_at_most(mut self, limit: Duration) -> Result<Transcript> {
        let status = self.process.wait_timeout(limit)?;
        let output = content(&self.output)?;
        let errors = content(&self.errors)?;
        match status {
            Some(status) => Ok(Transcript { status, output, errors }),
            None => bail!("the debugger does not end: {output}\n{errors}"),
        }
    }

    /// Kills the debugger outright, as an out-of-memory killer would.
    ///
    /// # Errors
    /// It is gone already.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

/// What a debugger wrote and how it ended.
#[derive(Debug)]
pub struct Transcript {
    /// Exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Transcript {
    /// Both streams.
    pub fn text(&self) -> String {
        format!("{}{}", self.output, self.errors)
    }

    /// Checks that the commands succeeded.
    ///
    /// # Errors
    /// They did not; with all that was written.
    pub fn assert_success(&self) -> Result<()> {
        ensure!(
            self.status.success(),
            "the debugger failed: {}\n{}\n{}",
            self.status,
            self.output,
            self.errors
        );
        Ok(())
    }

    /// Checks that the commands failed and said why.
    ///
    /// # Errors
    /// They succeeded, or said something else.
    pub fn assert_failure(&self, words: &[&str]) -> Result<()> {
        ensure!(!self.status.success(), "the debugger succeeded: {}\n{}", self.output, self.errors);
        self.assert_says(words)
    }

    /// Checks that all these words were written.
    ///
    /// # Errors
    /// One is missing.
    pub fn assert_says(&self, words: &[&str]) -> Result<()> {
        let text = self.text().to_lowercase();
        for word in words {
            ensure!(
                text.contains(&word.to_lowercase()),
                "{word:?} is not in:\n{}\n{}",
                self.output,
                self.errors
            );
        }
        Ok(())
    }
}

/// A session's commands as the program's arguments, one text for each.
fn as_words(pid: u32, commands: &[&str]) -> Vec<String> {
    let as_arguments = |line: &&str| {
        let (command, options) = line.split_once(' ').unwrap_or((line, ""));
        let table = if command == "pyheap-top" { "top " } else { "" };
        // This one names its process itself.
        let process = if options.contains("--repair") { String::new() } else { format!("-p {pid}") };
        format!("{table}{process} {options}")
    };
    commands.iter().map(as_arguments).collect()
}

/// Where `cargo xtask test` unpacks debuggers that cannot be installed beside others.
fn second_lldb() -> PathBuf {
    project().join("target/lldb-19")
}

/// A file to which several processes append.
fn log() -> Result<File> {
    let file = tempfile::tempfile()?;
    rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::APPEND)?;
    Ok(file)
}

/// Reads by position: the debugger writes at the offset that it shares with us.
fn content(file: &File) -> Result<String> {
    let mut bytes = vec![0; usize::try_from(file.metadata()?.len())?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

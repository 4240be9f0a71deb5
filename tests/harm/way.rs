//! The ways in which a dump is taken, and what can be attacked in each.

use anyhow::{Context, Result};
use pyheap_tests::{Debugger, binary, project};
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a dump is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// GDB in batch mode, with the README's command.
    Gdb,
    /// A person's GDB on a terminal, which keeps the process.
    GdbSession,
    /// GDB that does not attach: pyheap holds the process for the snapshot.
    GdbUnattached,
    /// LLDB in batch mode, attached.
    Lldb,
    /// LLDB that does not attach: pyheap holds the process for the snapshot.
    LldbUnattached,
    /// A person's LLDB on a terminal, which keeps the process.
    LldbSession,
    /// The program that needs no debugger.
    Program,
    /// No dump: GDB attaches and detaches, without pyheap. What is lost here is no dump's fault.
    GdbAlone,
    /// The same with LLDB.
    LldbAlone,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Gdb,
        Self::GdbUnattached,
        Self::GdbSession,
        Self::Lldb,
        Self::LldbUnattached,
        Self::LldbSession,
        Self::Program,
        Self::GdbAlone,
        Self::LldbAlone,
    ];

    /// Those in which nothing but pyheap's own work can be met by an attack, or GDB's attach, which harms nothing.
    pub const HARMLESS: [Self; 4] = [Self::Gdb, Self::GdbUnattached, Self::LldbUnattached, Self::Program];

    /// Whether a terminal belongs to it.
    pub fn has_terminal(self) -> bool {
        matches!(self, Self::GdbSession | Self::LldbSession)
    }

    /// Whether another process than the debugger traces the target.
    pub fn has_server(self) -> bool {
        matches!(self, Self::Lldb | Self::LldbSession | Self::LldbAlone)
    }

    /// Whether a dump comes of it.
    pub fn dumps(self) -> bool {
        !matches!(self, Self::GdbAlone | Self::LldbAlone)
    }

    /// Whether this machine has it; the error says what is missing.
    ///
    /// # Errors
    /// A debugger or a plugin is not there.
    pub fn available(self) -> Result<()> {
        self.words(1).map(drop)
    }

    /// Program and arguments that dump a process into `heap.cbor` of the current folder.
    fn words(self, pid: u32) -> Result<Vec<String>> {
        let dump = if self.has_terminal() {
            "pyheap-dump -o heap.cbor"
        } else {
            "pyheap-dump -o heap.cbor --detach"
        };
        let script = |debugger: Debugger| project().join(debugger.script()).to_string_lossy().into_owned();
        let pid = pid.to_string();
        let mut words: Vec<String> = Vec::new();
        let mut add = |more: &[&str]| words.extend(more.iter().map(|&word| word.to_owned()));
        match self {
            Self::Gdb | Self::GdbSession => {
                add(&[&Debugger::Gdb.find()?.to_string_lossy()]);
                if self == Self::Gdb {
                    add(&["-batch"]);
                }
                binary("libpyheap_gdb.so")?;
                add(&["-nx", "-readnever", "-iex", "set sysroot /var/empty", "-iex", "set pagination off"]);
                add(&["-iex", "set confirm off", "-ix", &script(Debugger::Gdb), "-p", &pid, "-ex", dump]);
            }
            Self::Lldb | Self::LldbSession => {
                binary("libpyheap_lldb.so")?;
                add(&[&Debugger::Lldb.find()?.to_string_lossy(), "--no-lldbinit"]);
                if self == Self::Lldb {
                    add(&["--batch"]);
                }
                add(&[
                    "-O",
                    &format!("command source -s true {}", script(Debugger::Lldb)),
                    "-p",
                    &pid,
                    "-o",
                    dump,
                ]);
            }
            Self::GdbUnattached => {
                add(&[&Debugger::Gdb.find()?.to_string_lossy(), "-batch", "-nx"]);
                add(&["-ix", &script(Debugger::Gdb), "-ex", &format!("pyheap-dump -p {pid} -o heap.cbor")]);
            }
            Self::LldbUnattached => {
                add(&[&Debugger::Lldb.find()?.to_string_lossy(), "--no-lldbinit", "--batch"]);
                add(&["-O", &format!("command source -s true {}", script(Debugger::Lldb))]);
                add(&["-o", &format!("pyheap-dump -p {pid} -o heap.cbor")]);
            }
            Self::GdbAlone => {
                add(&[&Debugger::Gdb.find()?.to_string_lossy(), "-batch", "-nx", "-readnever"]);
                add(&["-iex", "set sysroot /var/empty", "-p", &pid, "-ex", "detach"]);
            }
            Self::LldbAlone => {
                add(&[
                    &Debugger::Lldb.find()?.to_string_lossy(),
                    "--no-lldbinit",
                    "--batch",
                    "-p",
                    &pid,
                    "-o",
                    "detach",
                ]);
            }
            Self::Program => {
                add(&[&binary("pyheap-dump")?.to_string_lossy(), "-p", &pid, "-o", "heap.cbor"]);
            }
        }
        Ok(words)
    }

    /// The command, with strace over the process that traces the target. `strace` are its arguments; what is needed lies in `folder`.
    ///
    /// # Errors
    /// A part of it is missing here.
    pub fn command(self, pid: u32, strace: &[String], folder: &Path) -> Result<Command> {
        let mut words = self.words(pid)?;
        let mut command = Command::new(if self.has_terminal() { "setsid" } else { "env" });
        if self.has_terminal() {
            command.arg("--ctty");
        }
        if self.has_server() {
            command.env("LLDB_DEBUGSERVER_PATH", server(strace, folder)?);
        } else {
            words.splice(0..0, std::iter::once("strace".to_owned()).chain(strace.iter().cloned()));
        }
        if let Some(plugins) = binary("libpyheap_gdb.so")?.parent() {
            command.env("PYHEAP_PLUGIN_DIR", plugins);
        }
        command.args(words).current_dir(folder).env("TERM", "dumb");
        Ok(command)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gdb => "GDB",
            Self::GdbSession => "GDB, on a terminal",
            Self::GdbUnattached => "GDB, not attached",
            Self::LldbUnattached => "LLDB, not attached",
            Self::Lldb => "LLDB",
            Self::LldbSession => "LLDB, on a terminal",
            Self::Program => "pyheap-dump",
            Self::GdbAlone => "GDB without pyheap",
            Self::LldbAlone => "LLDB without pyheap",
        })
    }
}

/// File in which the stand-in for LLDB's server leaves its process id.
pub const SERVER_PID: &str = "server.pid";

/// A stand-in for LLDB's server that runs the real one under strace.
fn server(strace: &[String], folder: &Path) -> Result<PathBuf> {
    let debugger = fs::canonicalize(Debugger::Lldb.find()?)?;
    let real = debugger.with_file_name("lldb-server");
    let words: Vec<_> = strace.iter().map(|word| format!("'{word}'")).collect();
    let path = folder.join("server.sh");
    let pid = folder.join(SERVER_PID);
    let script = format!(
        "#!/bin/sh\necho $$ > '{}'\nexec strace {} '{}' \"$@\"\n",
        pid.display(),
        words.join(" "),
        real.display()
    );
    fs::write(&path, script).context("stand-in for the server")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

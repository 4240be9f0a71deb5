//! A debugger that does the work, in batch mode, with the options that keep the process from running for the shortest time.

use crate::error::ProgramError;
use crate::options::DebuggerName;
use pyheap_session::DumpOptions;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;

impl DebuggerName {
    fn script(self) -> &'static str {
        match self {
            Self::Gdb => "gdbinit",
            Self::Lldb => "lldbinit",
        }
    }

    fn plugin(self) -> &'static str {
        match self {
            Self::Gdb => "libpyheap_gdb.so",
            Self::Lldb => "libpyheap_lldb.so",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Gdb => "gdb",
            Self::Lldb => "lldb",
        }
    }
}

/// The file that loads pyheap into a debugger: beside this program, in an installed `lib/pyheap`, or in the sources from which it was built.
pub fn init_file(debugger: DebuggerName) -> Result<PathBuf, ProgramError> {
    let name = debugger.script();
    let program = std::env::current_exe().map_err(ProgramError::Program)?;
    let here = program.parent().unwrap_or(Path::new("/"));
    let candidates = ["", "../lib/pyheap", "../.."].map(|folder| here.join(folder).join(name));
    let found = candidates.iter().find_map(|candidate| candidate.canonicalize().ok());
    found.ok_or_else(|| ProgramError::NoInitFile { name, folder: here.to_owned() })
}

/// Has a debugger dump a process. What it writes is the user's to read.
pub fn dump(
    debugger: DebuggerName,
    pid: u32,
    options: &DumpOptions,
    words: &[OsString],
) -> Result<(), ProgramError> {
    let script = init_file(debugger)?;
    let mut line = b"pyheap-dump --detach".to_vec();
    if options.snapshot.quiet {
        line.extend(b" --quiet");
    }
    let output = options.output.as_ref().map(|path| [b"--output=", path.as_os_str().as_bytes()].concat());
    for word in output.iter().map(Vec::as_slice).chain(words.iter().map(|word| word.as_bytes())) {
        line.push(b' ');
        line.extend(quoted(word));
    }
    let line = OsString::from_vec(line);
    let mut command = Command::new(debugger.program());
    if let Some(folder) = std::env::current_exe().ok().as_deref().and_then(Path::parent)
        && folder.join(debugger.plugin()).exists()
    {
        command.env("PYHEAP_PLUGIN_DIR", folder);
    }
    match debugger {
        DebuggerName::Gdb => command
            .args(["-batch", "-nx", "-readnever", "-iex", "set sysroot /var/empty", "-ix"])
            .arg(script)
            .args(["-p", &pid.to_string(), "-ex"])
            .arg(line),
        DebuggerName::Lldb => {
            let mut load = b"command source -s true ".to_vec();
            load.extend(quoted(script.as_os_str().as_bytes()));
            command
                .args(["--batch", "--no-lldbinit", "-O"])
                .arg(OsString::from_vec(load))
                .args(["-p", &pid.to_string(), "-o"])
                .arg(line)
        }
    };
    let name = debugger.program();
    let status = command.status().map_err(|source| ProgramError::NoDebugger { name, source })?;
    if status.success() { Ok(()) } else { Err(ProgramError::Debugger { name, status }) }
}

/// A word as both debuggers read it back: whatever could mean something else is escaped.
fn quoted(word: &[u8]) -> Vec<u8> {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-_=./,+:@%".contains(&byte) || !byte.is_ascii();
    word.iter().flat_map(|&byte| if is_plain(byte) { vec![byte] } else { vec![b'\\', byte] }).collect()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_escaped() {
        assert_eq!(quoted(b"--output=a b'c.cbor"), b"--output=a\\ b\\'c.cbor");
        assert_eq!(quoted("é/x-1.zst".as_bytes()), "é/x-1.zst".as_bytes());
    }
}

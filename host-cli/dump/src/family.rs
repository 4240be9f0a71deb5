//! Several processes at once: one program for each, so that their snapshots are as close together as the machine allows.
//!
//! The kernel lets each process be traced by one thread only, and signals are held back for a whole program while a process is not itself:
//! separate programs do not get into each other's way.

use crate::error::ProgramError;
use crate::interrupt::Interrupts;
use crate::report::Reporter;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often a signal to this program is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// Dumps each process into a file of its own in `folder`, which is made unless it exists. `words`: the options of each dump.
pub fn dump(
    pids: &[u32],
    folder: &Path,
    words: &[OsString],
    reporter: &mut Reporter,
    interrupts: &Interrupts,
) -> Result<(), ProgramError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !folder.is_dir() => {
            return Err(ProgramError::Folder { path: folder.to_owned(), source: error });
        }
        _ => {}
    }
    let begun: Vec<_> = pids.iter().map(|&pid| (pid, begin(pid, folder, words))).collect();
    for (pid, child) in begun {
        let output = child.and_then(|child| {
            wait(&child, interrupts);
            child.wait_with_output()
        });
        match output {
            Ok(output) => {
                let line = String::from_utf8_lossy(&output.stdout);
                reporter.told(line.trim(), output.status);
            }
            Err(error) => reporter.failed(pid, &ProgramError::Program(error)),
        }
    }
    Ok(())
}

fn begin(pid: u32, folder: &Path, words: &[OsString]) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["--json", "--quiet", "-p"])
        .arg(pid.to_string())
        .arg("-o")
        .arg(folder.join(pyheap_session::default_name(pid)))
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
}

/// Waits for the end of its output, and passes on what asks this program to end.
fn wait(child: &Child, interrupts: &Interrupts) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let mut passed_on = false;
    // What it writes is one line, which fits into the pipe.
    while let Some(id) = id.filter(|_| !ended(child.id())) {
        if !passed_on && interrupts.arrived().is_some() {
            passed_on = true;
            // It may have ended in this moment.
            let _ = kill_process(id, Signal::TERM);
        }
        std::thread::sleep(LOOK);
    }
}

fn ended(pid: u32) -> bool {
    pyheap_process::namespace::state_and_parent(pid).is_none_or(|(state, _)| state == 'Z')
}

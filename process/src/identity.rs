//! Whether a process still runs the program that was looked at.

use procfs::process::Process;
use std::fs;

/// Tells a program that a process runs from any other, the same one begun anew included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// When the process started, by which another process of the same id is told apart.
    started: u64,
    /// What the kernel handed to the program, such as the addresses of its parts, which it draws by lot each time.
    auxiliary_vector: Vec<u8>,
}

impl Identity {
    /// That of the program that process `pid` runs now; nothing if it has ended or cannot be read.
    pub fn read(pid: u32) -> Option<Self> {
        Some(Self {
            started: Process::new(pid as i32).ok()?.stat().ok()?.starttime,
            auxiliary_vector: fs::read(format!("/proc/{pid}/auxv")).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    #[test]
    fn the_same_program_begun_anew_is_another() {
        let mut shell = Command::new("sh")
            .args(["-c", "echo; read line; exec sh -c 'echo; read line'"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh");
        let line = |shell: &mut std::process::Child| {
            shell.stdout.as_mut().expect("a pipe").read_exact(&mut [0]).expect("a line");
        };
        line(&mut shell);
        let before = Identity::read(shell.id()).expect("an identity");
        assert_eq!(Identity::read(shell.id()).as_ref(), Some(&before));
        shell.stdin.as_mut().expect("a pipe").write_all(b"go\n").expect("written");
        line(&mut shell);
        assert_ne!(Identity::read(shell.id()).expect("an identity"), before);
        drop(shell.stdin.take());
        shell.wait().expect("waited for");
    }
}

//! Which processes are meant.

use crate::container;
use crate::options::Targets;
use pyheap_format::text::printable;
use pyheap_process::{Facts, Interpreter, namespace};
use std::fs;

/// A number that is not the id of a process.
#[derive(Debug, thiserror::Error)]
pub enum NoTarget {
    /// Nothing has this id.
    #[error("process {pid} does not exist{elsewhere}")]
    Nothing {
        /// The number.
        pid: u32,
        /// Processes that go by it in another namespace: a clause.
        elsewhere: String,
    },
    /// It is the id of a thread.
    #[error("{thread} is a thread of process {process} ({command}): dump that one with -p {process}")]
    Thread {
        /// The number.
        thread: u32,
        /// The process to which it belongs.
        process: u32,
        /// Its command line.
        command: String,
    },
    /// Nobody knows of a container of this name.
    #[error(
        "no process runs in a container {name:?}: its id or the beginning of it, its name or its host name is needed (see --list)"
    )]
    NoContainer {
        /// What was given.
        name: String,
    },
    /// The container runs no Python, or nothing that can be seen.
    #[error("no Python process was found in container {name}")]
    NoPython {
        /// What was given.
        name: String,
    },
    /// The container runs several, of which none is above all others.
    #[error("container {name} runs several Python processes; choose with -p:{list}")]
    Several {
        /// What was given.
        name: String,
        /// One line for each.
        list: String,
    },
    /// The Docker engine does not know it.
    #[error("docker inspect {name} failed: {reason}")]
    Docker {
        /// What was given.
        name: String,
        /// What the client says.
        reason: String,
    },
}

/// The processes that the user means.
pub fn resolve(targets: &Targets) -> Result<Vec<u32>, NoTarget> {
    if let Some(name) = &targets.docker_container {
        return Ok(vec![container::of_docker(name)?]);
    }
    if let Some(name) = &targets.container {
        return Ok(vec![container::find(name)?]);
    }
    targets.pids.iter().map(|&pid| checked(pid)).collect()
}

/// A process and the Python processes among its descendants.
pub fn family(pid: u32) -> Vec<u32> {
    let descendants = namespace::descendants(pid).into_iter().filter(|&pid| Interpreter::is_likely(pid));
    std::iter::once(pid).chain(descendants).collect()
}

/// All processes that can be seen, by their ids.
pub fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// Checks that a process of this id exists; tells what else the user may have meant.
pub fn checked(pid: u32) -> Result<u32, NoTarget> {
    match namespace::process_of(pid) {
        Some(process) if process == pid => Ok(pid),
        Some(process) => Err(NoTarget::Thread { thread: pid, process, command: command_line(process) }),
        None => {
            let candidates = namespace::known_as(pid);
            let names = candidates.iter().map(|&seen| {
                let place = match Facts::read(seen).ok().and_then(|facts| facts.container) {
                    Some(id) => format!("container {:.12}", id),
                    None => "another PID namespace".to_owned(),
                };
                format!(", but in {place} {} has that id: here it is -p {seen}", command_line(seen))
            });
            Err(NoTarget::Nothing { pid, elsewhere: names.collect() })
        }
    }
}

/// Command line of a process, fit for a terminal.
pub fn command_line(pid: u32) -> String {
    let words = Facts::read(pid).map(|facts| facts.command_line).unwrap_or_default();
    printable(&words.join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{NoTarget, checked};
    use std::sync::mpsc::channel;

    #[test]
    fn threads_are_told_from_processes() {
        let pid = std::process::id();
        assert_eq!(checked(pid).expect("this process"), pid);
        let (sender, receiver) = channel();
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let id = std::fs::read_link("/proc/thread-self").expect("a link");
            let id = id.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            sender.send(id.expect("a number")).expect("sent");
            let _ = stopped.recv();
        });
        let id: u32 = receiver.recv().expect("an id");
        match checked(id) {
            Err(NoTarget::Thread { process, .. }) => assert_eq!(process, pid),
            other => panic!("{other:?}"),
        }
        drop(stop);
        thread.join().expect("joined");
        assert!(matches!(checked(u32::MAX >> 2), Err(NoTarget::Nothing { .. })));
    }
}

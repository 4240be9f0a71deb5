//! What identifies a process: start time, command line, container.

use crate::error::ProcessError;
use procfs::process::Process;
use std::fs;

/// What identifies a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Start of the process in clock ticks since boot.
    pub start_time: u64,
    /// The machine's boot id.
    pub boot_id: String,
    /// Command line.
    pub command_line: Vec<String>,
    /// Container id, from the cgroup path, where there is one.
    pub container: Option<String>,
}

impl Facts {
    /// Reads the facts of process `pid`; what cannot be read is left empty, except that the process must exist.
    pub fn read(pid: u32) -> Result<Self, ProcessError> {
        let fail = |error| ProcessError::from_proc(pid, format!("/proc/{pid}/stat"), error);
        let process = Process::new(pid as i32).map_err(fail)?;
        let stat = process.stat().map_err(fail)?;
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let container = process
            .cgroups()
            .ok()
            .and_then(|groups| groups.0.iter().find_map(|group| container_id(&group.pathname)));
        Ok(Self {
            start_time: stat.starttime,
            boot_id: boot_id.trim().to_owned(),
            command_line: process.cmdline().unwrap_or_default(),
            container,
        })
    }
}

/// The 64 hexadecimal digits that container engines put in the path, as a component of its own or as in `docker-….scope`.
fn container_id(path: &str) -> Option<String> {
    path.rsplit('/').find_map(|component| {
        let component = component.strip_suffix(".scope").unwrap_or(component);
        let id = component.rsplit(['-', ':']).next().unwrap_or(component);
        (id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::container_id;

    #[test]
    fn container_ids() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            format!("/docker/{id}"),
            format!("/system.slice/docker-{id}.scope"),
            format!("/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-{id}.scope"),
            format!("/kubepods/burstable/pod1234/{id}"),
            format!("/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:{id}"),
        ] {
            assert_eq!(container_id(&path), Some(id.clone()), "{path}");
        }
        assert_eq!(container_id("/user.slice/user-0.slice/session-1.scope"), None);
    }
}

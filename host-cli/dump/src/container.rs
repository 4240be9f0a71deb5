//! The Python process of a container.
//!
//! Docker, containerd, CRI-O and podman all name the control groups of a container after its id, so that no engine is needed to tell
//! whose a process is. Names are another matter: those of Docker are in its files, which lie where a container's mounts come from; host names
//! are in the container.

use crate::processes::{NoTarget, all, command_line};
use pyheap_process::{Facts, Interpreter, mounts, namespace};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Digits of an id that are enough to name it.
const LEAST_DIGITS: usize = 4;

/// The process of the container that goes by `name`.
pub fn find(name: &str) -> Result<u32, NoTarget> {
    let is_meant = |pid: u32| {
        let Some(id) = Facts::read(pid).ok().and_then(|facts| facts.container) else {
            return unit(pid).is_some_and(|unit| unit == name);
        };
        is_beginning(&id, name)
            || name_in_dockers_files(pid, &id).is_some_and(|of_docker| of_docker == name)
            || host_name(pid).is_some_and(|host| host == name)
    };
    let inside: Vec<u32> = all().into_iter().filter(|&pid| is_meant(pid)).collect();
    if inside.is_empty() {
        return Err(NoTarget::NoContainer { name: name.to_owned() });
    }
    choose(name, &inside)
}

/// The process of the container that the Docker engine knows as `name`.
pub fn of_docker(name: &str) -> Result<u32, NoTarget> {
    let failed = |reason: String| NoTarget::Docker { name: name.to_owned(), reason };
    let output = Command::new("docker")
        .args(["inspect", "--type=container", "--format={{.Id}}", "--", name])
        .output()
        .map_err(|error| failed(format!("{error} (is the docker client installed?)")))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let is_inside = |pid: u32| Facts::read(pid).is_ok_and(|facts| facts.container.as_deref() == Some(&id));
    let inside: Vec<u32> = all().into_iter().filter(|&pid| is_inside(pid)).collect();
    if inside.is_empty() {
        return Err(failed("the engine knows it, but it does not run here".to_owned()));
    }
    choose(name, &inside)
}

/// The one Python process that is above all others of a container, or the only one.
fn choose(name: &str, inside: &[u32]) -> Result<u32, NoTarget> {
    let pythons: Vec<u32> = inside.iter().copied().filter(|&pid| Interpreter::is_likely(pid)).collect();
    let is_below_another = |pid: u32| {
        let parents = std::iter::successors(Some(pid), |&pid| {
            Some(namespace::state_and_parent(pid)?.1).filter(|&pid| pid != 0)
        });
        parents.skip(1).any(|parent| pythons.contains(&parent))
    };
    let above: Vec<u32> = pythons.iter().copied().filter(|&pid| !is_below_another(pid)).collect();
    match above[..] {
        [one] => Ok(one),
        [] => Err(NoTarget::NoPython { name: name.to_owned() }),
        _ => {
            let lines = above.iter().map(|&pid| format!("\n  {pid}  {}", command_line(pid)));
            Err(NoTarget::Several { name: name.to_owned(), list: lines.collect() })
        }
    }
}

fn is_beginning(id: &str, name: &str) -> bool {
    name.len() >= LEAST_DIGITS && id.starts_with(&name.to_ascii_lowercase())
}

/// The name that Docker's own files give to the container of a process. Root may read them, be there an engine or not: they lie beside the
/// host name that Docker mounts into each container.
fn name_in_dockers_files(pid: u32, id: &str) -> Option<String> {
    let host_name = mounts::source(pid, Path::new("/etc/hostname"))?;
    name_beside(host_name.parent()?, id)
}

/// The name in the folder that Docker keeps of a container.
fn name_beside(folder: &Path, id: &str) -> Option<String> {
    if folder.file_name()? != id {
        return None;
    }
    let text = fs::read(folder.join("config.v2.json")).ok()?;
    let configuration: serde_json::Value = serde_json::from_slice(&text).ok()?;
    Some(configuration["Name"].as_str()?.strip_prefix('/')?.to_owned())
}

/// What the container calls itself: in Kubernetes the name of the pod.
fn host_name(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/root/etc/hostname")).ok()?.trim().to_owned())
}

/// The name of a container that has no id: those of systemd-nspawn and LXC are named in the path of their group.
fn unit(pid: u32) -> Option<String> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    groups.lines().find_map(|line| machine(line.rsplit(':').next()?))
}

fn machine(path: &str) -> Option<String> {
    path.split('/').find_map(|component| {
        let nspawn = component.strip_prefix("machine-").and_then(|name| name.strip_suffix(".scope"));
        let service =
            component.strip_prefix("systemd-nspawn@").and_then(|name| name.strip_suffix(".service"));
        let lxc = component.strip_prefix("lxc.payload.");
        Some(nspawn.or(service).or(lxc)?.replace("\\x2d", "-"))
    })
}

#[cfg(test)]
mod tests {
    use super::{is_beginning, machine, name_beside};

    #[test]
    fn ids_are_known_by_their_beginning() {
        let id = "0123456789abcdef".repeat(4);
        assert!(is_beginning(&id, "0123456789AB") && is_beginning(&id, &id));
        assert!(!is_beginning(&id, "012") && !is_beginning(&id, "123456"));
    }

    #[test]
    fn names_are_in_dockers_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let container = folder.path().join("aa");
        std::fs::create_dir(&container).expect("made");
        std::fs::write(container.join("config.v2.json"), r#"{"Name": "/web"}"#).expect("written");
        assert_eq!(name_beside(&container, "aa").as_deref(), Some("web"));
        // Whatever else may be mounted there.
        assert_eq!(name_beside(&container, "bb"), None);
    }

    #[test]
    fn machines_are_named_in_their_groups() {
        for (path, name) in [
            ("/machine.slice/machine-my\\x2dbox.scope/payload", Some("my-box")),
            ("/machine.slice/systemd-nspawn@box.service/payload", Some("box")),
            ("/lxc.payload.box/system.slice", Some("box")),
            ("/user.slice/user-0.slice/session-1.scope", None),
        ] {
            assert_eq!(machine(path).as_deref(), name, "{path}");
        }
    }
}

//! Why the kernel lets this process not examine another one, and what to run instead.
//!
//! The kernel answers every refusal with the same error. This follows `__ptrace_may_access` and the modules that have a say after it, so
//! that the user is told which of them it was.

use crate::namespace;
use procfs::process::{Process, Status};
use std::fmt;
use std::fs;

/// `CAP_SYS_PTRACE` in a set of capabilities.
const SYS_PTRACE: u64 = 1 << 19;

/// The machine's own user namespace: `PROC_USER_INIT_INO` of `include/linux/proc_ns.h`.
const FIRST_USER_NAMESPACE: &str = "user:[4026531837]";

/// What stands between this process and another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Another debugger.
    Traced {
        /// Its process id.
        tracer: u32,
        /// Its name.
        name: String,
    },
    /// It is another user's.
    OtherUser {
        /// The user's number.
        user: u32,
        /// Whether this process is root's all the same, but without the capability: in a container.
        root_without_capability: bool,
    },
    /// It belongs to a user namespace in which this process has no rights.
    UserNamespace,
    /// It must not be looked at by its own user: its executable is not readable, or it said so (`PR_SET_DUMPABLE`).
    NotDumpable,
    /// It has capabilities that this process has not.
    Capabilities,
    /// `kernel.yama.ptrace_scope`.
    Yama {
        /// 1: descendants only; 2: administrators only; 3: nobody.
        scope: u32,
    },
    /// A seccomp filter that this process runs under, or a security module such as AppArmor or SELinux.
    Policy,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const AS_ROOT: &str = "run it as root, with sudo for instance";
        const CAPABILITY: &str =
            "start the container with --cap-add=SYS_PTRACE (Kubernetes: kubectl debug --profile=general)";
        match self {
            Self::Traced { tracer, name } => {
                write!(f, "process {tracer} ({name}) debugs it, and a process can have one debugger only: detach that one first")
            }
            Self::OtherUser { user, root_without_capability: true } => {
                write!(f, "it belongs to user {user}, and root has no CAP_SYS_PTRACE here: {CAPABILITY}")
            }
            Self::OtherUser { user, root_without_capability: false } => {
                write!(f, "it belongs to user {user}: run this as that user or as root, with sudo for instance")
            }
            Self::UserNamespace => f.write_str(
                "it lives in a user namespace in which this process has no rights: run it outside of this container, as root of the machine",
            ),
            Self::NotDumpable => write!(
                f,
                "it may not be examined by its own user (not dumpable): {AS_ROOT}; in a container: {CAPABILITY}"
            ),
            Self::Capabilities => write!(f, "it has capabilities that this process lacks: {AS_ROOT}"),
            Self::Yama { scope: 1 } => write!(
                f,
                "kernel.yama.ptrace_scope is 1, which allows a parent only: {AS_ROOT}, or allow it with sysctl kernel.yama.ptrace_scope=0"
            ),
            Self::Yama { scope: 2 } => {
                write!(f, "kernel.yama.ptrace_scope is 2, which allows administrators only: {AS_ROOT}")
            }
            Self::Yama { scope } => write!(
                f,
                "kernel.yama.ptrace_scope is {scope}, which allows nobody until the machine is started anew"
            ),
            Self::Policy => f.write_str(
                "a seccomp filter or a security module (AppArmor, SELinux) forbids it: run it outside of this container, or start the \
                 container with --cap-add=SYS_PTRACE",
            ),
        }
    }
}

/// What stands between this process and process `pid`, as far as can be seen without trying.
pub fn obstacle(pid: u32) -> Option<Obstacle> {
    let target = Process::new(pid as i32).ok()?.status().ok()?;
    let this = Process::myself().ok()?.status().ok()?;
    let yama = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    let facts = Facts {
        namespaces: namespaces(pid),
        owner: owner(pid),
        yama: yama.ok().and_then(|scope| scope.trim().parse().ok()).unwrap_or(0),
        is_descendant: is_descendant(pid),
    };
    judge(&this, &target, &facts)
}

/// The same once the kernel has refused: the answer then is at least that somebody must have.
pub fn reason(pid: u32) -> Obstacle {
    obstacle(pid).unwrap_or(Obstacle::Policy)
}

/// How the user namespaces of two processes are related.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Namespaces {
    Same,
    /// This process's is the machine's own, and so above every other.
    Above,
    Foreign,
    /// The kernel does not tell, as it would whoever has rights over the other process.
    Unknown,
}

/// What the two status files do not say.
struct Facts {
    namespaces: Namespaces,
    /// To whom the kernel gives the files in `/proc/PID`: to root, if the process is not dumpable.
    owner: Option<u32>,
    yama: u32,
    is_descendant: bool,
}

fn judge(this: &Status, target: &Status, facts: &Facts) -> Option<Obstacle> {
    if target.tracerpid != 0 {
        let tracer = target.tracerpid as u32;
        let name = Process::new(target.tracerpid).and_then(|process| process.stat()).map(|stat| stat.comm);
        return Some(Obstacle::Traced { tracer, name: name.unwrap_or_default() });
    }
    let has_capability = this.capeff & SYS_PTRACE != 0;
    let is_capable = has_capability && matches!(facts.namespaces, Namespaces::Same | Namespaces::Above);
    if facts.yama >= 3 {
        return Some(Obstacle::Yama { scope: facts.yama });
    }
    if is_capable {
        return None;
    }
    if has_capability {
        return Some(Obstacle::UserNamespace);
    }
    let same_user = [target.ruid, target.euid, target.suid].iter().all(|&user| user == this.euid)
        && [target.rgid, target.egid, target.sgid].iter().all(|&group| group == this.egid);
    if !same_user {
        return Some(Obstacle::OtherUser { user: target.euid, root_without_capability: this.euid == 0 });
    }
    if facts.namespaces == Namespaces::Foreign {
        return Some(Obstacle::UserNamespace);
    }
    if facts.owner.is_some_and(|owner| owner != target.euid) {
        return Some(Obstacle::NotDumpable);
    }
    if target.capprm & !this.capprm != 0 {
        return Some(Obstacle::Capabilities);
    }
    match facts.yama {
        0 => None,
        1 if facts.is_descendant => None,
        scope => Some(Obstacle::Yama { scope }),
    }
}

fn namespaces(pid: u32) -> Namespaces {
    let namespace = |of: &str| fs::read_link(format!("/proc/{of}/ns/user")).ok();
    match (namespace("self"), namespace(&pid.to_string())) {
        (Some(this), _) if this.as_os_str() == FIRST_USER_NAMESPACE => Namespaces::Above,
        (Some(this), Some(target)) if this == target => Namespaces::Same,
        (Some(_), Some(_)) => Namespaces::Foreign,
        _ => Namespaces::Unknown,
    }
}

fn owner(pid: u32) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(fs::metadata(format!("/proc/{pid}/environ")).ok()?.uid())
}

fn is_descendant(pid: u32) -> bool {
    let this = std::process::id();
    let parents = std::iter::successors(Some(pid), |&pid| Some(namespace::state_and_parent(pid)?.1));
    parents.take_while(|&pid| pid != 0).any(|pid| pid == this)
}

#[cfg(test)]
mod tests {
    use super::{Facts, Namespaces, Obstacle, SYS_PTRACE, judge, obstacle};
    use procfs::process::{Process, Status};

    const USER: u32 = 1000;

    fn status(user: u32, capabilities: u64) -> Status {
        let mut status = Process::myself().expect("a process").status().expect("its status");
        (status.ruid, status.euid, status.suid, status.fuid) = (user, user, user, user);
        (status.rgid, status.egid, status.sgid, status.fgid) = (user, user, user, user);
        (status.capeff, status.capprm) = (capabilities, capabilities);
        status.tracerpid = 0;
        status
    }

    fn facts() -> Facts {
        Facts { namespaces: Namespaces::Same, owner: None, yama: 0, is_descendant: false }
    }

    #[track_caller]
    fn check(this: &Status, target: &Status, facts: &Facts, expected: Option<Obstacle>) {
        assert_eq!(judge(this, target, facts), expected);
    }

    #[test]
    fn a_child_of_ones_own_can_be_examined() {
        let mut cat =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().expect("cat");
        assert_eq!(obstacle(cat.id()), None);
        drop(cat.stdin.take());
        cat.wait().expect("waited for");
    }

    #[test]
    fn users() {
        let user = status(USER, 0);
        check(&user, &status(USER, 0), &facts(), None);
        let other = |root_without_capability| Some(Obstacle::OtherUser { user: 33, root_without_capability });
        check(&user, &status(33, 0), &facts(), other(false));
        check(&status(0, 0), &status(33, 0), &facts(), other(true));
        check(&status(0, SYS_PTRACE), &status(33, 0), &facts(), None);
        // A program with set-user-id.
        let mut target = status(USER, 0);
        target.suid = 0;
        check(
            &user,
            &target,
            &facts(),
            Some(Obstacle::OtherUser { user: USER, root_without_capability: false }),
        );
    }

    #[test]
    fn what_its_own_user_may_not() {
        let (user, target) = (status(USER, 0), status(USER, 0));
        check(&user, &target, &Facts { owner: Some(0), ..facts() }, Some(Obstacle::NotDumpable));
        check(&user, &target, &Facts { owner: Some(USER), ..facts() }, None);
        check(&user, &status(USER, 1 << 10), &facts(), Some(Obstacle::Capabilities));
        check(&status(0, SYS_PTRACE), &target, &Facts { owner: Some(0), ..facts() }, None);
    }

    #[test]
    fn yama() {
        let (user, root, target) = (status(USER, 0), status(0, SYS_PTRACE), status(USER, 0));
        for scope in 1..=3 {
            let facts = Facts { yama: scope, ..facts() };
            check(&user, &target, &facts, Some(Obstacle::Yama { scope }));
            check(&root, &target, &facts, (scope == 3).then_some(Obstacle::Yama { scope }));
        }
        check(&user, &target, &Facts { yama: 1, is_descendant: true, ..facts() }, None);
        for (scope, words) in [(1, "sysctl"), (2, "root"), (3, "nobody")] {
            assert!(Obstacle::Yama { scope }.to_string().contains(words));
        }
    }

    #[test]
    fn namespaces() {
        let root = status(0, SYS_PTRACE);
        for (namespaces, expected) in [
            (Namespaces::Above, None),
            (Namespaces::Same, None),
            (Namespaces::Unknown, Some(Obstacle::UserNamespace)),
            (Namespaces::Foreign, Some(Obstacle::UserNamespace)),
        ] {
            check(&root, &status(USER, 0), &Facts { namespaces, ..facts() }, expected);
        }
    }
}

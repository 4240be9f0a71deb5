//! Limits that a copy-on-write child must fit in.

use crate::usage::Resident;
use procfs::process::{LimitValue, Process};
use procfs::{Current, Meminfo};
use std::fs;
use std::path::{Path, PathBuf};

/// Memory limit and usage of the cgroup, or of that ancestor which leaves the least room; bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryCgroup {
    /// `memory.max` or `memory.limit_in_bytes`.
    pub limit: u64,
    /// `memory.current` or `memory.usage_in_bytes`.
    pub usage: u64,
    /// Part of the usage that the kernel can drop: inactive file pages.
    pub reclaimable: u64,
    /// `memory.oom.group`: running out kills every process of the group.
    pub kills_all: bool,
    directory: PathBuf,
    version: Version,
}

impl MemoryCgroup {
    /// The memory cgroup of process `pid`, if it or an ancestor of it has a limit.
    pub fn read(pid: u32) -> Option<Self> {
        let process = Process::new(pid as i32).ok()?;
        let groups = process.cgroups().ok()?;
        let v1 = groups.0.iter().find(|group| group.controllers.iter().any(|name| name == "memory"));
        let (path, version) = match v1 {
            Some(group) => (&group.pathname, Version::One),
            None => (&groups.0.iter().find(|group| group.hierarchy == 0)?.pathname, Version::Two),
        };
        let mount = mount_point(version)?;
        let in_our_view = !path.starts_with("/..");
        // A container's own cgroup namespace, seen from a sibling: only the container's mount shows it.
        let (mount, path) = if in_our_view {
            (mount, path.trim_start_matches('/'))
        } else {
            (PathBuf::from(format!("/proc/{pid}/root{}", mount.display())), "")
        };
        let directory = mount.join(path);
        directory
            .ancestors()
            .take_while(|ancestor| ancestor.starts_with(&mount))
            .filter_map(|ancestor| Self::read_directory(ancestor, version))
            .min_by_key(Self::room)
    }

    /// The same group as it is now.
    pub fn read_again(&self) -> Option<Self> {
        Self::read_directory(&self.directory, self.version)
    }

    /// How much is used at the moment; bytes. A look at one short file.
    pub fn usage_now(&self) -> Option<u64> {
        let (_, usage) = self.version.files();
        number_in(&self.directory.join(usage))
    }

    /// How many processes the kernel has killed for want of memory in the group so far. Version 1 counts in the group of each process only.
    pub fn kills(&self) -> Option<u64> {
        let file = match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        counter(&self.directory.join(file), "oom_kill ")
    }

    /// Bytes that may still be allocated before the limit is reached, the page cache dropped.
    pub fn room(&self) -> u64 {
        self.limit.saturating_sub(self.usage.saturating_sub(self.reclaimable))
    }

    fn read_directory(directory: &Path, version: Version) -> Option<Self> {
        let number = |name: &str| number_in(&directory.join(name));
        let (limit, usage) = version.files();
        let limit = number(limit)?;
        // Version 1 says "no limit" with a number near 2^63.
        if limit >= 1 << 62 {
            return None;
        }
        let reclaimable = ["total_inactive_file ", "inactive_file "]
            .iter()
            .find_map(|key| counter(&directory.join("memory.stat"), key))
            .unwrap_or(0);
        let kills_all = number("memory.oom.group") == Some(1);
        let directory = directory.to_owned();
        Some(Self { limit, usage: number(usage)?, reclaimable, kills_all, directory, version })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// Names of the files that tell limit and usage.
    fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::One => ("memory.limit_in_bytes", "memory.usage_in_bytes"),
            Self::Two => ("memory.max", "memory.current"),
        }
    }
}

fn number_in(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The number behind `key` on a line of a file.
fn counter(file: &Path, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}

/// How many processes of the whole machine the kernel has killed for want of memory so far.
pub fn machine_kills() -> Option<u64> {
    counter(Path::new("/proc/vmstat"), "oom_kill ")
}

fn mount_point(version: Version) -> Option<PathBuf> {
    let mounts = Process::myself().ok()?.mountinfo().ok()?;
    mounts.into_iter().find_map(|mount| {
        let fits = match version {
            Version::One => mount.fs_type == "cgroup" && mount.super_options.contains_key("memory"),
            Version::Two => mount.fs_type == "cgroup2",
        };
        fits.then_some(mount.mount_point)
    })
}

/// What a walk may cost, in a copy-on-write child or in place, and what there is room for; bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryBudget {
    /// What the child and the copies of pages that the process writes to meanwhile are expected to take at most.
    pub need: u64,
    /// What the walker's own tables are expected to take at most: all that a walk in place costs.
    pub tables: u64,
    /// The memory cgroup, where it is limited.
    pub cgroup: Option<MemoryCgroup>,
    /// Memory that the machine has left.
    pub available: u64,
    /// Address space left, and the limit (`RLIMIT_AS`), where there is one.
    pub address_space: Option<(u64, u64)>,
    /// Commit charge left, where the kernel keeps a strict account (`vm.overcommit_memory` is 2), and the charge of a fork.
    pub commit: Option<(u64, u64)>,
}

/// Bytes of anonymous memory per Python object, at least; rough, for estimates made before the walk.
const BYTES_PER_OBJECT: u64 = 80;

/// The walker's own memory per object, bytes.
const WALKER_BYTES_PER_OBJECT: u64 = 40;

/// What must stay free of a group whose processes all go when it runs out (`memory.oom.group`), bytes.
const GROUP_MARGIN: u64 = 64 << 20;

/// Without so much room no fork is tried, bytes: what two threads write in the time that it takes to end a child.
const LEAST_ROOM: u64 = 32 << 20;

/// The walker's buffers and stacks, bytes.
const WALKER_BUFFERS: u64 = 4 << 20;

impl MemoryBudget {
    /// Reads the limits that hold for a fork of process `pid`.
    pub fn read(pid: u32, resident: &Resident) -> Self {
        let tables = estimate_objects(resident) * WALKER_BYTES_PER_OBJECT + WALKER_BUFFERS;
        let page_tables = resident.rss / 512;
        // Pages that the process writes to while the child lives exist twice. Reference counts alone touched about half of a heap that
        // Python code read once, and a walk ends sooner than that.
        let copies = resident.anonymous / 4;
        let meminfo = Meminfo::current().ok();
        let available = meminfo.as_ref().and_then(|info| info.mem_available).unwrap_or(u64::MAX);
        let strict =
            fs::read_to_string("/proc/sys/vm/overcommit_memory").is_ok_and(|mode| mode.trim() == "2");
        let commit = meminfo.filter(|_| strict).and_then(|info| {
            let charge = private_writable(pid)?;
            Some((info.commit_limit?.saturating_sub(info.committed_as), charge))
        });
        Self {
            need: tables + page_tables + copies,
            tables,
            cgroup: MemoryCgroup::read(pid),
            available,
            address_space: address_space(pid),
            commit,
        }
    }

    /// Why a fork must not be tried, with the figures, or `None` if it fits.
    pub fn refusal(&self) -> Option<String> {
        if let Some(reason) = self.shortage("snapshot", self.need) {
            return Some(reason);
        }
        let (left, charge) = self.commit.filter(|(left, charge)| charge > left)?;
        Some(format!(
            "vm.overcommit_memory is 2: a fork is charged {}, but only {} are left to commit",
            mib(charge),
            mib(left)
        ))
    }

    /// Why no fork must be tried, however much somebody wants it: a process that writes as fast as it can would be out of memory before the
    /// child could be ended and its memory were free again.
    pub fn refusal_of_any(&self) -> Option<String> {
        let cgroup = self.cgroup.as_ref()?;
        let least = if cgroup.kills_all { GROUP_MARGIN } else { LEAST_ROOM };
        (cgroup.room() < least).then(|| {
            format!(
                "the memory cgroup has room for {} only, of which a snapshot would leave too little to be ended in time (limit {}, used {})",
                mib(cgroup.room()),
                mib(cgroup.limit),
                mib(cgroup.usage)
            )
        })
    }

    /// Why a walk in place must not be tried: its tables are charged to the process itself.
    pub fn refusal_in_place(&self) -> Option<String> {
        self.shortage("walk", self.tables)
    }

    fn shortage(&self, what: &str, bytes: u64) -> Option<String> {
        let need = mib(bytes);
        // Where all processes of the group would go, nothing is left to chance.
        let margin = |cgroup: &MemoryCgroup| if cgroup.kills_all { GROUP_MARGIN } else { 0 };
        if let Some(cgroup) = self.cgroup.as_ref().filter(|cgroup| bytes + margin(cgroup) > cgroup.room()) {
            let consequence = if cgroup.kills_all { "every process of the container" } else { "the process" };
            return Some(format!(
                "the {what} may take {need}{}, but the memory cgroup has room for {} only (limit {}, used {}, of which {} can be \
                 dropped); running out would kill {consequence}",
                if cgroup.kills_all {
                    format!(" and {} must stay free", mib(GROUP_MARGIN))
                } else {
                    String::new()
                },
                mib(cgroup.room()),
                mib(cgroup.limit),
                mib(cgroup.usage),
                mib(cgroup.reclaimable),
            ));
        }
        if let Some((left, limit)) = self.address_space.filter(|&(left, _)| self.tables > left) {
            return Some(format!(
                "the {what} may take {} of address space, but its limit (RLIMIT_AS, {}) leaves {}",
                mib(self.tables),
                mib(limit),
                mib(left)
            ));
        }
        if bytes > self.available {
            return Some(format!(
                "the {what} may take {need}, but the machine has {} left",
                mib(self.available)
            ));
        }
        None
    }
}

/// How many Python objects a process of this size holds at most; rough.
pub fn estimate_objects(resident: &Resident) -> u64 {
    (resident.anonymous + resident.swap) / BYTES_PER_OBJECT
}

/// Size of the private writable mappings: what the kernel charges for a fork.
fn private_writable(pid: u32) -> Option<u64> {
    use procfs::process::MMPermissions as Permissions;
    let maps = Process::new(pid as i32).ok()?.maps().ok()?;
    let charged = Permissions::WRITE | Permissions::PRIVATE;
    Some(
        maps.into_iter()
            .filter(|map| map.perms.contains(charged))
            .map(|map| map.address.1 - map.address.0)
            .sum(),
    )
}

/// What is left of the address space of process `pid`, and its limit.
fn address_space(pid: u32) -> Option<(u64, u64)> {
    let process = Process::new(pid as i32).ok()?;
    let LimitValue::Value(limit) = process.limits().ok()?.max_address_space.soft_limit else { return None };
    let used = process.status().ok()?.vmsize? * 1024;
    Some((limit.saturating_sub(used), limit))
}

fn mib(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::{MemoryBudget, MemoryCgroup, Version};
    use std::path::PathBuf;

    const MIB: u64 = 1 << 20;

    fn budget(need: u64, limit: u64, usage: u64, reclaimable: u64) -> MemoryBudget {
        let (directory, version) = (PathBuf::new(), Version::Two);
        let cgroup = Some(MemoryCgroup { limit, usage, reclaimable, kills_all: false, directory, version });
        let available = u64::MAX;
        MemoryBudget { need, tables: need / 2, cgroup, available, address_space: None, commit: None }
    }

    #[test]
    fn a_fork_must_fit_in_the_cgroup() {
        assert_eq!(budget(100 * MIB, 512 * MIB, 400 * MIB, 0).refusal(), None);
        assert_eq!(budget(100 * MIB, 512 * MIB, 500 * MIB, 100 * MIB).refusal(), None);
        let refusal = budget(100 * MIB, 512 * MIB, 500 * MIB, 0).refusal().expect("refused");
        for figure in ["100 MiB", "12 MiB", "512 MiB", "500 MiB", "the process"] {
            assert!(refusal.contains(figure), "{figure} in {refusal}");
        }
        // The tables alone are half of that.
        assert!(budget(100 * MIB, 512 * MIB, 500 * MIB, 0).refusal_in_place().is_some());
        assert_eq!(budget(100 * MIB, 512 * MIB, 450 * MIB, 0).refusal_in_place(), None);
    }

    #[test]
    fn a_group_that_goes_as_a_whole_keeps_a_margin() {
        let mut budget = budget(100 * MIB, 512 * MIB, 400 * MIB, 0);
        assert_eq!(budget.refusal(), None);
        budget.cgroup.as_mut().expect("a group").kills_all = true;
        assert_eq!(budget.refusal_of_any(), None);
        let refusal = budget.refusal().expect("refused");
        for figure in ["64 MiB must stay free", "every process"] {
            assert!(refusal.contains(figure), "{figure} in {refusal}");
        }
    }

    #[test]
    fn too_little_room_is_refused_to_everybody() {
        assert_eq!(budget(0, 512 * MIB, 480 * MIB, 0).refusal_of_any(), None);
        let mut budget = budget(0, 512 * MIB, 481 * MIB, 0);
        assert!(budget.refusal_of_any().is_some_and(|refusal| refusal.contains("room for 31 MiB only")));
        budget.cgroup = None;
        assert_eq!(budget.refusal_of_any(), None);
    }

    #[test]
    fn the_walkers_tables_must_fit_in_the_address_space() {
        let mut budget = budget(100 * MIB, 512 * MIB, 0, 0);
        for (left, fits) in [(49, false), (51, true)] {
            budget.address_space = Some((left * MIB, 1024 * MIB));
            assert_eq!((budget.refusal().is_none(), budget.refusal_in_place().is_none()), (fits, fits));
        }
        budget.address_space = Some((0, 1024 * MIB));
        assert!(budget.refusal().is_some_and(|refusal| refusal.contains("RLIMIT_AS, 1024 MiB")));
    }

    #[test]
    fn limits_of_the_address_space_are_those_of_the_process() {
        use std::io::Read;
        let mut limited = std::process::Command::new("sh")
            .args(["-c", "ulimit -v 1000000; echo x; exec cat"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("sh");
        limited.stdout.as_mut().expect("a pipe").read_exact(&mut [0; 2]).expect("a line");
        let (left, limit) = super::address_space(limited.id()).expect("a limit");
        assert!(limit == 1000 * 1000 * 1024 && left < limit && left > limit / 2, "{left} of {limit}");
        drop(limited.stdin.take());
        limited.wait().expect("waited for");
    }
}

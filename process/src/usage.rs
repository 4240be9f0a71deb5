//! The memory of a process as the kernel accounts for it.

use crate::error::ProcessError;
use procfs::process::{MMPermissions, MMapPath, MemoryMap, Process, VmFlags};
use std::collections::BTreeMap;

/// What the kernel knows at once, whatever the size of the process; bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resident {
    /// Resident set size.
    pub rss: u64,
    /// Resident anonymous pages.
    pub anonymous: u64,
    /// Resident pages of files and shared memory.
    pub mapped_files: u64,
    /// Swapped out.
    pub swap: u64,
}

impl Resident {
    /// Reads `/proc/PID/status`.
    pub fn read(pid: u32) -> Result<Self, ProcessError> {
        let status = Process::new(pid as i32)
            .and_then(|process| process.status())
            .map_err(|error| ProcessError::from_proc(pid, format!("/proc/{pid}/status"), error))?;
        let bytes = |kib: Option<u64>| kib.unwrap_or(0) * 1024;
        Ok(Self {
            rss: bytes(status.vmrss),
            anonymous: bytes(status.rssanon),
            mapped_files: bytes(status.rssfile) + bytes(status.rssshmem),
            swap: bytes(status.vmswap),
        })
    }
}

/// Bytes of private writable memory that a fork does not carry (`MADV_DONTFORK`) or clears (`MADV_WIPEONFORK`). Reads `/proc/PID/smaps`.
pub fn kept_from_forks(pid: u32) -> Option<u64> {
    let ours = MMPermissions::PRIVATE | MMPermissions::WRITE;
    let maps = Process::new(pid as i32).ok()?.smaps().ok()?;
    let kept = maps.into_iter().filter(|map| {
        map.perms.contains(ours) && map.extension.vm_flags.intersects(VmFlags::DC | VmFlags::WF)
    });
    Some(kept.map(|map| map.address.1 - map.address.0).sum())
}

/// Kinds of mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MappingKind {
    /// The `brk` heap.
    Heap,
    /// The main thread's stack.
    Stack,
    /// Private memory without a file: the allocators' arenas, other threads' stacks.
    Anonymous,
    /// A file, mapped privately.
    File,
    /// Shared with other processes, with or without a file.
    Shared,
    /// The kernel's own.
    Special,
}

impl MappingKind {
    /// The name used in dumps.
    pub fn name(self) -> &'static str {
        match self {
            Self::Heap => "heap",
            Self::Stack => "stack",
            Self::Anonymous => "anonymous",
            Self::File => "file",
            Self::Shared => "shared",
            Self::Special => "special",
        }
    }

    fn of(map: &MemoryMap) -> Self {
        match &map.pathname {
            MMapPath::Heap => Self::Heap,
            MMapPath::Stack => Self::Stack,
            MMapPath::Vdso | MMapPath::Vvar | MMapPath::Vsyscall => Self::Special,
            MMapPath::Other(name) if name.starts_with("[vv") => Self::Special,
            _ if map.perms.contains(MMPermissions::SHARED) => Self::Shared,
            MMapPath::Path(_) => Self::File,
            _ => Self::Anonymous,
        }
    }
}

/// Mappings of one kind, summed; bytes except the count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MappingSum {
    /// Number of mappings.
    pub count: u64,
    /// Address space.
    pub size: u64,
    /// Resident.
    pub rss: u64,
    /// Proportional share.
    pub pss: u64,
    /// Swapped out.
    pub swap: u64,
}

/// What takes a walk of the page tables to know; bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Proportional set size.
    pub pss: u64,
    /// Resident and private to the process.
    pub private: u64,
    /// All mappings, by kind.
    pub mappings: BTreeMap<MappingKind, MappingSum>,
}

impl Usage {
    /// Reads `/proc/PID/smaps`. Takes tens of milliseconds per gigabyte: not for the time in which the process stands still. While a
    /// copy-on-write child lives, its pages count as shared.
    pub fn read(pid: u32) -> Result<Self, ProcessError> {
        let maps = Process::new(pid as i32)
            .and_then(|process| process.smaps())
            .map_err(|error| ProcessError::from_proc(pid, format!("/proc/{pid}/smaps"), error))?;
        let mut usage = Self::default();
        for map in maps {
            let value = |key: &str| map.extension.map.get(key).copied().unwrap_or(0);
            let sum = usage.mappings.entry(MappingKind::of(&map)).or_default();
            sum.count += 1;
            sum.size += map.address.1 - map.address.0;
            sum.rss += value("Rss");
            sum.pss += value("Pss");
            sum.swap += value("Swap");
            usage.pss += value("Pss");
            usage.private += value("Private_Clean") + value("Private_Dirty");
        }
        Ok(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::{Resident, Usage};

    // Two independent accounts of the kernel must agree: per-process counters against a walk of the page tables.
    #[test]
    fn both_accounts_agree_on_this_process() {
        let pid = std::process::id();
        let resident = Resident::read(pid).expect("status");
        let usage = Usage::read(pid).expect("smaps");
        let rss: u64 = usage.mappings.values().map(|sum| sum.rss).sum();
        // Counters are batched per CPU: they may lag by some pages.
        assert!(rss.abs_diff(resident.rss) < 2 << 20, "{rss} against {}", resident.rss);
        assert!(usage.private <= rss && usage.pss <= rss);
    }
}

//! How much memory this process may still take.

use std::fs;

/// Bytes that are free or easily freed, on this machine and in this process's container; no bound where Linux does not tell.
pub(super) fn memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|info| in_meminfo(&info));
    machine.unwrap_or(u64::MAX).min(in_container().unwrap_or(u64::MAX))
}

fn in_meminfo(info: &str) -> Option<u64> {
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

/// The root of its namespace is the container's own group; on a machine itself that one has no limit.
fn in_container() -> Option<u64> {
    let read = |name| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    let number = |name| read(name)?.trim().parse::<u64>().ok();
    // Pages of files count as used, though the kernel drops them when it has to.
    let files = in_stat(&read("memory.stat")?);
    Some(number("memory.max")?.saturating_sub(number("memory.current")?.saturating_sub(files)))
}

fn in_stat(stat: &str) -> u64 {
    let value = |line: &str| match line.split_once(' ') {
        Some(("inactive_file" | "active_file", bytes)) => bytes.trim().parse::<u64>().ok(),
        _ => None,
    };
    stat.lines().filter_map(value).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_some_memory_and_not_all_of_it() {
        assert_eq!(
            in_meminfo("MemTotal: 9 kB\nMemFree:        1 kB\nMemAvailable:        5 kB\n"),
            Some(5120)
        );
        assert_eq!(in_meminfo("MemTotal: 9 kB\n"), None);
        assert_eq!(in_stat("anon 1\nfile 100\ninactive_file 20\nactive_file 30\n"), 50);
        assert!(memory() > 1 << 20);
    }
}

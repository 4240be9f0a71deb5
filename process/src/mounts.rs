//! Where the files come from that a container engine mounts into a container.

use procfs::process::{MountInfo, Process};
use std::path::{Path, PathBuf};

/// The file or folder that process `pid` sees mounted at `place`, by the path under which this process sees it. Nothing if none is mounted
/// there, or if its file system is out of this process's sight.
pub fn source(pid: u32, place: &Path) -> Option<PathBuf> {
    let of_target = Process::new(pid as i32).ok()?.mountinfo().ok()?;
    let ours = Process::myself().ok()?.mountinfo().ok()?;
    // Of mounts on top of each other the last one is seen.
    let mounted = of_target.iter().rfind(|mount| mount.mount_point == place)?;
    seen_through(mounted, ours.iter())
}

/// The path at which one of the mounts `ours` shows what `mounted` has at its root.
fn seen_through<'a>(mounted: &MountInfo, ours: impl Iterator<Item = &'a MountInfo>) -> Option<PathBuf> {
    let mut of_same_system = ours.filter(|mount| mount.majmin == mounted.majmin);
    of_same_system.find_map(|mount| {
        let below = Path::new(&mounted.root).strip_prefix(&mount.root).ok()?;
        Some(mount.mount_point.join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::seen_through;
    use procfs::process::MountInfo;
    use std::path::Path;

    fn mount(line: &str) -> MountInfo {
        MountInfo::from_line(line).expect("a line of mountinfo")
    }

    #[test]
    fn engines_files_are_found_wherever_the_engine_keeps_them() {
        let ours = [
            mount("27 1 254:0 / / rw - ext4 /dev/vda rw"),
            mount("28 27 254:1 / /srv/docker rw - ext4 /dev/vdb rw"),
        ];
        for (line, path) in [
            (
                "90 72 254:0 /var/lib/docker/containers/ab/hostname /etc/hostname ro - ext4 /dev/vda rw",
                Some("/var/lib/docker/containers/ab/hostname"),
            ),
            (
                "90 72 254:1 /containers/ab/hostname /etc/hostname ro - ext4 /dev/vdb rw",
                Some("/srv/docker/containers/ab/hostname"),
            ),
            ("90 72 254:9 /containers/ab/hostname /etc/hostname ro - ext4 /dev/vdc rw", None),
        ] {
            assert_eq!(seen_through(&mount(line), ours.iter()).as_deref(), path.map(Path::new), "{line}");
        }
    }
}

//! What a process has of the machine, to be compared before and after a dump.

use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;

/// Mappings, descriptors, threads and children of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    mappings: BTreeSet<String>,
    descriptors: BTreeSet<String>,
    threads: BTreeSet<String>,
    children: BTreeSet<String>,
}

impl Footprint {
    /// Reads it from `/proc`.
    ///
    /// # Errors
    /// The process is gone.
    pub fn of(pid: u32) -> Result<Self> {
        let maps =
            fs::read_to_string(format!("/proc/{pid}/maps")).with_context(|| format!("process {pid}"))?;
        Ok(Self {
            mappings: maps.lines().map(str::to_owned).collect(),
            descriptors: names(&format!("/proc/{pid}/fd"))?
                .into_iter()
                .map(|fd| match fs::read_link(format!("/proc/{pid}/fd/{fd}")) {
                    Ok(file) => format!("{fd} -> {}", file.display()),
                    Err(error) => format!("{fd}: {error}"),
                })
                .collect(),
            threads: names(&format!("/proc/{pid}/task"))?,
            children: children(pid)?,
        })
    }

    /// Checks that the process has just what it had, zombies included.
    ///
    /// # Errors
    /// Says what is new and what is missing.
    pub fn assert_same(&self, pid: u32) -> Result<()> {
        if let Some(Change { what, added, lost }) = self.changes(&Self::of(pid)?).first() {
            bail!("{what} of the target: new {added:#?}, lost {lost:#?}");
        }
        Ok(())
    }

    /// How another footprint of the process differs from this one.
    pub fn changes(&self, now: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (what, before, after) in [
            ("mappings", &self.mappings, &now.mappings),
            ("descriptors", &self.descriptors, &now.descriptors),
            ("threads", &self.threads, &now.threads),
            ("children", &self.children, &now.children),
        ] {
            let added: Vec<_> = after.difference(before).cloned().collect();
            let lost: Vec<_> = before.difference(after).cloned().collect();
            if !added.is_empty() || !lost.is_empty() {
                changes.push(Change { what, added, lost });
            }
        }
        changes
    }
}

/// What a process has more or less than before, of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Kind: `mappings`, `descriptors`, `threads` or `children`.
    pub what: &'static str,
    /// What is new.
    pub added: Vec<String>,
    /// What is gone.
    pub lost: Vec<String>,
}

/// Processes that look like this one (same command line and environment, which names each target), without it: what a dump leaves running.
///
/// # Errors
/// The process is gone.
pub fn processes_like(pid: u32) -> Result<Vec<u32>> {
    processes_like_except(pid, &mut BTreeSet::new())
}

/// The same for a wait: `others` are processes of which it is known that they are not, and get more. To look at all again and again takes longer
/// than a walker lives on a busy machine.
///
/// # Errors
/// The process has ended.
pub fn processes_like_except(pid: u32, others: &mut BTreeSet<u32>) -> Result<Vec<u32>> {
    let looks = |pid: u32| -> std::io::Result<_> {
        Ok((fs::read(format!("/proc/{pid}/cmdline"))?, fs::read(format!("/proc/{pid}/environ"))?))
    };
    let this = looks(pid)?;
    let (alike, different) = pids()?
        .into_iter()
        .filter(|other| *other != pid && !others.contains(other))
        .partition(|other| looks(*other).is_ok_and(|found| found == this));
    let different: Vec<u32> = different;
    others.extend(different);
    Ok(alike)
}

/// Whether the process exists and is no zombie.
pub fn running(pid: u32) -> bool {
    status_fields(pid).is_some_and(|fields| fields.first().is_some_and(|state| state != "Z" && state != "X"))
}

fn names(folder: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(|| folder.to_owned())? {
        found.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(found)
}

fn pids() -> Result<Vec<u32>> {
    Ok(names("/proc")?.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Children with their state: a zombie is told apart.
fn children(pid: u32) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for other in pids()? {
        // Processes come and go while /proc is read.
        let Some(fields) = status_fields(other) else { continue };
        if fields.get(1).is_some_and(|parent| *parent == pid.to_string()) {
            found.insert(format!("{other} {}", fields.first().cloned().unwrap_or_default()));
        }
    }
    Ok(found)
}

/// The fields of `/proc/PID/stat` from the state on; the command before may contain anything.
fn status_fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

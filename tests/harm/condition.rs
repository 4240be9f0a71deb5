//! Whether a process is what it was: its code, its signals, its threads, what it has of the machine.

use crate::finding::Finding;
use anyhow::{Context, Result};
use pyheap_tests::Footprint;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// The instruction of a breakpoint on x86_64.
const BREAKPOINT: u8 = 0xcc;

/// A set of signals as in `/proc/PID/status`, without SIGSTOP.
fn without_stop(set: &str) -> String {
    const SIGSTOP: u64 = 1 << 18;
    u64::from_str_radix(set, 16)
        .map_or_else(|_| set.to_owned(), |signals| format!("{:016x}", signals & !SIGSTOP))
}

/// How a process was at one moment.
#[derive(Debug)]
pub struct Condition {
    footprint: Footprint,
    threads: BTreeMap<String, Signals>,
}

/// What the kernel says of a thread, words as in `/proc/PID/status`.
#[derive(Debug, PartialEq, Eq)]
struct Signals {
    state: char,
    blocked: String,
    pending: String,
    shared: String,
}

impl Condition {
    /// Looks at it.
    ///
    /// # Errors
    /// The process is gone.
    pub fn of(pid: u32) -> Result<Self> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // Threads may end meanwhile.
            let Ok(status) = fs::read_to_string(format!("/proc/{pid}/task/{name}/status")) else { continue };
            let field = |name: &str| -> Result<String> {
                let value = status.lines().find_map(|line| line.strip_prefix(name));
                Ok(value
                    .and_then(|rest| rest.strip_prefix(':'))
                    .with_context(|| name.to_owned())?
                    .trim()
                    .to_owned())
            };
            let signals = Signals {
                state: field("State")?.chars().next().unwrap_or('?'),
                blocked: field("SigBlk")?,
                pending: field("SigPnd")?,
                shared: field("ShdPnd")?,
            };
            threads.insert(name, signals);
        }
        Ok(Self { footprint: Footprint::of(pid)?, threads })
    }

    /// Whether all of it stands still.
    pub fn is_stopped(&self) -> bool {
        self.threads.values().all(|signals| signals.state == 'T')
    }

    /// What is different now.
    pub fn findings(&self, now: &Self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, signals) in &now.threads {
            let before = self.threads.get(name);
            if matches!(signals.state, 'T' | 't') && before.is_none_or(|before| before.state != signals.state)
            {
                findings.push(Finding::Stopped);
            }
            let Some(before) = before else { continue };
            if signals.blocked != before.blocked {
                findings.push(Finding::SignalMask);
            }
            // GDB's own detach leaves its SIGSTOP with a process that is stopped, where SIGCONT takes it away unseen.
            let stays_stopped = before.state == 'T' && signals.state == 'T';
            let pending =
                if stays_stopped { without_stop(&signals.pending) } else { signals.pending.clone() };
            if pending != before.pending || signals.shared != before.shared {
                findings.push(Finding::PendingSignal);
            }
        }
        for change in self.footprint.changes(&now.footprint) {
            findings.push(match change.what {
                "mappings" => Finding::Mapping,
                "descriptors" => Finding::Descriptor,
                "threads" => Finding::Thread,
                _ => Finding::Child,
            });
        }
        findings.sort();
        findings.dedup();
        findings
    }
}

/// Where the code of a process differs from the files that it was loaded from: file, offset, byte that stands there.
///
/// # Errors
/// The process is gone, or a file cannot be read.
pub fn differing_code(pid: u32) -> Result<Vec<(String, u64, u8)>> {
    let memory = File::open(format!("/proc/{pid}/mem")).context("memory of the process")?;
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (Some(range), Some(rights), Some(offset)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let Some(path) = words.nth(2).filter(|path| path.starts_with('/')) else { continue };
        if !rights.contains('x') {
            continue;
        }
        let (begin, end) = range.split_once('-').context("range")?;
        let (begin, end) = (u64::from_str_radix(begin, 16)?, u64::from_str_radix(end, 16)?);
        let offset = u64::from_str_radix(offset, 16)?;
        // Through the process: its root may be another one, its file may be deleted.
        let file = File::open(format!("/proc/{pid}/map_files/{begin:x}-{end:x}"))
            .or_else(|_| File::open(format!("/proc/{pid}/root{path}")))
            .with_context(|| path.to_owned())?;
        let mut loaded = vec![0; usize::try_from(end - begin)?];
        let mut stored = loaded.clone();
        memory.read_exact_at(&mut loaded, begin).with_context(|| format!("memory at {begin:#x}"))?;
        read_to_end_at(&file, &mut stored, offset)?;
        if loaded == stored {
            continue;
        }
        for (place, (now, then)) in loaded.iter().zip(&stored).enumerate() {
            if now != then {
                found.push((path.to_owned(), offset + place as u64, *now));
            }
        }
    }
    Ok(found)
}

/// The same as findings.
pub fn code_findings(pid: u32) -> Result<Vec<Finding>> {
    let differing = differing_code(pid)?;
    let breakpoint = differing.iter().any(|(_, _, byte)| *byte == BREAKPOINT);
    let other = differing.iter().any(|(_, _, byte)| *byte != BREAKPOINT);
    Ok([(breakpoint, Finding::Breakpoint), (other, Finding::Code)]
        .into_iter()
        .filter_map(|(there, finding)| there.then_some(finding))
        .collect())
}

/// A mapping may end behind its file's end: zeros stand there.
fn read_to_end_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> Result<()> {
    while !buffer.is_empty() {
        let length = file.read_at(buffer, offset)?;
        if length == 0 {
            return Ok(());
        }
        buffer = buffer.get_mut(length..).context("buffer")?;
        offset += length as u64;
    }
    Ok(())
}

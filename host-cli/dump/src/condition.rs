//! Conditions on a process's memory that are watched from outside.

use pyheap_process::{MemoryCgroup, ProcessError, Resident};
use std::str::FromStr;

/// When a dump is to be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// More is resident than this many bytes.
    Resident(u64),
    /// More of the memory limit is used than this part of it, what the kernel can drop left aside.
    LimitUsed(f64),
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected 'rss>SIZE', such as 'rss>6G', or 'cgroup>PART%', such as 'cgroup>85%'".to_owned();
        let (what, bound) = text.split_once('>').ok_or_else(expected)?;
        let bound = bound.trim();
        match what.trim() {
            "rss" => bytes(bound).map(Self::Resident).ok_or_else(expected),
            "cgroup" => {
                let percent: f64 = bound
                    .strip_suffix('%')
                    .and_then(|number| number.trim().parse().ok())
                    .ok_or_else(expected)?;
                if (0.0..100.0).contains(&percent) {
                    Ok(Self::LimitUsed(percent / 100.0))
                } else {
                    Err(expected())
                }
            }
            _ => Err(expected()),
        }
    }
}

impl Condition {
    /// Whether it holds for process `pid`. Without a memory limit, no part of one is ever used.
    pub fn holds(self, pid: u32) -> Result<bool, ProcessError> {
        let resident = Resident::read(pid)?;
        Ok(match self {
            Self::Resident(bytes) => resident.rss > bytes,
            Self::LimitUsed(part) => MemoryCgroup::read(pid).is_some_and(|cgroup| {
                let used = cgroup.limit.saturating_sub(cgroup.room());
                used as f64 > cgroup.limit as f64 * part
            }),
        })
    }

    /// Whether it can ever hold for process `pid`.
    pub fn is_possible(self, pid: u32) -> bool {
        matches!(self, Self::Resident(_)) || MemoryCgroup::read(pid).is_some()
    }
}

/// A number of bytes, with a binary unit if any.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    let number: f64 = digits.trim().parse().ok()?;
    (number >= 0.0).then_some((number * (1_u64 << shift) as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::Condition;

    #[test]
    fn conditions() {
        let parse = |text: &str| text.parse::<Condition>();
        assert_eq!(parse("rss>6G"), Ok(Condition::Resident(6 << 30)));
        assert_eq!(parse("rss > 1.5 GiB"), Ok(Condition::Resident(3 << 29)));
        assert_eq!(parse("cgroup>85%"), Ok(Condition::LimitUsed(0.85)));
        for wrong in ["rss", "rss>", "rss>6X", "rss<6G", "cgroup>85", "cgroup>101%", "swap>1G", "rss>-1"] {
            assert!(parse(wrong).is_err_and(|error| error.contains("rss>6G")), "{wrong}");
        }
    }

    #[test]
    fn this_process_is_small_and_not_nothing() {
        let pid = std::process::id();
        assert_eq!(Condition::Resident(1 << 40).holds(pid).ok(), Some(false));
        assert_eq!(Condition::Resident(1).holds(pid).ok(), Some(true));
    }
}

//! Memory of the target that LLDB takes to compile expressions, and leaves behind when it detaches.

use std::ops::Range;

const PAGE: u64 = 4096;

/// LLDB takes single pages: a larger range is the target's own.
const PAGES_AT_MOST: u64 = 16;

/// What was mapped before the first expression.
#[derive(Debug)]
pub struct Scratch {
    pid: u64,
    before: Vec<Range<u64>>,
}

impl Scratch {
    /// Looks at what process `pid` has mapped.
    pub fn before(pid: u64) -> Self {
        Self { pid, before: anonymous(pid) }
    }

    /// Addresses of pages that have been mapped since; some may be the target's own, if it ran.
    pub fn pages(&self) -> Vec<u64> {
        new_pages(&self.before, &anonymous(self.pid))
    }
}

/// Pages in `after` that are not in `before`. Neighbouring mappings of equal protection merge, so whole ranges cannot be compared.
fn new_pages(before: &[Range<u64>], after: &[Range<u64>]) -> Vec<u64> {
    let mut pages = Vec::new();
    for range in after {
        let old: u64 =
            before.iter().map(|old| old.end.min(range.end).saturating_sub(old.start.max(range.start))).sum();
        if (range.end - range.start - old) / PAGE <= PAGES_AT_MOST {
            let is_new = |page: &u64| !before.iter().any(|old| old.contains(page));
            pages.extend((range.start..range.end).step_by(PAGE as usize).filter(is_new));
        }
    }
    pages
}

fn anonymous(pid: u64) -> Vec<Range<u64>> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let without_file = maps.lines().filter(|line| line.split_whitespace().count() == 5);
    without_file
        .filter_map(|line| {
            let (start, end) = line.split(' ').next()?.split_once('-')?;
            Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::new_pages;

    #[test]
    fn only_small_additions_are_taken() {
        let before = [0x1_0000..0x2_0000, 0x3_0000..0x3_1000];
        // One page was added at the end of an old mapping, one stands alone, and a large one is the target's.
        let after = [0x1_0000..0x2_1000, 0x3_0000..0x3_1000, 0x5_0000..0x5_1000, 0x10_0000..0x20_0000];
        assert_eq!(new_pages(&before, &after), [0x2_0000, 0x5_0000]);
        assert_eq!(new_pages(&before, &before), [0; 0]);
    }
}

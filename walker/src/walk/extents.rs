//! How far the target's memory reaches: what tells a size from garbage.

use alloc::vec::Vec;
use core::ops::Range;

/// Memory that is not mapped here can still be the target's: what it keeps from its forks. Buffers there are believed up to this size.
const MOST_UNSEEN: u64 = 1 << 40;

/// The readable mappings of an address space.
#[derive(Clone, Debug, Default)]
pub struct Extents {
    /// Ascending, neighbours joined.
    ranges: Vec<Range<u64>>,
    total: u64,
}

impl Extents {
    /// Adds a mapping behind all that were added before.
    pub fn add(&mut self, range: Range<u64>) {
        self.total = self.total.saturating_add(range.end.saturating_sub(range.start));
        match self.ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.ranges.push(range),
        }
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a block of `length` bytes can stand at `start`.
    pub(crate) fn hold(&self, start: u64, length: u64) -> bool {
        let end = start.saturating_add(length);
        let before = self.ranges.partition_point(|range| range.start <= start);
        before.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|range| end <= range.end)
    }

    /// Whether a block of `length` bytes can stand at `start`, in memory that is not seen here.
    pub(crate) fn may_hide(&self, start: u64, length: u64) -> bool {
        let end = start.saturating_add(length);
        let before = self.ranges.partition_point(|range| range.end <= start);
        length <= MOST_UNSEEN && self.ranges.get(before).is_none_or(|range| end <= range.start)
    }

    /// Whether there are `length` bytes in all.
    pub(crate) fn have(&self, length: u64) -> bool {
        length <= self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_and_gaps_are_none() {
        let mut extents = Extents::default();
        assert!(extents.is_empty());
        for range in [0x1000..0x3000, 0x3000..0x5000, 0x8000..0x9000] {
            extents.add(range);
        }
        assert!(extents.hold(0x1000, 0x4000) && extents.hold(0x2FFF, 2) && extents.hold(0x8000, 0x1000));
        assert!(!extents.hold(0x1000, 0x4001) && !extents.hold(0xFFF, 2) && !extents.hold(0x4FFF, 0x4000));
        assert!(!extents.hold(0x1000, u64::MAX) && !extents.hold(0x5000, 1) && !extents.hold(u64::MAX, 1));
        assert!(extents.may_hide(0x5000, 0x3000) && extents.may_hide(0x9000, 1 << 40));
        assert!(
            !extents.may_hide(0x5000, 0x3001)
                && !extents.may_hide(0x4FFF, 1)
                && !extents.may_hide(0x9000, 1 << 41)
        );
        assert!(extents.have(0x5000) && !extents.have(0x5001));
    }
}

//! Finds the records of a file in memory, across damaged parts.

use super::frame::Head;
use crate::record::BODY_OFFSET;
use std::ops::Range;

/// Bytes of false candidates that one search for a record may checksum: keeps hostile files linear.
const SEARCH_BYTES: usize = 64 << 20;

/// What stands at the current place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole record, its checksum verified.
    Record {
        /// Kind of the record.
        kind: u8,
        /// Where the content of its body stands.
        body: Range<usize>,
    },
    /// Bytes that are not a whole record, with whole records behind them.
    Damaged(Range<usize>),
    /// The file ends within a record, or nothing readable follows.
    CutOff(Range<usize>),
}

/// The records of a file, in sequence.
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Where the next record would start, bytes from the start of the file.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The whole record at `at`, with its end.
    fn record_at(&self, at: usize) -> Result<(Found, usize), Option<usize>> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let head = Head::parse(rest).ok_or(None)?;
        let end = at + head.length();
        if end > self.bytes.len() {
            return Err(None);
        }
        let body = at + BODY_OFFSET..at + BODY_OFFSET + head.body_length;
        if crc32fast::hash(self.bytes.get(body.clone()).unwrap_or_default()) != head.checksum {
            return Err(Some(end));
        }
        Ok((Found::Record { kind: head.kind, body }, end))
    }

    /// Start of the first whole record behind a damaged one that starts at `from` and ends at `end`, if its head is to be believed.
    fn next_whole(&self, from: usize, end: Option<usize>) -> Option<usize> {
        if let Some(end) = end
            && (end == self.bytes.len() || self.record_at(end).is_ok())
        {
            return Some(end);
        }
        let mut budget = SEARCH_BYTES;
        for at in (from + 8..self.bytes.len()).step_by(8) {
            match self.record_at(at) {
                Ok(_) => return Some(at),
                Err(None) => {}
                Err(Some(end)) => budget = budget.checked_sub(end - at)?,
            }
        }
        None
    }
}

impl Iterator for Scan<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let start = self.position;
        if start >= self.bytes.len() {
            return None;
        }
        match self.record_at(start) {
            Ok((found, end)) => {
                self.position = end;
                Some(found)
            }
            Err(end) => match self.next_whole(start, end) {
                Some(next) => {
                    self.position = next;
                    Some(Found::Damaged(start..next))
                }
                None => {
                    self.position = self.bytes.len();
                    Some(Found::CutOff(start..self.bytes.len()))
                }
            },
        }
    }
}

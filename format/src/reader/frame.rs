//! The frame around records: found in memory, or in a stream as it arrives.

use super::error::FrameError;
use crate::record::{BODY_OFFSET, record_length};

/// The twelve bytes before a body, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) checksum: u32,
    pub(super) body_length: usize,
}

impl Head {
    /// Bytes that tell whether a record starts.
    pub(super) const LENGTH: usize = BODY_OFFSET;

    /// Reads the head at the start of `bytes`; `None` where no record starts or too few bytes are there.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        match *bytes.first_chunk::<BODY_OFFSET>()? {
            [0x84, kind @ 0..24, 0x1A, c0, c1, c2, c3, 0x5A, l0, l1, l2, l3] => Some(Self {
                kind,
                checksum: u32::from_be_bytes([c0, c1, c2, c3]),
                body_length: u32::from_be_bytes([l0, l1, l2, l3]) as usize,
            }),
            _ => None,
        }
    }

    /// Length of the whole record, bytes.
    pub(super) fn length(self) -> usize {
        record_length(self.body_length)
    }
}

/// A whole record of a stream, its checksum verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// See [`crate::record::kind`]; kinds that the reader does not know are to be skipped.
    pub kind: u8,
    /// The content of the body. The record that it stands in starts at a multiple of 8 in memory, so that [`super::Record::decode`]
    /// can use the columns in place; a copy of the body alone does not have this property.
    pub body: &'a [u8],
    /// The whole record with head and padding, as it is to be written into a file.
    pub record: &'a [u8],
}

/// Cuts a stream into records as its bytes arrive.
///
/// Feed what arrives with [`Self::feed`], then take records with [`Self::next_frame`] until there is none. The walker's part of a
/// stream is over when the frame of kind [`crate::record::kind::SUMMARY`] has been taken: the pipe need not reach its end.
#[derive(Debug, Default)]
pub struct FrameScanner {
    /// Of u64 so that it is 8-aligned; `start..end` are the bytes that have not been taken.
    buffer: Vec<u64>,
    start: usize,
    end: usize,
    /// Bytes of the stream that have been taken.
    taken: u64,
}

impl FrameScanner {
    /// A scanner at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        let pending = self.end - self.start;
        if self.buffer.len() * 8 - self.end < bytes.len() {
            // `start` is a multiple of 8, because records have such lengths: the alignment survives the move.
            bytemuck::cast_slice_mut::<u64, u8>(&mut self.buffer).copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, pending);
            let words = (pending + bytes.len()).div_ceil(8);
            if words > self.buffer.len() {
                self.buffer.resize(words.next_power_of_two(), 0);
            }
        }
        let buffer = bytemuck::cast_slice_mut::<u64, u8>(&mut self.buffer);
        if let Some(room) = buffer.get_mut(self.end..self.end + bytes.len()) {
            room.copy_from_slice(bytes);
            self.end += bytes.len();
        }
    }

    /// Takes the next whole record, if it has arrived. A stream that produced an error cannot be continued.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let pending =
            bytemuck::cast_slice::<u64, u8>(&self.buffer).get(self.start..self.end).unwrap_or_default();
        let offset = self.taken;
        if pending.len() < BODY_OFFSET {
            return Ok(None);
        }
        let head = Head::parse(pending).ok_or(FrameError::NotARecord { offset })?;
        let length = head.length();
        let Some(record) = pending.get(..length) else { return Ok(None) };
        let body = record.get(BODY_OFFSET..BODY_OFFSET + head.body_length).unwrap_or_default();
        let found = crc32fast::hash(body);
        if found != head.checksum {
            return Err(FrameError::Checksum { offset, found, expected: head.checksum });
        }
        self.start += length;
        self.taken += length as u64;
        Ok(Some(Frame { kind: head.kind, body, record }))
    }

    /// Bytes of the stream that were taken as whole records.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes that arrived but are not a whole record yet: 0 where a stream ended well.
    pub fn pending(&self) -> usize {
        self.end - self.start
    }
}

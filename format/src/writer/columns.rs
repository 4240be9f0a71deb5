//! The columns of the record under way.

use crate::vocabulary::ESCAPE;
use alloc::vec::Vec;

/// Collects a compact column.
#[derive(Default)]
pub(super) struct Compact {
    pub(super) values: Vec<u16>,
    pub(super) escape_at: Vec<u32>,
    pub(super) escape_values: Vec<u64>,
}

impl Compact {
    pub(super) fn push(&mut self, value: u64) {
        if value < u64::from(ESCAPE) {
            self.values.push(value as u16);
        } else {
            self.escape_at.push(self.values.len() as u32);
            self.escape_values.push(value);
            self.values.push(ESCAPE);
        }
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.escape_at.clear();
        self.escape_values.clear();
    }
}

#[derive(Default)]
pub(super) struct ObjectColumns {
    pub(super) first_edge: u64,
    pub(super) address_low: Vec<u32>,
    pub(super) address_high: Vec<u16>,
    pub(super) flags: Vec<u8>,
    pub(super) type_number: Compact,
    pub(super) shallow: Compact,
    pub(super) allocated: Compact,
    pub(super) refcount: Compact,
    pub(super) length: Compact,
    pub(super) edge_count: Compact,
}

#[derive(Default)]
pub(super) struct PreviewColumns {
    pub(super) objects: Vec<u32>,
    pub(super) kinds: Vec<u8>,
    pub(super) ends: Vec<u32>,
    pub(super) data: Vec<u8>,
}

#[derive(Default)]
pub(super) struct DigestColumns {
    pub(super) objects: Vec<u32>,
    pub(super) digests: Vec<u64>,
    pub(super) flags: Vec<u8>,
}

#[derive(Default)]
pub(super) struct RootColumns {
    pub(super) kinds: Vec<u8>,
    pub(super) threads: Vec<u32>,
    pub(super) frames: Vec<u32>,
    pub(super) names: Vec<u32>,
    pub(super) objects: Vec<u32>,
}

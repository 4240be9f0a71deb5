//! All that differs by version of CPython: where it keeps what, and how what stands there is meant.
//!
//! A version's file names its features; its table of offsets is written by a program. Nothing outside this folder compares versions:
//! who needs to know matches a feature, all of its ways.

mod features;
pub(crate) mod fixed;
pub(crate) mod flag;
mod offsets;
mod v3_10;
mod v3_11;
mod v3_12;
mod v3_13;
mod v3_14;
mod v3_15;
mod v3_8;
mod v3_9;

pub use features::*;
pub use offsets::{ABSENT, Offsets};

use crate::interpreter::Unsupported;

/// The versions whose layouts are known.
pub const SUPPORTED: &str = "3.8 to 3.15";

/// A version's layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where it keeps what.
    pub offsets: Offsets,
    /// How it is meant.
    pub features: Features,
}

impl Layout {
    /// The layout of the version `hex` (`PY_VERSION_HEX`).
    ///
    /// # Errors
    /// The version is not known: no other one's layout takes its place.
    pub fn for_version(hex: u32) -> Result<&'static Self, Unsupported> {
        match hex >> 16 {
            0x0308 => Ok(&v3_8::LAYOUT),
            0x0309 => Ok(&v3_9::LAYOUT),
            0x030A => Ok(&v3_10::LAYOUT),
            0x030B => Ok(&v3_11::LAYOUT),
            0x030C => Ok(&v3_12::LAYOUT),
            0x030D => Ok(&v3_13::LAYOUT),
            0x030E => Ok(&v3_14::LAYOUT),
            0x030F => Ok(&v3_15::LAYOUT),
            _ => Err(Unsupported::Version { hex }),
        }
    }

    /// All offsets and sizes with their names: those of this version, then in capitals those that all versions share.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.offsets.entries().chain(fixed::FIXED.iter().copied())
    }

    /// Offset, in a code object, of the name that says most.
    pub(crate) fn code_name(&self) -> u32 {
        match self.features.code {
            Code::Separate => self.offsets.co_name,
            Code::Inline => self.offsets.co_qualname,
        }
    }
}

//! The mappings of the process that this code runs in.

use crate::kernel;
use alloc::vec;
use pyheap_walker::Extents;

/// Longer lines have their file's name cut off, which is not looked at.
const LINE: usize = 64;

/// Reads the readable ones from `/proc/self/maps`; none where there is no `/proc`.
pub fn extents() -> Extents {
    let mut extents = Extents::default();
    let mut buffer = vec![0; 64 * 1024];
    let mut line = [0; LINE];
    let mut length = 0;
    kernel::read_file(c"/proc/self/maps", &mut buffer, |bytes| {
        for &byte in bytes {
            if byte == b'\n' {
                if let Some((start, end)) = line.get(..length).and_then(readable) {
                    extents.add(start..end);
                }
                length = 0;
            } else if let Some(place) = line.get_mut(length) {
                *place = byte;
                length += 1;
            }
        }
    });
    extents
}

/// `START-END r…`
fn readable(line: &[u8]) -> Option<(u64, u64)> {
    let mut words = line.split(|byte| *byte == b'-' || *byte == b' ');
    let (start, end) = (number(words.next()?)?, number(words.next()?)?);
    (words.next()?.first() == Some(&b'r')).then_some((start, end))
}

fn number(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}

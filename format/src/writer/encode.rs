//! CBOR items into a vector.

use alloc::vec::Vec;
use ciborium_ll::{Encoder, Header};

pub(super) const NULL: Header = Header::Simple(ciborium_ll::simple::NULL);

pub(super) fn boolean(value: bool) -> Header {
    Header::Simple(if value { ciborium_ll::simple::TRUE } else { ciborium_ll::simple::FALSE })
}

/// Appends a head. Writing into a vector cannot fail.
pub(super) fn push(out: &mut Vec<u8>, header: Header) {
    let _ = Encoder::from(out).push(header);
}

pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    push(out, Header::Text(Some(text.len())));
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn push_optional(out: &mut Vec<u8>, value: Option<u64>) {
    push(out, value.map_or(NULL, Header::Positive));
}

/// Numbers that can stand in a typed array.
pub(super) trait Item: Copy {
    fn extend(column: &[Self], out: &mut Vec<u8>);
}

macro_rules! item {
    ($($number:ty),*) => {$(
        impl Item for $number {
            fn extend(column: &[Self], out: &mut Vec<u8>) {
                // Compiled to a copy on little-endian machines.
                out.extend(column.iter().flat_map(|number| number.to_le_bytes()));
            }
        }
    )*};
}
item!(u8, u16, u32, u64);

/// Appends `[padding, tag(bytes)]` with the bytes' content at a multiple of 8 from the start of the record.
pub(super) fn push_column<T: Item>(out: &mut Vec<u8>, tag: u8, column: &[T]) {
    // One byte of array head, one of the padding's head, seven of tag and byte string head.
    let padding = (8 - (out.len() + 9) % 8) % 8;
    out.push(0x82);
    out.push(0x40 + padding as u8);
    out.resize(out.len() + padding, 0);
    let [l0, l1, l2, l3] = (size_of_val(column) as u32).to_be_bytes();
    out.extend_from_slice(&[0xD8, tag, 0x5A, l0, l1, l2, l3]);
    T::extend(column, out);
}

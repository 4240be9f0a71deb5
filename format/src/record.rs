//! The frame around every record: kind, checksum, length, padding.
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

/// Kinds of records.
pub mod kind {
    #![expect(missing_docs, reason = "the table in docs/format.md says what they are")]
    pub const HEADER: u8 = 0;
    pub const NAMES: u8 = 1;
    pub const TYPES: u8 = 2;
    pub const OBJECTS: u8 = 3;
    pub const EDGES: u8 = 4;
    pub const PREVIEWS: u8 = 5;
    pub const THREAD: u8 = 6;
    pub const ROOTS: u8 = 7;
    pub const SUMMARY: u8 = 8;
    pub const FOOTER: u8 = 9;
    pub const DIGESTS: u8 = 10;
}

/// Bytes between the start of a record and the content of its body.
pub const BODY_OFFSET: usize = 12;

/// Bytes of padding after a body of this length, without the padding's own one-byte head.
pub fn padding_after(body_length: usize) -> usize {
    (8 - (BODY_OFFSET + body_length + 1) % 8) % 8
}

/// Length of a whole record whose body has this length.
pub fn record_length(body_length: usize) -> usize {
    BODY_OFFSET + body_length + 1 + padding_after(body_length)
}

/// The twelve bytes before a body.
pub fn record_head(kind: u8, checksum: u32, body_length: u32) -> [u8; BODY_OFFSET] {
    let [c0, c1, c2, c3] = checksum.to_be_bytes();
    let [l0, l1, l2, l3] = body_length.to_be_bytes();
    [0x84, kind, 0x1A, c0, c1, c2, c3, 0x5A, l0, l1, l2, l3]
}

/// The padding item after a body of this length.
pub fn record_padding(body_length: usize) -> &'static [u8] {
    const fn item(length: u8) -> [u8; 8] {
        [0x40 + length, 0, 0, 0, 0, 0, 0, 0]
    }
    const ITEMS: [[u8; 8]; 8] = [item(0), item(1), item(2), item(3), item(4), item(5), item(6), item(7)];
    let padding = padding_after(body_length);
    ITEMS.get(padding).and_then(|item| item.get(..=padding)).unwrap_or(&[])
}

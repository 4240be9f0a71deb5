//! The walker's stream, in pieces of any size: the first byte tells which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyheap_format::reader::{FrameScanner, Record};

fuzz_target!(|input: &[u8]| {
    let Some((&size, stream)) = input.split_first() else { return };
    let stream = pyheap_fuzz::with_checksums(stream.to_vec());
    let mut scanner = FrameScanner::new();
    for piece in stream.chunks(usize::from(size).max(1)) {
        scanner.feed(piece);
        loop {
            match scanner.next_frame() {
                Ok(Some(frame)) => {
                    let _ = Record::decode(frame.kind, frame.body);
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});

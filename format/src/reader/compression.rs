//! Dumps in zstd frames, decompressed in memory: columns cannot be read in place otherwise.

use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use std::io::Read;

/// The first bytes of a zstd frame.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Whether a file is compressed.
pub(super) fn is_compressed(file: &[u8]) -> bool {
    file.starts_with(&MAGIC)
}

/// The content of all frames, as far as they can be decompressed, and why no further.
pub(super) fn decompress(mut frames: &[u8]) -> (Vec<u8>, Option<String>) {
    let mut content = Vec::new();
    while !frames.is_empty() {
        match StreamingDecoder::new(&mut frames) {
            Ok(mut frame) => {
                if let Err(error) = frame.read_to_end(&mut content) {
                    return (content, Some(error.to_string()));
                }
            }
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                frames = frames.get(length as usize..).unwrap_or_default();
            }
            Err(error) => return (content, Some(error.to_string())),
        }
    }
    (content, None)
}

//! Dumps in zstd frames, decompressed in memory: columns cannot be read in place otherwise.
//!
//! A few bytes of zstd can stand for as many terabytes as their author likes. What is decompressed is looked at as it arrives, therefore: no
//! further than the footer, nor than what is no record, nor than there is memory.

use super::error::ReadError;
use super::frame::Head;
use crate::record::kind;
use std::io::{self, Read};
use zstd::stream::read::Decoder;

/// The first bytes of a zstd frame.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Windows of up to 8 MiB: what RFC 8878 (3.1.1.1.2) asks decoders to support, and encoders not to exceed. `pyheap-dump` needs 512 KiB.
const WINDOW_LOG: u32 = 23;

/// Bytes that are decompressed between two looks at them: a block of zstd's.
const CHUNK: usize = 128 << 10;

/// Whether a file is compressed.
pub(super) fn is_compressed(file: &[u8]) -> bool {
    file.starts_with(&MAGIC)
}

/// The content of all frames up to the footer, as far as it can be decompressed, and why no further. What is longer than `most` bytes is an
/// error.
pub(super) fn decompress(frames: &[u8], most: u64) -> Result<(Vec<u8>, Option<String>), ReadError> {
    let mut content = Vec::new();
    let problem = match decompress_into(&mut content, frames, most) {
        Ok(problem) => problem,
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
            return Err(ReadError::TooLarge { decompressed: content.len() as u64 });
        }
        Err(error) if content.is_empty() => return Err(ReadError::Compression { reason: error.to_string() }),
        Err(error) => Some(format!(
            "the compressed file is cut off or damaged: {} bytes could be decompressed ({error})",
            content.len()
        )),
    };
    Ok((content, problem))
}

fn decompress_into(content: &mut Vec<u8>, frames: &[u8], most: u64) -> io::Result<Option<String>> {
    let mut decoder = Decoder::with_buffer(frames)?;
    decoder.window_log_max(WINDOW_LOG)?;
    let mut chunk = vec![0; CHUNK];
    let mut next = 0;
    loop {
        let read = decoder.read(&mut chunk)?;
        if read == 0 {
            return Ok(None);
        }
        if content.len() as u64 > most {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        if content.try_reserve(read).is_err() {
            content.try_reserve_exact(read)?;
        }
        content.extend_from_slice(chunk.get(..read).unwrap_or_default());
        while let Some(rest) = content.get(next..) {
            let Some(head) = Head::parse(rest) else {
                if rest.len() < Head::LENGTH {
                    break;
                }
                return Ok(Some(format!("what stands at byte {next} of the decompressed file is no record")));
            };
            if rest.len() < head.length() {
                break;
            }
            next += head.length();
            if head.kind == kind::FOOTER {
                // Frames that are to be skipped may follow.
                let more = content.len() > next || decoder.read(&mut [0])? > 0;
                content.truncate(next);
                return Ok(more.then(|| "what stands behind the footer is ignored".into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::{Footer, Header};
    use crate::record::{record_head, record_padding};

    fn compressed(content: impl Read) -> Vec<u8> {
        zstd::stream::encode_all(content, 1).unwrap()
    }

    /// A record of zeros, of a kind that readers skip.
    fn zeros(length: usize) -> Vec<u8> {
        let body = vec![0; length];
        let head = record_head(20, crc32fast::hash(&body), length as u32);
        [&head, body.as_slice(), record_padding(length)].concat()
    }

    #[test]
    fn no_more_than_there_is_memory_for() {
        let record = zeros(8 << 20);
        let bomb = compressed(record.repeat(8).as_slice());
        assert!(bomb.len() < 16 << 10);
        assert!(matches!(
            decompress(&bomb, 20 << 20),
            Err(ReadError::TooLarge { decompressed }) if decompressed < 22 << 20
        ));
        assert_eq!(decompress(&bomb, u64::MAX).unwrap().0.len(), 8 * record.len());
    }

    #[test]
    fn no_further_than_what_is_no_record() {
        let header = Header::default().to_record();
        let bomb = compressed(header.as_slice().chain(io::repeat(0).take(1 << 30)));
        let (content, problem) = decompress(&bomb, u64::MAX).unwrap();
        assert!(content.len() < 2 << 20, "{} bytes", content.len());
        assert_eq!(
            problem.unwrap(),
            format!("what stands at byte {} of the decompressed file is no record", header.len())
        );
    }

    #[test]
    fn no_further_than_the_footer() {
        let dump = [Header::default().to_record(), Footer::default().to_record()].concat();
        let skipped = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let whole = [compressed(dump.as_slice()), skipped.into()].concat();
        assert_eq!(decompress(&whole, u64::MAX).unwrap(), (dump.clone(), None));
        let longer = [whole, compressed(io::repeat(0).take(1 << 30))].concat();
        let (content, problem) = decompress(&longer, u64::MAX).unwrap();
        assert_eq!((content, problem.as_deref()), (dump, Some("what stands behind the footer is ignored")));
    }

    #[test]
    fn no_window_that_takes_much_memory() {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        io::copy(&mut Header::default().to_record().as_slice(), &mut encoder).unwrap();
        let frames = encoder.finish().unwrap();
        let Err(ReadError::Compression { reason }) = decompress(&frames, u64::MAX) else {
            panic!("decompressed")
        };
        assert!(reason.contains("too much memory"), "{reason}");
    }
}

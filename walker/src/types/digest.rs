//! Digests: what stands for the whole content of a text or a buffer, so that equal ones are known without being kept.

use super::kinds::Kind;
use crate::layout::fixed;
use crate::memory::{Memory, Unreadable};
use crate::read::strings::Text;
use crate::walk::{Failure, Fault, TypeInfo, Walk};
use pyheap_format::Digest;
use pyheap_format::writer::{ObjectRow, Sink};
use xxhash_rust::xxh3::Xxh3;

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// Elements of more bytes are not compared with each other.
const MOST_UNIFORM: usize = 32;

/// Elements of one size, one behind the other.
pub(crate) struct Content {
    /// Address of the first one.
    pub start: u64,
    /// Bytes of all.
    pub bytes: u64,
    /// Bytes of one.
    pub item: u64,
}

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// Writes the digest of the object of `row`, if it gets one. A content that cannot be read has none: that does no harm to the object.
    pub(crate) fn write_digest(&mut self, row: &ObjectRow, info: &TypeInfo) -> Result<(), Fault> {
        let limit = u64::from(self.options.str_repr_len);
        // What a preview holds all of needs no digest.
        let is_worth_it = match info.kind {
            Kind::Str | Kind::Bytes | Kind::ByteArray => row.length > limit,
            Kind::Array | Kind::NdArray => row.length > 0,
            _ => false,
        };
        if !is_worth_it || limit == 0 {
            return Ok(());
        }
        match self.digest_of(row, info) {
            Ok(Some(digest)) => self.writer.digest(digest).map_err(|_| Fault::Failure(Failure::Sink)),
            Ok(None) | Err(Unreadable { .. }) => Ok(()),
        }
    }

    fn digest_of(&self, row: &ObjectRow, info: &TypeInfo) -> Result<Option<Digest>, Unreadable> {
        let mut hash = Xxh3::new();
        let bytes = |start| Content { start, bytes: row.length, item: 1 };
        let content = match info.kind {
            Kind::Str => self.content_of_str(row.address)?,
            Kind::Bytes => Some(bytes(row.address + u64::from(self.interpreter.layout.offsets.bytes_data))),
            Kind::ByteArray => Some(bytes(self.memory.word(row.address + fixed::BYTEARRAY_START)?)),
            Kind::Array => Some(self.content_of_array(row.address, row.length)?),
            Kind::NdArray => self.content_of_ndarray(row.address, &mut hash)?,
            _ => None,
        };
        match content {
            Some(content) if (1..=self.options.digest_limit).contains(&content.bytes) => {
                self.digest(hash, &content).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn content_of_str(&self, address: u64) -> Result<Option<Content>, Unreadable> {
        let text = Text::read(self.memory, &self.interpreter, address)?;
        let ready = text.width != 0 && text.data != 0;
        Ok(ready.then_some(Content { start: text.data, bytes: text.length * text.width, item: text.width }))
    }

    /// Goes through the content in chunks of whole elements.
    fn digest(&self, mut hash: Xxh3, content: &Content) -> Result<Digest, Unreadable> {
        let mut chunk = [0; CHUNK];
        let item = content.item.max(1) as usize;
        let step = CHUNK - CHUNK % item.min(CHUNK);
        // A buffer whose elements are all the same equals itself, moved by one element.
        let mut first = [0; MOST_UNIFORM];
        let mut uniform = item <= MOST_UNIFORM && content.bytes > item as u64;
        let mut position = 0;
        while position < content.bytes {
            let length = (content.bytes - position).min(step as u64) as usize;
            let Some(bytes) = chunk.get_mut(..length) else { break };
            self.memory.read(content.start + position, bytes)?;
            hash.update(bytes);
            if uniform {
                if position == 0 {
                    for (to, from) in first.iter_mut().zip(bytes.iter()).take(item) {
                        *to = *from;
                    }
                }
                uniform = bytes.get(..item) == first.get(..item)
                    && bytes.get(item..) == length.checked_sub(item).and_then(|end| bytes.get(..end));
            }
            position += length as u64;
        }
        Ok(Digest { value: hash.digest(), uniform })
    }
}

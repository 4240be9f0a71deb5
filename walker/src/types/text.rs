//! `str`.

use crate::layout::ABSENT;
use crate::memory::{Memory, Unreadable};
use crate::read::strings::Text;
use crate::walk::{Measure, TypeInfo, Walk, rounded};
use pyheap_format::writer::Sink;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// Header, characters and other encodings that are kept.
    pub(crate) fn measure_str(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let offsets = &self.interpreter.layout.offsets;
        let text = Text::read(memory, &self.interpreter, address)?;
        let characters = (text.length + 1) * text.width;
        let header = u64::from(match (text.compact, text.ascii) {
            (true, true) => offsets.str_ascii_header,
            (true, false) => offsets.str_compact_header,
            (false, _) => offsets.str_header,
        });
        let mut besides = 0;
        let mut elsewhere = 0;
        if !(text.compact && text.ascii) {
            let utf8 = memory.word(address + u64::from(offsets.str_utf8))?;
            if utf8 != 0 && utf8 != text.data {
                let length = memory.word(address + u64::from(offsets.str_utf8_length))?;
                let length = self.bounded(utf8, length.saturating_add(1))?;
                elsewhere += length;
                besides += rounded(length);
            }
        }
        if offsets.str_wstr != ABSENT {
            let wstr = memory.word(address + u64::from(offsets.str_wstr))?;
            if wstr != 0 && wstr != text.data {
                let length = if text.compact && text.ascii {
                    text.length
                } else {
                    memory.word(address + u64::from(offsets.str_wstr_length))?
                };
                let bytes = self.bounded(wstr, length.saturating_add(1).saturating_mul(4))?;
                elsewhere += bytes;
                besides += rounded(bytes);
            }
        }
        let (shallow, block) = if text.compact {
            (header + characters, header + characters)
        } else {
            let data = if text.data != 0 { self.bounded(text.data, characters)? } else { 0 };
            besides += if data != 0 { rounded(data) } else { 0 };
            (header + data, info.basicsize)
        };
        Ok(Measure { shallow: shallow + elsewhere, block, besides, length: Some(text.length) })
    }
}

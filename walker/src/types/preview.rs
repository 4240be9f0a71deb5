//! Previews: what a value is, as far as a few bytes tell.

use super::kinds::Kind;
use crate::layout::{fixed, flag};
use crate::memory::{Memory, Unreadable};
use crate::read::strings::{self, LONG_DIGITS, Text};
use crate::walk::TypeInfo;
use crate::walk::{Failure, Fault, Walk};
use alloc::string::String;
use alloc::vec::Vec;
use pyheap_format::vocabulary::PreviewKind;
use pyheap_format::writer::{ObjectRow, Sink};

/// Integers of more 30-bit digits have no preview.
const MOST_DIGITS: u64 = 128;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// Writes the preview of the object of `row`, if it gets one.
    pub(crate) fn write_preview(&mut self, row: &ObjectRow, info: &TypeInfo) -> Result<(), Fault> {
        let mut out = core::mem::take(&mut self.scratch);
        out.clear();
        let kind = self.preview_into(row, info, &mut out);
        let written = match kind {
            Ok(Some(kind)) => self.writer.preview(kind, &out).map_err(|_| Fault::Failure(Failure::Sink)),
            Ok(None) => Ok(()),
            Err(error) => Err(error.into()),
        };
        self.scratch = out;
        written
    }

    fn preview_into(
        &self,
        row: &ObjectRow,
        info: &TypeInfo,
        out: &mut Vec<u8>,
    ) -> Result<Option<PreviewKind>, Unreadable> {
        let memory = self.memory;
        let offsets = &self.interpreter.layout.offsets;
        let address = row.address;
        let limit = u64::from(self.options.str_repr_len);
        Ok(Some(match info.kind {
            Kind::Str if limit > 0 => {
                Text::read(memory, &self.interpreter, address)?.append(memory, limit, out)?;
                PreviewKind::Text
            }
            Kind::Bytes if limit > 0 => {
                self.append_bytes(address + u64::from(offsets.bytes_data), row.length.min(limit), out)?;
                PreviewKind::Bytes
            }
            Kind::ByteArray if limit > 0 => {
                let start = memory.word(address + fixed::BYTEARRAY_START)?;
                self.append_bytes(start, row.length.min(limit), out)?;
                PreviewKind::Bytes
            }
            Kind::Int => {
                let (negative, digits) = strings::int_digits(memory, &self.interpreter, address)?;
                if digits > MOST_DIGITS {
                    return Ok(None);
                }
                out.push(u8::from(negative));
                self.append_magnitude(address + LONG_DIGITS, digits, out)?;
                PreviewKind::Integer
            }
            Kind::Bool => {
                out.push(u8::from(memory.half(address + LONG_DIGITS)? != 0));
                PreviewKind::Boolean
            }
            Kind::Float => {
                out.extend_from_slice(&memory.word(address + fixed::FLOAT_VALUE)?.to_le_bytes());
                PreviewKind::Float
            }
            Kind::Complex => {
                out.extend_from_slice(&memory.word(address + fixed::COMPLEX_VALUE)?.to_le_bytes());
                out.extend_from_slice(&memory.word(address + fixed::COMPLEX_VALUE + 8)?.to_le_bytes());
                PreviewKind::Complex
            }
            Kind::Constant => {
                let mut buffer = [0; 128];
                let name: &[u8] = match self.name_of_type(info.address, &mut buffer)? {
                    b"NoneType" => b"None",
                    b"ellipsis" => b"Ellipsis",
                    _ => b"NotImplemented",
                };
                out.extend_from_slice(name);
                PreviewKind::Constant
            }
            Kind::Type => {
                let flags = self.flags_of_type(address)?;
                let mut buffer = [0; 128];
                let tp_name = self.name_of_type(address, &mut buffer)?;
                let dict = self.type_dict(address, flags)?;
                let (module, qualname) =
                    self.type_names(address, flags & flag::HEAPTYPE != 0, dict, tp_name)?;
                append_qualified(&module, &qualname, out);
                PreviewKind::Name
            }
            Kind::Function => {
                let module = self.text_at(address + u64::from(offsets.func_module));
                let qualname = self.text_at(address + u64::from(offsets.func_qualname));
                append_qualified(&module, &qualname, out);
                PreviewKind::Name
            }
            Kind::Builtin => {
                let module = self.text_at(address + fixed::BUILTIN_MODULE);
                let mut buffer = [0; 128];
                let method = memory.word(address + fixed::BUILTIN_METHOD)?;
                let name = strings::c_string(memory, memory.word(method)?, &mut buffer)?;
                append_qualified(&module, &String::from_utf8_lossy(name), out);
                PreviewKind::Name
            }
            Kind::Descriptor => {
                let class = memory.word(address + fixed::DESCR_TYPE)?;
                let mut buffer = [0; 128];
                let class = self.name_of_type(class, &mut buffer)?;
                append_qualified(
                    &String::from_utf8_lossy(class),
                    &self.text_at(address + fixed::DESCR_NAME),
                    out,
                );
                PreviewKind::Name
            }
            Kind::Module => {
                out.extend_from_slice(self.text_at(address + u64::from(offsets.md_name)).as_bytes());
                PreviewKind::Name
            }
            Kind::Code => {
                let name = self.interpreter.layout.code_name();
                out.extend_from_slice(self.text_at(address + u64::from(name)).as_bytes());
                out.push(0);
                out.extend_from_slice(self.text_at(address + u64::from(offsets.co_filename)).as_bytes());
                out.push(0);
                let line = memory.half(address + u64::from(offsets.co_firstlineno))?;
                let mut digits = [0; 10];
                out.extend_from_slice(decimal(line, &mut digits));
                PreviewKind::Code
            }
            _ => return Ok(None),
        }))
    }

    /// The text of the `str` that the word at `place` points to, or nothing.
    fn text_at(&self, place: u64) -> String {
        let text = self.memory.word(place).ok().and_then(|text| self.text(text, strings::NAME_LIMIT));
        text.unwrap_or_default()
    }
}

fn append_qualified(module: &str, name: &str, out: &mut Vec<u8>) {
    if !module.is_empty() && module != "builtins" {
        out.extend_from_slice(module.as_bytes());
        out.push(b'.');
    }
    out.extend_from_slice(name.as_bytes());
}

/// Decimal digits of a number.
fn decimal(mut number: u32, buffer: &mut [u8; 10]) -> &[u8] {
    let mut used = 0;
    for digit in buffer.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    buffer.get(10 - used..).unwrap_or(&[])
}

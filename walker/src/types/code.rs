//! Code objects.

use super::fields::{Field, owned};
use crate::layout::{Code, CodeCache, Offsets, fixed};
use crate::memory::{Memory, Unreadable};
use crate::walk::{Fault, Measure, Reach, TypeInfo, Walk};
use pyheap_format::FieldName;
use pyheap_format::writer::Sink;

/// `sizeof(_PyOpcache)` of 3.8 to 3.10.
const OPCACHE_ENTRY: u64 = 32;

/// The fields of code objects in this version.
fn code_fields(offsets: &Offsets) -> [Field; 13] {
    [
        owned(FieldName::CoCode, offsets.co_code),
        owned(FieldName::CoConsts, offsets.co_consts),
        owned(FieldName::CoNames, offsets.co_names),
        owned(FieldName::CoVarnames, offsets.co_varnames),
        owned(FieldName::CoFreevars, offsets.co_freevars),
        owned(FieldName::CoCellvars, offsets.co_cellvars),
        owned(FieldName::CoLocalsplusnames, offsets.co_localsplusnames),
        owned(FieldName::CoLocalspluskinds, offsets.co_localspluskinds),
        owned(FieldName::CoFilename, offsets.co_filename),
        owned(FieldName::CoName, offsets.co_name),
        owned(FieldName::CoQualname, offsets.co_qualname),
        owned(FieldName::CoLinetable, offsets.co_linetable),
        owned(FieldName::CoExceptiontable, offsets.co_exceptiontable),
    ]
}

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn code_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let fields = code_fields(&self.interpreter.layout.offsets);
        self.fields(address, &fields, reach)?;
        let place = address + u64::from(self.interpreter.layout.offsets.co_cached);
        match self.interpreter.layout.features.code_cache {
            CodeCache::Nothing => Ok(()),
            CodeCache::Instructions => {
                let cached = self.memory.word(place)?;
                self.refer_field(reach, cached, true, FieldName::CoCachedCode)
            }
            CodeCache::Structure => {
                let cached = self.memory.word(place)?;
                if cached == 0 {
                    return Ok(());
                }
                let names = [
                    FieldName::CoCachedCode,
                    FieldName::CoCachedVarnames,
                    FieldName::CoCachedCellvars,
                    FieldName::CoCachedFreevars,
                ];
                for (place, name) in (cached..).step_by(8).zip(names) {
                    let target = self.memory.word(place)?;
                    self.refer_field(reach, target, true, name)?;
                }
                Ok(())
            }
        }
    }

    /// As `code.__sizeof__` counts: with what hangs on the object, without the objects that it refers to.
    pub(crate) fn measure_code(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let offsets = &self.interpreter.layout.offsets;
        let length = memory.word(address + fixed::OB_SIZE)?;
        Ok(match self.interpreter.layout.features.code {
            Code::Inline => {
                let extra = memory.word(address + u64::from(offsets.co_extra))?;
                let extra = match extra {
                    0 => 0,
                    _ => self.bounded(extra, memory.word(extra)?.saturating_mul(8).saturating_add(8))?,
                };
                let bytes = info.basicsize.saturating_add(info.itemsize.saturating_mul(length));
                let bytes = self.bounded(address, bytes)?;
                Measure {
                    shallow: bytes.next_multiple_of(8) + extra,
                    block: bytes,
                    besides: extra,
                    length: None,
                }
            }
            Code::Separate => {
                let mut elsewhere = 0;
                if memory.word(address + u64::from(offsets.co_cell2arg))? != 0 {
                    let cells = memory.word(address + u64::from(offsets.co_cellvars))?;
                    // As many as the tuple has items.
                    elsewhere +=
                        self.bounded(cells, memory.word(cells + fixed::OB_SIZE)?.saturating_mul(8))?;
                }
                if memory.word(address + u64::from(offsets.co_opcache))? != 0 {
                    let code = memory.word(address + u64::from(offsets.co_code))?;
                    // A byte for two of these.
                    elsewhere += self.bounded(code, memory.word(code + fixed::OB_SIZE)?)? / 2;
                    elsewhere +=
                        u64::from(memory.byte(address + u64::from(offsets.co_opcache_size))?) * OPCACHE_ENTRY;
                }
                Measure {
                    shallow: info.basicsize + elsewhere,
                    block: info.basicsize,
                    besides: elsewhere,
                    length: None,
                }
            }
        })
    }
}

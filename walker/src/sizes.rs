//! Shallow size (what `sys.getsizeof` answers), allocated size and length of an object.

use crate::dicts::{DictTable, values_header};
use crate::kinds::Kind;
use crate::layout::{ABSENT, Code, CountedHead, Frames, InstanceValues, IntSizeof, flag};
use crate::memory::{Memory, Unreadable};
use crate::strings::{self, LONG_DIGITS, Text};
use crate::types::TypeInfo;
use crate::walk::{Fault, GC_HEAD, Walk};
use pyheap_format::vocabulary::ObjectFlags;
use pyheap_format::writer::{ObjectRow, Sink};

/// pymalloc serves blocks up to this size, in steps of 16.
const SMALL: u64 = 512;
/// From this size on, glibc's malloc maps a block of its own.
const MAPPED: u64 = 128 * 1024;
/// `sizeof(struct pool_header)`.
const POOL_HEADER: u64 = 48;

/// Blocks of up to this size are believed without a look: they are as good as read.
const PAGE: u64 = 4096;

/// What an object measures, before the prefix.
struct Measure {
    /// As its `__sizeof__` counts.
    shallow: u64,
    /// Its own block, without prefix.
    block: u64,
    /// Blocks besides, rounded.
    besides: u64,
    length: Option<u64>,
}

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// Fills in sizes, length and the flags that go with them.
    pub(crate) fn measure(&mut self, row: &mut ObjectRow, info: &TypeInfo, gc: bool) -> Result<(), Fault> {
        let measure = self.measure_kind(row.address, info)?;
        self.bounded(row.address, measure.block)?;
        if let Some(length) = measure.length {
            row.length = length;
            row.flags.insert(ObjectFlags::HAS_LENGTH);
        }
        if !info.sizeof_known {
            row.flags.insert(ObjectFlags::ESTIMATED);
        }
        let features = &self.interpreter.layout.features;
        let managed = if info.has(features.prefix_flags) { 16 } else { 0 };
        let counts_head = match features.counted_head {
            CountedHead::Object => gc,
            CountedHead::Type => info.has(flag::HAVE_GC),
        };
        row.shallow = measure.shallow + managed + if counts_head { GC_HEAD } else { 0 };

        let heap_type = info.kind != Kind::Type || self.flags_of_type(row.address)? & flag::HEAPTYPE != 0;
        // Objects that the collector knows are allocated; so are those of the common kinds, outside the interpreter's own library.
        let in_library = || !gc && info.kind == Kind::Object && self.is_library_data(row.address);
        if self.options.image.contains(&row.address)
            || in_library()
            || !heap_type
            || matches!(info.kind, Kind::Constant | Kind::Bool)
            || self.is_embedded_in_runtime(row.address)
        {
            row.flags.insert(ObjectFlags::STATIC);
            row.allocated = 0;
            return Ok(());
        }
        let prefix = managed + if gc { GC_HEAD } else { 0 };
        let block = rounded(measure.block + prefix);
        if block <= SMALL {
            self.note_pool(row.address - prefix, block)?;
        }
        row.allocated = block + measure.besides;
        Ok(())
    }

    /// The length, unless the target can have no block of it at `start`.
    fn bounded(&self, start: u64, length: u64) -> Result<u64, Unreadable> {
        let extents = &self.options.extents;
        if length <= PAGE || extents.hold(start, length) {
            return Ok(length);
        }
        let end = start.checked_add(length).filter(|_| extents.is_empty());
        match end.map(|end| self.memory.byte(end - 1)) {
            Some(Ok(_)) => Ok(length),
            _ => Err(Unreadable { address: start, length: usize::try_from(length).unwrap_or(usize::MAX) }),
        }
    }

    fn measure_kind(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let offsets = &self.interpreter.layout.offsets;
        let size = || memory.word(address + 16);
        let basicsize = info.basicsize;
        let plain = |shallow: u64| Measure { shallow, block: shallow, besides: 0, length: None };
        let mut measure = match info.kind {
            Kind::Int | Kind::Bool => {
                let (_, digits) = strings::int_digits(memory, &self.interpreter, address)?;
                let shallow = match self.interpreter.layout.features.int_sizeof {
                    IntSizeof::Digits => LONG_DIGITS + 4 * digits,
                    IntSizeof::OneDigit => LONG_DIGITS + 4 * digits.max(1),
                    IntSizeof::BasicSize => basicsize + 4 * digits.max(1),
                };
                let block = shallow.max(basicsize + 4 * digits);
                Measure { shallow, block, besides: 0, length: None }
            }
            Kind::Str => {
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
                    (header + data, basicsize)
                };
                Measure { shallow: shallow + elsewhere, block, besides, length: Some(text.length) }
            }
            Kind::List => {
                let bytes = memory.word(address + 32)?.saturating_mul(8);
                let bytes = self.bounded(memory.word(address + 24)?, bytes)?;
                let besides = if bytes == 0 { 0 } else { rounded(bytes) };
                Measure { shallow: basicsize + bytes, block: basicsize, besides, length: Some(size()?) }
            }
            Kind::Tuple | Kind::Bytes => {
                let length = size()?;
                let items = info.itemsize.saturating_mul(length);
                Measure { length: Some(length), ..plain(basicsize.saturating_add(items)) }
            }
            Kind::Dict | Kind::OrderedDict => self.measure_dict(address, info)?,
            Kind::Set => {
                let mask = memory.word(address + 32)?;
                let table = memory.word(address + 40)?;
                let bytes = if table == address + 64 {
                    0
                } else {
                    self.bounded(table, mask.saturating_add(1).saturating_mul(16))?
                };
                let besides = if bytes == 0 { 0 } else { rounded(bytes) };
                Measure {
                    shallow: basicsize + bytes,
                    block: basicsize,
                    besides,
                    length: Some(memory.word(address + 24)?),
                }
            }
            Kind::ByteArray => {
                let bytes = self.bounded(memory.word(address + 32)?, memory.word(address + 24)?)?;
                let besides = if bytes == 0 { 0 } else { rounded(bytes) };
                Measure { shallow: basicsize + bytes, block: basicsize, besides, length: Some(size()?) }
            }
            Kind::Type => self.measure_type(address, info)?,
            Kind::Code => {
                let length = size()?;
                match self.interpreter.layout.features.code {
                    Code::Inline => {
                        let extra = memory.word(address + u64::from(offsets.co_extra))?;
                        let extra = match extra {
                            0 => 0,
                            _ => {
                                self.bounded(extra, memory.word(extra)?.saturating_mul(8).saturating_add(8))?
                            }
                        };
                        let bytes = basicsize.saturating_add(info.itemsize.saturating_mul(length));
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
                            elsewhere += self.bounded(cells, memory.word(cells + 16)?.saturating_mul(8))?;
                        }
                        if memory.word(address + u64::from(offsets.co_opcache))? != 0 {
                            let code = memory.word(address + u64::from(offsets.co_code))?;
                            // A byte for two of these.
                            elsewhere += self.bounded(code, memory.word(code + 16)?)? / 2;
                            elsewhere +=
                                u64::from(memory.byte(address + u64::from(offsets.co_opcache_size))?)
                                    * OPCACHE_ENTRY;
                        }
                        Measure {
                            shallow: basicsize + elsewhere,
                            block: basicsize,
                            besides: elsewhere,
                            length: None,
                        }
                    }
                }
            }
            Kind::Generator => match self.interpreter.layout.features.frames {
                Frames::ObjectFrame => plain(basicsize),
                Frames::InterpreterFrame => {
                    let frame = address + u64::from(offsets.gen_frame);
                    let code = memory.word(frame + u64::from(offsets.frame_code))?;
                    let slots = self.frame_slots(code)?;
                    plain(u64::from(offsets.gen_frame + offsets.frame_localsplus) + 8 * slots)
                }
            },
            Kind::Frame => {
                match self.interpreter.layout.features.frames {
                    Frames::InterpreterFrame => {
                        let frame = memory.word(address + u64::from(offsets.frame_object_frame))?;
                        let code = memory.word(frame + u64::from(offsets.frame_code))?;
                        let slots = self.frame_slots(code)?;
                        plain(u64::from(offsets.frame_object_data + offsets.frame_localsplus) + 8 * slots)
                    }
                    Frames::ObjectFrame => {
                        let code = memory.word(address + u64::from(offsets.frame_code))?;
                        let mut slots = u64::from(memory.half(code + u64::from(offsets.co_stacksize))?);
                        for names in [offsets.co_varnames, offsets.co_cellvars, offsets.co_freevars] {
                            let length = memory.word(memory.word(code + u64::from(names))? + 16)?;
                            slots = slots.saturating_add(length);
                        }
                        // The structure itself has room for one.
                        let shallow = basicsize.saturating_add(slots.saturating_sub(1).saturating_mul(8));
                        let block = basicsize.saturating_add(info.itemsize.saturating_mul(size()?));
                        Measure { block, ..plain(self.bounded(address, shallow)?) }
                    }
                }
            }
            Kind::Deque => {
                let length = size()?;
                let left = memory.word(address + 40)?;
                let blocks = left.saturating_add(length).div_ceil(DEQUE_BLOCK).max(1);
                let bytes = self.scattered(address, blocks, DEQUE_BLOCK_SIZE)?;
                Measure {
                    shallow: basicsize + bytes,
                    block: basicsize,
                    besides: blocks * rounded(DEQUE_BLOCK_SIZE),
                    length: Some(length),
                }
            }
            Kind::Array => {
                // PyVarObject, ob_item, allocated, ob_descr; the descriptor starts with typecode and itemsize.
                let descriptor = memory.word(address + 40)?;
                let item = u64::from(memory.half(descriptor + 4)?);
                let bytes = memory.word(address + 32)?.saturating_mul(item);
                let bytes = self.bounded(memory.word(address + 24)?, bytes)?;
                let besides = if bytes == 0 { 0 } else { rounded(bytes) };
                Measure { shallow: basicsize + bytes, block: basicsize, besides, length: Some(size()?) }
            }
            Kind::NdArray => {
                let buffer = self.array_buffer(address)?;
                let owned = buffer.owned_bytes.unwrap_or(0);
                // Buffers that devices write to are kept from forks.
                if !self.options.extents.may_hide(buffer.data, owned) {
                    self.bounded(buffer.data, owned)?;
                }
                let dimensions = u64::from(memory.half(address + 24)?) * 16;
                Measure {
                    shallow: basicsize + owned + dimensions,
                    block: basicsize,
                    besides: rounded(owned) + if dimensions == 0 { 0 } else { rounded(dimensions) },
                    length: buffer.length,
                }
            }
            _ if info.itemsize != 0 => {
                let items = info.itemsize.saturating_mul((size()? as i64).unsigned_abs());
                plain(basicsize.saturating_add(items))
            }
            _ => plain(basicsize),
        };
        if let Some(inline) = self.inline_values(address, info)? {
            match self.interpreter.layout.features.instance_values {
                InstanceValues::Dict => {}
                InstanceValues::BeforeObject | InstanceValues::Tagged => {
                    let prefix = u64::from(memory.byte(inline.values - 1)?);
                    let bytes = self.bounded(inline.values, inline.keys.usable.saturating_mul(8))?;
                    measure.besides += rounded(prefix + bytes);
                }
                // Header, values, and one byte each for the order of insertion.
                InstanceValues::Inline => {
                    measure.block +=
                        values_header::SIZE + inline.count * 8 + inline.count.next_multiple_of(8);
                }
            }
        }
        Ok(measure)
    }

    /// Bytes of `count` blocks that an object owns somewhere, unless the target has not so many in all.
    fn scattered(&self, address: u64, count: u64, size: u64) -> Result<u64, Unreadable> {
        let bytes = count.saturating_mul(size);
        if bytes <= PAGE
            || self.options.extents.have(bytes)
            || self.options.extents.is_empty() && bytes < 1 << 40
        {
            Ok(bytes)
        } else {
            Err(Unreadable { address, length: PAGE as usize })
        }
    }

    fn measure_dict(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let table = DictTable::read(memory, &self.interpreter, address)?;
        let mut shallow = info.basicsize;
        let mut besides = 0;
        if table.values != 0 {
            let bytes = self.bounded(table.values, table.usable.saturating_mul(8))?;
            shallow += bytes;
            if !table.embedded {
                let overhead = match self.interpreter.layout.features.instance_values {
                    InstanceValues::Dict => 0,
                    InstanceValues::BeforeObject | InstanceValues::Tagged => {
                        u64::from(memory.byte(table.values - 1)?)
                    }
                    InstanceValues::Inline => values_header::SIZE + (bytes / 8).next_multiple_of(8),
                };
                besides += rounded(bytes + overhead);
            }
        }
        if table.keys_refcount == 1 {
            self.bounded(table.keys, table.keys_size)?;
            shallow += table.keys_size;
            if !self.options.image.contains(&table.keys) {
                besides += rounded(table.keys_size);
            }
        }
        if info.kind == Kind::OrderedDict {
            let nodes = memory.word(address + OD_FAST_NODES_SIZE)?;
            let used = memory.word(address + 16)?;
            let table = memory.word(address + OD_FAST_NODES)?;
            let bytes = self.bounded(table, nodes.saturating_mul(8))?;
            let listed = self.scattered(address, used, OD_NODE)?;
            shallow += bytes + listed;
            besides += used * rounded(OD_NODE) + if bytes == 0 { 0 } else { rounded(bytes) };
        }
        Ok(Measure { shallow, block: info.basicsize, besides, length: Some(memory.word(address + 16)?) })
    }

    fn measure_type(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let offsets = &self.interpreter.layout.offsets;
        if self.flags_of_type(address)? & flag::HEAPTYPE == 0 {
            return Ok(Measure { shallow: u64::from(offsets.type_size), block: 0, besides: 0, length: None });
        }
        let mut shallow = u64::from(offsets.heap_type_size);
        let mut besides = 0;
        let keys = self.memory.word(address + u64::from(offsets.ht_cached_keys))?;
        if keys != 0 {
            let size = DictTable::of_keys(self.memory, &self.interpreter, keys, 0)?.keys_size;
            self.bounded(keys, size)?;
            shallow += size;
            besides += rounded(size);
        }
        let members = self.memory.word(address + 16)?;
        if members > 1 << 16 {
            return Err(Unreadable { address, length: 24 });
        }
        Ok(Measure { shallow, block: info.basicsize + members * info.itemsize, besides, length: None })
    }

    /// Local variables and evaluation stack of a frame of `code` (3.11 and later).
    fn frame_slots(&self, code: u64) -> Result<u64, Unreadable> {
        let offsets = &self.interpreter.layout.offsets;
        let variables = self.memory.half(code + u64::from(offsets.co_nlocalsplus))?;
        let stack = self.memory.half(code + u64::from(offsets.co_stacksize))?;
        Ok(u64::from(variables) + u64::from(stack))
    }

    /// Counts the pymalloc pool that holds a block of this size, unless it is counted already.
    fn note_pool(&mut self, block: u64, size: u64) -> Result<(), Fault> {
        let pool_size = self.interpreter.layout.features.pool_size;
        let pool = block & !(pool_size - 1);
        if pool == self.last_pool {
            return Ok(());
        }
        self.last_pool = pool;
        if self.pools.get(pool).is_some() {
            return Ok(());
        }
        // `struct pool_header`: count of blocks in use at 0, size class at 36. Another allocator's memory looks otherwise.
        let count = u64::from(self.memory.half(pool)?);
        let class = u64::from(self.memory.half(pool + 36)?);
        // A type can claim that its objects take no bytes.
        let fits = (pool_size - POOL_HEADER).checked_div(size).unwrap_or(0);
        if (class + 1) * 16 == size && (1..=fits).contains(&count) {
            self.pools.intern(pool)?;
            self.pools_used += count * size;
            self.pools_free += pool_size - POOL_HEADER - count * size;
        }
        Ok(())
    }

    /// Whether an object is part of the runtime's own structure, as small integers and the like can be.
    fn is_embedded_in_runtime(&self, address: u64) -> bool {
        self.options.image.is_empty() && {
            let runtime = self.interpreter.runtime;
            (runtime..runtime + self.interpreter.layout.features.runtime_objects).contains(&address)
        }
    }
}

/// `sizeof(_PyOpcache)` of 3.8 to 3.10.
const OPCACHE_ENTRY: u64 = 32;
/// Elements per block of a deque (`BLOCKLEN`).
const DEQUE_BLOCK: u64 = 64;
/// `sizeof(block)` of a deque.
const DEQUE_BLOCK_SIZE: u64 = 528;
/// `PyODictObject.od_fast_nodes`.
const OD_FAST_NODES: u64 = 64;
/// `PyODictObject.od_fast_nodes_size`.
const OD_FAST_NODES_SIZE: u64 = 72;
/// `sizeof(_ODictNode)`.
const OD_NODE: u64 = 32;

/// What an allocation of this size takes: pymalloc's size classes up to 512 bytes, glibc's chunks and pages above.
fn rounded(size: u64) -> u64 {
    match size {
        0 => 0,
        1..=SMALL => size.next_multiple_of(16),
        size if size < MAPPED => (size + 8).next_multiple_of(16),
        size => (size + 16).next_multiple_of(4096),
    }
}

//! Shallow size (what `sys.getsizeof` answers), allocated size and length of an object.

use crate::layout::{CountedHead, fixed, flag};
use crate::memory::{Memory, Unreadable};
use crate::types::kinds::Kind;
use crate::walk::TypeInfo;
use crate::walk::{Fault, Walk};
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

/// What an object measures, before the prefix; in bytes.
pub(crate) struct Measure {
    /// As its `__sizeof__` counts.
    pub shallow: u64,
    /// Its own block, without prefix.
    pub block: u64,
    /// Blocks besides, rounded.
    pub besides: u64,
    /// As `len` counts.
    pub length: Option<u64>,
}

impl Measure {
    /// An object in one block.
    pub(crate) fn plain(shallow: u64) -> Self {
        Self { shallow, block: shallow, besides: 0, length: None }
    }

    /// An object of one block that owns another of `bytes`.
    pub(crate) fn with_buffer(basicsize: u64, bytes: u64, length: u64) -> Self {
        Self { shallow: basicsize + bytes, block: basicsize, besides: rounded(bytes), length: Some(length) }
    }
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
        row.shallow = measure.shallow + managed + if counts_head { fixed::GC_HEAD } else { 0 };

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
        let prefix = managed + if gc { fixed::GC_HEAD } else { 0 };
        let block = rounded(measure.block + prefix);
        if block <= SMALL {
            self.note_pool(row.address - prefix, block)?;
        }
        row.allocated = block + measure.besides;
        Ok(())
    }

    /// The length, unless the target can have no block of it at `start`.
    pub(crate) fn bounded(&self, start: u64, length: u64) -> Result<u64, Unreadable> {
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

    /// Bytes of `count` blocks that an object owns somewhere, unless the target has not so many in all.
    pub(crate) fn scattered(&self, address: u64, count: u64, size: u64) -> Result<u64, Unreadable> {
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

/// What an allocation of this size takes: pymalloc's size classes up to 512 bytes, glibc's chunks and pages above.
pub(crate) fn rounded(size: u64) -> u64 {
    match size {
        0 => 0,
        1..=SMALL => size.next_multiple_of(16),
        size if size < MAPPED => (size + 8).next_multiple_of(16),
        size => (size + 16).next_multiple_of(4096),
    }
}

//! Memory of the walker's own, straight from the kernel: the target's allocators are never called.

use crate::kernel;
use crate::region::Region;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;

/// Blocks of up to this size are cut from chunks; larger ones are mappings of their own.
const LARGEST_BLOCK: usize = 1 << 14;
/// Smallest block: a power of two.
const SMALLEST_SHIFT: u32 = 5;
const CLASSES: usize = 10;
/// Memory taken from the kernel at a time for blocks.
const CHUNK: usize = 1 << 18;
/// Mappings at a time: the walker holds a few dozen vectors.
const MOST_MAPPINGS: usize = 512;

/// What is mapped, and which blocks are free.
pub struct Pages {
    /// Start and length; 0 where there is none.
    mappings: [Cell<(usize, usize)>; MOST_MAPPINGS],
    /// First free block of each size, which holds the address of the next.
    free: [Cell<usize>; CLASSES],
    chunk: Cell<usize>,
    chunk_left: Cell<usize>,
    bytes: Cell<usize>,
    peak: Cell<usize>,
}

impl Pages {
    /// The most bytes that were mapped at one time.
    pub fn peak(&self) -> u64 {
        self.peak.get() as u64
    }

    /// Unmaps everything.
    ///
    /// # Safety
    /// Nothing refers to any of it any more.
    pub unsafe fn free_all(&self) {
        for mapping in &self.mappings {
            let (start, length) = mapping.take();
            if length != 0 {
                // SAFETY: as the caller vouches.
                unsafe { kernel::unmap(start, length) };
            }
        }
        for free in &self.free {
            free.set(0);
        }
        self.chunk_left.set(0);
        self.bytes.set(0);
    }

    fn map(&self, length: usize) -> Option<usize> {
        let slot = self.mappings.iter().find(|mapping| mapping.get().1 == 0)?;
        let start = kernel::map(length).ok()?;
        slot.set((start, length));
        self.count(0, length);
        Some(start)
    }

    fn mapping(&self, start: usize) -> Option<&Cell<(usize, usize)>> {
        self.mappings.iter().find(|mapping| mapping.get().0 == start)
    }

    fn count(&self, old: usize, new: usize) {
        self.bytes.set(self.bytes.get() - old + new);
        self.peak.set(self.peak.get().max(self.bytes.get()));
    }

    fn allocate(&self, layout: Layout) -> Option<usize> {
        let Some((class, size)) = class_of(layout) else { return self.map(whole_pages(layout.size())) };
        let free = self.free.get(class)?;
        let block = free.get();
        if block != 0 {
            // SAFETY: a free block holds the address of the next.
            free.set(unsafe { (block as *const usize).read() });
            return Some(block);
        }
        // From the end of the chunk downwards, aligned to the block's size.
        let cut = |chunk: usize, left: usize| {
            let block = (chunk + left).checked_sub(size)? & !(size - 1);
            (block >= chunk).then_some(block)
        };
        let block = match cut(self.chunk.get(), self.chunk_left.get()) {
            Some(block) => block,
            None => {
                self.chunk.set(self.map(CHUNK)?);
                cut(self.chunk.get(), CHUNK)?
            }
        };
        self.chunk_left.set(block - self.chunk.get());
        Some(block)
    }

    fn deallocate(&self, block: usize, layout: Layout) {
        match class_of(layout) {
            Some((class, _)) => {
                if let Some(free) = self.free.get(class) {
                    // SAFETY: the block is free and large enough for an address.
                    unsafe { (block as *mut usize).write(free.get()) };
                    free.set(block);
                }
            }
            None => {
                if let Some(mapping) = self.mapping(block) {
                    let (_, length) = mapping.take();
                    // SAFETY: the mapping was made for this allocation alone.
                    unsafe { kernel::unmap(block, length) };
                    self.count(length, 0);
                }
            }
        }
    }

    fn reallocate(&self, block: usize, size: usize) -> Option<usize> {
        let mapping = self.mapping(block)?;
        let (_, old) = mapping.get();
        let new = whole_pages(size);
        // SAFETY: the mapping was made for this allocation alone, and the caller gives up its old address.
        let start = unsafe { kernel::remap(block, old, new) }.ok()?;
        mapping.set((start, new));
        self.count(old, new);
        Some(start)
    }
}

/// Class and size of the block for a layout, unless it needs a mapping of its own.
fn class_of(layout: Layout) -> Option<(usize, usize)> {
    let size = layout.size().max(layout.align()).next_power_of_two().max(1 << SMALLEST_SHIFT);
    (size <= LARGEST_BLOCK).then(|| ((size.trailing_zeros() - SMALLEST_SHIFT) as usize, size))
}

fn whole_pages(size: usize) -> usize {
    size.next_multiple_of(1 << 16)
}

/// The allocator of this code: finds its [`Pages`] by the stack it runs on.
pub struct Allocator;

// SAFETY: blocks are distinct, aligned to their size (mappings to pages), and used by one thread; its signal handlers do not allocate.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Region::current().state().pages.allocate(layout).unwrap_or(0) as *mut u8
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Region::current().state().pages.deallocate(pointer as usize, layout);
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let new_layout = match Layout::from_size_align(new_size, layout.align()) {
            Ok(new_layout) => new_layout,
            Err(_) => return core::ptr::null_mut(),
        };
        match (class_of(layout), class_of(new_layout)) {
            (None, None) => {
                let pages = &Region::current().state().pages;
                pages.reallocate(pointer as usize, new_size).unwrap_or(0) as *mut u8
            }
            (Some((old, _)), Some((new, _))) if old == new => pointer,
            _ => {
                // SAFETY: both blocks are valid for the smaller of the two sizes and do not overlap.
                unsafe {
                    let new = self.alloc(new_layout);
                    if !new.is_null() {
                        core::ptr::copy_nonoverlapping(pointer, new, layout.size().min(new_size));
                        self.dealloc(pointer, layout);
                    }
                    new
                }
            }
        }
    }
}

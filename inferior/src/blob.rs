//! What the injected build needs because it stands alone: an allocator, a panic handler, memory routines.

use crate::guard;
use crate::pages::Allocator;
use core::ffi::c_int;
use core::panic::PanicInfo;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    match info.location() {
        Some(place) => guard::abandon(format_args!("panicked at {place}: {}", info.message())),
        None => guard::abandon(format_args!("panicked: {}", info.message())),
    }
}

/// The compiler calls these by name. Their bodies are written such that it does not turn them into calls of themselves.
mod memory {
    use core::arch::asm;

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
        // SAFETY: the caller vouches for both ranges.
        unsafe { forward(to, from, length) };
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
        // SAFETY: the caller vouches for both ranges; each direction is right for its kind of overlap.
        unsafe {
            if (to as usize).wrapping_sub(from as usize) >= length {
                forward(to, from, length);
            } else {
                let mut at = length;
                while at > 0 {
                    at -= 1;
                    to.add(at).write_volatile(from.add(at).read_volatile());
                }
            }
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, byte: c_int, length: usize) -> *mut u8 {
        // SAFETY: the caller vouches for the range.
        unsafe { fill(to, byte as u8, length) };
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, length: usize) -> c_int {
        let mut at = 0;
        while at < length {
            // SAFETY: the caller vouches for both ranges.
            let (x, y) = unsafe { (a.add(at).read_volatile(), b.add(at).read_volatile()) };
            if x != y {
                return c_int::from(x) - c_int::from(y);
            }
            at += 1;
        }
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, length: usize) -> c_int {
        // SAFETY: as `memcmp`.
        unsafe { memcmp(a, b, length) }
    }

    #[cfg(target_arch = "x86_64")]
    unsafe fn forward(to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller vouches for both ranges.
        unsafe {
            asm!("rep movsb", inout("rcx") length => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack, preserves_flags));
        }
    }

    #[cfg(target_arch = "x86_64")]
    unsafe fn fill(to: *mut u8, byte: u8, length: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe {
            asm!("rep stosb", inout("rcx") length => _, inout("rdi") to => _, in("al") byte, options(nostack, preserves_flags));
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    unsafe fn forward(to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller vouches for both ranges.
        unsafe {
            let mut at = 0;
            while at < length {
                let word: u8;
                asm!("ldrb {word:w}, [{from}]", word = out(reg) word, from = in(reg) from.add(at), options(nostack, readonly));
                to.add(at).write_volatile(word);
                at += 1;
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    unsafe fn fill(to: *mut u8, byte: u8, length: usize) {
        let mut at = 0;
        while at < length {
            // SAFETY: the caller vouches for the range.
            unsafe { to.add(at).write_volatile(byte) };
            at += 1;
        }
    }

    use super::c_int;
}

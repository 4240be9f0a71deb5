//! The code that signal handlers return to: a call of `rt_sigreturn`, which every C library has, on AArch64 the kernel's own page too.

use crate::memory::ProcessMemory;
use memchr::memmem;
use procfs::process::{MMPermissions, MMapPath, MemoryMap};

/// The code's bytes.
#[cfg(target_arch = "x86_64")]
const CODE: [&[u8]; 2] = [
    // mov $15, %rax; syscall
    &[0x48, 0xC7, 0xC0, 0x0F, 0x00, 0x00, 0x00, 0x0F, 0x05],
    // mov $15, %eax; syscall
    &[0xB8, 0x0F, 0x00, 0x00, 0x00, 0x0F, 0x05],
];
#[cfg(target_arch = "aarch64")]
const CODE: [&[u8]; 1] = [
    // mov x8, #139; svc #0
    &[0x68, 0x11, 0x80, 0xD2, 0x01, 0x00, 0x00, 0xD4],
];

/// Code of one mapping beyond this is not searched, bytes; a C library has less than two million.
const LIMIT: u64 = 64 << 20;

/// Its address, looked for in the mappings for which `likely` is true, then in all others.
pub fn find(maps: &[MemoryMap], memory: &ProcessMemory, likely: impl Fn(&MemoryMap) -> bool) -> Option<u64> {
    let is_code = |map: &&MemoryMap| {
        map.perms.contains(MMPermissions::READ | MMPermissions::EXECUTE)
            && matches!(map.pathname, MMapPath::Path(_) | MMapPath::Vdso)
    };
    let (first, others): (Vec<&MemoryMap>, _) = maps.iter().filter(is_code).partition(|map| likely(map));
    first.into_iter().chain(others).find_map(|map| {
        let (start, end) = map.address;
        let mut code = vec![0; (end - start).min(LIMIT) as usize];
        memory.read(start, &mut code).ok()?;
        CODE.iter().find_map(|bytes| memmem::find(&code, bytes)).map(|at| start + at as u64)
    })
}

//! Huge pages for the analysis of large dumps: it goes through arrays of hundreds of megabytes in no order, and spends part of its
//! time on finding the pages otherwise.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// What glibc's allocator reads when a program starts, and never again.
const VARIABLE: &str = "GLIBC_TUNABLES";

/// Asks the kernel for huge pages for large blocks.
const VALUE: &str = "glibc.malloc.hugetlb=1";

/// Bytes of a dump from which on they pay.
const LARGE: u64 = 128 << 20;

/// Starts this program anew, in the same process, such that its allocator asks for huge pages, if the dump is large. Returns where that
/// is not needed, where the user has set the allocator up already, or where it cannot be done: then it is only slower.
pub fn use_for(dump: &Path) {
    let is_large = fs::metadata(dump).is_ok_and(|file| file.is_file() && file.len() >= LARGE);
    if is_large && std::env::var_os(VARIABLE).is_none() {
        // Through the link of the kernel: the file may have been moved meanwhile. Only an error comes back.
        let mut again = Command::new("/proc/self/exe");
        let name = std::env::args_os().next().unwrap_or_else(|| env!("CARGO_PKG_NAME").into());
        let _ = again.arg0(name).args(std::env::args_os().skip(1)).env(VARIABLE, VALUE).exec();
    }
}

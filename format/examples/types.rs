//! Reads a dump and prints how much memory the objects of each type take: `cargo run --example types FILE`.

use pyheap_format::ObjectFlags;
use pyheap_format::reader::{Dump, ReadError};
use std::path::Path;

/// Number of objects and allocated bytes by type, the largest first.
pub fn types(dump: &Dump) -> Vec<(String, u64, u64)> {
    let mut rows: Vec<_> = dump.types().iter().map(|class| (class.full_name(), 0, 0)).collect();
    for chunk in dump.object_chunks() {
        // Columns of up to 8192 objects, read where they stand in the file.
        for ((class, flags), allocated) in chunk.types().zip(chunk.flags()).zip(chunk.allocated().iter()) {
            let (_, count, bytes) = &mut rows[class as usize];
            *count += 1;
            // Nothing was allocated for objects that are part of an executable.
            *bytes += if ObjectFlags(*flags).contains(ObjectFlags::STATIC) { 0 } else { allocated };
        }
    }
    rows.sort_by_key(|(_, _, bytes)| std::cmp::Reverse(*bytes));
    rows
}

fn main() -> Result<(), ReadError> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "heap.cbor".into());
    let dump = Dump::open(Path::new(&path))?;
    println!("{} objects of Python {}", dump.object_count(), dump.header().python.version);
    for (name, count, bytes) in types(&dump).into_iter().take(10) {
        println!("{bytes:>12} bytes in {count:>8} {name}");
    }
    Ok(())
}

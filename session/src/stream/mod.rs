//! From the copy-on-write child to a file: its records, its memory, its end, and where they go.

pub mod child;
pub mod compressor;
pub mod destination;
pub mod dump_file;
pub mod reception;
pub mod watch;

//! Placeholder while the writer is being written.

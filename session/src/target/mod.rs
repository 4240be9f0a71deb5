//! The target and what is done to it: prepared, brought to a safe point, visited by our code, let go as it was.

pub mod estimate;
pub mod held_signals;
pub mod image;
pub mod memory;
pub mod prepared;
pub mod safe_point;
pub mod snapshot;
pub mod system_calls;

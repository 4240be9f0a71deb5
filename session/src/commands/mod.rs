//! What the user types.

pub mod dump;
pub mod header;
pub mod repair;
pub mod top;

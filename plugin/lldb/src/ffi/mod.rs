//! LLDB's C++ interface (SB API), called without its headers and without a link to its library.
//!
//! Why this is sound, and which layout it relies on (the Itanium C++ ABI, and LLDB's promise to keep the SB API binary compatible):
//! - Every SB class holds nothing but a smart pointer or two, at most 24 bytes, and stays so; [`Raw`] is larger. Objects may be moved.
//! - All of them have destructors, so C++ returns them through a hidden pointer to memory of the caller, whatever their size; Rust does
//!   the same for a `repr(C)` struct of 64 bytes. Arguments of class type are passed by pointer for the same reason.
//! - A method's first argument is the object's address.
//! - Symbols are looked up by their mangled names in the LLDB that loaded this plugin; if one is missing the plugin is not used.

mod api;
mod command;
mod objects;

pub use api::load;
pub use command::add_command;
pub use objects::{Breakpoint, Debugger, Interpreter, Process, Reply, Target, Thread, version};

/// Room for any SB object.
#[repr(C)]
#[derive(Debug)]
pub struct Raw([u64; 8]);

impl Raw {
    const EMPTY: Self = Self([0; 8]);
}

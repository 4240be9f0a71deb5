//! Linux ptrace, without a debugger.
//!
//! [`Borrowed`] is a thread that executes functions of the injected code. From the first register that is changed until everything is as it
//! was, the thread can be left alone at any instruction: it then goes back to what it did by itself. A debugger that lives in the process
//! of the tracer, such as GDB's plugin, uses it on a thread that it holds.
//!
//! [`Tracer`] holds a process all by itself, and does what the commands ask of a debugger.
//!
//! What this crate does not know: CPython, the injected code, the dump.

mod arch;
mod borrowed;
mod breakpoints;
mod ptrace;
mod seizure;
mod tracer;

pub use borrowed::{Borrowed, CallError, Wake};
pub use ptrace::Thread;
pub use tracer::{Interrupted, Tracer};

//! What the debuggers' plugins share: the way from a stopped process to a dump, and the commands `pyheap-dump` and `pyheap-top`.
//!
//! Nothing here knows which debugger runs: a plugin implements [`Debugger`] and hands the user's arguments to [`run`]. CPython's
//! structures are the business of `pyheap-walker`, files of the target and `/proc` that of `pyheap-process`.
#![deny(unsafe_code)]

mod commands;
mod debugger;
mod error;
mod options;
mod stream;
mod target;
mod text;

pub use debugger::{Debugger, DebuggerError, Returned, Stop};
pub use error::SessionError;
pub use options::Command;
pub use pyheap_process::Signal;
pub use pyheap_process::seccomp::Instruction;

use clap::Parser;
use commands::{dump, repair, top};
use options::DumpOptions;

/// Runs a command with the arguments that the user typed. The text is the result, to be shown to the user; notes and progress go to
/// the standard error stream.
pub fn run(
    debugger: &mut dyn Debugger,
    command: Command,
    arguments: &[String],
) -> Result<String, SessionError> {
    match command {
        Command::Dump => match parse(arguments)? {
            Parsed::Options(DumpOptions { repair: Some(pid), .. }) => repair::run(pid),
            Parsed::Options(options) => dump::run(debugger, &options),
            Parsed::Help(text) => Ok(text),
        },
        Command::Top => match parse(arguments)? {
            Parsed::Options(options) => top::run(debugger, &options),
            Parsed::Help(text) => Ok(text),
        },
    }
}

enum Parsed<O> {
    Options(O),
    Help(String),
}

fn parse<O: Parser>(arguments: &[String]) -> Result<Parsed<O>, SessionError> {
    match O::try_parse_from(arguments) {
        Ok(options) => Ok(Parsed::Options(options)),
        Err(error) => {
            let text = error.render().to_string().trim_end().to_owned();
            match error.kind() {
                clap::error::ErrorKind::DisplayHelp => Ok(Parsed::Help(text)),
                _ => Err(SessionError::Usage(text.strip_prefix("error: ").unwrap_or(&text).to_owned())),
            }
        }
    }
}

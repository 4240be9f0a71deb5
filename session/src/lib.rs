//! What the debuggers' plugins share: the way from a stopped process to a dump, and the commands `pyheap-dump` and `pyheap-top`.
//!
//! Nothing here knows which debugger runs: a plugin implements [`Debugger`] and hands the user's arguments to [`run`]. CPython's
//! structures are the business of `pyheap-walker`, files of the target and `/proc` that of `pyheap-process`.
#![deny(unsafe_code)]

mod commands;
mod debugger;
mod error;
mod listener;
mod options;
mod stream;
mod target;
pub mod text;

pub use commands::dump::{Dumped, default_name};
pub use debugger::{Debugger, DebuggerError, Returned, Stop};
pub use error::SessionError;
pub use listener::{Listener, Progress, StandardError};
pub use options::{Command, DumpOptions, Grouping, SnapshotOptions, Sort, TopOptions};
pub use pyheap_process::Signal;
pub use pyheap_process::seccomp::Instruction;
pub use stream::destination::STANDARD_OUTPUT;
pub use target::estimate::Estimate;

use clap::Parser;
use std::path::Path;

/// Runs a command with the arguments that the user typed. The text is the result, to be shown to the user; notes and progress go to
/// the debugger's listener.
pub fn run(
    debugger: &mut dyn Debugger,
    command: Command,
    arguments: &[String],
) -> Result<String, SessionError> {
    match command {
        Command::Dump => match parse(arguments)? {
            Parsed::Options(DumpOptions { repair: Some(pid), .. }, _) => commands::repair::run(pid),
            Parsed::Options(DumpOptions { output: Some(output), .. }, _)
                if output == Path::new(STANDARD_OUTPUT) =>
            {
                Err(SessionError::Usage(
                    "-o -: the debugger writes there, too; name a file or a pipe".to_owned(),
                ))
            }
            Parsed::Options(mut options, pid) => {
                let mut other = pid.map(|pid| debugger.other(pid)).transpose()?;
                options.snapshot.detach |= other.is_some();
                let debugger = other.as_deref_mut().unwrap_or(debugger);
                dump(debugger, &options).map(|dumped| dumped.to_string())
            }
            Parsed::Help(text) => Ok(text),
        },
        Command::Top => match parse(arguments)? {
            Parsed::Options(mut options, pid) => {
                let options: &mut TopOptions = &mut options;
                let mut other = pid.map(|pid| debugger.other(pid)).transpose()?;
                options.snapshot.detach |= other.is_some();
                top(other.as_deref_mut().unwrap_or(debugger), options)
            }
            Parsed::Help(text) => Ok(text),
        },
    }
}

/// Writes a dump of the debugger's process.
pub fn dump(debugger: &mut dyn Debugger, options: &DumpOptions) -> Result<Dumped, SessionError> {
    commands::dump::run(debugger, options)
}

/// A table of what holds most memory in the debugger's process, and a sentence about the snapshot.
pub fn top(debugger: &mut dyn Debugger, options: &TopOptions) -> Result<String, SessionError> {
    commands::top::run(debugger, options)
}

/// Removes breakpoints that a dead debugger left in the code of process `pid`; tells what was found.
pub fn repair(pid: u32) -> Result<String, SessionError> {
    commands::repair::run(pid)
}

enum Parsed<O> {
    /// Options, and the process if it is not the debugger's.
    Options(O, Option<u32>),
    Help(String),
}

fn parse<O: Parser>(arguments: &[String]) -> Result<Parsed<O>, SessionError> {
    let command = options::in_debugger(O::command());
    let matches = command.try_get_matches_from(arguments);
    let parsed = matches.and_then(|matches| {
        Ok(Parsed::Options(O::from_arg_matches(&matches)?, matches.get_one(options::PID).copied()))
    });
    match parsed {
        Ok(parsed) => Ok(parsed),
        Err(error) => {
            let text = error.render().to_string().trim_end().to_owned();
            match error.kind() {
                clap::error::ErrorKind::DisplayHelp => Ok(Parsed::Help(text)),
                _ => Err(SessionError::Usage(text.strip_prefix("error: ").unwrap_or(&text).to_owned())),
            }
        }
    }
}

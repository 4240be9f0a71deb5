//! `pyheap-dump`: dumps the heap of a live Python process, from a shell, without a debugger. As `pyheap-top` it shows a table instead.
//!
//! How a dump is made is the business of `pyheap-session`, how a process is held that of `pyheap-tracer`. Here is what a command line
//! adds: which processes are meant, what is told of the outcome, and the exit status.
#![forbid(unsafe_code)]

mod batch;
mod condition;
mod container;
mod dump;
mod error;
mod family;
mod interrupt;
mod list;
mod options;
mod processes;
mod report;
mod top;

use clap::{CommandFactory, Parser};
use options::{Options, Top};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// What the command line asks for, from start to exit status.
pub fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let is_top = words.first().is_some_and(|name| Path::new(name).file_stem() == Some("pyheap-top".as_ref()));
    if !is_top && words.get(1).is_some_and(|word| word == "top") {
        words.remove(1);
        return top::run(&Top::parse_from(words));
    }
    if is_top {
        return top::run(&Top::parse_from(words));
    }
    let (options, words) = Options::read(words);
    dump::run(options, &words)
}

/// The definitions of both command lines, for completions and man pages.
pub fn commands() -> [clap::Command; 2] {
    [Options::command(), Top::command()]
}

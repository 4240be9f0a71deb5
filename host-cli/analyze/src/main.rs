//! `pyheap-analyze`: asks the engine what is in a dump, and prints the answer as tables, JSON or CSV.
//!
//! Results go to standard output, progress, notes and errors to standard error; [`failure::Failure`] says how each
//! error exits.
#![forbid(unsafe_code)]

mod console;
mod failure;
mod options;
mod questions;
mod render;
mod serve;

use clap::Parser;
use console::Console;
use failure::Failure;
use options::Options;
use pyheap_report::printable;
use questions::Work;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            // An expression that cannot be parsed is shown in lines of its own.
            let text = failure.to_string();
            let lines: Vec<_> = text.lines().map(printable).collect();
            eprintln!("error: {}", lines.join("\n"));
            if let Some(hint) = failure.hint() {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Opens the dump, asks, prints, and keeps the analysis for the next question.
fn run(options: &Options) -> Result<(), Failure> {
    let question = match options.work() {
        Work::Answer(question) => question,
        Work::Serve(options) => return serve::serve(options),
        Work::Report(options) => return serve::report(options),
    };
    let console = Console::new();
    let engine = console.open(question.dump())?;
    let answer = question.answer(&engine, &console)?;
    console.print(&answer)?;
    if let Err(error) = engine.keep(&console.watch()) {
        console.note(&format!("the analysis is not kept for next time: {error}"));
    }
    if answer.passed { Ok(()) } else { Err(Failure::Verification) }
}

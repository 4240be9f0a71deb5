//! `pyheap-analyze`: tells what is in a dump, as tables, JSON or CSV.
//!
//! A command makes a report value; one renderer prints it. Results go to standard output, notes and errors to standard error.
#![forbid(unsafe_code)]

mod commands;
mod input;
mod options;
mod render;
mod report;
mod units;

use clap::Parser;
use options::{Command, Options};
use report::Report;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if let Some(hint) = input::hint(&error) {
                eprintln!("hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    match &options.command {
        Command::Info(info) => print(commands::info(&input::open(&info.file)?), &info.output),
        Command::Types(types) => print(
            commands::types(&input::open(&types.file)?, types.sort, types.rows.limit(&types.output)),
            &types.output,
        ),
        Command::Threads(threads) => print(commands::threads(&input::open(&threads.file)?), &threads.output),
        Command::Object(object) => {
            let dump = input::open(&object.file)?;
            let report = commands::object(&dump, object.address)?;
            print(report, &object.output)
        }
    }
}

fn print<R: Report>(report: R, output: &options::Output) -> anyhow::Result<()> {
    let rendered = render::render(&report, output.format, render::Terminal::of_stdout())?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(rendered.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

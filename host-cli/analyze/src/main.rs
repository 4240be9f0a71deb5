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
use options::{Analysed, Command, GroupOrder, Options, TypeOrder};
use pyheap_heap::Analysis;
use report::Report;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
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
    let Some(command) = &options.command else {
        let dump = input::open(options.summary.file.as_deref().unwrap_or(Path::new("-")))?;
        return print(commands::summary(&Analysis::new(&dump)), &options.summary.output);
    };
    match command {
        Command::Info(info) => print(commands::info(&input::open(&info.file)?), &info.output),
        Command::Types(types) if types.sort == TypeOrder::Retained => {
            let dump = input::open(&types.file)?;
            let limit = types.rows.limit(&types.output);
            let report = commands::types_retained(&Analysis::new(&dump), GroupOrder::Retained, limit);
            print(report, &types.output)
        }
        Command::Types(types) => print(
            commands::types(&input::open(&types.file)?, types.sort, types.rows.limit(&types.output)),
            &types.output,
        ),
        Command::Threads(threads) => {
            let dump = input::open(&threads.file)?;
            print(commands::threads(&Analysis::new(&dump)), &threads.output)
        }
        Command::Object(object) => {
            let dump = input::open(&object.file)?;
            let report = commands::object(&dump, object.address, object.rows.limit(&object.output))?;
            let analysis = Analysis::new(&dump);
            let number = commands::object_at(&analysis, object.address)?;
            print(commands::held_object(&analysis, report, number), &object.output)
        }
        Command::RetainedHeap(retained) => {
            let dump = input::open(retained.file())?;
            print(commands::retained_heap(&Analysis::new(&dump), retained.limit()), &retained.output)
        }
        Command::Modules(modules) => {
            analyse(&modules.analysed, |analysis, limit| Ok(commands::modules(analysis, modules.sort, limit)))
        }
        Command::Paths(paths) => match (paths.address, &paths.all_merged) {
            (_, Some(name)) => {
                analyse(&paths.analysed, |analysis, limit| commands::merged_paths(analysis, name, limit))
            }
            (address, None) => analyse(&paths.analysed, |analysis, limit| {
                commands::paths(analysis, address.unwrap_or_default(), limit)
            }),
        },
        Command::Dominators(tree) => analyse(&tree.analysed, |analysis, limit| {
            commands::dominators(analysis, tree.address, tree.share, tree.depth, limit)
        }),
        Command::Leaks(leaks) => {
            analyse(&leaks.analysed, |analysis, limit| Ok(commands::leaks(analysis, leaks.share, limit)))
        }
        Command::NativeRefs(options) => {
            analyse(options, |analysis, limit| Ok(commands::native_refs(analysis, limit)))
        }
        Command::Cycles(options) => analyse(options, |analysis, limit| Ok(commands::cycles(analysis, limit))),
        Command::Waste(options) => analyse(options, |analysis, limit| Ok(commands::waste(analysis, limit))),
        Command::Diff(diff) => {
            let (old, new) = (input::open(&diff.old)?, input::open(&diff.new)?);
            match &diff.newest {
                Some(newest) => {
                    let newest = input::open(newest)?;
                    print(commands::diff_three(&old, &new, &newest, diff.limit())?, &diff.output)
                }
                None => print(commands::diff(&old, &new, diff.limit()), &diff.output),
            }
        }
        Command::Verify(options) => {
            let report = commands::verify(&input::open(&options.file)?);
            let passed = report.passed();
            print(report, &options.output)?;
            if passed { Ok(()) } else { Err(anyhow::anyhow!("the dump does not pass all checks")) }
        }
    }
}

/// Analyses a dump and prints what `command` makes of it, given the number of rows to print.
fn analyse<R: Report>(
    options: &Analysed,
    command: impl FnOnce(&Analysis<'_>, usize) -> anyhow::Result<R>,
) -> anyhow::Result<()> {
    let dump = input::open(&options.file)?;
    print(command(&Analysis::new(&dump), options.limit())?, &options.output)
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

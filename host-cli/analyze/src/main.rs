//! `pyheap-analyze`: tells what is in a dump, as tables, JSON or CSV.
//!
//! A command makes a report value; one renderer prints it. Results go to standard output, notes and errors to standard error.
#![forbid(unsafe_code)]

mod cache;
mod commands;
mod input;
mod options;
mod progress;
mod render;
mod report;
mod units;

use cache::Cache;
use clap::Parser;
use options::{Analysed, Command, GroupOrder, Options, TypeOrder};
use progress::Progress;
use pyheap_format::text::printable;
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
            let hint = input::hint(&error);
            // An expression that cannot be parsed is shown in lines of its own.
            let error = format!("{error:#}");
            let lines: Vec<_> = error.lines().map(printable).collect();
            eprintln!("error: {}", lines.join("\n"));
            if let Some(hint) = hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let Some(command) = &options.command else {
        let file = options.summary.file.as_deref().unwrap_or(Path::new("-"));
        return analyse(file, &options.summary.output, |analysis| Ok(commands::summary(analysis)));
    };
    match command {
        Command::Info(info) => print(commands::info(&input::open(&info.file)?), &info.output),
        Command::Types(types) if types.sort == TypeOrder::Retained => {
            let limit = types.rows.limit(&types.output);
            analyse(&types.file, &types.output, |analysis| {
                Ok(commands::types_retained(analysis, GroupOrder::Retained, limit))
            })
        }
        Command::Types(types) => print(
            commands::types(&input::open(&types.file)?, types.sort, types.rows.limit(&types.output)),
            &types.output,
        ),
        Command::Threads(threads) => {
            analyse(&threads.file, &threads.output, |analysis| Ok(commands::threads(analysis)))
        }
        Command::Object(object) => {
            let limit = object.rows.limit(&object.output);
            analyse_at(Some(object.address), &object.file, &object.output, |analysis| {
                commands::held_object(analysis, object.address, limit)
            })
        }
        Command::RetainedHeap(retained) => analyse(retained.file(), &retained.output, |analysis| {
            Ok(commands::retained_heap(analysis, retained.limit()))
        }),
        Command::Modules(modules) => {
            rows(&modules.analysed, |analysis, limit| Ok(commands::modules(analysis, modules.sort, limit)))
        }
        Command::Paths(paths) => match (paths.address, &paths.all_merged) {
            (_, Some(name)) => {
                rows(&paths.analysed, |analysis, limit| commands::merged_paths(analysis, name, limit))
            }
            (address, None) => {
                let Analysed { file, output, .. } = &paths.analysed;
                analyse_at(address, file, output, |analysis| {
                    commands::paths(analysis, address.unwrap_or_default(), paths.analysed.limit())
                })
            }
        },
        Command::Dominators(tree) => {
            let Analysed { file, output, .. } = &tree.analysed;
            analyse_at(tree.address, file, output, |analysis| {
                let limit = tree.analysed.limit();
                commands::dominators(analysis, tree.address, tree.share, tree.depth, limit)
            })
        }
        Command::Leaks(leaks) => {
            rows(&leaks.analysed, |analysis, limit| Ok(commands::leaks(analysis, leaks.share, limit)))
        }
        Command::NativeRefs(options) => {
            rows(options, |analysis, limit| Ok(commands::native_refs(analysis, limit)))
        }
        Command::Cycles(options) => rows(options, |analysis, limit| Ok(commands::cycles(analysis, limit))),
        Command::Waste(options) => rows(options, |analysis, limit| Ok(commands::waste(analysis, limit))),
        Command::Query(query) => rows(&query.analysed, |analysis, limit| {
            commands::query(analysis, &query.expression, limit, query.time())
        }),
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
fn rows<R: Report>(
    options: &Analysed,
    command: impl FnOnce(&Analysis<'_>, usize) -> anyhow::Result<R>,
) -> anyhow::Result<()> {
    analyse(&options.file, &options.output, |analysis| command(analysis, options.limit()))
}

/// Analyses a dump, or restores its analysis, and prints what `command` makes of it.
fn analyse<R: Report>(
    file: &Path,
    output: &options::Output,
    command: impl FnOnce(&Analysis<'_>) -> anyhow::Result<R>,
) -> anyhow::Result<()> {
    analyse_at(None, file, output, command)
}

/// As [`analyse`], for a command that is about the object at an address: where there is none, that is told at once.
fn analyse_at<R: Report>(
    address: Option<u64>,
    file: &Path,
    output: &options::Output,
    command: impl FnOnce(&Analysis<'_>) -> anyhow::Result<R>,
) -> anyhow::Result<()> {
    let dump = input::open(file)?;
    if let Some(address) = address {
        commands::object_at(&dump, address)?;
    }
    let cache = Cache::of(&dump);
    let objects = dump.object_count();
    let restored = cache.as_ref().and_then(|cache| cache.restore(&dump));
    let computed = restored.is_none();
    let progress = Progress::of("analysing", objects);
    let analysis = restored.unwrap_or_else(|| Analysis::new(&dump));
    let report = command(&analysis)?;
    drop(progress);
    print(report, output)?;
    if let Some(cache) = cache.filter(|_| computed) {
        let _progress = Progress::of("keeping the analysis of", objects);
        if let Err(error) = cache.store(&analysis) {
            eprintln!("note: the analysis is not kept for next time: {error}");
        }
    }
    Ok(())
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

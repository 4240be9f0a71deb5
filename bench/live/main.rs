//! Measures a dump of a live process of 1.6 million objects, next to plain ways of doing less in the same run.
#![forbid(unsafe_code)]

mod application;
mod lldb;
mod measure;
mod program;

use anyhow::{Context, Result};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measure a dump of a live process against its limits.
#[derive(Debug, Parser)]
struct Arguments {
    /// Interpreter of the target.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Application objects in the target; each stands for 16 Python objects.
    #[arg(long, default_value_t = 100_000)]
    items: u32,
    /// How often each measurement is repeated; medians and worst cases are printed.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Exit with an error where a limit is exceeded.
    #[arg(long)]
    strict: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the project's folder")?;
    let mut application = application::Application::start(&arguments.python, arguments.items, 0)?;
    let mut figures = measure::all(&mut application, project, arguments.runs)?;
    figures.extend(lldb::all(&mut application, project, arguments.runs)?);
    figures.extend(program::all(&mut application, &arguments.python, project, arguments.runs)?);
    application.finish()?;
    let kept = pyheap_figures::print(&figures);
    Ok(if kept || !arguments.strict { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

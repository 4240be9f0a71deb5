//! What cargo cannot say: `cargo xtask demo`, `cargo xtask test`, `cargo xtask bench`,
//! `cargo xtask harm`, `cargo xtask dumps`, `cargo xtask layouts`, `cargo xtask package`.
#![forbid(unsafe_code)]

mod demo;
mod dumps;
mod harm;
mod interpreters;
mod layouts;
mod package;
mod second_lldb;
mod setup;
mod systems;
mod test;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Tasks of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Options {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build, start a sample process, dump it through GDB and print the top of its heap.
    Demo,
    /// Install what is missing, build, run all tests; the last line says how many ran and how many were skipped.
    Test {
        /// Run the live tests with the debuggers of this Debian release instead, installed into the build folder: bullseye, trixie, sid.
        #[arg(long)]
        system: Option<String>,
        /// With `--system`: an LLDB of the release that is not its usual one, such as 17.
        #[arg(long, requires = "system", value_name = "VERSION")]
        lldb: Option<u32>,
        /// Arguments for the test runner, such as a part of a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Make target/package: the program without libraries, completions, man pages, for the container image of packaging/.
    Package,
    /// Attack debuggers and targets, thousands of times, and write what followed into docs/harmless.md.
    Harm {
        /// A part, or a way to dump for the part `killed`; `--count N` for N attacks on each way to dump.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Record the dumps of host-cli/analyze/tests/dumps/ anew, on all supported interpreters.
    Dumps,
    /// Write the walker's table of offsets for a version of CPython, from its headers.
    Layouts {
        /// Minor version, such as 3.13; pyenv's newest release of it, one of another Debian release, or the one on the path.
        version: String,
    },
    /// Measure a dump of 1.6 million objects against its limits; `bench analysis` measures the analysis of up to 30 million, `bench ui` the browser UI on 10 million.
    Bench {
        /// Arguments for the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> Result<ExitCode> {
    match Options::parse().task {
        Task::Demo => demo::run()?,
        Task::Dumps => dumps::run()?,
        Task::Package => package::run()?,
        Task::Test { system: Some(name), lldb, arguments } => return systems::run(&name, lldb, &arguments),
        Task::Test { system: None, arguments, .. } => return test::run(&arguments),
        Task::Harm { arguments } => return harm::run(&arguments),
        Task::Layouts { version } => layouts::write(&version)?,
        Task::Bench { arguments } => {
            setup::install(&setup::DEBUGGING)?;
            setup::install(&setup::TESTING)?;
            setup::build()?;
            let (benchmark, arguments) = match arguments.split_first() {
                Some((first, rest)) if first == "analysis" => ("bench-analysis", rest),
                Some((first, rest)) if first == "ui" => ("bench-ui", rest),
                _ => ("pyheap-bench", &arguments[..]),
            };
            let status = setup::cargo()
                .args(["run", "--quiet", "--release", "-p", "pyheap-bench", "--bin", benchmark, "--"])
                .args(arguments)
                .status()?;
            return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

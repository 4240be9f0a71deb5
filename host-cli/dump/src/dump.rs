//! Dumps of the processes that the user named.

use crate::error::ProgramError;
use crate::interrupt::Interrupts;
use crate::options::Options;
use crate::processes;
use crate::report::Reporter;
use pyheap_session::{DumpOptions, Dumped};
use pyheap_tracer::Tracer;
use std::process::ExitCode;

/// Does what the options say.
pub fn run(options: Options) -> ExitCode {
    let interrupts = match Interrupts::catch() {
        Ok(interrupts) => interrupts,
        Err(error) => return fatal(&ProgramError::Signals(error)),
    };
    let Options { pids, mut dump, json } = options;
    let mut reporter = Reporter::new(json, interrupts.clone());
    if let Some(pid) = dump.repair {
        match pyheap_session::repair(pid) {
            Ok(text) => reporter.print(&text),
            Err(error) => reporter.failed(pid, &error.into()),
        }
        return reporter.exit_code();
    }
    // There is nobody to whom the process could be left.
    dump.snapshot.detach = true;
    for pid in pids {
        match one(pid, &dump, &interrupts) {
            Ok(dumped) => reporter.dumped(pid, &dumped),
            Err(error) => reporter.failed(pid, &error),
        }
        if interrupts.arrived().is_some() {
            break;
        }
    }
    reporter.exit_code()
}

fn one(pid: u32, options: &DumpOptions, interrupts: &Interrupts) -> Result<Dumped, ProgramError> {
    Ok(pyheap_session::dump(&mut tracer(processes::checked(pid)?, interrupts), options)?)
}

/// A hold on a process, for this program.
pub fn tracer(pid: u32, interrupts: &Interrupts) -> Tracer {
    let interrupts = interrupts.clone();
    let interrupted = Box::new(move || interrupts.arrived().is_some());
    Tracer::new(pid, concat!("pyheap-dump ", env!("CARGO_PKG_VERSION")).to_owned(), interrupted)
}

/// Tells of an error before which nothing was done.
pub fn fatal(error: &ProgramError) -> ExitCode {
    eprintln!("error: {error}");
    error.exit_status(None).into()
}

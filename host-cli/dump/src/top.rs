//! `pyheap-top`: a table of what holds most memory in a process.

use crate::dump::{fatal, tracer};
use crate::error::ProgramError;
use crate::interrupt::Interrupts;
use crate::options::Top;
use crate::processes;
use crate::report::Reporter;
use std::process::ExitCode;

/// Does what the options say.
pub fn run(options: &Top) -> ExitCode {
    let interrupts = match Interrupts::catch() {
        Ok(interrupts) => interrupts,
        Err(error) => return fatal(&ProgramError::Signals(error)),
    };
    let mut reporter = Reporter::new(false, interrupts.clone());
    match table(options, &interrupts) {
        Ok(text) => reporter.print(&text),
        Err(error) => reporter.failed(options.pid, &error),
    }
    reporter.exit_code()
}

fn table(options: &Top, interrupts: &Interrupts) -> Result<String, ProgramError> {
    let pid = processes::checked(options.pid)?;
    let mut top = options.top.clone();
    top.snapshot.detach = true;
    Ok(pyheap_session::top(&mut tracer(pid, interrupts), &top)?)
}

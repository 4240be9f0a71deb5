//! `pyheap-top`: a table of what holds most memory in a process.

use crate::dump::{fatal, tracer};
use crate::error::ProgramError;
use crate::interrupt::Interrupts;
use crate::options::Top;
use crate::processes;
use crate::report::Reporter;
use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often an interrupt is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// To the upper left corner, and nothing on the screen.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Does what the options say.
pub fn run(options: &Top) -> ExitCode {
    let interrupts = match Interrupts::catch() {
        Ok(interrupts) => interrupts,
        Err(error) => return fatal(&ProgramError::Signals(error)),
    };
    let mut reporter = Reporter::new(false, false, interrupts.clone());
    if let Err(error) = show(options, &interrupts, &mut reporter) {
        reporter.failed(options.pid, &error);
    }
    reporter.exit_code()
}

fn show(options: &Top, interrupts: &Interrupts, reporter: &mut Reporter) -> Result<(), ProgramError> {
    let pid = processes::checked(options.pid)?;
    let mut top = options.top.clone();
    top.snapshot.detach = true;
    loop {
        let began = Instant::now();
        let table = pyheap_session::top(&mut tracer(pid, interrupts), &top);
        let Some(interval) = options.watch else {
            reporter.print(&table?);
            return Ok(());
        };
        // An interrupt is the way to end this, whenever it comes.
        if interrupts.arrived().is_some() {
            return Ok(());
        }
        let table = table?;
        let clear = if stdout().is_terminal() { CLEAR } else { "" };
        reporter.print(&format!("{clear}{table}\n"));
        while began.elapsed() < interval {
            if interrupts.arrived().is_some() {
                return Ok(());
            }
            std::thread::sleep(LOOK.min(interval.saturating_sub(began.elapsed())));
        }
    }
}

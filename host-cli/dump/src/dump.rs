//! Dumps of the processes that the user named.

use crate::condition::Condition;
use crate::error::ProgramError;
use crate::interrupt::Interrupts;
use crate::options::Options;
use crate::report::Reporter;
use crate::{batch, family, list, processes};
use pyheap_session::{DumpOptions, Dumped, Estimate, STANDARD_OUTPUT};
use pyheap_tracer::Tracer;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Does what the options say. `words`: those of a dump.
pub fn run(mut options: Options, words: &[OsString]) -> ExitCode {
    let interrupts = match Interrupts::catch() {
        Ok(interrupts) => interrupts,
        Err(error) => return fatal(&ProgramError::Signals(error)),
    };
    // There is nobody to whom the process could be left.
    options.dump.snapshot.detach = true;
    let to_stdout = options.dump.output.as_deref() == Some(Path::new(STANDARD_OUTPUT));
    let mut reporter = Reporter::new(options.json, to_stdout, interrupts.clone());
    if let Err(error) = work(&options, words, &mut reporter, &interrupts) {
        reporter.failed_altogether(&error);
    }
    reporter.exit_code()
}

fn work(
    options: &Options,
    words: &[OsString],
    reporter: &mut Reporter,
    interrupts: &Interrupts,
) -> Result<(), ProgramError> {
    if let Some(debugger) = options.print_init {
        reporter.print(&batch::init_file(debugger)?.display().to_string());
        return Ok(());
    }
    if let Some(pid) = options.dump.repair {
        reporter.print(&pyheap_session::repair(pid)?);
        return Ok(());
    }
    if options.list {
        reporter.list(&list::look());
        return Ok(());
    }
    let mut pids = processes::resolve(&options.targets)?;
    if options.children {
        pids = pids.into_iter().flat_map(processes::family).collect();
    }
    if options.dry_run {
        for pid in pids {
            match Estimate::of(pid, options.dump.snapshot.ignore_compatibility_checks) {
                Ok(estimate) => reporter.estimated(pid, &estimate),
                Err(error) => reporter.failed(pid, &error.into()),
            }
        }
        return Ok(());
    }
    let to_folder = pids.len() > 1 || options.children;
    let output = options.dump.output.as_deref();
    if output == Some(Path::new(STANDARD_OUTPUT))
        && (to_folder || options.count > 1 || options.debugger.is_some())
    {
        return Err(ProgramError::OneStream);
    }
    if let Some(condition) = options.when {
        wait_until(condition, &pids, interrupts)?;
    }
    for number in 1..=options.count {
        let began = Instant::now();
        if to_folder {
            family::dump(&pids, output.unwrap_or(Path::new(".")), words, reporter, interrupts)?;
        } else {
            for &pid in &pids {
                let output = output.map(|path| numbered(path, number, options.count));
                let dump = DumpOptions { output, ..options.dump.clone() };
                let result = match options.debugger {
                    Some(debugger) => batch::dump(debugger, pid, &dump, words),
                    None => one(pid, &dump, interrupts).map(|dumped| reporter.dumped(pid, &dumped)),
                };
                if let Err(error) = result {
                    reporter.failed(pid, &error);
                }
            }
        }
        while number < options.count && began.elapsed() < options.interval && interrupts.arrived().is_none() {
            std::thread::sleep(LOOK.min(options.interval.saturating_sub(began.elapsed())));
        }
        interrupts.check()?;
    }
    Ok(())
}

fn one(pid: u32, options: &DumpOptions, interrupts: &Interrupts) -> Result<Dumped, ProgramError> {
    Ok(pyheap_session::dump(&mut tracer(pid, interrupts), options)?)
}

/// A hold on a process, for this program.
pub fn tracer(pid: u32, interrupts: &Interrupts) -> Tracer {
    let interrupts = interrupts.clone();
    let interrupted = Box::new(move || interrupts.arrived().is_some());
    Tracer::new(pid, concat!("pyheap-dump ", env!("CARGO_PKG_VERSION")).to_owned(), interrupted)
}

/// Waits until a condition holds for one of the processes, none of which is touched.
fn wait_until(condition: Condition, pids: &[u32], interrupts: &Interrupts) -> Result<(), ProgramError> {
    if !pids.iter().any(|&pid| condition.is_possible(pid)) {
        return Err(ProgramError::NoLimit);
    }
    loop {
        for &pid in pids {
            if condition.holds(pid).map_err(pyheap_session::SessionError::from)? {
                return Ok(());
            }
        }
        std::thread::sleep(LOOK);
        interrupts.check()?;
    }
}

/// The name of one of several files: `heap.cbor.zst` becomes `heap-2.cbor.zst`.
fn numbered(path: &Path, number: u32, count: u32) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    match name {
        Some(name) if count > 1 => {
            let (stem, rest) = name.split_at(name.find('.').filter(|&at| at > 0).unwrap_or(name.len()));
            path.with_file_name(format!("{stem}-{number}{rest}"))
        }
        _ => path.to_owned(),
    }
}

/// Tells of an error before which nothing was done.
pub fn fatal(error: &ProgramError) -> ExitCode {
    eprintln!("error: {error}");
    error.exit_status(None).into()
}

#[cfg(test)]
mod tests {
    use super::numbered;
    use std::path::Path;

    #[test]
    fn several_files_have_numbers() {
        assert_eq!(numbered(Path::new("a/heap.cbor.zst"), 2, 3), Path::new("a/heap-2.cbor.zst"));
        assert_eq!(numbered(Path::new("heap"), 1, 2), Path::new("heap-1"));
        assert_eq!(numbered(Path::new("a/heap.cbor"), 1, 1), Path::new("a/heap.cbor"));
    }
}

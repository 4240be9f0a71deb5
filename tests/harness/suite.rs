//! Registers tests for every debugger and interpreter, and counts what had to be skipped.

use crate::{Debugger, Interpreter, Python};
use anyhow::Result;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;

/// How a test that did not fail ended.
#[derive(Debug)]
pub enum Verdict {
    /// It ran and its assertions held.
    Passed,
    /// This machine lacks something.
    Skipped {
        /// What.
        reason: String,
        /// Continuous integration promises it: there it is a failure.
        promised: bool,
    },
}

/// A verdict for a test that this machine cannot run, though it may be any machine's right not to.
pub fn skipped(reason: impl ToString) -> Result<Verdict> {
    Ok(Verdict::Skipped { reason: reason.to_string(), promised: false })
}

/// The tests of one target.
#[derive(Default)]
pub struct Suite {
    trials: Vec<Trial>,
}

impl Suite {
    /// No tests yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A test that needs neither debugger nor interpreter from us.
    pub fn test(&mut self, name: &str, test: impl FnOnce() -> Result<Verdict> + Send + 'static) {
        let full_name = name.to_owned();
        self.trials.push(Trial::ignorable_test(name, move || conclude(&full_name, test())));
    }

    /// A test for every interpreter and every debugger that is tested so; for the others, on the usual interpreter.
    pub fn product(&mut self, name: &str, test: fn(Debugger, &Python) -> Result<Verdict>) {
        for interpreter in Interpreter::all() {
            let everywhere = Debugger::core();
            for debugger in Debugger::all() {
                if everywhere.contains(&debugger) || interpreter == Interpreter::usual() {
                    self.pair(name, debugger, interpreter, test);
                }
            }
        }
    }

    /// A test for every interpreter, on GDB: for what depends on the interpreter, but not on the debugger.
    pub fn interpreters(&mut self, name: &str, test: fn(Debugger, &Python) -> Result<Verdict>) {
        for interpreter in Interpreter::all() {
            self.pair(name, Debugger::Gdb, interpreter, test);
        }
    }

    /// A test for one interpreter, on GDB.
    pub fn interpreter(
        &mut self,
        name: &str,
        interpreter: Interpreter,
        test: fn(Debugger, &Python) -> Result<Verdict>,
    ) {
        self.pair(name, Debugger::Gdb, interpreter, test);
    }

    /// A test for every debugger, on the usual interpreter.
    pub fn usual(&mut self, name: &str, test: fn(Debugger, &Python) -> Result<Verdict>) {
        self.on(name, Interpreter::usual(), test);
    }

    /// A test for every debugger in which a person can have a session, on the usual interpreter.
    pub fn sessions(&mut self, name: &str, test: fn(Debugger, &Python) -> Result<Verdict>) {
        for debugger in Debugger::with_sessions() {
            self.pair(name, debugger, Interpreter::usual(), test);
        }
    }

    /// A test for every debugger, on one interpreter.
    pub fn on(
        &mut self,
        name: &str,
        interpreter: Interpreter,
        test: fn(Debugger, &Python) -> Result<Verdict>,
    ) {
        for debugger in Debugger::all() {
            self.pair(name, debugger, interpreter, test);
        }
    }

    fn pair(
        &mut self,
        name: &str,
        debugger: Debugger,
        interpreter: Interpreter,
        test: fn(Debugger, &Python) -> Result<Verdict>,
    ) {
        self.test(&format!("{name}::{debugger}::{interpreter}"), move || {
            let python = match interpreter.find() {
                Ok(python) => python,
                Err(error) => {
                    return Ok(Verdict::Skipped {
                        reason: format!("{interpreter}: {error:#}"),
                        promised: interpreter.promised(),
                    });
                }
            };
            if let Err(error) = debugger.find() {
                let promised = debugger.promised();
                return Ok(Verdict::Skipped { reason: format!("{debugger}: {error:#}"), promised });
            }
            test(debugger, &python)
        });
    }

    /// Runs what the command line asks for.
    pub fn run(self) -> ExitCode {
        libtest_mimic::run(&Arguments::from_args(), self.trials).exit_code()
    }
}

fn conclude(name: &str, verdict: Result<Verdict>) -> Result<Completion, Failed> {
    match verdict {
        Ok(Verdict::Passed) => Ok(Completion::Completed),
        Ok(Verdict::Skipped { reason, promised: true }) if env::var_os("CI").is_some() => {
            Err(Failed::from(format!("would be skipped, but CI promises it: {reason}")))
        }
        Ok(Verdict::Skipped { reason, .. }) => {
            note_skip(name, &reason);
            Ok(Completion::ignored_with(reason))
        }
        Err(error) => Err(Failed::from(format!("{error:#}"))),
    }
}

/// Test runners that start one process per test see a skipped test as a passed one; who sets `PYHEAP_SKIPS` reads the truth there.
fn note_skip(name: &str, reason: &str) {
    eprintln!("skipped: {name}: {reason}");
    let Some(path) = env::var_os("PYHEAP_SKIPS") else { return };
    let line = format!("{name}\t{}\n", reason.replace(['\n', '\t'], " "));
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = written {
        eprintln!("{}: {error}", path.to_string_lossy());
    }
}

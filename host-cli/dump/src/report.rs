//! What is told of the outcome: sentences or JSON on standard output, what went wrong on standard error.

use crate::error::ProgramError;
use crate::interrupt::Interrupts;
use crate::list::{self, Listed};
use pyheap_session::{Dumped, Estimate, text};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, ErrorKind, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};

/// The outcome for one process as JSON. Fields are added, never renamed.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line<'o> {
    Dumped {
        pid: u32,
        file: &'o Path,
        python: &'o str,
        objects: u64,
        /// Of all records.
        bytes: u64,
        /// Of the file.
        stored_bytes: u64,
        pause_ms: f64,
        elapsed_ms: f64,
    },
    Failed {
        /// None where the command line was at fault, or no process was found.
        pid: Option<u32>,
        error: String,
        exit_status: u8,
    },
    Estimated {
        pid: u32,
        python: &'o str,
        rss: u64,
        pause_ms: f64,
        walk_ms: f64,
        memory: u64,
        /// Why it would be refused; nothing if it would not.
        refusal: Option<String>,
    },
}

/// Tells the outcome for each process, and remembers the exit status.
#[derive(Debug)]
pub struct Reporter {
    json: bool,
    /// Where the dump itself goes to standard output.
    to_stderr: bool,
    interrupts: Interrupts,
    status: u8,
}

impl Reporter {
    /// Nothing has been told.
    pub fn new(json: bool, to_stderr: bool, interrupts: Interrupts) -> Self {
        Self { json, to_stderr, interrupts, status: 0 }
    }

    /// A dump was written.
    pub fn dumped(&mut self, pid: u32, dumped: &Dumped) {
        let text = if self.json {
            json(&Line::Dumped {
                pid,
                file: &dumped.path,
                python: &dumped.python,
                objects: dumped.objects,
                bytes: dumped.bytes,
                stored_bytes: dumped.stored,
                pause_ms: dumped.pause.as_secs_f64() * 1e3,
                elapsed_ms: dumped.elapsed.as_secs_f64() * 1e3,
            })
        } else {
            dumped.to_string()
        };
        self.print(&text);
    }

    /// What a dump would cost.
    pub fn estimated(&mut self, pid: u32, estimate: &Estimate) {
        let text = if self.json {
            json(&Line::Estimated {
                pid,
                python: &estimate.python,
                rss: estimate.resident.rss,
                pause_ms: estimate.pause.as_secs_f64() * 1e3,
                walk_ms: estimate.walk.as_secs_f64() * 1e3,
                memory: estimate.budget.need,
                refusal: estimate.refusal(),
            })
        } else {
            format!("Process {pid}: {estimate}")
        };
        self.print(&text);
    }

    /// Processes that were found.
    pub fn list(&mut self, processes: &[Listed]) {
        if self.json {
            for process in processes {
                self.print(&json(process));
            }
        } else {
            self.print(&list::table(processes).to_string());
        }
    }

    /// What another run of this program has told, as a line of JSON.
    pub fn told(&mut self, line: &str, status: ExitStatus) {
        let told: Value = serde_json::from_str(line).unwrap_or_default();
        if self.json && told.is_object() {
            self.print(line);
        } else if let Some(file) = told["file"].as_str() {
            let objects = text::count(told["objects"].as_u64().unwrap_or_default());
            let size = text::bytes(told["stored_bytes"].as_u64().unwrap_or_default());
            let pause = told["pause_ms"].as_f64().unwrap_or_default();
            self.print(&format!(
                "Process {}: {objects} objects, {size}, written to {file}. It stood still for {pause:.1} ms.",
                told["pid"]
            ));
        }
        if !status.success() {
            let signal = || status.signal().and_then(|signal| u8::try_from(128 + signal).ok());
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            self.fail(code.or_else(signal).unwrap_or(1));
        }
    }

    /// Something went wrong with a process.
    pub fn failed(&mut self, pid: u32, error: &ProgramError) {
        self.failure(Some(pid), error);
    }

    /// Something went wrong that concerns no single process.
    pub fn failed_altogether(&mut self, error: &ProgramError) {
        self.failure(None, error);
    }

    fn failure(&mut self, pid: Option<u32>, error: &ProgramError) {
        let exit_status = error.exit_status(self.interrupts.arrived());
        if self.json {
            self.print(&json(&Line::Failed { pid, error: error.to_string(), exit_status }));
        }
        eprintln!("error: {error}");
        self.fail(exit_status);
    }

    /// Prints a result. Whoever does not read it to the end wants no more of it.
    pub fn print(&mut self, text: &str) {
        let written =
            if self.to_stderr { writeln!(io::stderr(), "{text}") } else { writeln!(io::stdout(), "{text}") };
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let error = ProgramError::Output(error);
                eprintln!("error: {error}");
                self.fail(error.exit_status(None));
            }
            _ => {}
        }
    }

    /// The exit status of the program.
    pub fn exit_code(&self) -> ExitCode {
        self.status.into()
    }

    fn fail(&mut self, status: u8) {
        if self.status == 0 {
            self.status = status;
        }
    }
}

fn json(line: &impl Serialize) -> String {
    // Of numbers and strings; a path that is not UTF-8 is the one thing that can fail.
    serde_json::to_string(line).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

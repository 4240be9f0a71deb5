//! What is told of the outcome: sentences or JSON on standard output, what went wrong on standard error.

use crate::error::ProgramError;
use crate::interrupt::Interrupts;
use pyheap_session::Dumped;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

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
        pid: u32,
        error: String,
        exit_status: u8,
    },
}

/// Tells the outcome for each process, and remembers the exit status.
#[derive(Debug)]
pub struct Reporter {
    json: bool,
    interrupts: Interrupts,
    status: u8,
}

impl Reporter {
    /// Nothing has been told.
    pub fn new(json: bool, interrupts: Interrupts) -> Self {
        Self { json, interrupts, status: 0 }
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

    /// Something went wrong with a process.
    pub fn failed(&mut self, pid: u32, error: &ProgramError) {
        let exit_status = error.exit_status(self.interrupts.arrived());
        if self.json {
            self.print(&json(&Line::Failed { pid, error: error.to_string(), exit_status }));
        }
        eprintln!("error: {error}");
        self.fail(exit_status);
    }

    /// Prints a result. Whoever does not read it to the end wants no more of it.
    pub fn print(&mut self, text: &str) {
        match writeln!(io::stdout(), "{text}") {
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

fn json(line: &Line<'_>) -> String {
    // Of numbers and strings; a path that is not UTF-8 is the one thing that can fail.
    serde_json::to_string(line).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

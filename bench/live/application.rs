//! The process to dump, and what it notes of its own heartbeat.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running application.
pub struct Application {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// A time without a heartbeat, in seconds of the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    pub begin: f64,
    pub end: f64,
}

impl Gap {
    pub fn milliseconds(self) -> f64 {
        (self.end - self.begin) * 1000.0
    }
}

impl Application {
    /// Starts it, with threads that sleep beside its own two, and waits until its heap is built.
    pub fn start(python: &Path, items: u32, threads: u32) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/app.py");
        let mut process = Command::new(python)
            .arg(script)
            .args([items.to_string(), threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| python.display().to_string())?;
        let input = process.stdin.take().context("no input")?;
        let output = BufReader::new(process.stdout.take().context("no output")?);
        let mut application = Self { process, input, output };
        let line = application.line()?;
        ensure!(line.trim() == "ready", "the application did not start: {line}");
        Ok(application)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks for a fact.
    pub fn ask(&mut self, question: &str) -> Result<Value> {
        writeln!(self.input, "{question}").context("the application is gone")?;
        let line = self.line()?;
        serde_json::from_str(&line).with_context(|| format!("answer to {question}: {line}"))
    }

    /// The gaps in the heartbeat since the last `reset`.
    pub fn gaps(&mut self) -> Result<Vec<Gap>> {
        let pairs: Vec<(f64, f64)> = serde_json::from_value(self.ask("gaps")?)?;
        Ok(pairs.into_iter().map(|(begin, end)| Gap { begin, end }).collect())
    }

    /// Resident memory, in bytes.
    pub fn resident(&self) -> Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/statm", self.pid()))?;
        let pages: u64 = text.split(' ').nth(1).context("statm")?.parse()?;
        Ok(pages * rustix::param::page_size() as u64)
    }

    /// Ends it, and checks that it was still in order.
    pub fn finish(mut self) -> Result<()> {
        writeln!(self.input, "exit")?;
        let status = self.process.wait()?;
        ensure!(status.success(), "the application ended with {status}");
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }
}

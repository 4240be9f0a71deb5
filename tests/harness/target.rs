//! A process to dump: an interpreter with a script of `targets/`, and the conversation with it.

use crate::Python;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// No answer within this time is a failure, unless told otherwise. Only a broken target ever takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Number of targets that this process has started.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A running target. Dropped before it was told to end, it is killed.
#[derive(Debug)]
pub struct Target {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    facts: Value,
    patience: Duration,
    ended: bool,
}

impl Target {
    /// Starts `targets/SCRIPT` and waits until it says that it is ready.
    ///
    /// # Errors
    /// It cannot be started, or ended before it was ready.
    pub fn spawn(python: &Python, script: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(&python.path);
        command.arg(Self::script(script)).args(arguments);
        Self::start(command).with_context(|| format!("{script} on {}", python.version_text()))
    }

    /// Starts any command that follows the same conversation.
    ///
    /// # Errors
    /// As for [`Target::spawn`].
    pub fn start(mut command: Command) -> Result<Self> {
        let mut process = command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONHASHSEED", "0")
            // Tests run side by side: each target can be told from those of the others, and from its walkers.
            .env(
                "PYHEAP_TARGET",
                format!("{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed)),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().context("no output")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let input = process.stdin.take();
        let mut target = Self { process, input, lines, facts: Value::Null, patience: PATIENCE, ended: false };
        let line = target.line()?;
        let facts = line.strip_prefix("facts").with_context(|| format!("expected facts, found {line}"))?;
        target.facts = serde_json::from_str(facts)?;
        let line = target.line()?;
        ensure!(line == "ready", "expected ready, found {line}");
        Ok(target)
    }

    /// Path of a script in `targets/`.
    pub fn script(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("targets").join(name)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it said of itself when it was ready.
    ///
    /// # Errors
    /// It did not say this.
    pub fn fact(&self, name: &str) -> Result<&Value> {
        self.facts.get(name).with_context(|| format!("the target did not tell its {name}"))
    }

    /// A fact that is a number.
    ///
    /// # Errors
    /// It did not say this, or it is no unsigned number.
    pub fn number(&self, name: &str) -> Result<u64> {
        self.fact(name)?.as_u64().with_context(|| format!("{name} is no number"))
    }

    /// How long to wait for an answer from now on.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// How it ended, unless it runs.
    ///
    /// # Errors
    /// Its state cannot be read.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Sends a line.
    ///
    /// # Errors
    /// The target is gone.
    pub fn send(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("the target's input is closed")?;
        // In one piece: a target may read a line with a single system call.
        input.write_all(format!("{line}\n").as_bytes()).context("the target does not read")
    }

    /// Waits for a line.
    ///
    /// # Errors
    /// The target ended, or does not answer.
    pub fn line(&mut self) -> Result<String> {
        match self.lines.recv_timeout(self.patience) {
            Ok(line) => Ok(line),
            Err(_) => match self.process.try_wait()? {
                Some(status) => bail!("the target ended: {status}"),
                None => bail!("the target does not answer"),
            },
        }
    }

    /// Asks for a value.
    ///
    /// # Errors
    /// The target is gone or answers with something else.
    pub fn ask(&mut self, question: &str) -> Result<Value> {
        self.send(question)?;
        let line = self.line()?;
        let answer =
            line.strip_prefix("answer").with_context(|| format!("expected an answer, found {line}"))?;
        Ok(serde_json::from_str::<Value>(answer)?["value"].take())
    }

    /// Checks that it still answers.
    ///
    /// # Errors
    /// It does not.
    pub fn ping(&mut self, word: &str) -> Result<()> {
        self.send(&format!("ping {word}"))?;
        let line = self.line()?;
        ensure!(line == format!("pong {word}"), "expected pong {word}, found {line}");
        Ok(())
    }

    /// Tells it to end and checks that it exits with 0.
    ///
    /// # Errors
    /// It does not answer any more, or exits with something else.
    pub fn finish(mut self) -> Result<()> {
        self.ping("finally").context("the target does not answer after all")?;
        self.send("exit")?;
        let line = self.line()?;
        ensure!(line == "bye", "expected bye, found {line}");
        self.input = None;
        let status: ExitStatus = self.process.wait()?;
        self.ended = true;
        ensure!(status.success(), "the target ended with {status}");
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.ended {
            // A failed test must not leave its target behind; nothing can be done about an error here.
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

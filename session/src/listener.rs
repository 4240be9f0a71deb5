//! What the user is told while a command is at work, beside its result.

use crate::text;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the progress is shown on a terminal, and elsewhere.
const ON_A_TERMINAL: Duration = Duration::from_millis(200);
const IN_LINES: Duration = Duration::from_secs(5);

/// How much of a snapshot has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Objects.
    pub objects: u64,
    /// Bytes of their records.
    pub bytes: u64,
    /// Since the first of them was waited for.
    pub elapsed: Duration,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.objects as f64 / self.elapsed.as_secs_f64() / 1e6;
        write!(
            f,
            "{} objects, {} ({rate:.1} M objects/s)",
            text::count(self.objects),
            text::bytes(self.bytes)
        )
    }
}

/// Who is told. What cannot be shown is no reason to end a command.
pub trait Listener {
    /// Whole sentences without a line's end.
    fn note(&mut self, text: &str);

    /// More has arrived; called many times a second.
    fn progress(&mut self, progress: &Progress);

    /// Nothing more arrives.
    fn progress_ended(&mut self);
}

/// Tells on the standard error stream: the progress on a terminal in a line that is written over and over, elsewhere now and then in a line of
/// its own.
#[derive(Debug)]
pub struct StandardError {
    terminal: bool,
    shown: Instant,
    visible: bool,
}

impl StandardError {
    /// Whatever the stream is.
    pub fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), shown: Instant::now(), visible: false }
    }
}

impl Default for StandardError {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for StandardError {
    fn drop(&mut self) {
        self.progress_ended();
    }
}

impl Listener for StandardError {
    fn note(&mut self, text: &str) {
        self.progress_ended();
        let _ = writeln!(io::stderr(), "{text}");
    }

    fn progress(&mut self, progress: &Progress) {
        let interval = if self.terminal { ON_A_TERMINAL } else { IN_LINES };
        if progress.elapsed < interval || self.shown.elapsed() < interval {
            return;
        }
        self.shown = Instant::now();
        self.visible = self.terminal;
        let (before, after) = if self.terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        let _ = write!(io::stderr(), "{before}{progress}{after}");
    }

    fn progress_ended(&mut self) {
        if std::mem::take(&mut self.visible) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

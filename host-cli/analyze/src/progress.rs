//! What the program is busy with, on standard error: only on a terminal, and gone when it is done.

use crate::units;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A line that tells what is going on and for how long; it disappears with this value.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Tells of a step that concerns so many objects.
    pub fn of(step: &'static str, objects: u32) -> Self {
        let line = ProgressBar::new_spinner()
            .with_message(format!("{step} {} objects", units::count(objects.into())));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
            line.set_style(style);
        }
        line.enable_steady_tick(Duration::from_millis(200));
        Self(line)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

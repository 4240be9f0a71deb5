//! The terminal: progress and notes on standard error, answers on standard output.

use crate::failure::Failure;
use crate::render::Answer;
use indicatif::{ProgressBar, ProgressStyle};
use pyheap_engine::{Caching, Engine, Options, Source, Step};
use pyheap_report::{printable, units};
use std::cell::Cell;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// Names the folder in which analyses are kept; an empty value turns that off.
const CACHE: &str = "PYHEAP_CACHE_DIR";

/// Where analyses are kept, as the user wishes.
pub fn caching() -> Caching {
    match std::env::var_os(CACHE) {
        Some(folder) if folder.is_empty() => Caching::Off,
        Some(folder) => Caching::Folder(folder.into()),
        None => Caching::Usual,
    }
}

/// Who asks, and reads the answers.
#[derive(Debug)]
pub struct Console {
    /// What the program is busy with: only on a terminal, and gone when it is done.
    busy: ProgressBar,
    objects: Cell<u64>,
}

impl Console {
    /// A console that shows nothing yet.
    pub fn new() -> Self {
        let busy = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
            busy.set_style(style);
        }
        Self { busy, objects: Cell::new(0) }
    }

    /// Opens a dump and tells what is missing in it.
    pub fn open(&self, path: &Path) -> Result<Engine, Failure> {
        let engine =
            Engine::open(Source::named(path), &Options { caching: caching(), redact: false }, &self.watch())?;
        self.objects.set(engine.dump().object_count().into());
        for note in engine.notes() {
            self.note(note);
        }
        for warning in engine.warnings() {
            self.busy.suspend(|| eprintln!("warning: {}", printable(warning)));
        }
        Ok(engine)
    }

    /// Shows the steps of long work.
    pub fn watch(&self) -> impl Fn(Step) -> ControlFlow<()> + '_ {
        move |step| {
            let what = match step {
                Step::Opening => return ControlFlow::Continue(()),
                Step::Restoring => "reading the kept analysis of",
                Step::Analysing(_) => "analysing",
                Step::Searching => "searching paths to",
                Step::Indexing => "indexing",
                Step::Scanning { .. } => "going through",
                Step::Keeping => "keeping the analysis of",
            };
            self.busy.enable_steady_tick(Duration::from_millis(200));
            self.busy.set_message(format!("{what} {}", units::counted(self.objects.get(), "object")));
            ControlFlow::Continue(())
        }
    }

    /// Tells something beside the answer.
    pub fn note(&self, text: &str) {
        self.busy.suspend(|| eprintln!("note: {}", printable(text)));
    }

    /// Writes the answer.
    pub fn print(&self, answer: &Answer) -> Result<(), Failure> {
        self.busy.finish_and_clear();
        let mut stdout = io::stdout().lock();
        stdout.write_all(answer.text.as_bytes())?;
        stdout.flush()?;
        answer.notes.iter().for_each(|note| self.note(note));
        Ok(())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.busy.finish_and_clear();
    }
}

//! What each command asks the engine.

use crate::console::Console;
use crate::failure::Failure;
use crate::options::*;
use crate::render::Answer;
use pyheap_engine::{Engine, Page};
use std::path::Path;

/// A question with its options.
pub trait Question {
    /// The dump that it is about.
    fn dump(&self) -> &Path;

    /// Asks it.
    fn answer(&self, engine: &Engine, console: &Console) -> Result<Answer, Failure>;
}

/// What the command line wants.
pub enum Work<'a> {
    /// A question is to be answered.
    Answer(&'a dyn Question),
    /// A dump is to be served.
    Serve(&'a Serve),
    /// A report is to be written.
    Report(&'a Report),
}

impl Options {
    /// What the command line wants.
    pub fn work(&self) -> Work<'_> {
        let Some(command) = &self.command else { return Work::Answer(&self.summary) };
        Work::Answer(match command {
            Command::Serve(options) => return Work::Serve(options),
            Command::Report(options) => return Work::Report(options),
            Command::Info(question) => question,
            Command::Types(question) => question,
            Command::Threads(question) => question,
            Command::Object(question) => question,
            Command::RetainedHeap(question) => question,
            Command::Modules(question) => question,
            Command::Paths(question) => question,
            Command::Dominators(question) => question,
            Command::Leaks(question) => question,
            Command::NativeRefs(question) => question,
            Command::Cycles(question) => question,
            Command::Waste(question) => question,
            Command::Diff(question) => question,
            Command::Query(question) => question,
            Command::Verify(question) => question,
        })
    }
}

/// A question about one dump that the engine answers with a report.
macro_rules! question {
    ($options:ty, |$this:ident, $engine:ident, $page:ident, $watch:ident| $report:expr) => {
        impl Question for $options {
            fn dump(&self) -> &Path {
                self.input.path()
            }

            fn answer(&self, $engine: &Engine, console: &Console) -> Result<Answer, Failure> {
                let $this = self;
                let $page: Page = self.input.page();
                let $watch = &console.watch();
                Answer::of(&$report, self.input.format(), $page)
            }
        }
    };
}

question!(Summary, |_this, engine, _page, watch| engine.summary(watch)?);
question!(Info, |_this, engine, _page, _watch| engine.info());
question!(Types, |this, engine, page, watch| engine.types(this.sort.into(), page, watch)?);
question!(Threads, |_this, engine, _page, watch| engine.threads(watch)?);
question!(Object, |this, engine, page, watch| engine.object(this.address, page, watch)?);
question!(RetainedHeap, |_this, engine, page, watch| engine.retained_heap(page, watch)?);
question!(Modules, |this, engine, page, watch| engine.modules(this.sort.into(), page, watch)?);
question!(Leaks, |this, engine, page, watch| engine.leaks(this.share, page, watch)?);
question!(NativeRefs, |_this, engine, page, watch| engine.native_refs(page, watch)?);
question!(Cycles, |_this, engine, page, watch| engine.cycles(page, watch)?);
question!(Waste, |_this, engine, page, watch| engine.waste(page, watch)?);
question!(Query, |this, engine, page, watch| { engine.query(&this.expression, this.time(), page, watch)? });
question!(Dominators, |this, engine, page, watch| {
    engine.dominators(this.address, this.share, this.depth, page, watch)?
});

impl Question for Paths {
    fn dump(&self) -> &Path {
        self.input.path()
    }

    fn answer(&self, engine: &Engine, console: &Console) -> Result<Answer, Failure> {
        let (page, format, watch) = (self.input.page(), self.input.format(), &console.watch());
        match (&self.all_merged, self.address) {
            (Some(name), _) => Answer::of(&engine.merged_paths(name, page, watch)?, format, page),
            (None, address) => {
                Answer::of(&engine.paths(address.unwrap_or_default(), page, watch)?, format, page)
            }
        }
    }
}

impl Question for Verify {
    fn dump(&self) -> &Path {
        self.input.path()
    }

    fn answer(&self, engine: &Engine, console: &Console) -> Result<Answer, Failure> {
        let report = engine.verify(&console.watch())?;
        Ok(Answer { passed: report.passed, ..Answer::of(&report, self.input.format(), Page::ALL)? })
    }
}

impl Question for Diff {
    fn dump(&self) -> &Path {
        self.newest.as_deref().unwrap_or(&self.new)
    }

    fn answer(&self, engine: &Engine, console: &Console) -> Result<Answer, Failure> {
        let (page, format) = (self.output.page(), self.output.format);
        let old = console.open(&self.old)?;
        if self.newest.is_none() {
            return Answer::of(&engine.diff(&old, page), format, page);
        }
        let new = console.open(&self.new)?;
        Answer::of(&engine.survivors(&old, &new, page, &console.watch())?, format, page)
    }
}

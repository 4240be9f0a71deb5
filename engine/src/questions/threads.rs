//! Threads with their frames and local variables.

use super::{VALUE, mention};
use crate::engine::Engine;
use crate::error::AskError;
use crate::watch::Watch;
use pyheap_report::{Frame, Local, Thread, Threads};

impl Engine {
    /// All threads of the dump.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn threads(&self, watch: Watch<'_>) -> Result<Threads, AskError> {
        let analysis = &self.analysis(watch)?;
        let local = |(name, object): &(String, u32)| Local {
            name: name.clone(),
            value: mention(&self.dump, *object, VALUE),
        };
        let frame = |frame: &pyheap_format::Frame| Frame {
            file: frame.file.clone(),
            line: frame.line,
            function: frame.function.clone(),
            locals: frame.locals.iter().map(local).collect(),
        };
        let threads = (0..).zip(self.dump.threads()).map(|(number, thread)| Thread {
            name: thread.name.clone(),
            ident: thread.ident,
            native_id: thread.native_id,
            daemon: thread.daemon,
            alive: thread.alive,
            retained_size: analysis.retained(analysis.holders.thread(number)),
            frames: thread.frames.iter().map(frame).collect(),
        });
        Ok(Threads { threads: threads.collect() })
    }
}

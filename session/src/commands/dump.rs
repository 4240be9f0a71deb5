//! `pyheap-dump`: the records into a file.

use crate::commands::header;
use crate::debugger::Debugger;
use crate::error::SessionError;
use crate::options::DumpOptions;
use crate::stream::dump_file::DumpFile;
use crate::stream::reception::{Consumer, Received};
use crate::target::snapshot::{Identified, Snapshot, released};
use crate::text;
use pyheap_format::header::{Footer, Header, SafePoint};
use pyheap_format::reader::Frame;
use pyheap_format::record::kind;
use pyheap_process::{Facts, Usage, namespace};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

const WARNING: &str =
    "A dump holds contents of the process's memory, secrets included: keep it as you would keep those.";

/// A dump that was written.
#[derive(Clone, Debug)]
pub struct Dumped {
    /// Its file.
    pub path: PathBuf,
    /// Objects in it.
    pub objects: u64,
    /// Bytes of its records.
    pub bytes: u64,
    /// Bytes that they take in the file: fewer where it is compressed.
    pub stored: u64,
    /// From the beginning of the command to the end of the file.
    pub elapsed: Duration,
    /// For how long the snapshot kept the process from running.
    pub pause: Duration,
    /// Version of the interpreter, such as `3.11.7`.
    pub python: String,
    /// How a consistent state was reached, and what has become of the process: sentences.
    pub stand: String,
}

impl fmt::Display for Dumped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} objects, {}", text::count(self.objects), text::bytes(self.stored))?;
        if self.stored != self.bytes {
            write!(f, " ({} uncompressed)", text::bytes(self.bytes))?;
        }
        let seconds = self.elapsed.as_secs_f64();
        write!(f, " in {seconds:.2} s, written to {}. {}", self.path.display(), self.stand)
    }
}

/// Runs the command.
pub fn run(debugger: &mut dyn Debugger, options: &DumpOptions) -> Result<Dumped, SessionError> {
    let pid = debugger.process()?;
    let path = options.output.clone().unwrap_or_else(|| default_name(pid));
    let file = DumpFile::create(&path, options.force)?;
    let held = debugger.holds();
    let mut released = released(debugger, &options.snapshot)?;
    let debugger = released.as_deref_mut().unwrap_or(debugger);
    let target = Identified::new(debugger)?;
    let mut writer = Writer {
        file,
        facts: Facts::read(pid)?,
        usage: None,
        header: Header::default(),
        preview_length: options.preview_length(),
    };
    if !writer.file.can_be_rewritten() {
        // While the copy-on-write child lives, the pages that it shares would be counted otherwise.
        writer.usage = Usage::read(pid).ok();
    }
    if !options.snapshot.quiet {
        debugger.listener().note(WARNING);
    }
    let (snapshot, received) =
        target.stream(debugger, &options.snapshot, options.preview_length(), &mut writer)?;
    let (path, bytes, stored) = writer.finish(&snapshot, &received)?;
    Ok(Dumped {
        path,
        objects: received.summary.as_ref().map_or(received.objects, |summary| summary.objects),
        bytes,
        stored,
        elapsed: snapshot.began.elapsed(),
        pause: snapshot.pause,
        python: snapshot.interpreter.version.to_string(),
        stand: how_it_stands(&snapshot, held),
    })
}

/// The pause, and what has become of the process. `held`: whether a debugger held it before the command began.
pub fn how_it_stands(snapshot: &Snapshot, held: bool) -> String {
    let mut text = format!("The snapshot kept the process from running for {}", milliseconds(snapshot.pause));
    if snapshot.detached && held {
        text += ", not counting the debugger's attach";
    }
    if !snapshot.ran.is_zero() {
        let place = match snapshot.reached.safe_point {
            SafePoint::Idle => "where no thread held the GIL",
            SafePoint::EvalFrame => "at the entry of _PyEval_EvalFrameDefault",
            SafePoint::SaveThread => "where a thread lets go of the GIL",
            SafePoint::PendingCall => "in a pending call",
        };
        text += &format!(", after it had run on for {} to a safe point, {place}", milliseconds(snapshot.ran));
    }
    if snapshot.reached.collecting {
        text += "; a garbage collection was under way: objects that it had unlinked may be missing";
    }
    if snapshot.detached {
        text += match namespace::state_and_parent(snapshot.pid) {
            None | Some(('Z' | 'X', _)) => ". The process has ended meanwhile.",
            Some(('T', _)) => {
                ". The process is stopped by a signal, as it was or as somebody asked: SIGCONT lets it run."
            }
            Some(('t', _)) => ". Another debugger has stopped the process.",
            Some(_) => ". The process runs on.",
        };
    } else {
        let stood = snapshot.began.elapsed().saturating_sub(snapshot.ran);
        text += &format!(
            ". It is still stopped, for {:.2} s since the command began: continue or detach lets it go.",
            stood.as_secs_f64()
        );
    }
    text
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

/// The file that a dump is written to if the user names none.
pub fn default_name(pid: u32) -> PathBuf {
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    PathBuf::from(format!("heap-{pid}-{now}.cbor"))
}

struct Writer {
    file: DumpFile,
    facts: Facts,
    /// The process's memory, where the header must be complete from the start.
    usage: Option<Usage>,
    header: Header,
    preview_length: u32,
}

impl Consumer for Writer {
    fn begin(&mut self, snapshot: &Snapshot) -> Result<(), SessionError> {
        self.header = header::begin(snapshot, std::mem::take(&mut self.facts), self.preview_length);
        match &self.usage {
            Some(usage) => self.file.start(&header::complete(&self.header, usage)),
            None => self.file.start(&self.header.to_record()),
        }
    }

    fn take(&mut self, frame: &Frame<'_>) -> Result<(), SessionError> {
        self.file.write(frame.record)?;
        // Before the first objects there is nothing to read in it.
        if frame.kind == kind::OBJECTS {
            self.file.set_worth_keeping();
        }
        Ok(())
    }
}

impl Writer {
    /// Ends the file; tells its name, the bytes of its records, and those that they take in it.
    fn finish(
        mut self,
        snapshot: &Snapshot,
        received: &Received,
    ) -> Result<(PathBuf, u64, u64), SessionError> {
        received.complete(|objects| self.keep(objects))?;
        // A process that has ended meanwhile has no page tables to look at; the dump is as good without them.
        if self.file.can_be_rewritten()
            && let Ok(usage) = Usage::read(snapshot.pid)
        {
            self.file.rewrite_start(&header::complete(&self.header, &usage))?;
        }
        let stopped = if snapshot.detached {
            snapshot.pause
        } else {
            snapshot.began.elapsed().saturating_sub(snapshot.ran)
        };
        let footer = Footer {
            records: received.records + 1,
            bytes: self.file.bytes(),
            pause_ms: snapshot.pause.as_secs_f64() * 1e3,
            stopped_ms: stopped.as_secs_f64() * 1e3,
        };
        self.file.write(&footer.to_record())?;
        let (bytes, stored) = (self.file.bytes(), self.file.stored());
        Ok((self.file.finish()?, bytes, stored))
    }

    /// Keeps an incomplete dump if there is something in it, and says where.
    fn keep(&mut self, objects: u64) -> String {
        if objects == 0 {
            return String::new();
        }
        self.file.keep()
    }
}

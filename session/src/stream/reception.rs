//! Takes the walker's records from its pipe.

use crate::debugger::Debugger;
use crate::error::SessionError;
use crate::listener::Progress;
use crate::stream::child::{Child, Stopped};
use crate::target::snapshot::Snapshot;
use pyheap_format::Summary;
use pyheap_format::reader::{Frame, FrameScanner, Record};
use pyheap_format::record::kind;
use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes read from the pipe at once.
const CHUNK: usize = 256 * 1024;

/// Chunks that may wait for the disk; then the walker waits, too.
const CHUNKS_WAITING: usize = 64;

/// How long to wait for what arrives before looking at what else there is to do.
const PATIENCE: Duration = Duration::from_millis(20);

/// What a command does with the records.
pub trait Consumer {
    /// The snapshot exists; its records follow.
    fn begin(&mut self, snapshot: &Snapshot) -> Result<(), SessionError>;

    /// Takes a record, in the order in which the walker wrote them.
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), SessionError>;
}

/// How a stream ended.
#[derive(Debug, Default)]
pub struct Received {
    /// The walker's last record; without it the walker ended before its time.
    pub summary: Option<Summary<'static>>,
    /// Why there is none.
    pub stopped: Option<Stopped>,
    /// Bytes of the process that its snapshot does not have; known where the walk failed.
    pub kept_from_forks: u64,
    /// Objects that arrived.
    pub objects: u64,
    /// Records that arrived.
    pub records: u64,
    /// Bytes of these records.
    pub bytes: u64,
}

impl Received {
    /// The walker's totals, if it came to its end; `keep` says where the incomplete dump is.
    pub fn complete(&self, keep: impl FnOnce(u64) -> String) -> Result<&Summary<'static>, SessionError> {
        let objects = self.objects;
        match (&self.summary, &self.stopped) {
            (Some(Summary { error: Some(reason), .. }), _) => {
                let missing = match self.kept_from_forks {
                    0 => String::new(),
                    bytes => format!(
                        ". {} of the process's memory are kept from forks (MADV_DONTFORK or MADV_WIPEONFORK), so that its snapshot has \
                         them not: --no-fork walks the process itself",
                        crate::text::bytes(bytes)
                    ),
                };
                Err(SessionError::Walk { reason: format!("{reason}{missing}"), kept: keep(objects) })
            }
            (Some(summary), _) => Ok(summary),
            (None, stopped) => {
                let stopped = stopped.clone().unwrap_or(Stopped::Died("its pipe has ended".to_owned()));
                Err(stopped.error(objects, keep(objects)))
            }
        }
    }
}

/// A pipe that is read by a thread of its own, so that the walker does not wait for the disk nor for the debugger.
pub struct Source {
    chunks: Receiver<io::Result<Vec<u8>>>,
}

/// What a source has to offer.
pub enum Chunk {
    /// Bytes.
    Bytes(Vec<u8>),
    /// Nothing within the time.
    Nothing,
    /// The pipe has ended.
    End,
}

impl Source {
    /// Begins to read. Where nobody takes what arrives, the walker waits sooner or later.
    pub fn bounded(pipe: File) -> Self {
        let (sender, chunks) = sync_channel(CHUNKS_WAITING);
        thread::spawn(move || read_all(pipe, |chunk| sender.send(chunk).is_ok()));
        Self { chunks }
    }

    /// Begins to read, whether or not anybody takes what arrives: for a writer that must never wait.
    pub fn unbounded(pipe: File) -> Self {
        let (sender, chunks) = channel();
        thread::spawn(move || read_all(pipe, |chunk| sender.send(chunk).is_ok()));
        Self { chunks }
    }

    /// Waits for what arrives next.
    pub fn next(&self, timeout: Duration) -> Result<Chunk, SessionError> {
        match self.chunks.recv_timeout(timeout) {
            Ok(Ok(chunk)) => Ok(Chunk::Bytes(chunk)),
            Ok(Err(error)) => Err(SessionError::ReadPipe(error)),
            Err(RecvTimeoutError::Timeout) => Ok(Chunk::Nothing),
            Err(RecvTimeoutError::Disconnected) => Ok(Chunk::End),
        }
    }
}

/// Ends with the pipe, or when nobody takes chunks any more: then the pipe closes, and its writer ends, too.
fn read_all(mut pipe: File, send: impl Fn(io::Result<Vec<u8>>) -> bool) {
    let mut begun = false;
    loop {
        let mut chunk = vec![0; CHUNK];
        let read = match pipe.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => {
                chunk.truncate(length);
                if !begun {
                    // The walker waits until its pipe, filled with zeros, is read from; no record begins with one.
                    let zeros = chunk.iter().take_while(|&&byte| byte == 0).count();
                    chunk.drain(..zeros);
                    begun = !chunk.is_empty();
                }
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        if !send(read) {
            break;
        }
    }
}

/// Cuts a stream into records and hands them on.
pub struct Reception<'c> {
    consumer: &'c mut dyn Consumer,
    scanner: FrameScanner,
    received: Received,
    began: Instant,
    quiet: bool,
}

impl<'c> Reception<'c> {
    /// At the start of a stream. `quiet`: without a word on its progress.
    pub fn new(consumer: &'c mut dyn Consumer, quiet: bool) -> Self {
        Self {
            consumer,
            scanner: FrameScanner::new(),
            received: Received::default(),
            began: Instant::now(),
            quiet,
        }
    }

    /// Whether the walker's last record has arrived.
    pub fn is_over(&self) -> bool {
        self.received.summary.is_some()
    }

    /// What has arrived.
    pub fn end(self) -> Received {
        self.received
    }

    /// Takes all records up to the walker's last one, or until the pipe ends, or until the child does nothing for too long.
    pub fn receive(
        &mut self,
        source: &Source,
        debugger: &mut dyn Debugger,
        mut child: Option<&mut Child>,
    ) -> Result<(), SessionError> {
        while !self.is_over() && self.received.stopped.is_none() {
            match source.next(PATIENCE)? {
                Chunk::Bytes(chunk) => {
                    self.feed(&chunk)?;
                    self.show(debugger);
                    if let Some(child) = &mut child {
                        child.heard();
                    }
                }
                Chunk::Nothing => {
                    self.received.stopped =
                        child.as_mut().and_then(|child| child.silence(debugger.listener()));
                }
                Chunk::End => {
                    self.received.stopped = child.as_mut().map(|child| child.end());
                    break;
                }
            }
            debugger.check_interrupt()?;
        }
        debugger.listener().progress_ended();
        Ok(())
    }

    /// Takes what has arrived so far.
    pub fn receive_waiting(
        &mut self,
        source: &Source,
        debugger: &mut dyn Debugger,
    ) -> Result<(), SessionError> {
        while let Chunk::Bytes(chunk) = source.next(Duration::ZERO)? {
            self.feed(&chunk)?;
            self.show(debugger);
        }
        Ok(())
    }

    fn show(&self, debugger: &mut dyn Debugger) {
        if !self.quiet {
            let Received { objects, bytes, .. } = self.received;
            debugger.listener().progress(&Progress { objects, bytes, elapsed: self.began.elapsed() });
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.scanner.feed(bytes);
        while let Some(frame) = self.scanner.next_frame()? {
            self.received.records += 1;
            self.received.bytes += frame.record.len() as u64;
            match frame.kind {
                kind::OBJECTS => {
                    if let Ok(Record::Objects(objects)) = Record::decode(frame.kind, frame.body) {
                        self.received.objects += objects.len() as u64;
                    }
                }
                kind::SUMMARY => {
                    if let Ok(Record::Summary(summary)) = Record::decode(frame.kind, frame.body) {
                        self.received.summary = Some(summary);
                    }
                }
                _ => {}
            }
            self.consumer.take(&frame)?;
        }
        Ok(())
    }
}

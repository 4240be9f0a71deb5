//! From a stopped process to a stream of records: identify, reach a safe point, inject, fork, let go.

use crate::commands::repair;
use crate::debugger::Debugger;
use crate::error::SessionError;
use crate::options::SnapshotOptions;
use crate::stream::child::Child;
use crate::stream::reception::{Chunk, Consumer, Received, Reception, Source};
use crate::target::memory::TargetMemory;
use crate::target::prepared::{PreparedTarget, Purpose};
use crate::target::safe_point::{self, Reached};
use crate::target::system_calls::Walk;
use pyheap_format::header::SafePoint;
use pyheap_inferior::{ARGUMENTS_VERSION, Arguments, BUILD_DEBUG, BUILD_FREE_THREADED, Failure, entry, step};
use pyheap_process::text::usual_places;
use pyheap_process::{
    Identity, Interpreter, MemoryBudget, ProcessError, ProcessMemory, Resident, kept_from_forks, limits,
    namespace,
};
use pyheap_walker::{self as walker, Memory};
use std::fs::File;
use std::time::{Duration, Instant};

/// Bytes of the largest content that gets a digest where reading has a price.
const SMALL_CONTENT: u64 = 64 * 1024;

/// How long one `tp_traverse` may take.
const TRAVERSE_LIMIT: Duration = Duration::from_secs(2);

/// How long the target stands still at a time in a walk in place, at most.
const SLICE: Duration = Duration::from_millis(150);

/// For how long the structures of a process that runs may look as if they were none.
const CHANGES: Duration = Duration::from_millis(500);

/// How long the child may take to end after its last record.
const CHILD_END: Duration = Duration::from_millis(500);

/// Objects that a walk in place covers in a second; rough, for the warning before it.
const OBJECTS_PER_SECOND: f64 = 2e6;

/// What is known of a target once its snapshot exists.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Process id, as this process sees it.
    pub pid: u32,
    /// The debugger.
    pub debugger: String,
    /// The interpreter.
    pub interpreter: Interpreter,
    /// The kernel's counters at that moment.
    pub resident: Resident,
    /// The limits that held for the fork.
    pub budget: MemoryBudget,
    /// How a consistent state was reached.
    pub reached: Reached,
    /// Whether a copy-on-write child is walked.
    pub forked: bool,
    /// The walker's process id in the target's namespace, where there is a child.
    pub walker: Option<u32>,
    /// When the command began.
    pub began: Instant,
    /// For how long the target was kept from running until the snapshot existed.
    pub pause: Duration,
    /// For how long it ran on to the safe point.
    pub ran: Duration,
    /// Whether it was let go.
    pub detached: bool,
}

/// What takes the debugger's place, where it can let go of the process before its work begins.
pub fn released(
    debugger: &mut dyn Debugger,
    options: &SnapshotOptions,
) -> Result<Option<Box<dyn Debugger>>, SessionError> {
    if options.detach { Ok(debugger.release()?) } else { Ok(None) }
}

/// A target that has been looked at but not touched.
pub struct Identified {
    pid: u32,
    identity: Option<Identity>,
    began: Instant,
    /// The interpreter.
    pub interpreter: Interpreter,
    python: walker::Interpreter,
    /// Where a dead debugger may have left a breakpoint.
    usual_places: Vec<u64>,
    /// The kernel's counters.
    pub resident: Resident,
    /// The limits that hold for a fork.
    pub budget: MemoryBudget,
}

impl Identified {
    /// Looks at the debugger's process.
    pub fn new(debugger: &mut dyn Debugger) -> Result<Self, SessionError> {
        Self::of(debugger.process()?, debugger.holds())
    }

    /// Looks at process `pid`, which a debugger holds, or which runs.
    pub fn of(pid: u32, is_held: bool) -> Result<Self, SessionError> {
        let began = Instant::now();
        if let Some(('Z', _)) = namespace::state_and_parent(pid) {
            return Err(ProcessError::Zombie { pid }.into());
        }
        if let Some(parent) = namespace::memory_lender(pid) {
            return Err(ProcessError::Borrows { pid, parent }.into());
        }
        let identity = Identity::read(pid);
        let memory = ProcessMemory::open(pid)?;
        let interpreter = Interpreter::find(pid, &memory)?;
        let usual_places = usual_places(pid, &memory, &interpreter).unwrap_or_default();
        let memory = TargetMemory(memory);
        let patience = if is_held { Duration::ZERO } else { CHANGES };
        let python = locate(&interpreter, &memory, Instant::now() + patience)?;
        let resident = Resident::read(pid)?;
        let budget = MemoryBudget::read(pid, &resident);
        Ok(Self { pid, identity, began, interpreter, python, usual_places, resident, budget })
    }

    fn arguments(&self, preview_length: u32, walk: Walk) -> Arguments {
        let build = if self.interpreter.free_threaded { BUILD_FREE_THREADED } else { 0 }
            + if self.interpreter.debug { BUILD_DEBUG } else { 0 };
        Arguments {
            version: ARGUMENTS_VERSION,
            runtime: self.interpreter.runtime,
            python: self.interpreter.version.hex,
            build,
            str_repr_len: preview_length,
            traverse_limit_ms: TRAVERSE_LIMIT.as_millis() as u32,
            slice_ms: SLICE.as_millis() as u32,
            image_start: self.interpreter.image.start,
            image_end: self.interpreter.image.end,
            digest_limit: match walk {
                // What is read from swap has to have room in memory.
                Walk::Child if self.resident.swap == 0 => u64::MAX,
                Walk::Child | Walk::InPlace => SMALL_CONTENT,
            },
            ..Arguments::default()
        }
    }

    /// What the user is told where a fork is not possible.
    fn alternative(&self) -> String {
        format!(
            "With --no-fork the process stands still instead, for about {:.1} s",
            self.expected_stop().as_secs_f64()
        )
    }

    /// How long a walk in place is expected to take at most.
    fn expected_stop(&self) -> Duration {
        let objects = limits::estimate_objects(&self.resident);
        Duration::from_secs_f64((objects as f64 / OBJECTS_PER_SECOND).max(0.1))
    }

    /// Takes the snapshot and hands its records to `consumer`. At the end, after an error too, the target and the debugger are as they
    /// were, or the target is let go, as the options say.
    pub fn stream(
        self,
        debugger: &mut dyn Debugger,
        options: &SnapshotOptions,
        preview_length: u32,
        consumer: &mut dyn Consumer,
    ) -> Result<(Snapshot, Received), SessionError> {
        if !options.ignore_compatibility_checks {
            self.interpreter.check_name()?;
        }
        if options.no_fork {
            return self.stream_in_place(debugger, options, preview_length, consumer);
        }
        let (pipe, mut snapshot, mut child) = self.fork(debugger, options, preview_length)?;
        let source = Source::bounded(pipe);
        consumer.begin(&snapshot)?;
        let mut reception = Reception::new(consumer, options.quiet);
        reception.receive(&source, debugger, Some(&mut child))?;
        child.finish();
        // The child's memory is gone once its end of the pipe is: only then do the kernel's accounts of the target's pages hold.
        while let Chunk::Bytes(_) = source.next(CHILD_END)? {}
        let mut received = reception.end();
        if received.summary.as_ref().is_some_and(|summary| summary.error.is_some()) {
            received.kept_from_forks = kept_from_forks(snapshot.pid).unwrap_or(0);
        }
        // What was received is worth more than this; a zombie does no harm but to be there.
        if let Err(error) = reap(debugger, &mut snapshot, options.force_seccomp) {
            debugger.listener().note(&format!(
                "The walker could not be waited for and stays a zombie of the process: {error}"
            ));
        }
        Ok((snapshot, received))
    }

    /// Makes the copy-on-write child. Returns the pipe from it, and a hold on it.
    fn fork(
        self,
        debugger: &mut dyn Debugger,
        options: &SnapshotOptions,
        preview_length: u32,
    ) -> Result<(File, Snapshot, Child), SessionError> {
        if let Some(reason) = self.budget.refusal().filter(|_| !options.force_memory) {
            let forced = "With --force-memory it is tried, and ended when the limit is near";
            return Err(SessionError::Refused {
                reason,
                alternative: format!("{}. {forced}", self.alternative()),
            });
        }
        if let Some(reason) = self.budget.refusal_of_any() {
            return Err(SessionError::Refused { reason, alternative: self.alternative() });
        }
        let description = debugger.description();
        let mut visit = self.visit(debugger, options, preview_length, Walk::Child)?;
        let (reached, result) = loop {
            let reached = safe_point::reach(&mut visit, &self.python, &self.interpreter, options.timeout)?;
            if let Some(result) = visit.snapshot(|memory| self.is_still(reached, memory))? {
                break (reached, result);
            }
        };
        if result < 0 {
            return Err(injected(Failure::unpack(result), &self.alternative()));
        }
        let walker = result as u32;
        // Before the process goes on, and writes.
        let mut child = Child::find(self.pid, walker, &self.budget)?;
        if options.detach {
            visit.detach()?;
        }
        let (pause, ran) = (visit.stood(), visit.ran());
        visit.end()?;
        let snapshot = Snapshot {
            pause,
            ran,
            walker: Some(walker),
            forked: true,
            ..self.describe(description, reached, options)
        };
        Ok((child.open_pipe()?, snapshot, child))
    }

    /// Walks the target's own memory while it stands still.
    fn stream_in_place(
        self,
        debugger: &mut dyn Debugger,
        options: &SnapshotOptions,
        preview_length: u32,
        consumer: &mut dyn Consumer,
    ) -> Result<(Snapshot, Received), SessionError> {
        if let Some(reason) = self.budget.refusal_in_place() {
            let alternative = "There is too little memory to walk this process where it is".to_owned();
            return Err(SessionError::Refused { reason, alternative });
        }
        if !options.quiet {
            let seconds = self.expected_stop().as_secs_f64();
            debugger.listener().note(&format!("The process stands still for about {seconds:.1} s."));
        }
        let description = debugger.description();
        let mut visit = self.visit(debugger, options, preview_length, Walk::InPlace)?;
        let reached = loop {
            let reached = safe_point::reach(&mut visit, &self.python, &self.interpreter, options.timeout)?;
            visit.inject()?;
            if self.is_still(reached, &visit.memory)? {
                break reached;
            }
        };
        let mut snapshot = self.describe(description, reached, options);
        consumer.begin(&snapshot)?;
        let mut reception = Reception::new(consumer, options.quiet);
        let failed = |result: i64| match result {
            0.. => Ok(result as u64),
            _ => Err(injected(Failure::unpack(result), "The process is unharmed")),
        };
        let arguments = visit.arguments_address();
        let state = failed(visit.call_entry(entry::BEGIN, arguments)?)?;
        let walked = self.walk_in_place(&mut visit, state, &mut reception);
        // Whatever happened: the pipe's ends and the walk's memory are in the target.
        visit.call_entry(entry::END, state)?;
        let source = walked?;
        if options.detach {
            visit.detach()?;
        } else {
            visit.eject()?;
        }
        (snapshot.pause, snapshot.ran) = (visit.stood(), visit.ran());
        visit.end()?;
        reception.receive(&source, debugger, None)?;
        Ok((snapshot, reception.end()))
    }

    fn walk_in_place(
        &self,
        visit: &mut PreparedTarget<'_>,
        state: u64,
        reception: &mut Reception<'_>,
    ) -> Result<Source, SessionError> {
        let read_end = visit.memory.half(state).map_err(walker::Unsupported::from)?;
        // The walker must never wait for a full pipe: the host waits for the walker meanwhile.
        let pipe = File::open(format!("/proc/{}/fd/{read_end}", self.pid)).map_err(SessionError::Pipe)?;
        let source = Source::unbounded(pipe);
        loop {
            let result = visit.call_entry(entry::STEP, state)?;
            reception.receive_waiting(&source, visit.debugger)?;
            visit.check_interrupt()?;
            match result {
                0 => return Ok(source),
                1.. => {}
                _ => match Failure::unpack(result) {
                    // What was walked is in the pipe, and a summary that says why there is no more.
                    Failure { step: step::WALK, .. } => return Ok(source),
                    failure => return Err(injected(failure, "The process is unharmed")),
                },
            }
        }
    }

    /// Begins a stay in the target.
    fn visit<'d>(
        &self,
        debugger: &'d mut dyn Debugger,
        options: &SnapshotOptions,
        preview_length: u32,
        walk: Walk,
    ) -> Result<PreparedTarget<'d>, SessionError> {
        let memory = TargetMemory(ProcessMemory::open(self.pid)?);
        let arguments = self.arguments(preview_length, walk);
        let purpose = Purpose { arguments, walk, force_seccomp: options.force_seccomp };
        let began = if debugger.holds() { self.began } else { Instant::now() };
        let mut target = PreparedTarget::begin(debugger, memory, &self.interpreter, purpose, began)?;
        // From here on it stands still; before, it may have gone on to anything.
        if Identity::read(self.pid) != self.identity {
            target.end()?;
            return Err(ProcessError::OtherProgram { pid: self.pid }.into());
        }
        repair::places(&mut target, self.pid, &self.usual_places)?;
        Ok(target)
    }

    /// Whether the target still stands where it was brought. The calls that inject the code must not have let anybody else run; were it
    /// otherwise, the state would be any.
    fn is_still(&self, reached: Reached, memory: &TargetMemory) -> Result<bool, SessionError> {
        let held = self.python.gil(memory).map_err(walker::Unsupported::from)?.held;
        Ok(held == (reached.safe_point != SafePoint::Idle))
    }

    fn describe(&self, debugger: String, reached: Reached, options: &SnapshotOptions) -> Snapshot {
        Snapshot {
            pid: self.pid,
            debugger,
            interpreter: self.interpreter.clone(),
            resident: self.resident,
            budget: self.budget.clone(),
            reached,
            forked: false,
            walker: None,
            began: self.began,
            pause: Duration::ZERO,
            ran: Duration::ZERO,
            detached: options.detach,
        }
    }
}

/// Finds the interpreter's own structures. A process that runs changes them: what is read meanwhile may not fit together, but does sooner or
/// later.
fn locate(
    interpreter: &Interpreter,
    memory: &TargetMemory,
    deadline: Instant,
) -> Result<walker::Interpreter, walker::Unsupported> {
    let Interpreter { runtime, free_threaded, debug, .. } = *interpreter;
    loop {
        match walker::Interpreter::locate(memory, runtime, interpreter.version.hex, free_threaded, debug) {
            Err(walker::Unsupported::Inconsistent { .. } | walker::Unsupported::Unreadable(_))
                if Instant::now() < deadline => {}
            result => return result,
        }
    }
}

/// Where the walker has become a child of the target, because the target is the first process of its namespace or adopts orphans: waits
/// for it on the target's behalf, so that no zombie stays. That takes a second, short stay.
fn reap(
    debugger: &mut dyn Debugger,
    snapshot: &mut Snapshot,
    force_seccomp: bool,
) -> Result<(), SessionError> {
    const ANY_CHILD_NO_WAIT: u64 = 0x4000_0000 | 1; // __WALL | WNOHANG
    const NULL: u64 = 0;
    let Some(walker) = snapshot.walker else { return Ok(()) };
    let Some(child) = namespace::child(snapshot.pid, walker) else { return Ok(()) };
    let is_zombie = || namespace::state_and_parent(child) == Some(('Z', snapshot.pid));
    let deadline = Instant::now() + CHILD_END;
    while !is_zombie() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    let began = Instant::now();
    if snapshot.detached {
        debugger.attach(snapshot.pid)?;
    }
    let memory = TargetMemory(ProcessMemory::open(snapshot.pid)?);
    let purpose = Purpose { arguments: Arguments::default(), walk: Walk::Child, force_seccomp };
    let mut visit = PreparedTarget::begin(debugger, memory, &snapshot.interpreter, purpose, began)?;
    // The target may have waited for it itself meanwhile; now it stands still.
    if is_zombie() {
        visit.call(snapshot.interpreter.waitpid, &[walker.into(), NULL, ANY_CHILD_NO_WAIT])?;
    }
    if snapshot.detached {
        visit.detach()?;
        snapshot.pause += began.elapsed();
    }
    visit.end()
}

fn injected(failure: Failure, alternative: &str) -> SessionError {
    let alternative = match failure.step {
        step::INTERMEDIATE | step::WALKER => alternative.to_owned(),
        step::WAIT => "It goes on, with a zombie child and 2 MiB that stay with it".to_owned(),
        _ => "The process is unharmed".to_owned(),
    };
    SessionError::Injected { failure, alternative }
}

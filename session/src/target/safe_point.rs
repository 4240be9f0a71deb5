//! Brings the target to a state in which its heap is consistent.
//!
//! The ways, by what they leave behind if the debugger dies meanwhile: nobody holds the GIL, which takes nothing; a call that the
//! interpreter is asked to make, which is harmless whenever it comes; breakpoints, which kill the target at the next hit. So these come
//! last, and stand for a moment at a time.

use crate::debugger::Stop;
use crate::error::SessionError;
use crate::target::prepared::PreparedTarget;
use pyheap_format::header::SafePoint;
use pyheap_process::{Interpreter, Signal, namespace};
use pyheap_walker as walker;
use std::time::{Duration, Instant};

/// How long a collection that is under way is given to end.
const COLLECTION: Duration = Duration::from_secs(1);

/// How long the target runs between two looks at its collection.
const STEP: Duration = Duration::from_millis(10);

/// How long the target is given to make the call that it is asked for, where some thread is expected to.
const CALL_EXPECTED: Duration = Duration::from_millis(200);

/// The same where the only thread that can make it seems to wait for something else.
const CALL_POSSIBLE: Duration = Duration::from_millis(20);

/// How long breakpoints stand at a time, at most.
const SLICE: Duration = Duration::from_millis(5);

/// How long the target runs free of them in between: others need not be there when a debugger dies.
const RESPITE: Duration = Duration::from_millis(5);

/// A consistent state, and how it was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// How.
    pub safe_point: SafePoint,
    /// A collection is under way nevertheless.
    pub collecting: bool,
}

/// Lets the target run until its heap is consistent, for `timeout` at most. Does nothing if it is already.
pub fn reach(
    visit: &mut PreparedTarget<'_>,
    python: &walker::Interpreter,
    interpreter: &Interpreter,
    timeout: Duration,
) -> Result<Reached, SessionError> {
    let began = Instant::now();
    let pid = visit.debugger.process()?;
    loop {
        let mut search = Search { visit, python, interpreter, pid, began, timeout, signal: None, call: None };
        let found = search.find();
        search.withdraw();
        let safe_point = found?;
        let collecting = python.collecting(&visit.memory).map_err(walker::Unsupported::from)?;
        if !collecting || began.elapsed() > COLLECTION.min(timeout) {
            return Ok(Reached { safe_point, collecting });
        }
        visit.run(&[], None, STEP)?;
    }
}

struct Search<'a, 'd> {
    visit: &'a mut PreparedTarget<'d>,
    python: &'a walker::Interpreter,
    interpreter: &'a Interpreter,
    pid: u32,
    began: Instant,
    timeout: Duration,
    /// The signal that the call sends.
    signal: Option<Signal>,
    /// The call that the interpreter is asked to make.
    call: Option<walker::PendingCall>,
}

impl Search<'_, '_> {
    fn find(&mut self) -> Result<SafePoint, SessionError> {
        if !self.gil()?.held {
            return Ok(SafePoint::Idle);
        }
        if let Some(found) = self.wait_for_call()? {
            return Ok(found);
        }
        while !self.left().is_zero() {
            if let Some(found) = self.slice()? {
                return Ok(found);
            }
            if let Some(found) = self.run(&[], RESPITE)? {
                return Ok(found);
            }
        }
        Err(SessionError::NoSafePoint { seconds: self.timeout.as_secs_f64() })
    }

    /// Asks the interpreter to call the C library's `raise` between two instructions, with the GIL held, for a signal that nobody cares for:
    /// the debugger stops there, and a process without a debugger ignores it. `raise` returns 0, which is what a pending call must.
    fn wait_for_call(&mut self) -> Result<Option<SafePoint>, SessionError> {
        let gil = self.gil()?;
        let main = namespace::id_in_namespace(self.pid);
        let main_only = self.python.main_thread_makes_calls();
        let caller = match gil.holder_native_id.and_then(|id| u32::try_from(id).ok()) {
            Some(holder) if !main_only && Some(holder) != main => namespace::thread(self.pid, holder),
            _ => Some(self.pid),
        };
        let Some(signal) = caller.and_then(|caller| Signal::unused(self.pid, caller)) else {
            return Ok(None);
        };
        let limit = match main_only && namespace::is_in_system_call(self.pid) {
            true => CALL_POSSIBLE,
            false => CALL_EXPECTED,
        };
        self.signal = Some(signal);
        let raise = self.interpreter.raise.start;
        let call = self.python.pending_call(&self.visit.memory, raise, signal.number as u64);
        // Where the interpreter is about to change the queue, the breakpoints will do.
        let Some(call) = call.map_err(walker::Unsupported::from)? else { return Ok(None) };
        self.store(&call.stores)?;
        self.call = Some(call);
        self.run(&[], limit)
    }

    /// Lets breakpoints stand for a moment, where a thread holds the GIL and no object is half made. A thread that never calls anything comes
    /// to one because it is asked for the GIL.
    fn slice(&mut self) -> Result<Option<SafePoint>, SessionError> {
        let mut stops = vec![self.interpreter.eval_frame.start, self.interpreter.save_thread];
        let mut request = None;
        if let Some(swap) = self.interpreter.thread_state_swap
            // A debugger that lets the process run takes a breakpoint where a thread stands for one that it has seen.
            && !namespace::stands_at(self.pid, swap)
        {
            request = self.python.drop_request(&self.visit.memory).map_err(walker::Unsupported::from)?;
            stops.extend(request.is_some().then_some(swap));
        }
        let Some(request) = request else { return self.run(&stops, SLICE) };
        let asked = self.store(&request.stores);
        let found = asked.and_then(|()| self.step(&stops, SLICE.min(self.left())));
        // Whatever happened, and before the next step: a thread that drops the GIL with the request standing would wait until another one takes it.
        let end = self.python.end_of_drop_request(&self.visit.memory, &request);
        let ended = end.map_err(walker::Unsupported::from)?;
        self.store(&ended)?;
        found
    }

    /// Lets the target run to one of `stops` or to its call of `raise`, for `limit` at most, or until nobody holds the GIL at the end of it.
    fn run(&mut self, stops: &[u64], limit: Duration) -> Result<Option<SafePoint>, SessionError> {
        let deadline = Instant::now() + limit.min(self.left());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            if let Some(found) = self.step(stops, left)? {
                return Ok(Some(found));
            }
        }
    }

    /// The same until the target stops for the first time, for whatever reason.
    fn step(&mut self, stops: &[u64], limit: Duration) -> Result<Option<SafePoint>, SessionError> {
        const NULL: u64 = 0;
        let (eval_frame, save_thread) = (self.interpreter.eval_frame.start, self.interpreter.save_thread);
        Ok(match self.visit.run(stops, self.signal, limit)? {
            Stop::At(address) if address == eval_frame => Some(SafePoint::EvalFrame),
            Stop::At(address) if address == save_thread => Some(SafePoint::SaveThread),
            Stop::At(_) if self.visit.debugger.second_argument()? == NULL => Some(SafePoint::SaveThread),
            Stop::At(_) => None,
            Stop::Signal { thread } if self.is_our_call(thread) => {
                self.call = None;
                Some(SafePoint::PendingCall)
            }
            Stop::Signal { .. } | Stop::TimeLimit | Stop::Other => {
                (!self.gil()?.held).then_some(SafePoint::Idle)
            }
        })
    }

    /// Whether the signal that `thread` is about to receive comes from the call, rather than from elsewhere at the same moment.
    fn is_our_call(&self, thread: u32) -> bool {
        let raise = self.interpreter.raise;
        self.signal.is_some_and(|signal| signal.was_raised(self.pid, thread, raise, &self.visit.memory.0))
    }

    /// Takes back the call that the interpreter has not made. Nothing depends on it: made later, it does no harm.
    fn withdraw(&mut self) {
        let Some(call) = self.call.take() else { return };
        if let Ok(stores) = self.python.withdrawal(&self.visit.memory, &call) {
            let _ = self.store(&stores);
        }
    }

    /// Writes into the target, where every thread stands still.
    fn store(&self, stores: &[walker::Store]) -> Result<(), SessionError> {
        stores.iter().try_for_each(|walker::Store { address, bytes }| {
            let written = self.visit.memory.0.write(*address, bytes);
            written.map_err(|source| SessionError::Ask { address: *address, source })
        })
    }

    fn gil(&self) -> Result<walker::GilState, SessionError> {
        Ok(self.python.gil(&self.visit.memory).map_err(walker::Unsupported::from)?)
    }

    fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.began.elapsed())
    }
}

//! What a stopped interpreter can be asked for by writing into its memory: a call between two instructions, or the GIL.
//!
//! The stores are those that CPython itself makes in `Py_AddPendingCall` and `take_gil`. While every thread stands still they are as good
//! as its own, so long as nobody is halfway through the same: whether that is so can be read, where a call of the function would wait
//! for ever. Nothing is written here: the stores are for the caller to make, at once and in their order.

use crate::interpreter::Interpreter;
use crate::layout::{ABSENT, PendingCalls, Scope, fixed};
use crate::memory::{Memory, Unreadable};
use alloc::vec::Vec;

/// Bytes to be written into the target's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// In the target's address space.
    pub address: u64,
    /// What is to stand there.
    pub bytes: Vec<u8>,
}

impl Store {
    fn half(address: u64, value: u32) -> Self {
        Self { address, bytes: value.to_le_bytes().to_vec() }
    }

    fn word(address: u64, value: u64) -> Self {
        Self { address, bytes: value.to_le_bytes().to_vec() }
    }
}

/// A call that the interpreter is to make, in its queue once the stores are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCall {
    /// What puts it into the queue.
    pub stores: Vec<Store>,
    ceval: u64,
    queue: Queue,
}

/// The GIL, asked for once the stores are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropRequest {
    /// What asks for it; nothing where a thread of the target asks already.
    pub stores: Vec<Store>,
    ceval: u64,
}

/// `_PY_CALLS_TO_DO_BIT` of `PyThreadState.eval_breaker`, 3.13 to 3.15 (`pycore_ceval.h`).
const CALLS_TO_DO_BIT: u64 = 1 << 2;

/// `struct _pending_calls` and what was found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Queue {
    /// Where it is.
    address: u64,
    /// Number of calls that it can hold.
    length: u32,
    /// Index of the call to be made next.
    first: u32,
    /// Index behind the last call.
    last: u32,
}

impl Queue {
    /// Number of calls in it; a full one of 3.13 looks empty.
    fn waiting(&self) -> u32 {
        (self.last + self.length - self.first) % self.length
    }

    fn after(&self, index: u32) -> u32 {
        (index + 1) % self.length
    }
}

impl Interpreter {
    /// Whether the main thread alone makes pending calls, rather than any.
    pub fn main_thread_makes_calls(&self) -> bool {
        match self.layout.features.pending_calls {
            PendingCalls::MainThread => true,
            PendingCalls::AnyThread | PendingCalls::Counted => false,
        }
    }

    /// How to ask the thread that holds the GIL, or the main one, to call `function`, which returns an `int` that is to be 0, with
    /// `argument` between two instructions. `None` if nobody holds the GIL, or if the queue is full, is being changed, or does not look
    /// like one.
    pub fn pending_call(
        &self,
        memory: &dyn Memory,
        function: u64,
        argument: u64,
    ) -> Result<Option<PendingCall>, Unreadable> {
        let offsets = &self.layout.offsets;
        let Some(holder) = self.gil(memory)?.holder else { return Ok(None) };
        let Some(ceval) = self.ceval(memory, holder)? else { return Ok(None) };
        let Some(queue) = self.queue(memory, ceval + u64::from(offsets.pending))? else { return Ok(None) };
        let next = queue.after(queue.last);
        let calls_to_do = memory.half(queue.address + u64::from(offsets.pending_calls_to_do))?;
        let kind = self.layout.features.pending_calls;
        let (is_full, to_do) = match kind {
            PendingCalls::MainThread | PendingCalls::AnyThread => (next == queue.first, 1),
            PendingCalls::Counted => (calls_to_do >= queue.length - 1, calls_to_do.saturating_add(1)),
        };
        if is_full {
            return Ok(None);
        }
        let slot = queue.address
            + u64::from(offsets.pending_calls)
            + u64::from(queue.last) * u64::from(offsets.pending_call_size);
        let call = [function, argument, 0].map(u64::to_le_bytes);
        let call = call.as_flattened().iter().copied().take(offsets.pending_call_size as usize);
        let mut stores = Vec::from([
            Store { address: slot, bytes: call.collect() },
            Store::half(queue.address + u64::from(offsets.pending_last), next),
            Store::half(queue.address + u64::from(offsets.pending_calls_to_do), to_do),
        ]);
        stores.push(match kind {
            PendingCalls::MainThread | PendingCalls::AnyThread => {
                Store::half(ceval + u64::from(offsets.eval_breaker), 1)
            }
            PendingCalls::Counted => {
                let breaker = holder + u64::from(offsets.eval_breaker);
                Store::word(breaker, memory.word(breaker)? | CALLS_TO_DO_BIT)
            }
        });
        Ok(Some(PendingCall { stores, ceval, queue }))
    }

    /// How to take a call out of the queue again that has not been made. Nothing is to be done if it has been, or if the queue has changed
    /// since: then it is made some time.
    pub fn withdrawal(&self, memory: &dyn Memory, call: &PendingCall) -> Result<Vec<Store>, Unreadable> {
        let offsets = &self.layout.offsets;
        let Some(queue) = self.queue(memory, call.queue.address)? else { return Ok(Vec::new()) };
        if queue.last != queue.after(call.queue.last) || queue.waiting() == 0 {
            return Ok(Vec::new());
        }
        let mut stores =
            Vec::from([Store::half(queue.address + u64::from(offsets.pending_last), call.queue.last)]);
        let to_do = queue.address + u64::from(offsets.pending_calls_to_do);
        match self.layout.features.pending_calls {
            PendingCalls::MainThread if queue.waiting() == 1 => {
                stores.push(Store::half(to_do, 0));
                stores.push(self.eval_breaker(memory, call.ceval, Some(false), None)?);
            }
            // Where any thread may make calls, the next one finds an empty queue and puts the flags right by itself.
            PendingCalls::MainThread | PendingCalls::AnyThread => {}
            PendingCalls::Counted => stores.push(Store::half(to_do, queue.waiting() - 1)),
        }
        Ok(stores)
    }

    /// How to ask the thread that holds the GIL to let go of it between two instructions. `None` where the version does not need it, or while
    /// a thread is letting go or taking hold.
    ///
    /// The thread then calls `_PyThreadState_Swap` with NULL and drops the GIL. It must be stopped at that entry, and the request be ended
    /// before it goes on: it would wait for another thread to take the GIL, for ever if none wants it.
    pub fn drop_request(&self, memory: &dyn Memory) -> Result<Option<DropRequest>, Unreadable> {
        let offsets = &self.layout.offsets;
        if offsets.gil_drop_request == ABSENT
            || memory.word(self.runtime + u64::from(offsets.tstate_current))? == 0
        {
            return Ok(None);
        }
        let Some(holder) = self.gil(memory)?.holder else { return Ok(None) };
        let Some(ceval) = self.ceval(memory, holder)? else { return Ok(None) };
        let mut stores = Vec::new();
        let request = ceval + u64::from(offsets.gil_drop_request);
        if memory.half(request)? == 0 {
            stores
                .extend([request, ceval + u64::from(offsets.eval_breaker)].map(|flag| Store::half(flag, 1)));
        }
        Ok(Some(DropRequest { stores, ceval }))
    }

    /// How to end the request. A thread of the target that has asked meanwhile asks again a few milliseconds later.
    pub fn end_of_drop_request(
        &self,
        memory: &dyn Memory,
        request: &DropRequest,
    ) -> Result<Vec<Store>, Unreadable> {
        if request.stores.is_empty() {
            return Ok(Vec::new());
        }
        let flag = request.ceval + u64::from(self.layout.offsets.gil_drop_request);
        let breaker = self.eval_breaker(memory, request.ceval, None, Some(false))?;
        Ok(Vec::from([Store::half(flag, 0), breaker]))
    }

    /// Base of `pending` for a thread, and of `eval_breaker` and `gil_drop_request` where these are not the thread's own.
    fn ceval(&self, memory: &dyn Memory, thread: u64) -> Result<Option<u64>, Unreadable> {
        match self.layout.features.pending {
            Scope::Runtime => Ok(Some(self.runtime)),
            Scope::Interpreter => {
                let interpreter = memory.word(thread + fixed::TSTATE_INTERP)?;
                Ok(Some(interpreter).filter(|interpreter| self.states.contains(interpreter)))
            }
        }
    }

    /// `eval_breaker` as `COMPUTE_EVAL_BREAKER` of 3.8 to 3.11 (`ceval.c`) computes it, with these values of `calls_to_do` and
    /// `gil_drop_request` where they are about to change.
    fn eval_breaker(
        &self,
        memory: &dyn Memory,
        ceval: u64,
        calls_to_do: Option<bool>,
        gil_drop_request: Option<bool>,
    ) -> Result<Store, Unreadable> {
        let offsets = &self.layout.offsets;
        let flag = |address: u64| memory.half(address).map(|value| value != 0);
        let pending = ceval + u64::from(offsets.pending);
        let asked = [
            gil_drop_request.map_or_else(|| flag(ceval + u64::from(offsets.gil_drop_request)), Ok)?,
            calls_to_do.map_or_else(|| flag(pending + u64::from(offsets.pending_calls_to_do)), Ok)?,
            flag(self.runtime + u64::from(offsets.signals_pending))?,
            flag(pending + u64::from(offsets.pending_async_exc))?,
        ];
        Ok(Store::half(ceval + u64::from(offsets.eval_breaker), u32::from(asked.contains(&true))))
    }

    /// The queue at an address, unless its lock is held or it does not look like one.
    fn queue(&self, memory: &dyn Memory, address: u64) -> Result<Option<Queue>, Unreadable> {
        let offsets = &self.layout.offsets;
        let lock = address + u64::from(offsets.pending_lock);
        let is_free = match self.layout.features.pending_calls {
            // A pointer to a `sem_t`, which begins with its value.
            PendingCalls::MainThread | PendingCalls::AnyThread => memory.half(memory.word(lock)?)? == 1,
            // `PyMutex`, one byte.
            PendingCalls::Counted => memory.byte(lock)? == 0,
        };
        let length = offsets.pending_calls_size / offsets.pending_call_size;
        let first = memory.half(address + u64::from(offsets.pending_first))?;
        let last = memory.half(address + u64::from(offsets.pending_last))?;
        let queue = Queue { address, length, first, last };
        let is_sound = first < length
            && last < length
            && (offsets.pending_max == ABSENT
                || (memory.half(address + u64::from(offsets.pending_max))? == length
                    && memory.half(address + u64::from(offsets.pending_calls_to_do))? % length
                        == queue.waiting()));
        Ok((is_free && is_sound).then_some(queue))
    }
}

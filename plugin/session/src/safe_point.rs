//! Brings the target to a state in which its heap is consistent.

use crate::debugger::Stop;
use crate::error::SessionError;
use crate::visit::Visit;
use pyheap_format::header::SafePoint;
use pyheap_process::{Interpreter, namespace};
use pyheap_walker as walker;
use std::time::{Duration, Instant};

/// How long a collection that is under way is given to end.
const COLLECTION: Duration = Duration::from_secs(1);

/// How long the target runs between two looks at its collection.
const STEP: Duration = Duration::from_millis(10);

/// How long a thread that stands outside the evaluation loop is given to come back to it.
const MOMENT: Duration = Duration::from_millis(2);

/// How long the interpreter is given to come to a breakpoint before it is taken for one that spins in one frame.
const CALLS_EXPECTED: Duration = Duration::from_millis(200);

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
    visit: &mut Visit<'_>,
    python: &walker::Interpreter,
    interpreter: &Interpreter,
    timeout: Duration,
) -> Result<Reached, SessionError> {
    let began = Instant::now();
    loop {
        let safe_point = if python.gil(&visit.memory).map_err(walker::Unsupported::from)?.held {
            let left = timeout.saturating_sub(began.elapsed());
            let no_safe_point = || SessionError::NoSafePoint { seconds: timeout.as_secs_f64() };
            if left.is_zero() {
                return Err(no_safe_point());
            }
            match run_to_call(visit, interpreter, left.min(CALLS_EXPECTED))? {
                Some(safe_point) => safe_point,
                // Another look at the GIL first: it may be free by now.
                None if !python.gil(&visit.memory).map_err(walker::Unsupported::from)?.held => continue,
                None => {
                    let left = timeout.saturating_sub(began.elapsed());
                    match run_to_pending_call(visit, python, interpreter, left)? {
                        Some(safe_point) => safe_point,
                        None => continue,
                    }
                }
            }
        } else {
            SafePoint::Idle
        };
        let collecting = python.collecting(&visit.memory).map_err(walker::Unsupported::from)?;
        if !collecting || began.elapsed() > COLLECTION.min(timeout) {
            return Ok(Reached { safe_point, collecting });
        }
        visit.run(&[], STEP)?;
    }
}

/// Waits for the interpreter to enter a function at whose start the thread holds the GIL and no object is half made.
fn run_to_call(
    visit: &mut Visit<'_>,
    interpreter: &Interpreter,
    limit: Duration,
) -> Result<Option<SafePoint>, SessionError> {
    let (eval_frame, save_thread) = (interpreter.eval_frame.start, interpreter.save_thread);
    Ok(match visit.run(&[eval_frame, save_thread], limit)? {
        Stop::At(address) if address == eval_frame => Some(SafePoint::EvalFrame),
        Stop::At(address) if address == save_thread => Some(SafePoint::SaveThread),
        _ => None,
    })
}

/// For a loop that calls nothing: asks the interpreter to call a function between two instructions. Only the main thread makes such
/// calls, except from 3.12 on, where any thread does if asked so. Asking takes a lock that the main thread, which asks, must not hold: so it
/// must stand in the evaluation loop itself, or wait in the kernel, without the GIL, for the thread that loops.
///
/// The function is one of the interpreter's own, so that a call which comes too late finds it: `PyCallable_Check(NULL)` does nothing and
/// returns 0, which is what is expected of a pending call.
fn run_to_pending_call(
    visit: &mut Visit<'_>,
    python: &walker::Interpreter,
    interpreter: &Interpreter,
    limit: Duration,
) -> Result<Option<SafePoint>, SessionError> {
    let (eval_frame, save_thread) = (interpreter.eval_frame.start, interpreter.save_thread);
    let (check, null) = (interpreter.callable_check, 0);
    let began = Instant::now();
    loop {
        let stands_at = visit.debugger.select_main_thread()?;
        if interpreter.eval_frame.contains(stands_at)
            && visit.call(interpreter.add_pending_call, &[check, null])? as i32 == 0
        {
            break;
        }
        if let (Some(add), Some(&state)) = (interpreter.add_pending_call_anywhere, python.states.first())
            && another_thread_runs(visit, python)?
            && visit.call(add, &[state, check, null, 0])? as i32 == 0
        {
            break;
        }
        // It stands in something that the loop calls, such as an addition: a moment later it stands elsewhere.
        let Some(left) = limit.checked_sub(began.elapsed()) else { return Ok(None) };
        if let Some(safe_point) = run_to_call(visit, interpreter, left.min(MOMENT))? {
            return Ok(Some(safe_point));
        }
    }
    while let Some(left) = limit.checked_sub(began.elapsed()) {
        match visit.run(&[eval_frame, save_thread, check], left)? {
            Stop::At(address) if address == eval_frame => return Ok(Some(SafePoint::EvalFrame)),
            Stop::At(address) if address == save_thread => return Ok(Some(SafePoint::SaveThread)),
            // Others call it as well, from wherever they are, but for an object.
            Stop::At(address) if address == check && visit.debugger.first_argument()? == null => {
                return Ok(Some(SafePoint::PendingCall));
            }
            Stop::At(_) => {}
            Stop::TimeLimit | Stop::Other => break,
        }
    }
    Ok(None)
}

/// Whether the main thread waits in the kernel while another one holds the GIL.
fn another_thread_runs(visit: &mut Visit<'_>, python: &walker::Interpreter) -> Result<bool, SessionError> {
    let pid = visit.debugger.process()?;
    let gil = python.gil(&visit.memory).map_err(walker::Unsupported::from)?;
    let main = namespace::id_in_namespace(pid).map(u64::from);
    Ok(gil.held && gil.holder_native_id != main && namespace::is_in_system_call(pid))
}

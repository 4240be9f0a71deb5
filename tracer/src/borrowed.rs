//! A thread that executes functions for its tracer and goes back to what it did, if need be by itself.
//!
//! Below the thread's stack stands a signal frame with everything that was interrupted: registers, vectors, signal mask. Functions are
//! entered such that they return to the C library's code that calls `rt_sigreturn`, which reads that frame. So at any moment after the one
//! `ptrace` that sets the registers, the tracer may be gone, killed at any instruction: the thread ends the function and goes on where it was.
//! No breakpoint is used: the tracer sees every system call of the thread and knows that `rt_sigreturn` is the last one.
//!
//! A tracer that lives does better than the frame: the kernel ends an interrupted `nanosleep` with EINTR when a signal handler returns. So
//! `rt_sigreturn` is turned into a call without effect, and registers are set back at a stop from which the kernel takes an
//! interrupted system call up again: the delivery of a signal, one that the process ignores.

use crate::arch::{Frame, Registers, Vectors};
use crate::ptrace::{Event, Resume, SignalInformation, Thread};
use libc::SIGSTOP;
use pyheap_process::ProcessMemory;
use pyheap_process::signals::caught;
use pyheap_session::{Returned, Signal};
use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// A function that takes longer is given up; none of ours takes a second.
const LIMIT: Duration = Duration::from_secs(60);

/// Offset of `rseq_cs` in `struct rseq` (include/uapi/linux/rseq.h).
const RSEQ_CS: u64 = 8;

/// Why a thread could not be borrowed, or a function did not return.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The process or the thread has ended.
    #[error("the process ended")]
    Ended,
    /// The kernel refused.
    #[error("failed to {operation} of thread {thread}: {source}")]
    Refused {
        /// What was to be done.
        operation: &'static str,
        /// The thread's id.
        thread: u32,
        /// The kernel's reason.
        source: io::Error,
    },
    /// Every signal that could bring the thread to a stop is caught or blocked.
    #[error(
        "thread {thread} catches or blocks each of SIGURG, SIGWINCH, SIGCHLD and SIGCONT, of which one is needed to stop it"
    )]
    NoSignal {
        /// The thread's id.
        thread: u32,
    },
    /// Returns would not lead where the stack says.
    #[error("thread {thread} uses a shadow stack: functions cannot be called in it")]
    ShadowStack {
        /// The thread's id.
        thread: u32,
    },
    /// The function faulted.
    #[error("the function at 0x{function:x} was stopped by signal {signal} at 0x{at:x}")]
    Faulted {
        /// Its address.
        function: u64,
        /// The signal.
        signal: i32,
        /// The instruction.
        at: u64,
    },
    /// It takes too long.
    #[error("the function at 0x{function:x} does not return")]
    Hangs {
        /// Its address.
        function: u64,
    },
}

/// How a thread is brought to a stop from which the kernel takes an interrupted system call up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// By a signal that its process ignores: the way for a thread that was attached, by whomever.
    Signal(Signal),
    /// By an interrupt: the way for a thread that was seized. A signal that it was about to get is lost.
    Interrupt,
}

impl Wake {
    /// The way by a signal, if the process has left one alone.
    pub fn by_signal(process: u32, thread: Thread) -> Result<Self, CallError> {
        let signal = Signal::unused(process, thread.id());
        signal.map(Self::Signal).ok_or(CallError::NoSignal { thread: thread.id() })
    }

    fn send(self, process: u32, thread: Thread) -> io::Result<()> {
        match self {
            Self::Signal(signal) => thread.send(process, signal.number),
            Self::Interrupt => thread.interrupt(),
        }
    }

    /// Whether this is what it leads to.
    fn is(self, event: Event) -> bool {
        match self {
            Self::Signal(signal) => event == Event::Signal(signal.number),
            Self::Interrupt => event == Event::Stop,
        }
    }

    /// The signals that a thread need not block for it.
    fn mask(self) -> u64 {
        match self {
            Self::Signal(signal) => signal_bit(signal.number),
            Self::Interrupt => 0,
        }
    }
}

/// A thread that is away from what it did.
#[derive(Debug)]
pub struct Borrowed {
    process: u32,
    thread: Thread,
    memory: ProcessMemory,
    /// Everything that is put back at the end.
    registers: Registers,
    vectors: Vectors,
    mask: u64,
    information: Option<SignalInformation>,
    /// Where the kernel finds the restartable sequence that was interrupted, and what stood there.
    sequence: Option<(u64, u64)>,
    /// The way back without a tracer, and the code that takes it.
    frame: Frame,
    signal_return: u64,
    wake: Wake,
    /// Its registers have been changed.
    away: bool,
    /// It stands at the entry of a system call.
    entering: bool,
    /// Somebody stopped the process meanwhile.
    stopped: bool,
}

impl Borrowed {
    /// Takes a thread that this thread traces and that is stopped, like all others of its process. `signal_return` is the address of code
    /// that calls `rt_sigreturn`. Only memory below the thread's stack is written yet.
    pub fn new(
        process: u32,
        thread: Thread,
        memory: ProcessMemory,
        signal_return: u64,
        wake: Wake,
    ) -> Result<Self, CallError> {
        let refused = |operation| move |source| refused(thread, operation, source);
        let status = fs::read_to_string(format!("/proc/{process}/task/{}/status", thread.id()))
            .map_err(|_| CallError::Ended)?;
        if field(&status, "x86_Thread_features:").is_some_and(|features| features.contains("shstk")) {
            return Err(CallError::ShadowStack { thread: thread.id() });
        }
        let registers = thread.registers().map_err(refused("read the registers"))?;
        let vectors = thread.vectors().map_err(refused("read the vector registers"))?;
        let mask = thread.mask().map_err(refused("read the signal mask"))?;
        let (sequence, at) = interrupted_sequence(thread, &memory, registers.program_counter());
        let frame = registers.frame(&vectors, mask, at, signal_return);
        memory.write(frame.start, &frame.bytes).map_err(refused("write below the stack"))?;
        Ok(Self {
            process,
            thread,
            memory,
            registers,
            vectors,
            mask,
            information: thread.signal_information(),
            sequence,
            frame,
            signal_return,
            wake,
            away: false,
            entering: false,
            stopped: false,
        })
    }

    /// Executes a function of the process, by its address there. All other threads stand still.
    pub fn call(&mut self, function: u64, arguments: &[u64]) -> Result<Returned, CallError> {
        let thread = self.thread;
        let refused = |operation| move |source| refused(thread, operation, source);
        let registers = self.registers.calling(function, arguments, &self.frame, self.signal_return);
        // First the registers, then the mask: a thread that is left alone in between has its own mask.
        thread.set_registers(&registers).map_err(refused("set the registers"))?;
        if !self.away {
            self.away = true;
            thread.set_mask(!self.wake.mask()).map_err(refused("set the signal mask"))?;
        }
        let deadline = Instant::now() + LIMIT;
        let mut system_call = 0;
        let mut passed_on = 0;
        loop {
            let signal = std::mem::take(&mut passed_on);
            thread.resume(Resume::ToSystemCall, signal).map_err(refused("resume"))?;
            match thread.wait(deadline).map_err(refused("wait for a stop"))? {
                Some(Event::SystemCall) => {
                    self.entering = !self.entering;
                    let registers = thread.registers().map_err(refused("read the registers"))?;
                    if !self.entering {
                        system_call = registers.system_call_result();
                    } else if registers.enters_signal_return(self.signal_return) {
                        self.park(&registers)?;
                        return Ok(Returned { system_call, kept: registers.kept() });
                    }
                }
                Some(Event::Signal(SIGSTOP)) => self.stopped = true,
                Some(event) if self.wake.is(event) => {}
                // The mask lets nothing else come but what the function itself has asked for, such as its own faults.
                Some(Event::Signal(signal)) if self.catches(signal) => passed_on = signal,
                Some(Event::Signal(signal)) => {
                    let at = thread.registers().map_or(0, |registers| registers.program_counter());
                    return Err(CallError::Faulted { function, signal, at });
                }
                Some(Event::Stop | Event::Began(_) | Event::Other) => {}
                Some(Event::Ended) => return Err(CallError::Ended),
                None => return Err(CallError::Hangs { function }),
            }
        }
    }

    /// Whether the process handles a signal now.
    fn catches(&self, signal: i32) -> bool {
        caught(self.process).is_some_and(|caught| caught & signal_bit(signal) != 0)
    }

    fn park(&self, registers: &Registers) -> Result<(), CallError> {
        let (parked, number) = registers.parked(self.signal_return);
        if let Some(number) = number {
            let result = self.thread.set_system_call(number);
            result.map_err(|source| refused(self.thread, "set the system call", source))?;
        }
        let result = self.thread.set_registers(&parked);
        result.map_err(|source| refused(self.thread, "set the registers", source))
    }

    /// Everything is as it was. After an error the thread goes back by itself as soon as it is let go.
    pub fn give_back(mut self) -> Result<(), CallError> {
        self.bring_back()
    }

    fn bring_back(&mut self) -> Result<(), CallError> {
        if !std::mem::take(&mut self.away) {
            return Ok(());
        }
        let thread = self.thread;
        let refused = |operation| move |source| refused(thread, operation, source);
        self.wake.send(self.process, thread).map_err(refused("stop"))?;
        let deadline = Instant::now() + LIMIT;
        loop {
            // The thread may still run where a function did not return.
            match thread.resume(Resume::Freely, 0) {
                Err(error) if error.raw_os_error() != Some(libc::ESRCH) => {
                    return Err(refused("resume")(error));
                }
                _ => {}
            }
            match thread.wait(deadline).map_err(refused("wait for a stop"))? {
                Some(event) if self.wake.is(event) => break,
                Some(Event::Ended) => return Err(CallError::Ended),
                Some(Event::Signal(SIGSTOP)) => self.stopped = true,
                Some(_) => {}
                None => return Err(refused("stop")(io::ErrorKind::TimedOut.into())),
            }
        }
        // The general registers come last: until then the frame is the way back.
        thread.set_vectors(&self.vectors).map_err(refused("set the vector registers"))?;
        if let Some((address, value)) = self.sequence {
            self.memory
                .write(address, &value.to_le_bytes())
                .map_err(refused("write the restartable sequence"))?;
        }
        thread.set_mask(self.mask).map_err(refused("set the signal mask"))?;
        if let Some(information) = &self.information {
            thread.set_signal_information(information).map_err(refused("set the signal"))?;
        }
        thread.set_registers(&self.registers).map_err(refused("set the registers"))?;
        if self.stopped {
            thread.send(self.process, SIGSTOP).map_err(refused("stop"))?;
        }
        Ok(())
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and nothing needs to be: the frame is the way back.
        let _ = self.bring_back();
    }
}

fn refused(thread: Thread, operation: &'static str, source: io::Error) -> CallError {
    match source.raw_os_error() {
        Some(libc::ESRCH | libc::ECHILD) => CallError::Ended,
        _ => CallError::Refused { operation, thread: thread.id(), source },
    }
}

fn signal_bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

fn field<'s>(status: &'s str, name: &str) -> Option<&'s str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The restartable sequence that the thread was interrupted in, if any, as the word that tells the kernel of it; and where the thread is to
/// go on if it goes back by itself: the kernel forgets the sequence when it finds the thread elsewhere, but a thread that was
/// preempted in it must not end it.
fn interrupted_sequence(
    thread: Thread,
    memory: &ProcessMemory,
    program_counter: u64,
) -> (Option<(u64, u64)>, Option<u64>) {
    let word = |address: u64| {
        let mut bytes = [0; 8];
        memory.read(address, &mut bytes).ok()?;
        Some(u64::from_le_bytes(bytes))
    };
    let place = thread.restartable_sequences().map(|area| area + RSEQ_CS);
    let Some((place, sequence)) = place.and_then(|place| Some((place, word(place)?))) else {
        return (None, None);
    };
    if sequence == 0 {
        return (None, None);
    }
    // `struct rseq_cs`: version and flags, start, length, abort handler.
    let fields = [8, 16, 24].map(|offset| word(sequence + offset));
    let abort = match fields {
        [Some(start), Some(length), Some(abort)] if program_counter.wrapping_sub(start) < length => {
            Some(abort)
        }
        _ => None,
    };
    (Some((place, sequence)), abort)
}

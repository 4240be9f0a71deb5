//! The system calls ptrace(2) and waitid(2), on one thread at a time. All unsafe code of the crate is here.

use crate::arch::{self, Registers, Vectors};
use libc::{c_int, c_long, c_void, siginfo_t, sock_filter};
use pyheap_process::seccomp::Instruction;
use std::io;
use std::mem::zeroed;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

// Requests, of which C libraries differ in the type; include/uapi/linux/ptrace.h.
const CONT: u32 = 7;
const SINGLESTEP: u32 = 9;
const DETACH: u32 = 17;
const GETEVENTMSG: u32 = 0x4201;
const SEIZE: u32 = 0x4206;
const INTERRUPT: u32 = 0x4207;
const SYSCALL: u32 = 24;
const GETSIGINFO: u32 = 0x4202;
const SETSIGINFO: u32 = 0x4203;
const GETREGSET: u32 = 0x4204;
const SETREGSET: u32 = 0x4205;
const GETSIGMASK: u32 = 0x420a;
const SETSIGMASK: u32 = 0x420b;
const GET_RSEQ_CONFIGURATION: u32 = 0x420f;
const SECCOMP_GET_FILTER: u32 = 0x420c;

const NT_PRSTATUS: i32 = 1;
const NT_PRFPREG: i32 = 2;
const NT_ARM_SYSTEM_CALL: i32 = 0x404;

/// Room for any register set: the largest is that of AMX, 11 KB.
const LARGEST_SET: usize = 64 << 10;

/// How long a thread that runs is waited for without a break, and how long the breaks are then.
const EAGER: Duration = Duration::from_millis(1);
const BREAK: Duration = Duration::from_micros(50);

/// A thread that this thread of this process traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thread(i32);

/// How a stopped thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Until something stops it.
    Freely,
    /// The same, and until it enters or leaves a system call.
    ToSystemCall,
}

/// Why a thread stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It enters or leaves a system call.
    SystemCall,
    /// It is about to get this signal; what is passed on is said when it is resumed.
    Signal(i32),
    /// It has been interrupted, or its process is stopped.
    Stop,
    /// It has started this thread or process, which is traced, too.
    Began(Thread),
    /// Anything else that ptrace reports.
    Other,
    /// It has ended. Nobody has been told yet but the caller: the kernel still keeps its status.
    Ended,
}

impl Thread {
    /// The thread with this id, as this process sees it.
    pub fn new(id: u32) -> Self {
        Self(id as i32)
    }

    /// Its id.
    pub fn id(self) -> u32 {
        self.0 as u32
    }

    /// Begins to trace it, and what it starts. It runs on.
    pub fn seize(self) -> io::Result<()> {
        let options = libc::PTRACE_O_TRACESYSGOOD
            | libc::PTRACE_O_TRACECLONE
            | libc::PTRACE_O_TRACEFORK
            | libc::PTRACE_O_TRACEVFORK
            // Whoever executes another program is to be seen to stop, under whichever id.
            | libc::PTRACE_O_TRACEEXEC;
        // SAFETY: concerns no memory of this process.
        unsafe { self.request(SEIZE, null_mut(), options as usize as *mut c_void) }.map(drop)
    }

    /// Lets it execute one instruction. It must be stopped, and is again.
    pub fn step(self) -> io::Result<()> {
        // SAFETY: concerns no memory of this process.
        unsafe { self.request(SINGLESTEP, null_mut(), null_mut()) }.map(drop)
    }

    /// Stops it, if it was seized. It says so by `Event::Stop`.
    pub fn interrupt(self) -> io::Result<()> {
        // SAFETY: concerns no memory of this process.
        unsafe { self.request(INTERRUPT, null_mut(), null_mut()) }.map(drop)
    }

    /// Lets it go for good, with a signal unless that is 0. It must be stopped.
    pub fn detach(self, signal: i32) -> io::Result<()> {
        // SAFETY: concerns no memory of this process.
        unsafe { self.request(DETACH, null_mut(), signal as usize as *mut c_void) }.map(drop)
    }

    /// Takes note of its end, so that its parent is told.
    pub fn reap(self) {
        // SAFETY: all bytes zero are a valid `siginfo_t`, which the kernel fills.
        unsafe {
            let mut information: siginfo_t = zeroed();
            let options = libc::WEXITED | libc::WNOHANG | libc::__WALL;
            libc::waitid(libc::P_PID, self.id(), &raw mut information, options);
        }
    }

    fn event_message(self) -> Option<u64> {
        let mut message = 0_u64;
        // SAFETY: the kernel writes one word.
        unsafe { self.request(GETEVENTMSG, null_mut(), (&raw mut message).cast()) }.ok()?;
        Some(message)
    }

    /// General registers.
    pub fn registers(self) -> io::Result<Registers> {
        let mut registers = Registers::zero();
        self.register_set(GETREGSET, NT_PRSTATUS, registers.words())?;
        Ok(registers)
    }

    /// Sets all general registers in one step.
    pub fn set_registers(self, registers: &Registers) -> io::Result<()> {
        self.register_set(SETREGSET, NT_PRSTATUS, registers.clone().words()).map(drop)
    }

    /// Sets the number of the system call that the thread is about to enter, where that is no general register.
    pub fn set_system_call(self, number: u32) -> io::Result<()> {
        self.register_set(SETREGSET, NT_ARM_SYSTEM_CALL, &mut [number]).map(drop)
    }

    /// Vector registers, all that the processor has.
    pub fn vectors(self) -> io::Result<Vectors> {
        let read = |set| {
            let mut bytes = vec![0_u8; LARGEST_SET];
            let length = self.register_set(GETREGSET, set, &mut bytes)?;
            bytes.truncate(length);
            Ok(Vectors { set, bytes })
        };
        // Without XSAVE there are only those of the oldest processors.
        read(arch::EXTENDED).or_else(|_: io::Error| read(NT_PRFPREG))
    }

    /// Sets the vector registers.
    pub fn set_vectors(self, vectors: &Vectors) -> io::Result<()> {
        self.register_set(SETREGSET, vectors.set, &mut vectors.bytes.clone()).map(drop)
    }

    /// Reads or writes a register set; returns the bytes that the kernel filled or took.
    fn register_set<T: Copy>(self, request: u32, set: i32, buffer: &mut [T]) -> io::Result<usize> {
        let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: size_of_val(buffer) };
        // SAFETY: the vector describes `buffer`, which lives until the call returns; any bytes are valid numbers.
        unsafe { self.request(request, set as usize as *mut c_void, (&raw mut vector).cast()) }?;
        Ok(vector.iov_len)
    }

    /// The signals that it blocks: signal n is bit n - 1.
    pub fn mask(self) -> io::Result<u64> {
        let mut mask = 0_u64;
        // SAFETY: the kernel writes as many bytes as the second argument says.
        unsafe { self.request(GETSIGMASK, size_of::<u64>() as *mut c_void, (&raw mut mask).cast()) }?;
        Ok(mask)
    }

    /// Sets the signals that it blocks.
    pub fn set_mask(self, mut mask: u64) -> io::Result<()> {
        // SAFETY: the kernel reads as many bytes as the second argument says.
        unsafe { self.request(SETSIGMASK, size_of::<u64>() as *mut c_void, (&raw mut mask).cast()) }.map(drop)
    }

    /// Address of its `struct rseq`, if it has registered one and the kernel tells (Linux 5.13).
    pub fn restartable_sequences(self) -> Option<u64> {
        // `struct ptrace_rseq_configuration`: address, size, signature, flags, reserve.
        let mut configuration = [0_u64; 3];
        let size = size_of_val(&configuration) as *mut c_void;
        // SAFETY: the kernel writes at most as many bytes as the second argument says.
        unsafe { self.request(GET_RSEQ_CONFIGURATION, size, (&raw mut configuration).cast()) }.ok()?;
        Some(configuration[0]).filter(|&address| address != 0)
    }

    /// Its seccomp filter with this index, or `None` behind the last one. The kernel hands filters to CAP_SYS_ADMIN only.
    pub fn seccomp_filter(self, index: u32) -> io::Result<Option<Vec<Instruction>>> {
        let ask = |lines: *mut sock_filter| {
            // SAFETY: the kernel writes as many lines as it answered when it was asked without a buffer; the thread stands still, so that
            // its filters stay the same.
            unsafe { self.request(SECCOMP_GET_FILTER, index as usize as *mut c_void, lines.cast()) }
        };
        let length = match ask(null_mut()) {
            Ok(length) => length as usize,
            Err(error) => {
                return match error.raw_os_error() {
                    Some(libc::ENOENT) => Ok(None),
                    Some(libc::EACCES) => Err(io::Error::other(
                        "the debugger has no CAP_SYS_ADMIN, or runs under seccomp itself",
                    )),
                    _ => Err(error),
                };
            }
        };
        let mut lines = vec![sock_filter { code: 0, jt: 0, jf: 0, k: 0 }; length];
        ask(lines.as_mut_ptr())?;
        let instruction = |line: &sock_filter| Instruction {
            code: line.code,
            jump_true: line.jt,
            jump_false: line.jf,
            operand: line.k,
        };
        Ok(Some(lines.iter().map(instruction).collect()))
    }

    /// What is told of the signal that it is about to get.
    pub fn signal_information(self) -> Option<SignalInformation> {
        // SAFETY: all bytes zero are a valid `siginfo_t`.
        let mut information: siginfo_t = unsafe { zeroed() };
        // SAFETY: the kernel fills a `siginfo_t`.
        unsafe { self.request(GETSIGINFO, null_mut(), (&raw mut information).cast()) }.ok()?;
        Some(SignalInformation(information))
    }

    /// Replaces it.
    pub fn set_signal_information(self, information: &SignalInformation) -> io::Result<()> {
        let data = (&raw const information.0).cast_mut().cast();
        // SAFETY: the kernel reads a `siginfo_t`.
        unsafe { self.request(SETSIGINFO, null_mut(), data) }.map(drop)
    }

    /// Lets it go on, with a signal unless that is 0.
    pub fn resume(self, how: Resume, signal: i32) -> io::Result<()> {
        let request = match how {
            Resume::Freely => CONT,
            Resume::ToSystemCall => SYSCALL,
        };
        // SAFETY: concerns no memory of this process.
        unsafe { self.request(request, null_mut(), signal as usize as *mut c_void) }.map(drop)
    }

    /// Sends a signal to it alone.
    pub fn send(self, process: u32, signal: i32) -> io::Result<()> {
        // SAFETY: concerns no memory.
        check(unsafe { libc::syscall(libc::SYS_tgkill, process as c_int, self.0, signal) }).map(drop)
    }

    /// Waits until it stops or ends, or until `deadline`: `None` then.
    pub fn wait(self, deadline: Instant) -> io::Result<Option<Event>> {
        let eager = Instant::now() + EAGER;
        loop {
            if let Some(event) = self.look()? {
                return Ok(Some(event));
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(None);
            }
            if now < eager {
                std::thread::yield_now();
            } else {
                std::thread::sleep(BREAK);
            }
        }
    }

    /// Whether it has stopped or ended, and why.
    pub fn look(self) -> io::Result<Option<Event>> {
        // SAFETY: all bytes zero are a valid `siginfo_t`.
        let mut information: siginfo_t = unsafe { zeroed() };
        let options = libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::__WALL;
        // An end is left to whoever else in this process waits for it.
        for look in [libc::WNOWAIT, 0] {
            // SAFETY: the kernel fills a `siginfo_t`.
            let looked = check(unsafe {
                libc::waitid(libc::P_PID, self.0 as u32, &raw mut information, options | look).into()
            });
            match looked {
                Ok(_) => {}
                // Another thread has executed a new program in its place.
                Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(Some(Event::Ended)),
                Err(error) => return Err(error),
            }
            // SAFETY: of a state change, or all zero.
            if unsafe { information.si_pid() } == 0 {
                return Ok(None);
            }
            if !matches!(information.si_code, libc::CLD_TRAPPED | libc::CLD_STOPPED) {
                return Ok(Some(Event::Ended));
            }
        }
        // SAFETY: of a state change.
        let status = unsafe { information.si_status() };
        let (signal, event) = (status & 0xFF, status >> 8);
        Ok(Some(match (signal, event) {
            (_, libc::PTRACE_EVENT_STOP) => Event::Stop,
            (_, libc::PTRACE_EVENT_FORK..=libc::PTRACE_EVENT_CLONE) => {
                self.event_message().map_or(Event::Other, |id| Event::Began(Self(id as i32)))
            }
            (_, 1..) => Event::Other,
            // With PTRACE_O_TRACESYSGOOD.
            (signal, _) if signal == libc::SIGTRAP | 0x80 => Event::SystemCall,
            // Without it the kernel says so in another place.
            (libc::SIGTRAP, _) => match self.signal_information() {
                Some(SignalInformation(told)) if told.si_code & !0x80 == libc::SIGTRAP => Event::SystemCall,
                _ => Event::Signal(libc::SIGTRAP),
            },
            (signal, _) => Event::Signal(signal),
        }))
    }

    /// # Safety
    /// The arguments are what the request expects; memory that it writes is this caller's.
    unsafe fn request(self, request: u32, address: *mut c_void, data: *mut c_void) -> io::Result<c_long> {
        // SAFETY: as the caller vouches.
        check(unsafe { libc::ptrace(request as _, self.0, address, data) })
    }
}

/// What the kernel tells of a signal.
pub struct SignalInformation(siginfo_t);

impl SignalInformation {
    /// Its number.
    pub fn signal(&self) -> i32 {
        self.0.si_signo
    }
}

impl std::fmt::Debug for SignalInformation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "signal {}", self.0.si_signo)
    }
}

fn check(result: c_long) -> io::Result<c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

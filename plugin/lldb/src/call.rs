//! Calls a function of the process, on a thread that stands anywhere.
//!
//! LLDB's expressions could do it, but LLDB compiles them first, which takes longer than the call, and keeps pages for them that stay in the
//! process; and its server takes those pages in a way that loses a signal which arrives meanwhile. Here the server saves all registers of
//! the thread, vectors included, and restores them; in between the thread runs from the function's start until it returns to an
//! address where it never comes otherwise: the program's entry point.

use crate::ffi::{Interpreter, Process, Thread};
use pyheap_session::Returned;
use std::thread;

#[cfg(target_arch = "x86_64")]
mod registers {
    pub const ARGUMENTS: [&str; 6] = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];
    pub const RESULT: &str = "rax";
    pub const KEPT: &str = "rbx";
    pub const STACK: &str = "rsp";
    /// All that a call may change and that LLDB keeps copies of, without the program counter.
    pub const ALL: [&str; 17] = [
        "rax", "rbx", "rcx", "rdx", "rdi", "rsi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15", "rflags",
    ];
}

#[cfg(target_arch = "aarch64")]
mod registers {
    pub const ARGUMENTS: [&str; 6] = ["x0", "x1", "x2", "x3", "x4", "x5"];
    pub const RESULT: &str = "x0";
    pub const KEPT: &str = "x19";
    pub const STACK: &str = "sp";
    /// All that a call may change and that LLDB keeps copies of, without the program counter.
    pub const ALL: [&str; 33] = [
        "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
        "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp",
        "lr", "sp", "cpsr",
    ];
}

/// Bytes below the stack pointer that belong to the function that was interrupted (System V ABI of x86_64).
const RED_ZONE: u64 = 128;

/// A thread whose registers are saved.
#[derive(Debug)]
pub struct Call {
    thread: u64,
    /// By which LLDB's server knows the saved registers.
    saved: String,
    registers: Vec<u64>,
    program_counter: u64,
    return_address: u64,
}

impl Call {
    /// Saves the registers.
    pub fn prepare(
        process: &mut Process,
        interpreter: &mut Interpreter,
        thread: &mut Thread,
    ) -> Result<Self, String> {
        let return_address = entry_point(process.id()).ok_or("the process has no entry point")?;
        let mut frame = thread.newest_frame();
        let registers: Option<Vec<u64>> = registers::ALL.iter().map(|name| frame.register(name)).collect();
        let registers = registers.ok_or("registers cannot be read")?;
        let program_counter = frame.program_counter();
        let id = thread.id();
        // From here on the thread's interrupted system call is not taken up again, until the registers are restored.
        let saved = answer(process, interpreter, &format!("QSaveRegisterState;thread:{id:x};"));
        if saved.parse::<u32>().is_err() {
            return Err(format!("LLDB's server does not save registers: {saved:?}"));
        }
        Ok(Self { thread: id, saved, registers, program_counter, return_address })
    }

    /// Makes the thread stand at the function's start, as if it had just been called.
    pub fn begin(
        &self,
        process: &mut Process,
        thread: &mut Thread,
        function: u64,
        arguments: &[u64],
    ) -> Result<(), String> {
        let mut frame = thread.newest_frame();
        let at = registers::ALL.iter().position(|&name| name == registers::STACK);
        let top = at.map(|at| self.registers[at]).ok_or("the stack pointer is not saved")?;
        let aligned = (top - RED_ZONE) & !0xF;
        for (name, &value) in registers::ARGUMENTS.iter().zip(arguments) {
            frame.set_register(name, value)?;
        }
        if cfg!(target_arch = "x86_64") {
            frame.set_register(registers::STACK, aligned - 8)?;
            process.write(aligned - 8, &self.return_address.to_le_bytes())?;
            // No vector arguments; nor the mark of an interrupted system call, which the kernel would take up again.
            frame.set_register(registers::RESULT, 0)?;
        } else {
            frame.set_register(registers::STACK, aligned)?;
            frame.set_register("lr", self.return_address)?;
        }
        match frame.set_program_counter(function) {
            true => Ok(()),
            false => Err("the program counter cannot be set".into()),
        }
    }

    /// Id of the thread.
    pub fn thread(&self) -> u64 {
        self.thread
    }

    /// Where the thread is to run to.
    pub fn return_address(&self) -> u64 {
        self.return_address
    }

    /// What the function left behind, if it has returned. System calls cannot be seen: the C library's wrappers return -1 where they fail,
    /// and of those that are called here only a lack of memory is a reason for that.
    pub fn result(&self, thread: &mut Thread) -> Result<Option<Returned>, String> {
        const NO_MEMORY: u64 = -12_i64 as u64;
        let mut frame = thread.newest_frame();
        if frame.program_counter() != self.return_address {
            return Ok(None);
        }
        let mut read = |name| frame.register(name).ok_or("its result cannot be read");
        let (result, kept) = (read(registers::RESULT)?, read(registers::KEPT)?);
        Ok(Some(Returned { system_call: if result == u64::MAX { NO_MEMORY } else { result }, kept }))
    }

    /// Restores the registers.
    pub fn restore(
        &self,
        process: &Process,
        interpreter: &mut Interpreter,
        thread: &mut Thread,
    ) -> Result<(), String> {
        let (id, saved) = (self.thread, &self.saved);
        let restored = answer(process, interpreter, &format!("QRestoreRegisterState:{saved};thread:{id:x};"));
        // LLDB itself still has those of the call; and where the server refuses, this is the way for all but the vectors.
        let mut frame = thread.newest_frame();
        for (name, &value) in registers::ALL.iter().zip(&self.registers) {
            frame.set_register(name, value)?;
        }
        if !frame.set_program_counter(self.program_counter) {
            return Err("the program counter cannot be restored".into());
        }
        match restored.as_str() {
            "OK" => Ok(()),
            _ => Err(format!("LLDB's server does not restore vector registers: {restored:?}")),
        }
    }
}

/// What LLDB's server answers to a packet.
///
/// On a thread of its own: once the user has interrupted a command, LLDB executes no other one on that command's thread, and registers must
/// be restored then, too.
fn answer(process: &Process, interpreter: &mut Interpreter, packet: &str) -> String {
    let command = format!("process plugin packet send {packet}");
    let send = || interpreter.execute_for(process, &command);
    let output = thread::scope(|scope| scope.spawn(send).join()).unwrap_or_default();
    let answer = output.lines().find_map(|line| line.trim().strip_prefix("response:"));
    answer.unwrap_or_default().trim().to_owned()
}

/// Address of the program's first instruction, which is executed once, before anything else.
fn entry_point(pid: u64) -> Option<u64> {
    const AT_ENTRY: u64 = 9;
    let vector = std::fs::read(format!("/proc/{pid}/auxv")).ok()?;
    let (words, _) = vector.as_chunks::<8>();
    let mut pairs =
        words.chunks_exact(2).map(|pair| (u64::from_le_bytes(pair[0]), u64::from_le_bytes(pair[1])));
    pairs.find_map(|(kind, value)| (kind == AT_ENTRY).then_some(value))
}

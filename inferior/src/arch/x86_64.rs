//! x86_64: what cannot be said in portable Rust.

use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Calls `function(argument)` on the stack that ends at `top`, a multiple of 16, and returns what it returns.
///
/// # Safety
/// The stack is mapped, large enough for `function` and used by nobody else until the call returns.
#[unsafe(naked)]
pub unsafe extern "C" fn on_stack(argument: usize, function: extern "C" fn(usize) -> i64, top: usize) -> i64 {
    naked_asm!("push rbp", "mov rbp, rsp", "mov rsp, rdx", "call rsi", "mov rsp, rbp", "pop rbp", "ret",)
}

/// `clone(flags, stack)` whose child runs `function(argument)` on the stack that ends at `top` and must not return. The parent
/// gets the child's process id or a negative error number.
///
/// # Safety
/// `flags` hold no `CLONE_SETTLS` and no flag that makes the kernel write through a pointer. With `CLONE_VM` the stack is used by nobody else
/// while the child lives, and what both change are atomics.
#[unsafe(naked)]
pub unsafe extern "C" fn clone_onto(
    flags: usize,
    top: usize,
    function: extern "C" fn(usize) -> !,
    argument: usize,
) -> isize {
    naked_asm!(
        "push rbx",
        "push r12",
        "mov rbx, rdx",
        "mov r12, rcx",
        "xor edx, edx",
        "xor r10d, r10d",
        "xor r8d, r8d",
        "mov eax, 56",
        "syscall",
        "test rax, rax",
        "jz 2f",
        "pop r12",
        "pop rbx",
        "ret",
        "2:",
        "xor ebp, ebp",
        "mov rdi, r12",
        "call rbx",
        "ud2",
    )
}

/// Where a fault continues: written by [`guarded_call`], read by the signal handler.
#[repr(C)]
pub struct Recovery {
    stack: AtomicUsize,
    instruction: AtomicUsize,
}

/// Calls `function(a, b, c)`. Returns 0, or what the signal handler passed to [`Context::recover`].
///
/// # Safety
/// `function` is the address of code that may be called with these arguments in the C calling convention. A call that is cut short runs no
/// destructors: whatever it had changed, borrowed or allocated stays as it was at that instruction, and the caller copes with that.
#[unsafe(naked)]
pub unsafe extern "C" fn guarded_call(
    function: usize,
    a: usize,
    b: usize,
    c: usize,
    recovery: &Recovery,
) -> usize {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "mov [r8], rsp",
        "lea rax, [rip + 3f]",
        "mov [r8 + 8], rax",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "call rax",
        "xor eax, eax",
        "3:",
        "cld",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}

/// Continues at `recovery` with this status: what a panic does in place of unwinding.
///
/// # Safety
/// The [`guarded_call`] that wrote `recovery` is still under way, further up this stack.
pub unsafe fn jump(recovery: &Recovery, status: usize) -> ! {
    // SAFETY: the caller vouches that the call which wrote `recovery` is still under way further up this stack.
    unsafe {
        asm!(
            "mov rsp, {stack}",
            "jmp {instruction}",
            stack = in(reg) recovery.stack.load(Relaxed),
            instruction = in(reg) recovery.instruction.load(Relaxed),
            in("rax") status,
            options(noreturn),
        )
    }
}

/// Executes what is no instruction.
pub fn fault() -> ! {
    // SAFETY: raises SIGILL and goes nowhere.
    unsafe { asm!("ud2", options(noreturn, nomem, nostack)) }
}

/// The stack pointer.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Loads that may fault: each names the instruction and where to go on in the table `pyheap_fixups`.
macro_rules! load {
    ($name:ident, $number:ty, $instruction:literal) => {
        /// Loads from an address that need not be mapped.
        #[inline(always)]
        pub fn $name(address: u64) -> Option<$number> {
            let value: u64;
            let fault: u64;
            // SAFETY: a fault of the load is caught by the signal handler, which continues at the fixup; nothing is written.
            unsafe {
                asm!(
                    $instruction,
                    "3:",
                    ".pushsection .text.pyheap_fixup,\"ax\",@progbits",
                    "4:",
                    "mov {fault:e}, 1",
                    "jmp 3b",
                    ".popsection",
                    ".pushsection pyheap_fixups,\"aR\",@progbits",
                    ".balign 4",
                    ".long 2b - .",
                    ".long 4b - .",
                    ".popsection",
                    address = in(reg) address,
                    value = out(reg) value,
                    fault = inout(reg) 0_u64 => fault,
                    options(nostack, preserves_flags),
                );
            }
            (fault == 0).then_some(value as $number)
        }
    };
}

load!(load_u64, u64, "2: mov {value:r}, qword ptr [{address}]");
load!(load_u32, u32, "2: mov {value:e}, dword ptr [{address}]");
load!(load_u8, u8, "2: movzx {value:e}, byte ptr [{address}]");

/// Hints that the line at `address` will be needed; never faults.
#[inline(always)]
pub fn prefetch(address: u64) {
    // SAFETY: a hint.
    unsafe { asm!("prefetcht0 [{}]", in(reg) address, options(nostack, preserves_flags, readonly)) };
}

/// Copies from an address that need not be mapped. False if it faulted.
#[inline(always)]
pub fn copy(address: u64, buffer: &mut [u8]) -> bool {
    let fault: u64;
    // SAFETY: writes only `buffer`; a fault of the read side is caught as above.
    unsafe {
        asm!(
            "2: rep movsb",
            "3:",
            ".pushsection .text.pyheap_fixup,\"ax\",@progbits",
            "4:",
            "mov {fault:e}, 1",
            "jmp 3b",
            ".popsection",
            ".pushsection pyheap_fixups,\"aR\",@progbits",
            ".balign 4",
            ".long 2b - .",
            ".long 4b - .",
            ".popsection",
            fault = inout(reg) 0_u64 => fault,
            inout("rsi") address => _,
            inout("rdi") buffer.as_mut_ptr() => _,
            inout("rcx") buffer.len() => _,
            options(nostack, preserves_flags),
        );
    }
    fault == 0
}

/// Registers that a signal interrupted: the kernel's `struct ucontext` (`arch/x86/include/uapi/asm/sigcontext.h`).
#[repr(C)]
pub struct Context {
    flags: u64,
    link: u64,
    stack: [u64; 3],
    r8_to_r15: [u64; 8],
    rdi_to_rdx: [u64; 5],
    rax: u64,
    rcx: u64,
    rsp: u64,
    rip: u64,
}

impl Context {
    /// Address of the interrupted instruction.
    pub fn instruction(&self) -> u64 {
        self.rip
    }

    /// Goes on at another instruction.
    pub fn set_instruction(&mut self, address: u64) {
        self.rip = address;
    }

    /// Goes on where [`guarded_call`] returns, with this status.
    pub fn recover(&mut self, recovery: &Recovery, status: usize) {
        self.rsp = recovery.stack.load(Relaxed) as u64;
        self.rip = recovery.instruction.load(Relaxed) as u64;
        self.rax = status as u64;
    }
}

/// The code that a signal handler returns to.
///
/// # Safety
/// Only the kernel may enter it, by a signal handler's return: the stack pointer must stand at a signal frame.
#[unsafe(naked)]
pub unsafe extern "C" fn signal_return() -> ! {
    naked_asm!("mov eax, 15", "syscall", "ud2")
}

/// See `entry::CALL`. The host restores every register, so those that a function preserves are free.
///
/// # Safety
/// Only the host may enter it, on a thread whose registers it has saved; `function` may be called with these arguments.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pyheap_call(function: usize, a: usize, b: usize, c: usize, d: usize) -> i64 {
    naked_asm!(
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "mov rcx, r8",
        "sub rsp, 8",
        "call rax",
        "add rsp, 8",
        "mov rbx, rax",
        "ret",
    )
}

/// See `entry::LEAVE`. The return address on the stack is the caller's: the mapping goes away under our feet.
///
/// # Safety
/// Only the host may enter it, on a thread whose registers it has saved. `function` is 0 or may be called with `argument`; `mapping` and
/// `length` are the injected mapping, to which nothing refers any more; `munmap` is the C library's.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pyheap_leave(
    function: usize,
    argument: usize,
    mapping: usize,
    length: usize,
    munmap: usize,
) -> i64 {
    naked_asm!(
        "mov r12, rdx",
        "mov r13, rcx",
        "mov r14, r8",
        "mov rax, rdi",
        "mov rdi, rsi",
        "test rax, rax",
        "jz 2f",
        "sub rsp, 8",
        "call rax",
        "add rsp, 8",
        "2:",
        "mov rbx, rax",
        "mov rdi, r12",
        "mov rsi, r13",
        "jmp r14",
    )
}

//! AArch64: what cannot be said in portable Rust. The counterpart of `x86_64.rs`, item by item.

use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Calls `function(argument)` on the stack that ends at `top`, a multiple of 16, and returns what it returns.
///
/// # Safety
/// The stack is mapped, large enough for `function` and used by nobody else until the call returns.
#[unsafe(naked)]
pub unsafe extern "C" fn on_stack(argument: usize, function: extern "C" fn(usize) -> i64, top: usize) -> i64 {
    naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "mov sp, x2",
        "blr x1",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "ret",
    )
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
        "mov x9, x2",
        "mov x10, x3",
        "mov x2, #0",
        "mov x3, #0",
        "mov x4, #0",
        "mov x8, #220",
        "svc #0",
        "cbz x0, 2f",
        "ret",
        "2:",
        "mov x29, #0",
        "mov x30, #0",
        "mov x0, x10",
        "blr x9",
        "brk #1",
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
        "stp x29, x30, [sp, #-160]!",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        "mov x9, sp",
        "adr x10, 3f",
        "stp x9, x10, [x4]",
        "mov x9, x0",
        "mov x0, x1",
        "mov x1, x2",
        "mov x2, x3",
        "blr x9",
        "mov x0, #0",
        "3:",
        "ldp d14, d15, [sp, #144]",
        "ldp d12, d13, [sp, #128]",
        "ldp d10, d11, [sp, #112]",
        "ldp d8, d9, [sp, #96]",
        "ldp x27, x28, [sp, #80]",
        "ldp x25, x26, [sp, #64]",
        "ldp x23, x24, [sp, #48]",
        "ldp x21, x22, [sp, #32]",
        "ldp x19, x20, [sp, #16]",
        "ldp x29, x30, [sp], #160",
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
            "mov sp, {stack}",
            "br {instruction}",
            stack = in(reg) recovery.stack.load(Relaxed),
            instruction = in(reg) recovery.instruction.load(Relaxed),
            in("x0") status,
            options(noreturn),
        )
    }
}

/// Executes what is no instruction.
pub fn fault() -> ! {
    // SAFETY: raises SIGILL and goes nowhere.
    unsafe { asm!("udf #0", options(noreturn, nomem, nostack)) }
}

/// The stack pointer.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
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
                    "mov {fault}, #1",
                    "b 3b",
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

load!(load_u64, u64, "2: ldr {value}, [{address}]");
load!(load_u32, u32, "2: ldr {value:w}, [{address}]");
load!(load_u8, u8, "2: ldrb {value:w}, [{address}]");

/// Hints that the line at `address` will be needed; never faults.
#[inline(always)]
pub fn prefetch(address: u64) {
    // SAFETY: a hint.
    unsafe { asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly)) };
}

/// Copies from an address that need not be mapped. False if it faulted.
#[inline(always)]
pub fn copy(address: u64, buffer: &mut [u8]) -> bool {
    (address..).zip(buffer.iter_mut()).all(|(from, to)| load_u8(from).map(|byte| *to = byte).is_some())
}

/// Registers that a signal interrupted: the kernel's `struct ucontext` (`arch/arm64/include/uapi/asm/{ucontext,sigcontext}.h`).
#[repr(C)]
pub struct Context {
    flags: u64,
    link: u64,
    stack: [u64; 3],
    /// The mask and its reserve, then padding: `uc_mcontext` is aligned to 16.
    mask: [u64; 17],
    fault_address: u64,
    registers: [u64; 31],
    sp: u64,
    pc: u64,
}

impl Context {
    /// Address of the interrupted instruction.
    pub fn instruction(&self) -> u64 {
        self.pc
    }

    /// Goes on at another instruction.
    pub fn set_instruction(&mut self, address: u64) {
        self.pc = address;
    }

    /// Goes on where [`guarded_call`] returns, with this status.
    pub fn recover(&mut self, recovery: &Recovery, status: usize) {
        self.sp = recovery.stack.load(Relaxed) as u64;
        self.pc = recovery.instruction.load(Relaxed) as u64;
        if let Some(result) = self.registers.first_mut() {
            *result = status as u64;
        }
    }
}

/// The code that a signal handler returns to.
///
/// # Safety
/// Only the kernel may enter it, by a signal handler's return: the stack pointer must stand at a signal frame.
#[unsafe(naked)]
pub unsafe extern "C" fn signal_return() -> ! {
    naked_asm!("mov x8, #139", "svc #0", "brk #1")
}

/// See `entry::CALL`. The host restores every register, so those that a function preserves are free.
///
/// # Safety
/// Only the host may enter it, on a thread whose registers it has saved; `function` may be called with these arguments.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pyheap_call(function: usize, a: usize, b: usize, c: usize, d: usize) -> i64 {
    naked_asm!(
        "mov x20, x30",
        "mov x9, x0",
        "mov x0, x1",
        "mov x1, x2",
        "mov x2, x3",
        "mov x3, x4",
        "blr x9",
        "mov x19, x0",
        "mov x30, x20",
        "ret",
    )
}

/// See `entry::LEAVE`. The link register is the caller's: the mapping goes away under our feet.
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
        "mov x20, x30",
        "mov x21, x2",
        "mov x22, x3",
        "mov x23, x4",
        "mov x9, x0",
        "mov x0, x1",
        "cbz x9, 2f",
        "blr x9",
        "2:",
        "mov x19, x0",
        "mov x0, x21",
        "mov x1, x22",
        "mov x30, x20",
        "br x23",
    )
}

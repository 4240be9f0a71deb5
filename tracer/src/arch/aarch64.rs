//! AArch64: `struct user_pt_regs` and `struct rt_sigframe` (`arch/arm64/include/uapi/asm/{ptrace,sigcontext,ucontext}.h`).

use super::Frame;

/// x0 to x30, sp, pc, pstate.
const COUNT: usize = 34;
const X8: usize = 8;
const X19: usize = 19;
const LR: usize = 30;
const SP: usize = 31;
const PC: usize = 32;
const PSTATE: usize = 33;

const RT_SIGRETURN: u64 = 139;
const MUNMAP: u32 = 215;
/// Bytes of the code that calls `rt_sigreturn`, at most.
const LONGEST_SIGNAL_RETURN: u64 = 8;

/// Below the stack pointer nothing belongs to anybody; a distance all the same, for code that does not keep to the rule.
const DISTANCE: u64 = 128;

/// The instruction `brk #0`.
pub const BREAKPOINT: [u8; 4] = [0x00, 0x00, 0x20, 0xD4];
/// From the program counter of a thread that has come to one back to its address.
pub const TO_BREAKPOINT: u64 = 0;

/// The register set with vectors: `NT_PRFPREG`, `struct user_fpsimd_state`.
pub const EXTENDED: i32 = 2;
const VECTORS: usize = 32 * 16;

// Sizes and offsets in the frame: `siginfo_t`, `struct ucontext`, `struct sigcontext`.
const SIGINFO: usize = 128;
const CONTEXT_TO_MACHINE: usize = 176;
const RESERVED: usize = 4096;
const FPSIMD_MAGIC: u32 = 0x4650_8001;
const FPSIMD_SIZE: u32 = 528;

/// A thread's general registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers([u64; COUNT]);

impl Registers {
    /// As zero everywhere; to be filled by the kernel.
    pub fn zero() -> Self {
        Self([0; COUNT])
    }

    /// The memory that the kernel reads or fills.
    pub fn words(&mut self) -> &mut [u64] {
        &mut self.0
    }

    /// Address of the next instruction.
    pub fn program_counter(&self) -> u64 {
        self.0[PC]
    }

    /// With another address of the next instruction.
    pub fn with_program_counter(mut self, address: u64) -> Self {
        self.0[PC] = address;
        self
    }

    /// Second integer argument of a function at whose first instruction the thread stands.
    pub fn second_argument(&self) -> u64 {
        self.0[1]
    }

    /// At the start of a function, as if it had been called from where `frame` returns to.
    pub fn calling(&self, function: u64, arguments: &[u64], frame: &Frame, signal_return: u64) -> Self {
        let mut registers = self.clone();
        registers.0[..arguments.len()].copy_from_slice(arguments);
        registers.0[PC] = function;
        registers.0[SP] = frame.stack;
        registers.0[LR] = signal_return;
        registers
    }

    /// What a system call has returned, at its end.
    pub fn system_call_result(&self) -> u64 {
        self.0[0]
    }

    /// The register in which the injected code keeps its result: one that functions preserve.
    pub fn kept(&self) -> u64 {
        self.0[X19]
    }

    /// Whether the thread is about to enter `rt_sigreturn` from the code at `signal_return`.
    pub fn enters_signal_return(&self, signal_return: u64) -> bool {
        self.0[X8] == RT_SIGRETURN && self.0[PC].wrapping_sub(signal_return) <= LONGEST_SIGNAL_RETURN
    }

    /// Turns the `rt_sigreturn` that the thread is about to enter into a call without effect, `munmap(0, 0)`, after which the thread stands
    /// before the code at `signal_return` again. The number of the call is a register set of its own.
    pub fn parked(&self, signal_return: u64) -> (Self, Option<u32>) {
        let mut registers = self.clone();
        registers.0[0] = 0;
        registers.0[1] = 0;
        registers.0[PC] = signal_return;
        (registers, Some(MUNMAP))
    }

    /// The frame with which the thread itself goes back to this state, below its stack. `at` is where it goes on if that is not where it
    /// stands. The kernel has already set the registers back to begin an interrupted system call again.
    pub fn frame(&self, vectors: &Vectors, mask: u64, at: Option<u64>, _signal_return: u64) -> Frame {
        let mut bytes = vec![0; SIGINFO];
        let mut words = |words: &[u64]| bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        // No flags, no link; the alternate stack with a mode that does not exist, so that the kernel leaves the thread's as it is.
        words(&[0, 0, 0, 0x55, 0, mask]);
        words(&[0; (CONTEXT_TO_MACHINE - 6 * 8) / 8]);
        // Fault address, then the registers.
        words(&[0]);
        words(&self.0[..PC]);
        words(&[at.unwrap_or(self.0[PC]), self.0[PSTATE]]);
        bytes.resize(bytes.len().next_multiple_of(16), 0);
        let reserved = bytes.len();
        bytes.extend(FPSIMD_MAGIC.to_le_bytes());
        bytes.extend(FPSIMD_SIZE.to_le_bytes());
        // In the register set the status words follow the vectors, in the frame they come first.
        if let Some((registers, status)) = vectors.bytes.split_at_checked(VECTORS) {
            bytes.extend(status.iter().take(8));
            bytes.extend(registers);
        }
        bytes.resize(reserved + RESERVED, 0);
        let stack = (self.0[SP] - DISTANCE - bytes.len() as u64) & !15;
        Frame { start: stack, bytes, stack }
    }
}

/// A thread's vectors as ptrace gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vectors {
    /// The register set.
    pub set: i32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

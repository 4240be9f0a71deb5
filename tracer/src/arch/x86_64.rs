//! x86_64: `struct user_regs_struct`, `struct rt_sigframe` and the XSAVE area (`arch/x86/include/uapi/asm/{ptrace,sigcontext,ucontext}.h`).

use super::Frame;
use std::arch::x86_64::__cpuid_count;

/// Registers in the order of `struct user_regs_struct`.
const COUNT: usize = 27;
const R15: usize = 0;
const R14: usize = 1;
const R13: usize = 2;
const R12: usize = 3;
const RBP: usize = 4;
const RBX: usize = 5;
const R11: usize = 6;
const R10: usize = 7;
const R9: usize = 8;
const R8: usize = 9;
const RAX: usize = 10;
const RCX: usize = 11;
const RDX: usize = 12;
const RSI: usize = 13;
const RDI: usize = 14;
const ORIG_RAX: usize = 15;
const RIP: usize = 16;
const CS: usize = 17;
const EFLAGS: usize = 18;
const RSP: usize = 19;
const SS: usize = 20;

const ARGUMENTS: [usize; 6] = [RDI, RSI, RDX, RCX, R8, R9];

/// Order in `struct sigcontext`.
const IN_FRAME: [usize; 18] =
    [R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP, EFLAGS];

/// Bytes below the stack pointer that belong to the function that was interrupted (System V ABI).
const RED_ZONE: u64 = 128;

/// Trap and direction flag: a function is entered with neither.
const TRAP_AND_DIRECTION: u64 = 0x100 | 0x400;

const RT_SIGRETURN: u64 = 15;
const MUNMAP: u64 = 11;
const RESTART_SYSCALL: u64 = 219;
/// Bytes of the code that calls `rt_sigreturn`, at most.
const LONGEST_SIGNAL_RETURN: u64 = 9;
/// Length of the instruction `syscall`.
const SYSCALL: u64 = 2;

/// The instruction `int3`.
pub const BREAKPOINT: [u8; 1] = [0xCC];
/// From the program counter of a thread that has come to one back to its address.
pub const TO_BREAKPOINT: u64 = 1;

/// The register set with vectors: `NT_X86_XSTATE`.
pub const EXTENDED: i32 = 0x202;

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
        self.0[RIP]
    }

    /// With another address of the next instruction.
    pub fn with_program_counter(mut self, address: u64) -> Self {
        self.0[RIP] = address;
        self
    }

    /// Second integer argument of a function at whose first instruction the thread stands.
    pub fn second_argument(&self) -> u64 {
        self.0[RSI]
    }

    /// At the start of a function, as if it had been called from where `frame` returns to.
    pub fn calling(&self, function: u64, arguments: &[u64], frame: &Frame, _signal_return: u64) -> Self {
        let mut registers = self.clone();
        for (&register, &argument) in ARGUMENTS.iter().zip(arguments) {
            registers.0[register] = argument;
        }
        registers.0[RIP] = function;
        registers.0[RSP] = frame.stack;
        // No vector arguments, and no system call that the kernel would take up again.
        registers.0[RAX] = 0;
        registers.0[ORIG_RAX] = u64::MAX;
        registers.0[EFLAGS] &= !TRAP_AND_DIRECTION;
        registers
    }

    /// What a system call has returned, at its end.
    pub fn system_call_result(&self) -> u64 {
        self.0[RAX]
    }

    /// The register in which the injected code keeps its result: one that functions preserve.
    pub fn kept(&self) -> u64 {
        self.0[RBX]
    }

    /// Whether the thread is about to enter `rt_sigreturn` from the code at `signal_return`.
    pub fn enters_signal_return(&self, signal_return: u64) -> bool {
        self.0[ORIG_RAX] == RT_SIGRETURN && self.0[RIP].wrapping_sub(signal_return) <= LONGEST_SIGNAL_RETURN
    }

    /// Turns the `rt_sigreturn` that the thread is about to enter into a call without effect, after which the thread stands before
    /// the code at `signal_return` again. The call is `munmap(0, 0)`, which every filter of system calls that let the thread come here
    /// permits; number -1, which the kernel skips, is one that filters may kill for.
    pub fn parked(&self, signal_return: u64) -> (Self, Option<u32>) {
        let mut registers = self.clone();
        registers.0[ORIG_RAX] = MUNMAP;
        registers.0[RDI] = 0;
        registers.0[RSI] = 0;
        registers.0[RIP] = signal_return;
        (registers, None)
    }

    /// As the kernel lets the thread go on: an interrupted system call is begun again.
    fn resumed(&self) -> Self {
        let mut registers = self.clone();
        let in_call = registers.0[ORIG_RAX] as i64 >= 0;
        // ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK of include/linux/errno.h.
        let number = match registers.0[RAX] as i64 {
            -514..=-512 => registers.0[ORIG_RAX],
            -516 => RESTART_SYSCALL,
            _ => return registers,
        };
        if in_call {
            registers.0[RIP] -= SYSCALL;
            registers.0[RAX] = number;
        }
        registers
    }

    /// The frame with which the thread itself goes back to this state, below its stack. `at` is where it goes on if that is not where it
    /// stands.
    pub fn frame(&self, vectors: &Vectors, mask: u64, at: Option<u64>, signal_return: u64) -> Frame {
        let mut back = self.resumed();
        if let Some(at) = at {
            back.0[RIP] = at;
        }
        let vectors = vectors.in_frame();
        let vectors_at = (self.0[RSP] - RED_ZONE - vectors.len() as u64) & !63;

        let mut context = Vec::new();
        let mut words = |words: &[u64]| context.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        // UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS; no link; the alternate stack with a mode that does not exist, so that the
        // kernel leaves the thread's as it is.
        words(&[7, 0, 0, 0x55, 0]);
        words(&IN_FRAME.map(|register| back.0[register]));
        words(&[back.0[CS] & 0xFFFF | (back.0[SS] & 0xFFFF) << 48]);
        // Error code, trap number, old mask, fault address; the vectors; reserve.
        words(&[0, 0, 0, 0, vectors_at]);
        words(&[0; 8]);
        words(&[mask]);
        // As after a call: the stack pointer is 8 below a multiple of 16.
        let stack = ((vectors_at - 8 - context.len() as u64) & !15) - 8;

        let mut bytes = signal_return.to_le_bytes().to_vec();
        bytes.extend(context);
        bytes.resize((vectors_at - stack) as usize, 0);
        bytes.extend(vectors);
        Frame { start: stack, bytes, stack }
    }
}

// The XSAVE area: the legacy part with its software bytes, the header, the components.
const SOFTWARE: usize = 464;
const HEADER: usize = 512;
const LEGACY_AND_HEADER: usize = 576;
const MAGIC_1: u32 = 0x4650_5853;
const MAGIC_2: u32 = 0x4650_5845;
/// Components 17 and 18: the tiles of AMX, which only a thread that has asked for them may restore.
const TILES: u64 = 3 << 17;

/// A thread's vectors as ptrace gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vectors {
    /// The register set, [`EXTENDED`] or `NT_PRFPREG`.
    pub set: i32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Vectors {
    /// As the kernel writes them into signal frames. Without XSAVE these are the bytes themselves.
    fn in_frame(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        if self.set != EXTENDED || bytes.len() < LEGACY_AND_HEADER {
            return bytes;
        }
        let word = |bytes: &[u8], at: usize| {
            bytes[at..at + 8].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
        };
        let mut features = word(&bytes, SOFTWARE);
        // A thread that has no tiles may not be allowed any, and then the kernel takes a frame with room for them for one without vectors.
        if word(&bytes, HEADER) & TILES == 0 {
            features &= !TILES;
        }
        let size = size_of_components(features).min(bytes.len());
        bytes.truncate(size);
        let mut software = Vec::with_capacity(48);
        software.extend(MAGIC_1.to_le_bytes());
        software.extend((size as u32 + 4).to_le_bytes());
        software.extend(features.to_le_bytes());
        software.extend((size as u32).to_le_bytes());
        software.resize(48, 0);
        bytes[SOFTWARE..SOFTWARE + 48].copy_from_slice(&software);
        bytes.extend(MAGIC_2.to_le_bytes());
        bytes
    }
}

/// Bytes of an XSAVE area with these components (CPUID leaf 13: size and offset of each).
fn size_of_components(features: u64) -> usize {
    let end = |component: u32| {
        let leaf = __cpuid_count(13, component);
        (leaf.ebx + leaf.eax) as usize
    };
    let extended = (2..63).filter(|component| features >> component & 1 == 1);
    extended.map(end).max().unwrap_or(0).max(LEGACY_AND_HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registers() -> Registers {
        let mut registers = Registers::zero();
        for (at, word) in registers.words().iter_mut().enumerate() {
            *word = 0x1000 + at as u64;
        }
        registers.0[RSP] = 0x7fff_0000_1238;
        registers.0[ORIG_RAX] = u64::MAX;
        registers
    }

    fn vectors(features: u64, in_use: u64) -> Vectors {
        let mut bytes = vec![0; 11_008];
        bytes[SOFTWARE..SOFTWARE + 8].copy_from_slice(&features.to_le_bytes());
        bytes[HEADER..HEADER + 8].copy_from_slice(&in_use.to_le_bytes());
        Vectors { set: EXTENDED, bytes }
    }

    #[test]
    fn a_frame_leaves_the_red_zone_alone_and_is_aligned() {
        for offset in 0..64 {
            let mut registers = registers();
            registers.0[RSP] += offset;
            let frame = registers.frame(&vectors(7, 7), 0, None, 0x4000);
            assert!(frame.start + frame.bytes.len() as u64 <= registers.0[RSP] - RED_ZONE);
            assert_eq!(frame.stack % 16, 8, "as at the first instruction of a function");
            assert_eq!(frame.bytes[..8], 0x4000_u64.to_le_bytes(), "the return address");
            let at = 8 + 40 + 23 * 8;
            let vectors_at = u64::from_le_bytes(frame.bytes[at..at + 8].try_into().expect("a word"));
            assert_eq!(vectors_at % 64, 0);
            let magic = (vectors_at - frame.start) as usize + SOFTWARE;
            assert_eq!(frame.bytes[magic..magic + 4], MAGIC_1.to_le_bytes());
        }
    }

    #[test]
    fn interrupted_system_calls_are_begun_again() {
        for (result, number) in [(-512, 35), (-513, 35), (-514, 35), (-516, RESTART_SYSCALL)] {
            let mut registers = registers();
            (registers.0[ORIG_RAX], registers.0[RAX]) = (35, result as u64);
            let resumed = registers.resumed();
            assert_eq!((resumed.0[RIP], resumed.0[RAX]), (registers.0[RIP] - 2, number));
            // The same number as a result of something else.
            registers.0[ORIG_RAX] = u64::MAX;
            assert_eq!(registers.resumed(), registers);
        }
        let mut ended = registers();
        (ended.0[ORIG_RAX], ended.0[RAX]) = (0, 5);
        assert_eq!(ended.resumed(), ended);
    }

    #[test]
    fn tiles_are_in_the_frame_only_where_the_thread_has_some() {
        let size = |vectors: Vectors| vectors.in_frame().len();
        assert_eq!(size(vectors(7 | TILES, 7)), size(vectors(7, 7)), "allowed but not used");
        assert!(size(vectors(7, 7)) <= 2_700, "SSE and AVX only");
    }
}

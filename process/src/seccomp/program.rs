//! Classic BPF as seccomp has it: checked like the kernel's `bpf_check_classic` and `seccomp_check_filter`, run on what is known.

use super::{Action, Data};
use std::collections::HashSet;

/// Longest program that the kernel accepts: `BPF_MAXINSNS`.
pub const MOST_INSTRUCTIONS: usize = 4096;

/// Words of scratch memory: `BPF_MEMWORDS`.
const SCRATCH: usize = 16;

/// Size of `struct seccomp_data`, bytes.
const DATA_SIZE: u32 = 64;

/// Ways through a program that are followed where it looks at what is not known.
const MOST_WAYS: usize = 4096;

/// `struct sock_filter`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// Instructions to skip where a test holds.
    pub jump_true: u8,
    /// Instructions to skip where it does not.
    pub jump_false: u8,
    /// `k`: number, offset or index.
    pub operand: u32,
}

/// Why instructions are no filter that the kernel would have accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// None or too many.
    #[error("a filter of {0} instructions, expected 1 to {MOST_INSTRUCTIONS}")]
    Length(usize),
    /// An instruction that filters may not have, or with an operand out of its range.
    #[error(
        "instruction {at} of a filter is 0x{code:x} with operand 0x{operand:x}, which seccomp does not know"
    )]
    Instruction {
        /// Its index.
        at: usize,
        /// Its code.
        code: u16,
        /// Its operand.
        operand: u32,
    },
    /// A jump behind the end, or an end without a return.
    #[error("the filter ends behind instruction {at}, without an answer")]
    End {
        /// Index of the instruction that leads there.
        at: usize,
    },
}

#[derive(Clone, Copy, Debug)]
enum Register {
    A,
    X,
}

#[derive(Clone, Copy, Debug)]
enum Operand {
    Constant(u32),
    X,
}

#[derive(Clone, Copy, Debug)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    Equal,
    Greater,
    GreaterOrEqual,
    AnyBit,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// The word of the call's data with this index.
    LoadData(u32),
    LoadConstant(Register, u32),
    LoadScratch(Register, usize),
    Store(Register, usize),
    /// Copies A into X, or X into A.
    Transfer {
        to: Register,
    },
    Arithmetic(Arithmetic, Operand),
    Negate,
    Jump(usize),
    Branch {
        test: Test,
        operand: Operand,
        then: usize,
        otherwise: usize,
    },
    ReturnConstant(u32),
    ReturnA,
}

/// A filter that the kernel would accept.
#[derive(Clone, Debug)]
pub struct Program {
    operations: Vec<Operation>,
}

impl Program {
    /// Checks instructions. Jumps only lead forward, so that every program ends.
    pub fn new(instructions: &[Instruction]) -> Result<Self, Malformed> {
        let length = instructions.len();
        if length == 0 || length > MOST_INSTRUCTIONS {
            return Err(Malformed::Length(length));
        }
        let operations = instructions
            .iter()
            .enumerate()
            .map(|(at, instruction)| {
                let operation = decode(at, *instruction).ok_or(Malformed::Instruction {
                    at,
                    code: instruction.code,
                    operand: instruction.operand,
                })?;
                let last = match operation {
                    Operation::ReturnA | Operation::ReturnConstant(_) => at,
                    Operation::Jump(target) => target,
                    Operation::Branch { then, otherwise, .. } => then.max(otherwise),
                    _ => at + 1,
                };
                if last < length { Ok(operation) } else { Err(Malformed::End { at }) }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }

    /// The strictest answer to a call that is possible, whatever its unknown parts are.
    pub fn evaluate(&self, data: &Data) -> Action {
        let words = words(data);
        let mut seen = HashSet::new();
        let mut open = vec![Machine::default()];
        let mut strictest = Action::Allow;
        while let Some(mut machine) = open.pop() {
            let action = loop {
                match machine.step(&self.operations, &words) {
                    Step::Next => {}
                    Step::Either(otherwise) => {
                        if seen.len() == MOST_WAYS {
                            return strictest.min(Action::Undetermined);
                        }
                        if seen.insert(otherwise.clone()) {
                            open.push(otherwise);
                        }
                    }
                    Step::End(answer) => break answer.map_or(Action::Undetermined, Action::of),
                }
            };
            strictest = strictest.min(action);
        }
        strictest
    }
}

fn decode(at: usize, instruction: Instruction) -> Option<Operation> {
    let Instruction { code, jump_true, jump_false, operand } = instruction;
    let constant = Operand::Constant(operand);
    let slot = usize::try_from(operand).ok().filter(|&slot| slot < SCRATCH);
    let shift = (operand < 32).then_some(constant);
    let target = |skip: u32| usize::try_from(skip).ok()?.checked_add(at + 1);
    let branch = |test, operand| {
        let (then, otherwise) = (target(jump_true.into())?, target(jump_false.into())?);
        Some(Operation::Branch { test, operand, then, otherwise })
    };
    let arithmetic = |kind, operand| Some(Operation::Arithmetic(kind, operand));
    // `include/uapi/linux/bpf_common.h`: class, size or operation, mode or source.
    match code {
        0x20 => (operand < DATA_SIZE && operand % 4 == 0).then_some(Operation::LoadData(operand / 4)),
        0x80 => Some(Operation::LoadConstant(Register::A, DATA_SIZE)),
        0x81 => Some(Operation::LoadConstant(Register::X, DATA_SIZE)),
        0x00 => Some(Operation::LoadConstant(Register::A, operand)),
        0x01 => Some(Operation::LoadConstant(Register::X, operand)),
        0x60 => Some(Operation::LoadScratch(Register::A, slot?)),
        0x61 => Some(Operation::LoadScratch(Register::X, slot?)),
        0x02 => Some(Operation::Store(Register::A, slot?)),
        0x03 => Some(Operation::Store(Register::X, slot?)),
        0x07 => Some(Operation::Transfer { to: Register::X }),
        0x87 => Some(Operation::Transfer { to: Register::A }),
        0x04 => arithmetic(Arithmetic::Add, constant),
        0x0C => arithmetic(Arithmetic::Add, Operand::X),
        0x14 => arithmetic(Arithmetic::Subtract, constant),
        0x1C => arithmetic(Arithmetic::Subtract, Operand::X),
        0x24 => arithmetic(Arithmetic::Multiply, constant),
        0x2C => arithmetic(Arithmetic::Multiply, Operand::X),
        0x34 => arithmetic(Arithmetic::Divide, (operand != 0).then_some(constant)?),
        0x3C => arithmetic(Arithmetic::Divide, Operand::X),
        0x44 => arithmetic(Arithmetic::Or, constant),
        0x4C => arithmetic(Arithmetic::Or, Operand::X),
        0x54 => arithmetic(Arithmetic::And, constant),
        0x5C => arithmetic(Arithmetic::And, Operand::X),
        0x64 => arithmetic(Arithmetic::ShiftLeft, shift?),
        0x6C => arithmetic(Arithmetic::ShiftLeft, Operand::X),
        0x74 => arithmetic(Arithmetic::ShiftRight, shift?),
        0x7C => arithmetic(Arithmetic::ShiftRight, Operand::X),
        0xA4 => arithmetic(Arithmetic::Xor, constant),
        0xAC => arithmetic(Arithmetic::Xor, Operand::X),
        0x84 => Some(Operation::Negate),
        0x05 => Some(Operation::Jump(target(operand)?)),
        0x15 => branch(Test::Equal, constant),
        0x1D => branch(Test::Equal, Operand::X),
        0x25 => branch(Test::Greater, constant),
        0x2D => branch(Test::Greater, Operand::X),
        0x35 => branch(Test::GreaterOrEqual, constant),
        0x3D => branch(Test::GreaterOrEqual, Operand::X),
        0x45 => branch(Test::AnyBit, constant),
        0x4D => branch(Test::AnyBit, Operand::X),
        0x06 => Some(Operation::ReturnConstant(operand)),
        0x16 => Some(Operation::ReturnA),
        _ => None,
    }
}

/// `struct seccomp_data` in words, as little-endian machines lay it out.
fn words(data: &Data) -> [Option<u32>; 16] {
    let halves =
        |value: Option<u64>| [value.map(|value| value as u32), value.map(|value| (value >> 32) as u32)];
    let [a, b, c, d, e, f] = data.arguments.map(halves);
    let fixed = [Some(data.number), Some(data.architecture)];
    let all = [fixed, halves(data.instruction_pointer), a, b, c, d, e, f];
    let mut words = [None; 16];
    words.copy_from_slice(all.as_flattened());
    words
}

/// A program under way; `None` is a value that depends on what is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Machine {
    at: usize,
    a: Option<u32>,
    x: Option<u32>,
    scratch: [Option<u32>; SCRATCH],
}

impl Default for Machine {
    fn default() -> Self {
        // The kernel clears both registers, and refuses programs that read scratch memory before they wrote it.
        Self { at: 0, a: Some(0), x: Some(0), scratch: [None; SCRATCH] }
    }
}

enum Step {
    Next,
    /// The test could not be decided: this machine takes one way, the other one is here.
    Either(Machine),
    /// The answer, where it is known.
    End(Option<u32>),
}

impl Machine {
    fn step(&mut self, operations: &[Operation], words: &[Option<u32>; 16]) -> Step {
        // Checked beforehand: there is always a next one.
        let Some(&operation) = operations.get(self.at) else { return Step::End(None) };
        self.at += 1;
        match operation {
            Operation::LoadData(word) => self.a = words.get(word as usize).copied().flatten(),
            Operation::LoadConstant(register, value) => *self.register(register) = Some(value),
            Operation::LoadScratch(register, slot) => {
                *self.register(register) = self.scratch.get(slot).copied().flatten();
            }
            Operation::Store(register, slot) => {
                let value = *self.register(register);
                if let Some(scratch) = self.scratch.get_mut(slot) {
                    *scratch = value;
                }
            }
            Operation::Transfer { to: Register::X } => self.x = self.a,
            Operation::Transfer { to: Register::A } => self.a = self.x,
            Operation::Negate => self.a = self.a.map(u32::wrapping_neg),
            // A division by zero ends the program with 0: `bpf_convert_filter`.
            Operation::Arithmetic(Arithmetic::Divide, Operand::X) if self.x == Some(0) => {
                return Step::End(Some(0));
            }
            Operation::Arithmetic(Arithmetic::Divide, Operand::X) if self.x.is_none() => {
                return Step::End(None);
            }
            Operation::Arithmetic(arithmetic, operand) => {
                self.a = compute(arithmetic, self.a, self.value(operand));
            }
            Operation::Jump(target) => self.at = target,
            Operation::Branch { test, operand, then, otherwise } => {
                let holds = self.a.zip(self.value(operand)).map(|(a, b)| holds(test, a, b));
                self.at = if holds == Some(false) { otherwise } else { then };
                if holds.is_none() && then != otherwise {
                    return Step::Either(Self { at: otherwise, ..self.clone() });
                }
            }
            Operation::ReturnConstant(value) => return Step::End(Some(value)),
            Operation::ReturnA => return Step::End(self.a),
        }
        Step::Next
    }

    fn register(&mut self, register: Register) -> &mut Option<u32> {
        match register {
            Register::A => &mut self.a,
            Register::X => &mut self.x,
        }
    }

    fn value(&self, operand: Operand) -> Option<u32> {
        match operand {
            Operand::Constant(value) => Some(value),
            Operand::X => self.x,
        }
    }
}

/// The result, where it is known.
fn compute(arithmetic: Arithmetic, a: Option<u32>, b: Option<u32>) -> Option<u32> {
    if matches!(arithmetic, Arithmetic::And) && (a == Some(0) || b == Some(0)) {
        return Some(0);
    }
    let (a, b) = (a?, b?);
    Some(match arithmetic {
        Arithmetic::Add => a.wrapping_add(b),
        Arithmetic::Subtract => a.wrapping_sub(b),
        Arithmetic::Multiply => a.wrapping_mul(b),
        Arithmetic::Divide => a.checked_div(b)?,
        Arithmetic::And => a & b,
        Arithmetic::Or => a | b,
        Arithmetic::Xor => a ^ b,
        // The kernel takes the lower five bits of the distance.
        Arithmetic::ShiftLeft => a.wrapping_shl(b),
        Arithmetic::ShiftRight => a.wrapping_shr(b),
    })
}

fn holds(test: Test, a: u32, b: u32) -> bool {
    match test {
        Test::Equal => a == b,
        Test::Greater => a > b,
        Test::GreaterOrEqual => a >= b,
        Test::AnyBit => a & b != 0,
    }
}

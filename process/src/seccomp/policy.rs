//! Whether system calls can be risked: those that are needed, and those that can be left out.

use super::{Action, Data, Malformed, Mode, NATIVE, Program, Verdict};
use crate::seccomp::Instruction;

/// Filters that one thread can have at most: the kernel allows 32,768 instructions, and counts four more for each filter.
const MOST_FILTERS: u32 = (1 << 15) / 5;

/// Who makes a call, and whether it can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The target must make it.
    Target,
    /// A process that the target has made must make it.
    Child,
    /// That process can do without it, when told so by this bit.
    Optional(u32),
}

/// A system call that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name, for messages.
    pub name: &'static str,
    /// Its number on this machine.
    pub number: u32,
    /// Its arguments; `None` is what is not known beforehand.
    pub arguments: [Option<u64>; 6],
    /// Who makes it.
    pub need: Need,
}

/// Calls to be left out: the sum of their bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Avoid(pub u32);

/// Why calls cannot be risked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The oldest mode of seccomp.
    #[error(
        "the process runs under strict seccomp, which kills it for every system call but read, write and exit"
    )]
    Strict,
    /// A filter would not let a call through.
    #[error("a seccomp filter of the process {} {call}, which {} must make", answer(*.verdict), maker(*.need))]
    Call {
        /// Name of the call.
        call: &'static str,
        /// Who would make it.
        need: Need,
        /// What would become of it.
        verdict: Verdict,
    },
    /// Filters exist, but what they do cannot be seen.
    #[error("{} of the process cannot be read ({reason}), and may kill it", filters(*.count))]
    Unread {
        /// How many there are, where the kernel tells.
        count: Option<u32>,
        /// Why they cannot be read.
        reason: String,
    },
    /// The kernel handed out what it would not have accepted.
    #[error("a seccomp filter of the process is not understood: {0}")]
    Malformed(#[from] Malformed),
}

fn answer(verdict: Verdict) -> String {
    match verdict {
        Verdict::Deadly(Action::Trap) => "traps".to_owned(),
        Verdict::Deadly(_) => "kills for".to_owned(),
        Verdict::Refused(errno) => format!("answers error {errno} to"),
        Verdict::Unknown => "lets somebody else decide on".to_owned(),
        Verdict::Allowed => "allows".to_owned(),
    }
}

fn maker(need: Need) -> &'static str {
    match need {
        Need::Target => "the process itself",
        Need::Child | Need::Optional(_) => "the walker",
    }
}

fn filters(count: Option<u32>) -> String {
    match count {
        None => "the seccomp filters".to_owned(),
        Some(1) => "the seccomp filter".to_owned(),
        Some(count) => format!("the {count} seccomp filters"),
    }
}

/// Says which calls to leave out, or which one stands in the way.
pub fn check(filters: &[Program], calls: &[Call]) -> Result<Avoid, Refusal> {
    let mut avoid = 0;
    for &Call { name, number, arguments, need } in calls {
        let data = Data { number, architecture: NATIVE, instruction_pointer: None, arguments };
        let action = filters.iter().map(|filter| filter.evaluate(&data)).min().unwrap_or(Action::Allow);
        match (action.verdict(), need) {
            (Verdict::Allowed, _) => {}
            (_, Need::Optional(bit)) => avoid |= bit,
            (verdict, _) => return Err(Refusal::Call { call: name, need, verdict }),
        }
    }
    Ok(Avoid(avoid))
}

/// Looks at the filters of a thread whose mode is `target`, which `fetch` hands out by their index (`None` behind the last one), and
/// checks `calls` against them. Where they cannot be read, for want of privilege, the calls are risked only if the caller, whose mode is
/// `own`, stands under just as many: then both are in one sandbox, and it let a debugger attach.
pub fn look<E: ToString>(
    target: Mode,
    own: Mode,
    mut fetch: impl FnMut(u32) -> Result<Option<Vec<Instruction>>, E>,
    calls: &[Call],
) -> Result<Avoid, Refusal> {
    let count = match target {
        Mode::Off => return Ok(Avoid::default()),
        Mode::Strict => return Err(Refusal::Strict),
        Mode::Filtered(count) => count,
    };
    let mut filters = Vec::new();
    for index in 0..count.unwrap_or(MOST_FILTERS) {
        match fetch(index) {
            Ok(Some(instructions)) => filters.push(Program::new(&instructions)?),
            Ok(None) => break,
            Err(_) if count.is_some() && target == own => return Ok(Avoid::default()),
            Err(error) => return Err(Refusal::Unread { count, reason: error.to_string() }),
        }
    }
    check(&filters, calls)
}

#[cfg(test)]
mod tests {
    use super::{Avoid, Call, Need, Refusal, check, look};
    use crate::seccomp::{Action, Instruction, Mode, Program, Verdict};

    const fn line(code: u16, jump_true: u8, jump_false: u8, operand: u32) -> Instruction {
        Instruction { code, jump_true, jump_false, operand }
    }

    /// Answers `answer` to system call `number`, and allows all else.
    fn filter(number: u32, answer: u32) -> Vec<Instruction> {
        vec![
            line(0x20, 0, 0, 0),
            line(0x15, 0, 1, number),
            line(0x06, 0, 0, answer),
            line(0x06, 0, 0, 0x7FFF_0000),
        ]
    }

    fn call(name: &'static str, number: u32, need: Need) -> Call {
        Call { name, number, arguments: [None; 6], need }
    }

    const KILL: u32 = 0x8000_0000;
    const EPERM: u32 = 0x0005_0001;

    #[test]
    fn needed_calls_refuse_and_optional_ones_are_left_out() {
        let calls = [
            call("mmap", 9, Need::Target),
            call("write", 1, Need::Child),
            call("prctl", 157, Need::Optional(1)),
            call("timer_create", 222, Need::Optional(4)),
        ];
        let checked =
            |number, answer| check(&[Program::new(&filter(number, answer)).expect("a program")], &calls);
        assert_eq!(checked(1000, KILL), Ok(Avoid(0)));
        assert_eq!(checked(157, KILL), Ok(Avoid(1)));
        assert_eq!(checked(222, EPERM), Ok(Avoid(4)));
        let refusal = |call, need, verdict| Err(Refusal::Call { call, need, verdict });
        assert_eq!(checked(9, EPERM), refusal("mmap", Need::Target, Verdict::Refused(1)));
        assert_eq!(checked(1, KILL), refusal("write", Need::Child, Verdict::Deadly(Action::KillProcess)));
        let both = [filter(9, EPERM), filter(9, KILL)].map(|lines| Program::new(&lines).expect("a program"));
        assert_eq!(check(&both, &calls), refusal("mmap", Need::Target, Verdict::Deadly(Action::KillProcess)));
    }

    #[test]
    fn filters_that_cannot_be_read_are_trusted_only_within_one_sandbox() {
        let calls = [call("mmap", 9, Need::Target)];
        let denied = |_| Err("permission denied");
        let two = Mode::Filtered(Some(2));
        assert_eq!(look(two, two, denied, &calls), Ok(Avoid(0)));
        for own in [Mode::Off, Mode::Filtered(Some(1)), Mode::Filtered(None)] {
            let refusal = look(two, own, denied, &calls).expect_err("refused");
            assert!(refusal.to_string().contains("the 2 seccomp filters"), "{refusal}");
        }
        // A kernel that does not count: nothing to compare.
        let uncounted = Mode::Filtered(None);
        assert!(matches!(
            look(uncounted, uncounted, denied, &calls),
            Err(Refusal::Unread { count: None, .. })
        ));
    }

    #[test]
    fn every_filter_is_looked_at() {
        let calls = [call("mmap", 9, Need::Target)];
        for mode in [Mode::Filtered(Some(2)), Mode::Filtered(None)] {
            let fetch = |index| -> Result<_, String> {
                Ok([filter(1000, KILL), filter(9, KILL)].get(index as usize).cloned())
            };
            let refusal = look(mode, Mode::Off, fetch, &calls).expect_err("refused").to_string();
            assert!(refusal.contains("kills for mmap, which the process itself must make"), "{refusal}");
        }
        let nobody = |_| -> Result<_, String> { unreachable!("nothing is to be fetched") };
        assert_eq!(look(Mode::Off, Mode::Off, nobody, &calls), Ok(Avoid(0)));
        assert_eq!(look(Mode::Strict, Mode::Off, nobody, &calls), Err(Refusal::Strict));
    }
}

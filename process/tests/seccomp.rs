//! The evaluation of seccomp filters against the kernel's own, and on what another crate compiles.

use proptest::collection::vec;
use proptest::prelude::*;
use pyheap_process::seccomp::{Action, Data, Instruction, NATIVE, Program, Verdict};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::io;
use std::thread;

const ALLOW: u32 = 0x7FFF_0000;

fn line(code: u16, jump_true: u8, jump_false: u8, operand: u32) -> Instruction {
    Instruction { code, jump_true, jump_false, operand }
}

/// Any operation that leads to the next instruction or, by at most `rest` instructions, further down.
fn operation(rest: u8) -> impl Strategy<Value = Instruction> {
    let computing = vec![
        0x00, 0x01, 0x80, 0x81, 0x07, 0x87, 0x84, 0x04, 0x0C, 0x14, 0x1C, 0x24, 0x2C, 0x34, 0x3C, 0x44, 0x4C,
        0x54, 0x5C, 0x6C, 0x7C, 0xA4, 0xAC,
    ];
    let operand = prop_oneof![any::<u32>(), 0..40_u32];
    let skip = || 0..=rest;
    prop_oneof![
        3 => (prop::sample::select(computing), operand.clone()).prop_map(|(code, operand)| {
            // A division by the constant 0 is refused.
            line(code, 0, 0, if code == 0x34 { operand.max(1) } else { operand })
        }),
        1 => (prop::sample::select(vec![0x64, 0x74]), 0..32_u32).prop_map(|(code, by)| line(code, 0, 0, by)),
        1 => (prop::sample::select(vec![0x60, 0x61, 0x02, 0x03]), 0..16_u32).prop_map(|(code, slot)| line(code, 0, 0, slot)),
        // Everything but the instruction pointer.
        2 => (4..16_u32).prop_map(|word| line(0x20, 0, 0, word * 4)),
        1 => (prop::sample::select(vec![0x15, 0x1D, 0x25, 0x2D, 0x35, 0x3D, 0x45, 0x4D]), skip(), skip(), operand)
            .prop_map(|(code, then, otherwise, operand)| line(code, then, otherwise, operand)),
        1 => skip().prop_map(|skip| line(0x05, 0, 0, skip.into())),
    ]
}

const BODY: usize = 24;

/// A filter that answers `getppid` with an error number of 12 bits that it computes, and allows all else.
fn computing_filter() -> impl Strategy<Value = Vec<Instruction>> {
    let body: Vec<_> = (0..BODY).map(|at| operation((BODY - 1 - at) as u8)).collect();
    body.prop_map(|body| {
        let mut lines = vec![
            line(0x20, 0, 0, 0),
            line(0x15, 1, 0, libc::SYS_getppid as u32),
            line(0x06, 0, 0, ALLOW),
            line(0x20, 0, 0, 16),
        ];
        // Scratch memory must be written before it is read.
        lines.extend((0..16).map(|slot| line(0x02, 0, 0, slot)));
        lines.extend(body);
        lines.extend([line(0x54, 0, 0, 0xFFF), line(0x44, 0, 0, 0x0005_0000), line(0x16, 0, 0, 0)]);
        lines
    })
}

/// What the kernel answers to `getppid` with these arguments, asked by a thread that stands under these filters: 0 or an error number.
fn ask_kernel(filters: Vec<Vec<Instruction>>, arguments: [u64; 6]) -> io::Result<u16> {
    let thread = thread::spawn(move || {
        // SAFETY: only this thread is concerned, and it ends soon.
        unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        for filter in filters {
            let mut lines: Vec<_> = filter
                .iter()
                .map(|line| libc::sock_filter {
                    code: line.code,
                    jt: line.jump_true,
                    jf: line.jump_false,
                    k: line.operand,
                })
                .collect();
            let program = libc::sock_fprog { len: lines.len() as u16, filter: lines.as_mut_ptr() };
            // SAFETY: the kernel reads the program, which lives until then.
            let installed =
                unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &program) };
            if installed != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        let [a, b, c, d, e, f] = arguments;
        // SAFETY: `getppid` takes no argument and looks at none.
        let answer = unsafe { libc::syscall(libc::SYS_getppid, a, b, c, d, e, f) };
        Ok(if answer < 0 { io::Error::last_os_error().raw_os_error().unwrap_or(0) as u16 } else { 0 })
    });
    thread.join().expect("the thread's answer")
}

fn data(arguments: [Option<u64>; 6]) -> Data {
    Data { number: libc::SYS_getppid as u32, architecture: NATIVE, instruction_pointer: None, arguments }
}

fn evaluate(filters: &[Vec<Instruction>], arguments: [Option<u64>; 6]) -> Action {
    let evaluate =
        |filter: &Vec<Instruction>| Program::new(filter).expect("well-formed").evaluate(&data(arguments));
    filters.iter().map(evaluate).min().expect("at least one filter")
}

/// Whether the kernel lets this process filter itself.
fn can_filter() -> bool {
    match ask_kernel(vec![vec![line(0x06, 0, 0, ALLOW)]], [0; 6]) {
        Ok(_) => true,
        Err(error) => {
            eprintln!("skipped: the kernel lets nobody filter system calls: {error}");
            false
        }
    }
}

#[test]
fn the_kernel_computes_the_same() {
    if !can_filter() {
        return;
    }
    proptest!(ProptestConfig::with_cases(500), |(filter in computing_filter(), arguments: [u64; 6])| {
        let action = evaluate(std::slice::from_ref(&filter), arguments.map(Some));
        // A division by zero kills the thread: there would be no answer.
        prop_assume!(action != Action::KillThread);
        let kernel = ask_kernel(vec![filter], arguments).expect("the kernel takes the filter");
        prop_assert_eq!(action, Action::Errno(kernel));
    });
}

#[test]
fn a_division_by_zero_kills() {
    let filter = vec![
        line(0x20, 0, 0, 0),
        line(0x15, 1, 0, libc::SYS_getppid as u32),
        line(0x06, 0, 0, ALLOW),
        line(0x3C, 0, 0, 0),
        line(0x06, 0, 0, ALLOW),
    ];
    assert_eq!(evaluate(std::slice::from_ref(&filter), [None; 6]), Action::KillThread);
    if can_filter() {
        // The thread is gone without having said anything.
        assert!(std::panic::catch_unwind(|| ask_kernel(vec![filter], [0; 6])).is_err());
    }
}

#[test]
fn the_kernel_prefers_the_same_answers() {
    if !can_filter() {
        return;
    }
    // Nothing that kills: error numbers, no supervisor, no tracer, logged, allowed.
    let answers = [0x0005_0001, 0x7FF0_0000, 0x7FFC_0000, ALLOW];
    let answering = |answer| {
        vec![
            line(0x20, 0, 0, 0),
            line(0x15, 0, 1, libc::SYS_getppid as u32),
            line(0x06, 0, 0, answer),
            line(0x06, 0, 0, ALLOW),
        ]
    };
    for first in answers {
        for second in answers {
            let filters = [first, second].map(answering);
            let kernel = ask_kernel(filters.to_vec(), [0; 6]).expect("the kernel takes the filters");
            let expected = match evaluate(&filters, [None; 6]).verdict() {
                Verdict::Allowed => 0,
                Verdict::Refused(errno) => errno,
                other => panic!("{other:?} of {first:#x} and {second:#x}"),
            };
            assert_eq!(kernel, expected, "{first:#x} and {second:#x}");
        }
    }
}

proptest! {
    /// What is possible with one value of an argument is possible when the value is not known.
    #[test]
    fn not_to_know_is_never_less_strict(
        filter in computing_filter(),
        arguments: [u64; 6],
        known: [bool; 6],
    ) {
        let exact = evaluate(std::slice::from_ref(&filter), arguments.map(Some));
        let mut vague = arguments.map(Some);
        for (argument, known) in vague.iter_mut().zip(known) {
            *argument = argument.filter(|_| known);
        }
        prop_assert!(evaluate(&[filter], vague) <= exact);
    }

    #[test]
    fn any_bytes_are_a_program_or_an_error(
        lines in vec((any::<u16>(), any::<u8>(), any::<u8>(), any::<u32>()), 0..50),
        codes in vec(0..0xB0_u16, 50),
        arguments: [Option<u64>; 6],
    ) {
        let lines: Vec<_> = lines.into_iter().zip(codes)
            .map(|((_, then, otherwise, operand), code)| line(code, then % 8, otherwise % 8, operand % 64))
            .collect();
        if let Ok(program) = Program::new(&lines) {
            program.evaluate(&data(arguments));
        }
    }
}

/// A rule of another crate's: argument, comparison, value.
type Comparison = (u8, u8, u64);

fn compile(rules: &[Vec<Comparison>]) -> Vec<Instruction> {
    let rules = rules
        .iter()
        .map(|rule| {
            let conditions = rule.iter().map(|&(argument, comparison, value)| {
                let operator = match comparison {
                    0 => SeccompCmpOp::Eq,
                    1 => SeccompCmpOp::Ge,
                    2 => SeccompCmpOp::Gt,
                    3 => SeccompCmpOp::Le,
                    4 => SeccompCmpOp::Lt,
                    _ => SeccompCmpOp::Ne,
                };
                SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)
                    .expect("a condition")
            });
            SeccompRule::new(conditions.collect()).expect("a rule")
        })
        .collect();
    let filter = SeccompFilter::new(
        [(libc::SYS_getppid, rules)].into(),
        SeccompAction::Errno(1),
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into().expect("this architecture"),
    );
    let program: BpfProgram = filter.expect("a filter").try_into().expect("compiled");
    program.iter().map(|of| line(of.code, of.jt, of.jf, of.k)).collect()
}

proptest! {
    #[test]
    fn compiled_rules_mean_what_they_say(
        rules in vec(vec((0..6_u8, 0..6_u8, prop_oneof![0..4_u64, any::<u64>()]), 1..4), 1..4),
        arguments: [u64; 6],
        small in [0..4_u64, 0..4_u64, 0..4_u64],
    ) {
        let [a, b, c] = small;
        let [_, _, _, d, e, f] = arguments;
        let arguments = [a, b, c, d, e, f];
        let matches = rules.iter().any(|rule| {
            rule.iter().all(|&(argument, comparison, value)| {
                let argument = arguments[usize::from(argument)];
                match comparison {
                    0 => argument == value,
                    1 => argument >= value,
                    2 => argument > value,
                    3 => argument <= value,
                    4 => argument < value,
                    _ => argument != value,
                }
            })
        });
        let expected = if matches { Action::Allow } else { Action::Errno(1) };
        prop_assert_eq!(evaluate(&[compile(&rules)], arguments.map(Some)), expected);
    }
}

#[test]
fn another_architecture_is_another_call() {
    let program = Program::new(&compile(&[vec![(0, 0, 7)]])).expect("well-formed");
    let call = data([Some(7), None, None, None, None, None]);
    assert_eq!(program.evaluate(&call), Action::Allow);
    assert_eq!(program.evaluate(&Data { architecture: 0x4000_0003, ..call }), Action::KillProcess);
    // The argument is not known: the call may be refused.
    assert_eq!(program.evaluate(&data([None; 6])), Action::Errno(1));
}

#[test]
fn what_the_kernel_refuses_is_malformed() {
    let answer = line(0x06, 0, 0, ALLOW);
    for lines in [
        vec![],
        vec![line(0x20, 0, 0, 0)],
        vec![line(0x20, 0, 0, 2), answer],
        vec![line(0x20, 0, 0, 64), answer],
        vec![line(0x28, 0, 0, 0), answer],
        vec![line(0x34, 0, 0, 0), answer],
        vec![line(0x94, 0, 0, 3), answer],
        vec![line(0x64, 0, 0, 32), answer],
        vec![line(0x60, 0, 0, 16), answer],
        vec![line(0x05, 0, 0, 1), answer],
        vec![line(0x05, 0, 0, u32::MAX), answer],
        vec![line(0x15, 0, 1, 0), answer],
        vec![answer; 4097],
    ] {
        assert!(Program::new(&lines).is_err(), "{:?}", lines.first());
        if can_filter() {
            assert!(ask_kernel(vec![lines], [0; 6]).is_err());
        }
    }
}

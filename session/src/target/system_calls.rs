//! The system calls of a visit, and what the target's seccomp filters say to them before any is made.

use crate::debugger::Debugger;
use crate::error::SessionError;
use pyheap_inferior::avoid;
use pyheap_process::seccomp::{Avoid, Call, Mode, Need, Refusal, look};
use syscalls::Sysno;

const PROT_READ: u64 = 1;
const PROT_WRITE: u64 = 2;
const PROT_EXEC: u64 = 4;
const MAP_PRIVATE_ANONYMOUS: u64 = 0x22;
const MAP_NORESERVE: u64 = 0x4000;
const CLONE_VM: u64 = 0x100;
const CLONE_UNTRACED: u64 = 0x80_0000;

/// Where the heap is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// In a copy-on-write child.
    Child,
    /// In the target.
    InPlace,
}

/// Says which calls the walker has to leave out on the thread that the debugger has selected. Fails where a call that must be made would
/// cost the process or fail, unless `force`d.
pub fn permitted(
    debugger: &mut dyn Debugger,
    pid: u32,
    walk: Walk,
    force: bool,
) -> Result<Avoid, SessionError> {
    let target = Mode::read(pid, debugger.selected_thread()?)?;
    let own = Mode::own()?;
    let mut asked = |walk| look(target, own, |index| debugger.seccomp_filter(index), &calls(walk, force));
    match asked(walk) {
        Ok(avoid) => Ok(avoid),
        Err(_) if force => Ok(Avoid::default()),
        Err(refusal) => {
            let in_place = walk == Walk::Child && asked(Walk::InPlace).is_ok();
            Err(SessionError::Seccomp { hint: hint(&refusal, in_place), refusal })
        }
    }
}

fn hint(refusal: &Refusal, in_place: bool) -> &'static str {
    match refusal {
        Refusal::Unread { .. } => {
            "GDB reads them when it runs as root and outside of any sandbox; a debugger inside the sandbox of the process need not. \
             --force-seccomp goes on without a look, at the risk of the process"
        }
        _ if in_place => "With --no-fork the process walks its heap itself, and stands still meanwhile",
        _ => {
            "Nothing can be executed in it: start the process without this filter. --force-seccomp tries nevertheless, at the risk of the process"
        }
    }
}

/// All calls that are made, or where forced, only those that can be left out.
fn calls(walk: Walk, force: bool) -> Vec<Call> {
    let mut calls = of_target();
    match walk {
        Walk::Child => calls.extend(of_child()),
        Walk::InPlace => calls.extend(in_place()),
    }
    calls.retain(|call| !force || matches!(call.need, Need::Optional(_)));
    calls
}

fn call(call: Sysno, need: Need, arguments: [Option<u64>; 6]) -> Call {
    Call { name: call.name(), number: call.id() as u32, arguments, need }
}

fn any(number: Sysno, need: Need) -> Call {
    call(number, need, [None; 6])
}

fn map(need: Need, protection: u64, flags: u64) -> Call {
    let no_file = Some(u64::MAX);
    call(Sysno::mmap, need, [Some(0), None, Some(protection), Some(flags), no_file, Some(0)])
}

/// Calls that bring the code into the target and out again, and those of a thread that is left alone by its debugger.
fn of_target() -> Vec<Call> {
    let mut calls = vec![map(Need::Target, PROT_READ | PROT_EXEC, MAP_PRIVATE_ANONYMOUS)];
    calls.extend(working_memory(Need::Target));
    calls.extend([Sysno::rt_sigprocmask, Sysno::rt_sigreturn].map(|number| any(number, Need::Target)));
    calls
}

fn working_memory(need: Need) -> [Call; 2] {
    let flags = MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE;
    [map(need, PROT_READ | PROT_WRITE, flags), any(Sysno::munmap, need)]
}

/// Calls that make the copy-on-write child, and those of the child.
fn of_child() -> Vec<Call> {
    let clone = |need, flags| call(Sysno::clone, need, [Some(flags), None, Some(0), Some(0), Some(0), None]);
    let mut calls = vec![
        clone(Need::Target, CLONE_VM | CLONE_UNTRACED),
        any(Sysno::wait4, Need::Target),
        clone(Need::Child, CLONE_UNTRACED),
        any(Sysno::exit_group, Need::Child),
    ];
    calls.extend(working_memory(Need::Child));
    calls.extend(walk(Need::Child));
    calls.extend(
        [
            (Sysno::close_range, avoid::CLOSE_RANGE),
            (Sysno::prlimit64, avoid::LIMITS),
            (Sysno::openat, avoid::OPEN),
            (Sysno::read, avoid::OPEN),
            (Sysno::rt_sigaction, avoid::GUARD),
            (Sysno::rt_sigprocmask, avoid::GUARD),
            (Sysno::sigaltstack, avoid::GUARD),
            (Sysno::rt_sigreturn, avoid::GUARD),
            (Sysno::gettid, avoid::WATCHDOG),
            (Sysno::timer_create, avoid::WATCHDOG),
            (Sysno::timer_settime, avoid::WATCHDOG),
            (Sysno::clock_gettime, avoid::CLOCK),
        ]
        .map(|(number, bit)| any(number, Need::Optional(bit))),
    );
    const PR_SET_NAME: u64 = 15;
    calls.push(call(
        Sysno::prctl,
        Need::Optional(avoid::NAME),
        [Some(PR_SET_NAME), None, Some(0), Some(0), Some(0), None],
    ));
    calls
}

/// Calls of a walk, whoever makes it.
fn walk(need: Need) -> impl Iterator<Item = Call> {
    [Sysno::mremap, Sysno::pipe2, Sysno::fcntl, Sysno::ppoll, Sysno::write, Sysno::close]
        .into_iter()
        .map(move |number| any(number, need))
}

/// Calls of a walk in the target, which must survive every fault and give way in time.
fn in_place() -> Vec<Call> {
    let guarding = [
        Sysno::rt_sigaction,
        Sysno::sigaltstack,
        Sysno::clock_gettime,
        Sysno::gettid,
        Sysno::timer_create,
        Sysno::timer_settime,
        Sysno::timer_delete,
        Sysno::rt_sigtimedwait,
    ];
    let reading = [Sysno::openat, Sysno::read].map(|number| any(number, Need::Optional(avoid::OPEN)));
    let needed = guarding.map(|number| any(number, Need::Target));
    walk(Need::Target).chain(needed).chain(reading).collect()
}

#[cfg(test)]
mod tests {
    use super::{Walk, calls};
    use pyheap_process::seccomp::{Instruction, NATIVE, Need, Program, Refusal, check};

    /// Answers `answer` to one system call, and allows all else.
    fn filter(number: u32, answer: u32) -> Program {
        let line =
            |code, jump_true, jump_false, operand| Instruction { code, jump_true, jump_false, operand };
        Program::new(&[
            line(0x20, 0, 0, 4),
            line(0x15, 0, 2, NATIVE),
            line(0x20, 0, 0, 0),
            line(0x15, 1, 0, number),
            line(0x06, 0, 0, 0x7FFF_0000),
            line(0x06, 0, 0, answer),
        ])
        .expect("a program")
    }

    #[test]
    fn every_call_is_refused_or_left_out_where_it_kills() {
        for walk in [Walk::Child, Walk::InPlace] {
            for call in calls(walk, false) {
                let checked = check(&[filter(call.number, 0x8000_0000)], &calls(walk, false));
                let forced = check(&[filter(call.number, 0x8000_0000)], &calls(walk, true)).expect("forced");
                match call.need {
                    Need::Optional(bit) => assert!(forced.0 & bit != 0, "{}", call.name),
                    Need::Target | Need::Child => {
                        assert!(matches!(checked, Err(Refusal::Call { .. })), "{}", call.name);
                    }
                }
            }
        }
    }
}

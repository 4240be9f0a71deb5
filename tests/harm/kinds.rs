//! The targets: programs of many kinds, ruined heaps, filters of system calls.

use crate::tally::Table;
use crate::trials::{Setup, Trial, run};
use anyhow::Result;
use pyheap_tests::Debugger;

/// Programs that a debugger might disturb: name, function of `kinds.py`, setup, whether it is lively, whether its dump must succeed.
const PROGRAMS: [(&str, &str, Setup, bool, bool); 28] = [
    ("two threads that start programs all the time", "subprocesses", Setup::Plain, true, true),
    ("forks all the time", "forks", Setup::Plain, true, true),
    ("reaps any child by waitpid(-1)", "reaper", Setup::Plain, true, true),
    ("storm of SIGCHLD", "child_signals", Setup::Plain, true, true),
    ("SIGALRM at 1 kHz", "alarms", Setup::Plain, true, true),
    ("SIGPROF at 1 kHz", "profiled", Setup::Plain, true, true),
    ("threads come and go", "thread_churn", Setup::Plain, true, true),
    ("1,000 threads", "thousand_threads", Setup::Plain, false, true),
    ("wakeup descriptor and faulthandler", "wakeup_descriptor", Setup::Plain, false, true),
    ("threads with stacks of 32 KiB", "small_stacks", Setup::Plain, true, true),
    ("50,000 frames", "deep_stack", Setup::Plain, false, true),
    ("-X dev", "plain", Setup::Options(&["-X", "dev"]), false, true),
    ("PYTHONMALLOC=malloc", "plain", Setup::Environment("PYTHONMALLOC", "malloc"), false, true),
    ("PYTHONMALLOC=debug", "plain", Setup::Environment("PYTHONMALLOC", "debug"), false, true),
    ("transparent huge pages", "huge_pages", Setup::Plain, false, true),
    ("mlockall", "locked_memory", Setup::Plain, false, true),
    ("PR_SET_DUMPABLE 0", "not_dumpable", Setup::Plain, false, true),
    ("subreaper", "subreaper", Setup::Plain, false, true),
    ("handler of SIGCONT", "continue_handler", Setup::Plain, false, true),
    ("stopped by SIGSTOP", "plain", Setup::Stopped, false, true),
    ("first process of a namespace", "plain", Setup::Namespace, false, true),
    ("deleted binary", "deleted_binary", Setup::Copy, false, true),
    ("RLIMIT_NPROC exhausted", "no_processes", Setup::Plain, false, false),
    ("RLIMIT_NOFILE exhausted", "no_descriptors", Setup::Plain, false, false),
    ("RLIMIT_AS exhausted but for 4 MiB", "no_address_space", Setup::Plain, false, false),
    ("RLIMIT_FSIZE 0", "no_file_size", Setup::Plain, false, true),
    ("RLIMIT_CPU", "little_time", Setup::Plain, false, true),
    ("RLIMIT_STACK 64 KiB", "small_stack", Setup::Plain, false, true),
];

/// Kinds of damage that `ruined.py` does.
const DAMAGE: [&str; 37] = [
    "instance_without_type",
    "list_without_type",
    "str_without_type",
    "dict_without_type",
    "tuple_without_type",
    "wild_type",
    "type_not_canonical",
    "type_in_first_page",
    "type_unaligned",
    "type_is_list",
    "type_is_itself",
    "tuple_huge",
    "tuple_negative",
    "tuple_wild_item",
    "tuple_unaligned_item",
    "list_huge",
    "list_wild_items",
    "list_without_items",
    "list_little_allocated",
    "dict_without_keys",
    "dict_wild_keys",
    "dict_wild_values",
    "dict_huge",
    "str_huge",
    "str_wild_state",
    "bytes_huge",
    "int_huge",
    "collector_next_wild",
    "collector_next_null",
    "collector_next_itself",
    "collector_previous_wild",
    "reference_count_huge",
    "type_name_wild",
    "type_basic_size_huge",
    "traverse_wild",
    "traverse_never_returns",
    "traverse_aborts",
];

/// System calls that the code in the target may make.
const CALLS: [&str; 23] = [
    "mmap",
    "munmap",
    "pipe2",
    "fcntl",
    "clone",
    "wait4",
    "close",
    "prlimit64",
    "openat",
    "rt_sigprocmask",
    "rt_sigreturn",
    "write",
    "close_range",
    "prctl",
    "sigaltstack",
    "rt_sigaction",
    "mremap",
    "gettid",
    "timer_create",
    "timer_settime",
    "timer_delete",
    "clock_gettime",
    "exit_group",
];

/// What a filter does: as in `sandboxed.py`, and in words.
const ACTIONS: [(&str, &str); 3] = [("errno", "EPERM"), ("kill", "kills the process"), ("trap", "SIGSYS")];

/// Programs of many kinds.
pub fn programs() -> Vec<Trial> {
    PROGRAMS
        .iter()
        .map(|&(name, function, setup, lively, dumps)| Trial {
            name: name.into(),
            script: "kinds.py",
            arguments: vec![function.into()],
            setup,
            lively,
            ends: true,
            dumps,
            one_interpreter: true,
        })
        .collect()
}

/// Ruined heaps.
pub fn heaps() -> Vec<Trial> {
    DAMAGE
        .iter()
        .map(|&name| Trial {
            name: name.replace('_', " "),
            script: "ruined.py",
            arguments: vec![name.into()],
            setup: Setup::Plain,
            lively: false,
            ends: true,
            dumps: true,
            one_interpreter: false,
        })
        .collect()
}

/// Filters of system calls.
pub fn filters() -> Vec<Trial> {
    let each = CALLS.iter().flat_map(|call| ACTIONS.iter().map(move |action| (call, action)));
    each.map(|(&call, &(action, words))| Trial {
        name: format!("{call}: {words}"),
        script: "sandboxed.py",
        arguments: vec![call.into(), action.into()],
        setup: Setup::Plain,
        lively: false,
        ends: false,
        dumps: false,
        one_interpreter: true,
    })
    .collect()
}

/// How much of a part is tried.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'a> {
    /// By which debuggers.
    pub debuggers: &'a [Debugger],
    /// Dumps of each target.
    pub times: usize,
    /// Whether every interpreter is tried where that makes a difference.
    pub interpreters: bool,
    /// Only targets whose name contains one of these, if there are any.
    pub only: &'a [&'a str],
    /// At the same time.
    pub workers: usize,
}

/// The table of one of them.
///
/// # Errors
/// The interpreter is not there.
pub fn prove(name: &'static str, extent: Extent<'_>) -> Result<Table> {
    let (heading, column, text, mut trials) = match name {
        "programs" => (
            "Programs of many kinds",
            "target",
            "Each is dumped several times in a row. Afterwards it has the mappings, descriptors, threads and children that it had (where it \
             does not change them itself), its code equals the files, no signal came to it that nobody sent, and it ends with 0.",
            programs(),
        ),
        "heaps" => (
            "Ruined heaps",
            "damage",
            "One object, type or link of the collector's lists is overwritten. The dump must be complete, with the objects that are sound; \
             with GDB on every interpreter of the test run.",
            heaps(),
        ),
        _ => (
            "Filters of system calls",
            "call and what the filter does",
            "The target has installed a seccomp filter for one of the system calls that pyheap's code makes in it or in its copy. Where the \
             dump cannot be had so, it must be refused before anything is done to the target.",
            filters(),
        ),
    };
    trials.retain(|trial| extent.only.is_empty() || extent.only.iter().any(|part| trial.name.contains(part)));
    for trial in &mut trials {
        trial.one_interpreter |= !extent.interpreters;
    }
    let rows = run(&trials, extent.debuggers, extent.times, extent.workers)?;
    Ok(Table { name, heading, text: text.into(), columns: vec![column, "dump by"], rows })
}

//! The program on processes that are hard to hold.

use crate::program::{on_usual, run, succeed};
use anyhow::{Context, Result, ensure};
use pyheap_process::namespace;
use pyheap_tests::{Footprint, Heap, Python, Suite, Target, Verdict, processes_like, skipped};
use std::fs::{self, File};

pub fn register(suite: &mut Suite) {
    on_usual(suite, "two_thousand_threads", two_thousand_threads);
    on_usual(suite, "threads_and_children_all_the_time", threads_and_children_all_the_time);
    on_usual(suite, "child_without_a_program_yet", child_without_a_program_yet);
    on_usual(suite, "first_thread_has_ended", first_thread_has_ended);
    on_usual(suite, "program_is_begun_anew_all_the_time", program_is_begun_anew_all_the_time);
}

fn two_thousand_threads(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "restless.py", &["threads", "2000"])?;
    let footprint = Footprint::of(target.pid())?;
    succeed(folder.path(), &["-p", &target.pid().to_string(), "-o", "heap.cbor"])?;
    footprint.assert_same(target.pid())?;
    let heap = Heap::open(&folder.path().join("heap.cbor"))?;
    ensure!(heap.dump.threads().len() == 2001, "{} threads", heap.dump.threads().len());
    // They end with it, however long they were to sleep.
    target.ping("after")?;
    Ok(Verdict::Passed)
}

/// What begins while the others are being stopped is found, too, or is none of the program's business.
fn threads_and_children_all_the_time(python: &Python) -> Result<Verdict> {
    for kind in ["churn", "children"] {
        let folder = tempfile::tempdir()?;
        let mut target = Target::spawn(python, "restless.py", &[kind])?;
        for number in 0..10 {
            let file = format!("heap-{number}.cbor");
            succeed(folder.path(), &["-p", &target.pid().to_string(), "-o", &file]).context(kind)?;
            Heap::open(&folder.path().join(file))?;
            target.ping("after").context(kind)?;
        }
        // Its own children look like it until they begin their program; a walker is the child of somebody else.
        let is_own =
            |pid: u32| namespace::state_and_parent(pid).is_none_or(|(_, parent)| parent == target.pid());
        let strangers: Vec<u32> =
            processes_like(target.pid())?.into_iter().filter(|&pid| !is_own(pid)).collect();
        ensure!(strangers.is_empty(), "{kind}: walkers are still there: {strangers:?}");
    }
    Ok(Verdict::Passed)
}

/// It runs in its parent's memory, which waits in the kernel: neither can be stopped, and nothing is tried.
fn child_without_a_program_yet(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let fifo = folder.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    let mut target = Target::spawn(python, "restless.py", &["vfork", &fifo.to_string_lossy()])?;
    let children = format!("/proc/{}/task", target.pid());
    let child = loop {
        let tasks = fs::read_dir(&children)?.flatten();
        let found = tasks
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
            .collect::<String>();
        if !found.trim().is_empty() {
            break found.trim().to_owned();
        }
    };
    let footprint = Footprint::of(target.pid())?;
    for (pid, status, words) in
        [(target.pid().to_string(), 1, ["state D", "untouched"]), (child, 3, ["vfork", "parent"])]
    {
        let output = run(folder.path(), &["-p", &pid, "-o", "heap.cbor"])?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(status), "{output:?}");
        ensure!(words.iter().all(|word| said.contains(word)), "{said}");
        footprint.assert_same(target.pid())?;
    }
    drop(File::options().write(true).open(&fifo)?);
    target.ping("after")?;
    succeed(folder.path(), &["-p", &target.pid().to_string(), "-o", "heap.cbor"])?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn first_thread_has_ended(python: &Python) -> Result<Verdict> {
    if cfg!(not(target_arch = "x86_64")) {
        return skipped("the number of a system call");
    }
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "restless.py", &["leader"])?;
    while !fs::read_to_string(format!("/proc/{}/status", target.pid()))?.contains("State:\tZ") {
        std::thread::yield_now();
    }
    let output = run(folder.path(), &["-p", &target.pid().to_string()])?;
    ensure!(output.status.code() == Some(3), "{output:?}");
    ensure!(String::from_utf8_lossy(&output.stderr).contains("first thread"), "{output:?}");
    target.finish()?;
    Ok(Verdict::Passed)
}

/// What is found out of a program does not hold for the next one, which has the same process id.
fn program_is_begun_anew_all_the_time(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "restless.py", &["exec", "60"])?;
    let again = || -> Result<bool> {
        let words = fs::read_to_string(format!("/proc/{}/cmdline", target.pid()))?;
        Ok(!words.split('\0').any(|left| left == "0"))
    };
    let mut tries = 0;
    while again()? {
        let output = run(folder.path(), &["-p", &target.pid().to_string(), "-o", "heap.cbor", "--force"])?;
        tries += 1;
        // Some find it at a moment at which it is no Python process yet, or another one by now.
        ensure!(matches!(output.status.code(), Some(0 | 1 | 3 | 5 | 7 | 10)), "{output:?}");
    }
    ensure!(tries > 3, "only {tries} tries");
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

//! At whatever moment the target is found: idle, spinning, asleep, in C code, amid a collection.

use crate::failure::await_condition;
use anyhow::{Context, Result, ensure};
use pyheap_format::header::SafePoint;
use pyheap_tests::{
    Debugger, Footprint, Heap, Python, Suite, Target, Verdict, assert_text_unchanged, skipped,
};
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};

pub fn register(suite: &mut Suite) {
    suite.product("spinning", |debugger, python| goes_on(debugger, python, "busy.py", true));
    suite.product("sleeping", |debugger, python| goes_on(debugger, python, "sleeper.py", false));
    suite.product("times_out_cleanly", times_out_cleanly);
    suite.product("in_a_finalizer", in_a_finalizer);
    suite.usual("stopped_process_stays_stopped", stopped_process_stays_stopped);
    suite.product("busy_workers", busy_workers);
}

/// The main thread turns for ever; it must be dumped at a safe point and go on turning.
fn goes_on(debugger: Debugger, python: &Python, script: &str, holds_gil: bool) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, script, &[])?;
    let footprint = Footprint::of(target.pid())?;
    for options in ["--detach", "--force"] {
        await_reader(&target)?;
        let file = debugger.dump(target.pid(), options, folder.path())?;
        let heap = Heap::open(&file)?;
        let header = heap.dump.header();
        ensure!(!header.torn, "the snapshot is torn");
        ensure!(
            !holds_gil || header.safe_point != SafePoint::Idle,
            "somebody always holds the GIL in {script}"
        );
        ensure!(heap.dump.threads().len() == 2, "{} threads", heap.dump.threads().len());
        footprint.assert_same(target.pid())?;
        assert_text_unchanged(target.pid())?;
        let turns = target.ask("turns")?;
        while target.ask("turns")? == turns {}
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

/// Workers that never stop, while the main thread waits: the GIL is always held, and with one of them nobody asks for it.
fn busy_workers(debugger: Debugger, python: &Python) -> Result<Verdict> {
    for (what, workers, main_waits_for) in [
        ("nothing", 1, "them"),
        ("nothing", 2, "stdin"),
        ("call", 4, "them"),
        ("call", 1, "stdin"),
        ("method", 2, "them"),
        ("comprehension", 1, "stdin"),
        ("comprehension", 4, "them"),
        ("native", 2, "stdin"),
    ] {
        let case = || format!("{workers} workers, {what}, the main thread waits for {main_waits_for}");
        busy_worker(debugger, python, [what, &workers.to_string(), main_waits_for]).with_context(case)?;
    }
    Ok(Verdict::Passed)
}

fn busy_worker(debugger: Debugger, python: &Python, arguments: [&str; 3]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "worker_loop.py", &arguments)?;
    await_reader(&target)?;
    let footprint = Footprint::of(target.pid())?;
    let heap = Heap::open(&debugger.dump(target.pid(), "--detach", folder.path())?)?;
    let header = heap.dump.header();
    ensure!(!header.torn, "the snapshot is torn");
    // While one thread hands the GIL to another, nobody holds it.
    ensure!(arguments[1] != "1" || header.safe_point != SafePoint::Idle, "the worker always holds the GIL");
    footprint.assert_same(target.pid())?;
    assert_text_unchanged(target.pid())?;
    let turns = target.ask("turns")?;
    while target.ask("turns")? == turns {}
    target.finish()
}

/// Number of the system call `read`.
const READ: &str = if cfg!(target_arch = "aarch64") { "63" } else { "0" };

/// Waits until the thread that answers waits for the next question: while it hands the GIL to another one, nobody holds that.
fn await_reader(target: &Target) -> Result<()> {
    await_condition("the next question to be waited for", || reads_standard_input(target.pid()))
}

/// Whether a thread of the process waits for something to read from its standard input.
fn reads_standard_input(pid: u32) -> Result<bool> {
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let call = std::fs::read_to_string(task?.path().join("syscall")).unwrap_or_default();
        let mut words = call.split_whitespace();
        let (number, descriptor) = (words.next(), words.next());
        if number == Some(READ) && descriptor == Some("0x0") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// In C code that keeps the GIL no safe point comes.
fn times_out_cleanly(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "gil_holder.py", &[])?;
    await_gil(&target)?;
    let footprint = Footprint::of(target.pid())?;
    let begin = Instant::now();
    let transcript = debugger.run(target.pid(), &["pyheap-dump -o heap.cbor --timeout 1"], folder.path())?;
    ensure!(begin.elapsed() >= Duration::from_secs(1), "it gave up early");
    ensure!(begin.elapsed() < Duration::from_secs(30), "it took {:?}", begin.elapsed());
    transcript.assert_failure(&["--timeout"])?;
    let left = folder.path().read_dir()?.count();
    ensure!(left == 0, "{left} files are left");
    footprint.assert_same(target.pid())?;
    assert_text_unchanged(target.pid())?;
    target.send("go")?;
    target.ping("alive")?;
    // And the very same process can be dumped now.
    Heap::open(&debugger.dump(target.pid(), "--detach", folder.path())?)?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// Waits until the target's main thread is inside the system call: it holds the GIL from well before that on.
fn await_gil(target: &Target) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) {
        // Number 0 is read(2) on x86_64; elsewhere any blocking call will do.
        let call = std::fs::read_to_string(format!("/proc/{}/syscall", target.pid()))?;
        if call.starts_with("0 0x0 ") || (cfg!(not(target_arch = "x86_64")) && !call.starts_with("running")) {
            return Ok(());
        }
        std::thread::yield_now();
    }
    anyhow::bail!("the target does not wait")
}

fn in_a_finalizer(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "finalizer.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let heap = Heap::open(&debugger.dump(target.pid(), "--detach", folder.path())?)?;
    ensure!(heap.dump.header().collecting, "the header does not tell of the collection");
    let object = heap.at(target.number("self")?)?;
    ensure!(heap.type_name(&object) == "__main__.Waits", "found a {}", heap.type_name(&object));
    footprint.assert_same(target.pid())?;
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// A process that was stopped by SIGSTOP before the debugger came.
fn stopped_process_stays_stopped(debugger: Debugger, python: &Python) -> Result<Verdict> {
    for script in ["idle.py", "busy.py", "sleeper.py"] {
        let folder = tempfile::tempdir()?;
        let mut target = Target::spawn(python, script, &[])?;
        let pid = Pid::from_raw(i32::try_from(target.pid())?).context("pid")?;
        let is_stopped = || -> Result<bool> {
            let status = std::fs::read_to_string(format!("/proc/{}/status", target.pid()))?;
            Ok(status.lines().any(|line| line.starts_with("State:\tT")))
        };
        kill_process(pid, Signal::STOP)?;
        while !is_stopped()? {
            std::thread::yield_now();
        }
        if debugger.is_lldb() {
            debugger.run(target.pid(), &["detach"], folder.path())?;
            if !is_stopped()? {
                kill_process(pid, Signal::KILL)?;
                return skipped(format!("{debugger} wakes a stopped process without pyheap, too"));
            }
        }
        let footprint = Footprint::of(target.pid())?;
        let file = debugger.dump(target.pid(), "--detach", folder.path()).context(script)?;
        ensure!(!Heap::open(&file)?.dump.header().torn, "{script}: the snapshot is torn");
        ensure!(is_stopped()?, "{script} runs");
        footprint.assert_same(target.pid())?;
        kill_process(pid, Signal::CONT)?;
        target.ping("after")?;
        target.finish()?;
    }
    Ok(Verdict::Passed)
}

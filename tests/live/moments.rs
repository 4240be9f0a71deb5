//! At whatever moment the target is found: idle, spinning, asleep, in C code, amid a collection.

use anyhow::{Result, ensure};
use pyheap_format::header::SafePoint;
use pyheap_tests::{Debugger, Footprint, Heap, Interpreter, Python, Suite, Target, Verdict};
use std::time::{Duration, Instant};

pub fn register(suite: &mut Suite) {
    suite.product("spinning", |debugger, python| goes_on(debugger, python, "busy.py", true));
    suite.product("sleeping", |debugger, python| goes_on(debugger, python, "sleeper.py", false));
    suite.product("times_out_cleanly", times_out_cleanly);
    suite.product("in_a_finalizer", in_a_finalizer);
    for minor in [8, 12, 13] {
        suite.on("worker_spins", Interpreter::Pyenv(minor), worker_spins);
    }
}

/// The main thread turns for ever; it must be dumped at a safe point and go on turning.
fn goes_on(debugger: Debugger, python: &Python, script: &str, holds_gil: bool) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, script, &[])?;
    let footprint = Footprint::of(target.pid())?;
    for options in ["--detach", "--force"] {
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
        let turns = target.ask("turns")?;
        while target.ask("turns")? == turns {}
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

fn worker_spins(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "worker_loop.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let transcript =
        debugger.run(target.pid(), &["pyheap-dump -o heap.cbor --timeout 2 --detach"], folder.path())?;
    // Before 3.12 only the main thread can be asked for a safe point; then nothing may break, either.
    let (_, minor, _) = python.version;
    if minor >= 12 {
        transcript.assert_success()?;
        ensure!(!Heap::open(&folder.path().join("heap.cbor"))?.dump.header().torn, "the snapshot is torn");
    } else {
        transcript.assert_says(&["timeout"])?;
    }
    footprint.assert_same(target.pid())?;
    let turns = target.ask("turns")?;
    while target.ask("turns")? == turns {}
    target.finish()?;
    Ok(Verdict::Passed)
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

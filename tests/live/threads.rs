//! Threads, frames and locals against `sys._current_frames` and `threading`.

use anyhow::{Context, Result, ensure};
use pyheap_format::Thread;
use pyheap_tests::{Debugger, Footprint, Heap, Python, Suite, Target, Verdict};
use serde_json::Value;
use std::collections::BTreeMap;

pub fn register(suite: &mut Suite) {
    suite.product("fifty_threads", fifty_threads);
}

fn fifty_threads(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "threads.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let heap = Heap::open(&debugger.dump(target.pid(), "--detach", folder.path())?)?;
    footprint.assert_same(target.pid())?;
    ensure!(heap.dump.threads().len() == 51, "{} threads", heap.dump.threads().len());
    let by_ident: BTreeMap<u64, &Thread> =
        heap.dump.threads().iter().map(|thread| (thread.ident, thread)).collect();
    let find = |facts: &Value| -> Result<&Thread> {
        by_ident
            .get(&facts["ident"].as_u64().unwrap_or_default())
            .copied()
            .with_context(|| format!("no thread {facts}"))
    };

    let main = target.fact("main")?;
    let thread = find(main)?;
    ensure!(thread.name.as_deref() == Some("MainThread"), "the main thread is {:?}", thread.name);
    check_identity(&heap, thread, main, python)?;
    let outermost = thread.frames.last().context("the main thread has no frames")?;
    ensure!(outermost.function == "<module>", "the outermost frame is {}", outermost.function);

    for facts in target.fact("threads")?.as_array().context("threads")? {
        let thread = find(facts)?;
        ensure!(thread.name.as_deref() == facts["name"].as_str(), "{:?} is {}", thread.name, facts["name"]);
        ensure!(thread.daemon == facts["daemon"].as_bool(), "{:?}: daemon {:?}", thread.name, thread.daemon);
        ensure!(thread.alive, "{:?} is not alive", thread.name);
        check_identity(&heap, thread, facts, python)?;
        check_frames(&heap, thread, facts).with_context(|| format!("{:?}", thread.name))?;
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

fn check_identity(heap: &Heap, thread: &Thread, facts: &Value, python: &Python) -> Result<()> {
    let object = thread.object.map(|number| heap.address(number));
    ensure!(object == facts["object"].as_u64(), "{:?}: Thread object {object:?}", thread.name);
    // Before 3.11 only the Thread object knows it.
    let known = thread.native_id == facts["native_id"].as_u64();
    ensure!(
        known,
        "{:?} on {}: native id {:?}, not {}",
        thread.name,
        python.version_text(),
        thread.native_id,
        facts["native_id"]
    );
    Ok(())
}

fn check_frames(heap: &Heap, thread: &Thread, facts: &Value) -> Result<()> {
    let expected = facts["frames"].as_array().context("frames")?;
    let functions = |frames: Vec<&str>| frames.join(" < ");
    let found = functions(thread.frames.iter().map(|frame| frame.function.as_str()).collect());
    ensure!(
        thread.frames.len() == expected.len(),
        "frames {found}, expected {}",
        functions(expected.iter().filter_map(|frame| frame["function"].as_str()).collect())
    );
    for (frame, facts) in thread.frames.iter().zip(expected) {
        ensure!(
            frame.function == facts["function"],
            "function {}, expected {}",
            frame.function,
            facts["function"]
        );
        ensure!(frame.file == facts["file"], "file {}, expected {}", frame.file, facts["file"]);
        ensure!(
            frame.line.map(u64::from) == facts["line"].as_u64(),
            "{}: line {:?}, expected {}",
            frame.function,
            frame.line,
            facts["line"]
        );
        let locals: BTreeMap<_, _> =
            frame.locals.iter().map(|(name, number)| (name.clone(), heap.address(*number))).collect();
        let expected: BTreeMap<_, _> = facts["locals"]
            .as_object()
            .context("locals")?
            .iter()
            .map(|(name, address)| (name.clone(), address.as_u64().unwrap_or_default()))
            .collect();
        ensure!(locals == expected, "locals of {}: {locals:x?}, expected {expected:x?}", frame.function);
    }
    Ok(())
}

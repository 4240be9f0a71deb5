//! Breakpoints that a debugger left behind are removed before the process dies of them.

use anyhow::{Context, Result, ensure};
use pyheap_tests::{Debugger, Heap, Python, Suite, Target, Verdict, assert_text_unchanged};
use std::fs;
use std::os::unix::fs::FileExt;

/// `int3` of x86_64, `brk #0` of AArch64.
#[cfg(target_arch = "x86_64")]
const BREAKPOINT: &[u8] = &[0xCC];
#[cfg(target_arch = "aarch64")]
const BREAKPOINT: &[u8] = &[0x00, 0x00, 0x20, 0xD4];

pub fn register(suite: &mut Suite) {
    suite.usual("repairs_on_request", repairs_on_request);
    suite.product("repairs_before_it_goes_on", repairs_before_it_goes_on);
}

fn repairs_on_request(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let pid = target.pid();
    // One in the middle of the code of every file; none is executed before it is removed.
    let mut places = Vec::new();
    for line in fs::read_to_string(format!("/proc/{pid}/maps"))?.lines() {
        if line.contains(" r-xp ") && line.contains('/') {
            let (start, end) =
                line.split(' ').next().and_then(|range| range.split_once('-')).context("a range")?;
            let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16));
            places.push((start?.midpoint(end?)) & !0xFF);
        }
    }
    for &place in &places {
        plant(pid, place)?;
    }
    ensure!(assert_text_unchanged(pid).is_err(), "nothing was planted");
    // The debugger is at work on another process, and does not mind.
    let other = Target::spawn(python, "idle.py", &[])?;
    if debugger != Debugger::Program {
        let refused = debugger.run(pid, &[&format!("pyheap-dump --repair {pid}")], folder.path())?;
        refused.assert_says(&["detach that debugger"])?;
    }
    let transcript = debugger.run(other.pid(), &[&format!("pyheap-dump --repair {pid}")], folder.path())?;
    transcript.assert_success()?;
    transcript.assert_says(&[&format!("{} removed", places.len())])?;
    assert_text_unchanged(pid)?;
    let transcript = debugger.run(other.pid(), &[&format!("pyheap-dump --repair {pid}")], folder.path())?;
    transcript.assert_says(&["no breakpoints"])?;
    other.finish()?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// At the entry of the program there is one after LLDB was killed.
fn repairs_before_it_goes_on(debugger: Debugger, python: &Python) -> Result<Verdict> {
    const AT_ENTRY: u64 = 9;
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let vector = fs::read(format!("/proc/{}/auxv", target.pid()))?;
    let (words, _) = vector.as_chunks::<8>();
    let words: Vec<u64> = words.iter().map(|&word| u64::from_le_bytes(word)).collect();
    let entry = words.chunks(2).find(|pair| pair[0] == AT_ENTRY).context("no entry point")?[1];
    plant(target.pid(), entry)?;
    let transcript = debugger.run(target.pid(), &["pyheap-dump -o heap.cbor --detach"], folder.path())?;
    transcript.assert_success()?;
    transcript.assert_says(&["removed a breakpoint", &format!("{entry:#x}")])?;
    Heap::open(&folder.path().join("heap.cbor"))?;
    assert_text_unchanged(target.pid())?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn plant(pid: u32, address: u64) -> Result<()> {
    let memory = fs::File::options().write(true).open(format!("/proc/{pid}/mem"))?;
    Ok(memory.write_all_at(BREAKPOINT, address)?)
}

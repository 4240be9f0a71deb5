//! What goes wrong is told, and harms nobody.

use crate::aftermath::Walker;
use anyhow::{Context, Result, ensure};
use pyheap_format::reader::Dump;
use pyheap_tests::{
    Debugger, Footprint, Heap, Interpreter, Python, Suite, Target, Verdict, processes_like, running, skipped,
};
use std::fs::{self, File};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub fn register(suite: &mut Suite) {
    suite.usual("walker_is_killed", walker_is_killed);
    suite.usual("walker_is_stopped", walker_is_stopped);
    suite.usual("reader_goes_away", reader_goes_away);
    suite.usual("debugger_dies_in_place", debugger_dies_in_place);
    suite.usual("disk_is_full", disk_is_full);
    suite.usual("output_is_no_file", output_is_no_file);
    suite.product("fork_is_refused", fork_is_refused);
    suite.usual("filters_are_respected", filters_are_respected);
    for minor in [6, 7] {
        suite.on("unknown_version_is_refused", Interpreter::Pyenv(minor), unknown_version_is_refused);
    }
    suite.usual("other_programs_are_refused", other_programs_are_refused);
}

fn server(python: &Python, folder: &Path) -> Result<Target> {
    Target::spawn(python, "server.py", &[&folder.join("socket").to_string_lossy(), "200000"])
}

fn walker_is_killed(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = server(python, folder.path())?;
    let footprint = Footprint::of(target.pid())?;
    let session = debugger.start(target.pid(), &["pyheap-dump -o heap.cbor --detach"], folder.path())?;
    Walker::of(&target)?.kill()?;
    let transcript = session.wait()?;
    transcript.assert_failure(&["the walker ended after"])?;
    // Kernels before 6.15 tell it only as long as nobody has waited for the walker.
    let told = ["signal 9, SIGKILL", "this kernel does not tell how"];
    ensure!(told.iter().any(|told| transcript.text().contains(told)), "{}", transcript.text());
    ensure!(!folder.path().join("heap.cbor").exists(), "half a dump stands under the final name");
    footprint.assert_same(target.pid())?;
    target.ping("after")?;
    // Objects that had arrived before are kept beside it.
    Heap::open(&debugger.dump(target.pid(), "--detach --force", folder.path())?)?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// A walker that does nothing is given up in time, and does not stay.
fn walker_is_stopped(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = server(python, folder.path())?;
    let footprint = Footprint::of(target.pid())?;
    let session = debugger.start(target.pid(), &["pyheap-dump -o heap.cbor --detach"], folder.path())?;
    Walker::of(&target)?.hold()?;
    let transcript = session.wait()?;
    transcript.assert_failure(&["given up", "state T"])?;
    ensure!(!folder.path().join("heap.cbor").exists(), "half a dump stands under the final name");
    await_condition("the walker to end", || Ok(processes_like(target.pid())?.is_empty()))?;
    footprint.assert_same(target.pid())?;
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn reader_goes_away(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = server(python, folder.path())?;
    let footprint = Footprint::of(target.pid())?;
    let session = debugger.start(target.pid(), &["pyheap-dump -o heap.cbor --detach"], folder.path())?;
    let walker = Walker::of(&target)?;
    walker.hold()?;
    await_condition("the debugger to let go of the target", || Ok(tracer(target.pid())? == 0))?;
    session.kill()?;
    walker.release()?;
    await_condition("the walker to end", || Ok(!running(walker.pid)))?;
    ensure!(processes_like(target.pid())?.is_empty(), "a walker is still there");
    ensure!(!folder.path().join("heap.cbor").exists(), "half a dump stands under the final name");
    footprint.assert_same(target.pid())?;
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// While the target walks its own heap nobody but the debugger could end that; without it, the target goes on by itself.
fn debugger_dies_in_place(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target =
        Target::spawn(python, "server.py", &[&folder.path().join("socket").to_string_lossy(), "600000"])?;
    // In an LLDB session that keeps the process, moments remain in which its registers are LLDB's to restore: the README says so.
    let dump = match debugger.is_lldb() {
        true => "pyheap-dump -o heap.cbor --no-fork --force --detach",
        false => "pyheap-dump -o heap.cbor --no-fork --force",
    };
    for _ in 0..3 {
        let session = debugger.start(target.pid(), &[dump], folder.path())?;
        await_condition("the first records", || {
            ensure!(
                tracer(target.pid())? != 0 || !folder.path().join("heap.cbor").exists(),
                "the walk is over"
            );
            Ok(part(folder.path())?.is_some_and(|length| length > 1 << 20))
        })?;
        session.kill()?;
        let killed = Instant::now();
        target.ping("after")?;
        ensure!(killed.elapsed() < Duration::from_secs(1), "it answers after {:?}", killed.elapsed());
        for entry in fs::read_dir(folder.path())? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name != "socket") {
                fs::remove_file(path)?;
            }
        }
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

/// Length of the incomplete dump in this folder.
fn part(folder: &Path) -> Result<Option<u64>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains(".part") {
            return Ok(entry.metadata().ok().map(|metadata| metadata.len()));
        }
    }
    Ok(None)
}

/// The process that traces this one, or 0.
fn tracer(pid: u32) -> Result<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).context("no TracerPid")?;
    Ok(line.trim().parse()?)
}

pub fn await_condition(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let begin = Instant::now();
    while !holds()? {
        ensure!(begin.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::yield_now();
    }
    Ok(())
}

fn disk_is_full(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let disk = match SmallDisk::mount(folder.path().join("disk")) {
        Ok(disk) => disk,
        Err(error) => return skipped(format!("a small tmpfs cannot be mounted: {error:#}")),
    };
    let target = server(python, folder.path())?;
    let footprint = Footprint::of(target.pid())?;
    for command in ["pyheap-dump -o disk/heap.cbor --detach", "pyheap-dump -o disk/heap.cbor"] {
        let transcript = debugger.run(target.pid(), &[command], folder.path())?;
        transcript.assert_failure(&["heap.cbor", "no space left", "that were written are kept", ".part"])?;
        ensure!(!disk.path.join("heap.cbor").exists(), "half a dump stands under the final name");
        footprint.assert_same(target.pid())?;
        for left in fs::read_dir(&disk.path)? {
            let left = left?.path();
            ensure!(Dump::open(&left)?.object_count() > 0, "nothing can be read in {}", left.display());
            fs::remove_file(left)?;
        }
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

/// Devices and pipes get the dump as it arrives and stay what they are, whatever the options.
fn output_is_no_file(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let (pipe, copy) = (folder.path().join("pipe"), folder.path().join("copy.cbor"));
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU)?;
    let unread = debugger.run(target.pid(), &["pyheap-dump -o pipe --force"], folder.path())?;
    unread.assert_failure(&["a pipe that nobody reads"])?;
    // The reader comes to the pipe's end once nobody could write to it any more: not before this is gone.
    let both_ends = File::options().read(true).write(true).open(&pipe)?;
    let mut reader = Command::new("cat").stdin(File::open(&pipe)?).stdout(File::create(&copy)?).spawn()?;
    let commands = ["pyheap-dump -o /dev/null --force", "pyheap-dump -o pipe --force --detach"];
    debugger.run(target.pid(), &commands, folder.path())?.assert_success()?;
    drop(both_ends);
    ensure!(reader.wait()?.success(), "the reader failed");
    ensure!(Heap::open(&copy)?.dump.complete(), "the dump is incomplete");
    ensure!(fs::metadata(&pipe)?.file_type().is_fifo(), "the pipe was replaced");
    ensure!(fs::metadata("/dev/null")?.file_type().is_char_device(), "/dev/null was replaced");
    target.finish()?;
    Ok(Verdict::Passed)
}

/// A file system of a few megabytes.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(path: PathBuf) -> Result<Self> {
        fs::create_dir(&path)?;
        rustix::mount::mount("tmpfs", &path, "tmpfs", rustix::mount::MountFlags::empty(), Some(c"size=4m"))?;
        Ok(Self { path })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.path, rustix::mount::UnmountFlags::DETACH);
    }
}

fn fork_is_refused(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "filtered.py", &["errno", "clone"])?;
    if target.fact("seccomp")? != true {
        return skipped("the kernel lets nobody filter system calls");
    }
    let footprint = Footprint::of(target.pid())?;
    // LLDB cannot read filters.
    let force = if debugger.is_lldb() { "--force-seccomp" } else { "" };
    let command = format!("pyheap-dump -o heap.cbor {force}");
    let transcript = debugger.run(target.pid(), &[&command], folder.path())?;
    transcript.assert_failure(&["--no-fork"])?;
    footprint.assert_same(target.pid())?;
    target.ping("after refusal")?;
    let heap = Heap::open(&debugger.dump(target.pid(), &format!("--no-fork {force}"), folder.path())?)?;
    ensure!(!heap.dump.header().forked, "the header says that it forked");
    let list = heap.at(target.number("heap")?)?;
    ensure!(list.length == Some(50000), "HEAP has {:?} items", list.length);
    ensure!(heap.referents(list.number).len() == 50000, "HEAP has other edges");
    footprint.assert_same(target.pid())?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// System calls that would be answered by death or by an error are not made: those that the dump needs are named, it does without the others.
fn filters_are_respected(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let needed = ["mmap", "munmap", "clone", "wait4", "exit_group", "pipe2", "close"];
    let optional = ["close_range", "prctl", "openat", "rt_sigaction", "timer_create", "clock_gettime"];
    let cases = needed.iter().chain(&optional).map(|&call| ("kill", call));
    let cases = cases.chain([("trap", "clone"), ("errno", "mmap"), ("trap", "prctl"), ("errno", "openat")]);
    for (answer, call) in cases {
        let folder = tempfile::tempdir()?;
        let mut target = Target::spawn(python, "filtered.py", &[answer, call])?;
        if target.fact("seccomp")? != true {
            return skipped("the kernel lets nobody filter system calls");
        }
        let footprint = Footprint::of(target.pid())?;
        let transcript = debugger.run(target.pid(), &["pyheap-dump -o heap.cbor"], folder.path())?;
        let context = || format!("{answer} for {call}");
        if debugger.is_lldb() {
            transcript.assert_failure(&["seccomp filter", "cannot be read"]).with_context(context)?;
        } else if transcript.text().contains("cannot be read") {
            return skipped(
                "GDB may not read seccomp filters here: no CAP_SYS_ADMIN, or a sandbox around it",
            );
        } else if needed.contains(&call) {
            transcript
                .assert_failure(&["seccomp filter", &format!(" {call},"), "untouched"])
                .with_context(context)?;
        } else {
            transcript.assert_success().with_context(context)?;
            Heap::open(&folder.path().join("heap.cbor"))?;
        }
        footprint.assert_same(target.pid()).with_context(context)?;
        // It could not end by itself where the filter stands in its way, too.
        target.ping("after").with_context(context)?;
        if debugger.is_lldb() {
            break;
        }
    }
    Ok(Verdict::Passed)
}

fn unknown_version_is_refused(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let (major, minor, _) = python.version;
    let transcript = debugger.run(target.pid(), &["pyheap-dump -o heap.cbor"], folder.path())?;
    transcript.assert_failure(&[&format!("{major}.{minor}")])?;
    ensure!(folder.path().read_dir()?.count() == 0, "a file is left");
    footprint.assert_same(target.pid())?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn other_programs_are_refused(debugger: Debugger, _: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut other = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let transcript = debugger.run(other.id(), &["pyheap-dump -o heap.cbor"], folder.path());
    drop(other.stdin.take());
    let status = other.wait()?;
    transcript?.assert_failure(&["python"])?;
    ensure!(status.success(), "cat ended with {status}");
    Ok(Verdict::Passed)
}

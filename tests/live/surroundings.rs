//! Signals, children, namespaces, limits, an impatient user: what else goes on around a dump.

use crate::aftermath::Walker;
use anyhow::{Context, Result, ensure};
use pyheap_format::reader::Dump;
use pyheap_tests::{Debugger, Footprint, Heap, Python, Suite, Target, Verdict, processes_like, skipped};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub fn register(suite: &mut Suite) {
    suite.product("signals_arrive", signals_arrive);
    suite.usual("subreaper_sees_no_stranger", subreaper_sees_no_stranger);
    suite.usual("first_process_of_a_namespace", first_process_of_a_namespace);
    suite.usual("interrupted_while_waiting", interrupted_while_waiting);
    suite.usual("target_ends_meanwhile", target_ends_meanwhile);
    suite.usual("memory_limit_is_respected", memory_limit_is_respected);
    suite.usual("memory_limit_comes_near", memory_limit_comes_near);
    suite.usual("memory_goes_fast", memory_goes_fast);
    suite.usual("address_space_is_limited", address_space_is_limited);
}

/// A timer that never rests: its signals fall into attach, injection and detach, and none may be lost to the target.
fn signals_arrive(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "signals.py", &[])?;
    for options in ["--detach", "--force", "--force --no-fork"] {
        Heap::open(&debugger.dump(target.pid(), options, folder.path())?)?;
        let before = target.ask("alarms")?;
        while target.ask("alarms")? == before {}
        ensure!(target.ask("children")? == 0, "SIGCHLD after pyheap-dump {options}");
        ensure!(
            target.ask("strangers")?.as_array().is_some_and(Vec::is_empty),
            "a child after pyheap-dump {options}"
        );
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

/// Orphans go to a subreaper: the walker must not stay with it.
fn subreaper_sees_no_stranger(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    for options in ["--detach", "--force"] {
        let target = Target::spawn(python, "signals.py", &["subreaper"])?;
        let footprint = Footprint::of(target.pid())?;
        Heap::open(&debugger.dump(target.pid(), options, folder.path())?)?;
        footprint.assert_same(target.pid()).with_context(|| format!("after pyheap-dump {options}"))?;
        target.finish()?;
    }
    Ok(Verdict::Passed)
}

/// The same for a process that is number 1 of its namespace, as in a container.
fn first_process_of_a_namespace(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("unshare");
    command
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(&python.path)
        .arg(Target::script("idle.py"));
    let mut outer = match Target::start(command) {
        Ok(outer) => outer,
        Err(error) => return skipped(format!("unshare cannot make a namespace: {error:#}")),
    };
    ensure!(outer.number("pid")? == 1, "the target is number {}", outer.number("pid")?);
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", outer.pid()))?;
    let inner: u32 = children.trim().parse().context("the process in the namespace")?;
    let footprint = Footprint::of(inner)?;
    let file = debugger.dump(inner, "--detach", folder.path())?;
    let heap = Heap::open(&file)?;
    ensure!(heap.number(outer.number("table")?).is_some(), "TABLE is not in the dump");
    footprint.assert_same(inner)?;
    outer.ping("after")?;
    outer.finish()?;
    Ok(Verdict::Passed)
}

/// Ctrl-C while the command waits for a safe point that does not come.
fn interrupted_while_waiting(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "gil_holder.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let begin = Instant::now();
    let mut session =
        debugger.start(target.pid(), &["pyheap-dump -o heap.cbor --timeout 100"], folder.path())?;
    let pid = Pid::from_raw(i32::try_from(session.pid())?).context("pid")?;
    // The first lines are written once the command is at work; before, the debugger itself would be interrupted.
    while !session.output()?.contains("memory") && !session.ended()? {
        ensure!(begin.elapsed() < Duration::from_secs(30), "the command does not start");
        std::thread::yield_now();
    }
    let interrupt = || kill_process(pid, Signal::INT).context("interrupt");
    interrupt()?;
    let transcript = session.wait()?;
    ensure!(begin.elapsed() < Duration::from_secs(60), "it waited on for {:?}", begin.elapsed());
    transcript.assert_failure(&[])?;
    // Some versions of GDB say it in their own word.
    let text = transcript.text().to_lowercase();
    ensure!(["interrupt", "quit"].iter().any(|told| text.contains(told)), "{text}");
    ensure!(folder.path().read_dir()?.count() == 0, "a file is left");
    footprint.assert_same(target.pid())?;
    target.send("go")?;
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// The snapshot outlives the process.
fn target_ends_meanwhile(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("socket");
    let target = Target::spawn(python, "server.py", &[&socket.to_string_lossy(), "200000"])?;
    let session = debugger.start(target.pid(), &["pyheap-dump -o heap.cbor --detach"], folder.path())?;
    let walker = Walker::of(&target)?;
    walker.hold()?;
    target.finish()?;
    walker.release()?;
    session.wait()?.assert_success()?;
    let heap = Heap::open(&folder.path().join("heap.cbor"))?;
    ensure!(heap.dump.object_count() > 1_000_000, "{} objects", heap.dump.object_count());
    Ok(Verdict::Passed)
}

/// A snapshot that may not fit into the process's memory limit is refused with figures, unless forced to walk in place.
fn memory_limit_is_respected(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let group = match MemoryGroup::make() {
        Ok(group) => group,
        Err(error) => return skipped(format!("no control group for memory can be made: {error:#}")),
    };
    let mut command = group.command(python);
    command.arg(Target::script("signals.py"));
    let mut target = Target::start(command)?;
    // Room for the process, but not for a copy of what it may touch.
    group.leave_room(2 << 20)?;
    let transcript = debugger.run(target.pid(), &["pyheap-dump -o heap.cbor"], folder.path())?;
    transcript.assert_failure(&["limit", "MiB"])?;
    ensure!(processes_like(target.pid())?.is_empty(), "a walker was made");
    target.ping("after refusal")?;
    // The tables of a walk in place need room as well: they are the target's memory.
    let transcript = debugger.run(target.pid(), &["pyheap-dump -o heap.cbor --no-fork"], folder.path())?;
    transcript.assert_failure(&["limit", "MiB"])?;
    target.ping("after refusal in place")?;
    group.leave_room(1 << 30)?;
    Heap::open(&debugger.dump(target.pid(), "--no-fork", folder.path())?)?;
    Heap::open(&debugger.dump(target.pid(), "--force", folder.path())?)?;
    target.finish()?;
    drop(group);
    Ok(Verdict::Passed)
}

/// A snapshot that was forced is ended when the limit comes near: what it holds until then can be read, and the process lives.
fn memory_limit_comes_near(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let group = match MemoryGroup::make() {
        Ok(group) => group,
        Err(error) => return skipped(format!("no control group for memory can be made: {error:#}")),
    };
    let mut command = group.command(python);
    let socket = folder.path().join("socket");
    command.arg(Target::script("server.py")).arg(&socket).arg("500000");
    let mut target = Target::start(command)?;
    // The walker's tables alone take more than twice as much.
    group.leave_room(40 << 20)?;
    let transcript = debugger.run(target.pid(), &["pyheap-dump -o heap.cbor --detach"], folder.path())?;
    transcript.assert_failure(&["limit", "--force-memory"])?;
    let dump = "pyheap-dump -o heap.cbor --detach --force-memory";
    let transcript = debugger.run(target.pid(), &[dump], folder.path())?;
    transcript.assert_failure(&["near the memory limit", "MiB", "readable in"])?;
    ensure!(processes_like(target.pid())?.is_empty(), "a walker is left");
    target.ping("after the end of the snapshot")?;
    let part = fs::read_dir(folder.path())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "part"))
        .context("no incomplete dump")?;
    ensure!(Dump::open(&part)?.object_count() > 0, "nothing can be read");
    target.finish()?;
    drop(group);
    Ok(Verdict::Passed)
}

/// A process that writes as fast as it can under a limit: its snapshot is complete in time, or ended, but never is anybody killed for want of
/// memory.
fn memory_goes_fast(debugger: Debugger, python: &Python) -> Result<Verdict> {
    for _ in 0..3 {
        let folder = tempfile::tempdir()?;
        let group = match MemoryGroup::make() {
            Ok(group) => group,
            Err(error) => return skipped(format!("no control group for memory can be made: {error:#}")),
        };
        let mut command = group.command(python);
        command.arg(Target::script("writer.py")).args(["160", "300000"]);
        let mut target = Target::start(command)?;
        fs::write(group.path.join(group.limit), (300_u64 << 20).to_string()).context("limit")?;
        while target.ask("turns")?.as_u64() < Some(4) {}
        let command = "pyheap-dump -o heap.cbor --detach --force-memory";
        let transcript = debugger.run(target.pid(), &[command], folder.path())?;
        if transcript.assert_success().is_err() {
            transcript.assert_says(&["near the memory limit", "MiB"])?;
        }
        ensure!(group.kills()? == 0, "somebody was killed: {}", transcript.text());
        let turns = target.ask("turns")?;
        while target.ask("turns")? == turns {}
        target.finish()?;
    }
    Ok(Verdict::Passed)
}

/// A walker that would have no address space for its tables is not made.
fn address_space_is_limited(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target =
        Target::spawn(python, "server.py", &[&folder.path().join("socket").to_string_lossy(), "200000"])?;
    let pid = Pid::from_raw(i32::try_from(target.pid())?);
    let status = fs::read_to_string(format!("/proc/{}/status", target.pid()))?;
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB"));
    let limit = (size.context("VmSize")?.parse::<u64>()? << 10) + (4 << 20);
    let limit = Rlimit { current: Some(limit), maximum: None };
    prlimit(pid, Resource::As, limit).context("prlimit")?;
    for options in ["", "--no-fork"] {
        let command = format!("pyheap-dump -o heap.cbor {options}");
        let transcript = debugger.run(target.pid(), &[&command], folder.path())?;
        transcript.assert_failure(&["RLIMIT_AS", "MiB"])?;
        target.ping("after refusal")?;
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

/// A control group for memory.
struct MemoryGroup {
    path: PathBuf,
    usage: &'static str,
    limit: &'static str,
}

impl MemoryGroup {
    fn make() -> Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        // Version 1 has a hierarchy for memory alone.
        let first = Path::new("/sys/fs/cgroup/memory");
        let name = format!("pyheap-tests-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let group = if first.is_dir() {
            Self { path: first.join(name), usage: "memory.usage_in_bytes", limit: "memory.limit_in_bytes" }
        } else {
            Self {
                path: Path::new("/sys/fs/cgroup").join(name),
                usage: "memory.current",
                limit: "memory.max",
            }
        };
        fs::create_dir(&group.path)?;
        fs::read(group.path.join(group.usage)).context("memory is not accounted for")?;
        Ok(group)
    }

    /// An interpreter in the group. It must be born there: memory stays with the group in which it was first used.
    fn command(&self, python: &Python) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(self.path.join("cgroup.procs"));
        command.arg(&python.path);
        command
    }

    /// How many of its processes the kernel has killed for want of memory.
    fn kills(&self) -> Result<u64> {
        let file = if self.usage == "memory.current" { "memory.events" } else { "memory.oom_control" };
        let text = fs::read_to_string(self.path.join(file))?;
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        Ok(line.context("no oom_kill")?.trim().parse()?)
    }

    /// Limits the group to what it uses now and some bytes more.
    fn leave_room(&self, bytes: u64) -> Result<()> {
        let usage: u64 = fs::read_to_string(self.path.join(self.usage))?.trim().parse()?;
        fs::write(self.path.join(self.limit), (usage + bytes).to_string()).context("limit")
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // Only an empty group can go, and it is empty once its process is gone.
        let _ = fs::remove_dir(&self.path);
    }
}

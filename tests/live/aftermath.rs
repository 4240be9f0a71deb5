//! After a dump the target is what it was.

use anyhow::{Context, Result, ensure};
use pyheap_tests::{
    Debugger, Footprint, Heap, Python, Suite, Target, Verdict, processes_like, processes_like_except, running,
};
use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

pub fn register(suite: &mut Suite) {
    suite.product("leaves_nothing_behind", leaves_nothing_behind);
    suite.product("dumps_twice", dumps_twice);
    suite.usual("dumps_within_one_session", dumps_within_one_session);
    suite.usual("closed_socket_is_closed_at_once", closed_socket_is_closed_at_once);
    suite.sessions("keeps_breakpoints_and_thread", keeps_breakpoints_and_thread);
    suite.product("prints_the_top", prints_the_top);
}

fn leaves_nothing_behind(debugger: Debugger, python: &Python) -> Result<Verdict> {
    for options in ["--detach", "", "--no-fork"] {
        let folder = tempfile::tempdir()?;
        let mut target = Target::spawn(python, "idle.py", &[])?;
        let footprint = Footprint::of(target.pid())?;
        let file = debugger.dump(target.pid(), options, folder.path())?;
        footprint.assert_same(target.pid()).with_context(|| format!("after pyheap-dump {options}"))?;
        ensure!(processes_like(target.pid())?.is_empty(), "a walker is still there");
        ensure!(file.metadata()?.permissions().mode() & 0o777 == 0o600, "others can read the dump");
        let names: Vec<_> = folder
            .path()
            .read_dir()?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<Result<_, _>>()?;
        ensure!(names == ["heap.cbor"], "left in the folder: {names:?}");
        target.ping("after")?;
        let heap = Heap::open(&file)?;
        let header = heap.dump.header();
        ensure!(header.pid == target.pid(), "pid {}", header.pid);
        ensure!(header.python.version == python.version_text(), "version {}", header.python.version);
        ensure!(header.forked == (options != "--no-fork"), "forked: {}", header.forked);
        ensure!(!header.torn && !header.collecting, "torn {}, collecting {}", header.torn, header.collecting);
        let table = heap.number(target.number("table")?).context("TABLE")?;
        let entries = heap.entries(table);
        let keys: Vec<_> = entries.iter().map(|(key, _)| key.as_str()).collect();
        ensure!(keys == ["first", "second"], "keys of TABLE: {keys:?}");
        ensure!(heap.text(entries[0].1)? == "one text", "value of 'first'");
        ensure!(entries[1].1 == target.number("numbers")?, "value of 'second'");
        target.finish()?;
    }
    Ok(Verdict::Passed)
}

fn dumps_twice(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let first = Heap::open(&debugger.dump(target.pid(), "--detach", folder.path())?)?;
    let second = Heap::open(&debugger.dump(target.pid(), "--detach --force", folder.path())?)?;
    // Nothing ran in between: the same objects, in the same order, with the same edges.
    ensure!(first.dump.object_count() == second.dump.object_count(), "numbers of objects differ");
    for (left, right) in first.objects().zip(second.objects()) {
        ensure!(left == right, "{left:?} became {right:?}");
        ensure!(first.referents(left.number) == second.referents(right.number), "edges of {left:?}");
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

fn dumps_within_one_session(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let commands = ["pyheap-dump -o one.cbor", "pyheap-top -n 3", "pyheap-dump -o two.cbor"];
    debugger.run(target.pid(), &commands, folder.path())?.assert_success()?;
    footprint.assert_same(target.pid())?;
    let counts = ["one.cbor", "two.cbor"]
        .map(|name| Heap::open(&folder.path().join(name)).map(|heap| heap.dump.object_count()));
    let [one, two] = counts;
    ensure!(one? == two?, "numbers of objects differ");
    target.finish()?;
    Ok(Verdict::Passed)
}

/// The walker inherits the target's descriptors and must let go of them: whoever talks with the target would notice.
fn closed_socket_is_closed_at_once(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let address = folder.path().join("socket");
    let mut target = Target::spawn(python, "server.py", &[&address.to_string_lossy(), "200000"])?;
    let mut client = UnixStream::connect(&address)?;
    client.set_read_timeout(Some(Duration::from_secs(20)))?;
    target.ask("accept")?;
    let session = debugger.start(target.pid(), &["pyheap-dump -o heap.cbor --detach"], folder.path())?;
    let walker = Walker::of(&target)?;
    walker.hold()?;
    target.ask("close")?;
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).context("the connection is not closed while the walker lives")?;
    ensure!(running(walker.pid), "the walker was to be alive all the time");
    walker.release()?;
    session.wait()?.assert_success()?;
    Heap::open(&folder.path().join("heap.cbor"))?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn keeps_breakpoints_and_thread(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "threads.py", &[])?;
    let (prepare, look): (&[&str], &[&str]) = match debugger {
        Debugger::Gdb => (
            &["break PyList_Append", "break PyEval_SaveThread", "disable 2", "thread 7"],
            &[
                "info breakpoints",
                "show scheduler-locking",
                "show unwindonsignal",
                "info signals SIGINT",
                "thread",
            ],
        ),
        _ => (
            &[
                "breakpoint set -n PyList_Append",
                "breakpoint set -n PyEval_SaveThread",
                "breakpoint disable 2",
                "thread select 7",
            ],
            &["breakpoint list", "settings show target.process.thread", "thread info"],
        ),
    };
    let say = |word: &str| match debugger {
        Debugger::Gdb => format!("echo =={word}==\\n"),
        // LLDB shows each command before its output: any that does nothing will do.
        _ => format!("settings set prompt =={word}=="),
    };
    let mut commands: Vec<String> = prepare.iter().map(|&line| line.to_owned()).collect();
    for (word, then) in [("BEFORE", None), ("AFTER", Some("pyheap-dump -o heap.cbor"))] {
        commands.extend(then.map(str::to_owned));
        commands.push(say(word));
        commands.extend(look.iter().map(|&line| line.to_owned()));
        commands.push(say("END"));
    }
    let commands: Vec<_> = commands.iter().map(String::as_str).collect();
    let transcript = debugger.run(target.pid(), &commands, folder.path())?;
    transcript.assert_success()?;
    // Where the thread stopped is the same, but LLDB does not let anybody keep why it did.
    let without_reason =
        |line: &str| line.split_once(", stop reason").map_or(line, |(place, _)| place).to_owned();
    // LLDB shows a newly selected frame when it comes to it, between whatever else it prints.
    let of_selection = |line: &&str| line.starts_with("* thread") || line.starts_with("    frame");
    let seen = |word: &str| -> Result<String> {
        let (_, rest) = transcript
            .output
            .split_once(&format!("=={word}=="))
            .with_context(|| transcript.output.clone())?;
        let (found, _) = rest.split_once("==END==").with_context(|| transcript.output.clone())?;
        let found = found.replace(&format!("=={word}=="), "");
        let lines = found.lines().filter(|line| !of_selection(line) && !line.is_empty());
        Ok(lines.map(without_reason).collect::<Vec<_>>().join("\n"))
    };
    let (before, after) = (seen("BEFORE")?, seen("AFTER")?);
    ensure!(before.contains("PyList_Append") && before.contains('7'), "{before}");
    ensure!(before == after, "before:\n{before}\nafter:\n{after}");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn prints_the_top(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target =
        Target::spawn(python, "server.py", &[&folder.path().join("socket").to_string_lossy(), "50000"])?;
    let footprint = Footprint::of(target.pid())?;
    let transcript = debugger.run(target.pid(), &["pyheap-top -n 5 --sort count"], folder.path())?;
    transcript.assert_success()?;
    // 50,000 dicts with a str, a tuple and a list each.
    transcript.assert_says(&["dict", "list", "tuple", "str"])?;
    let transcript = debugger.run(target.pid(), &["pyheap-top -n 5 --by module"], folder.path())?;
    transcript.assert_success()?;
    transcript.assert_says(&["builtins"])?;
    footprint.assert_same(target.pid())?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// The copy-on-write child at work.
pub struct Walker {
    /// Its process id.
    pub pid: u32,
}

impl Walker {
    /// Waits for the child of a dump that was just started, until it has let go of the target's descriptors.
    pub fn of(target: &Target) -> Result<Self> {
        let begin = Instant::now();
        let mut others = BTreeSet::new();
        while begin.elapsed() < Duration::from_secs(60) {
            for pid in processes_like_except(target.pid(), &mut others)? {
                let descriptors =
                    std::fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count).unwrap_or(usize::MAX);
                if descriptors <= 1 && running(pid) {
                    return Ok(Self { pid });
                }
            }
            std::thread::yield_now();
        }
        anyhow::bail!("no walker appeared")
    }

    /// Keeps it from running.
    pub fn hold(&self) -> Result<()> {
        self.signal(rustix::process::Signal::STOP)
    }

    /// Lets it run again.
    pub fn release(&self) -> Result<()> {
        self.signal(rustix::process::Signal::CONT)
    }

    /// Kills it.
    pub fn kill(&self) -> Result<()> {
        self.signal(rustix::process::Signal::KILL)
    }

    fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid)?).context("pid")?;
        rustix::process::kill_process(pid, signal).context("the walker is gone")
    }
}

//! What the program does beyond what a debugger's command does.

use crate::failure::await_condition;
use anyhow::{Context, Result, ensure};
use pyheap_tests::{
    Debugger, Footprint, Heap, Interpreter, Python, Suite, Target, Verdict, binary, processes_like, skipped,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub fn register(suite: &mut Suite) {
    for (name, test) in [
        ("streams_to_a_pipe", streams_to_a_pipe as fn(&Python) -> Result<Verdict>),
        ("exit_status_tells_the_kind", exit_status_tells_the_kind),
        ("outcome_as_json", outcome_as_json),
        ("a_family_into_a_folder", a_family_into_a_folder),
        ("listed_processes", listed_processes),
        ("a_look_touches_nothing", a_look_touches_nothing),
        ("a_thread_is_no_process", a_thread_is_no_process),
        ("ids_of_another_namespace", ids_of_another_namespace),
        ("waits_for_a_condition", waits_for_a_condition),
        ("several_dumps", several_dumps),
        ("drives_a_debugger", drives_a_debugger),
        ("second_debugger_is_told_of_the_first", second_debugger_is_told_of_the_first),
        ("stopped_process_stays_stopped", stopped_process_stays_stopped),
        ("container_by_its_group", container_by_its_group),
        ("refusals_are_explained", refusals_are_explained),
        ("a_file_named_after_another_version", a_file_named_after_another_version),
        ("top_from_a_shell", top_from_a_shell),
    ] {
        on_usual(suite, name, test);
    }
}

/// A test of the program alone.
pub fn on_usual(suite: &mut Suite, name: &str, test: fn(&Python) -> Result<Verdict>) {
    suite.test(&format!("program::{name}"), move || match Interpreter::usual().find() {
        Ok(python) => test(&python),
        Err(error) => skipped(format!("{error:#}")),
    });
}

fn program(folder: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary("pyheap-dump")?);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    Ok(command)
}

pub fn run(folder: &Path, arguments: &[&str]) -> Result<Output> {
    Ok(program(folder, arguments)?.output()?)
}

/// Runs it to success; returns what it wrote to standard output.
pub fn succeed(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(folder, arguments)?;
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

fn json_lines(text: &str) -> Result<Vec<Value>> {
    text.lines().map(|line| serde_json::from_str(line).context(line.to_owned())).collect()
}

fn streams_to_a_pipe(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let pid = target.pid().to_string();
    let output = run(folder.path(), &["-p", &pid, "-o", "-"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = folder.path().join("streamed.cbor");
    fs::write(&file, &output.stdout)?;
    let heap = Heap::open(&file)?;
    ensure!(heap.number(target.number("table")?).is_some(), "TABLE is not in the dump");
    // There is no way back to the start, and yet the header is complete.
    let process = &heap.dump.header().process;
    ensure!(process.pss > 0 && !process.mappings.is_empty(), "{process:?}");
    // Into a file that the shell opened.
    let file = folder.path().join("redirected.cbor");
    let status =
        program(folder.path(), &["-p", &pid, "-o", "-", "-q"])?.stdout(File::create(&file)?).status()?;
    ensure!(status.success() && Heap::open(&file).is_ok(), "{status}");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn exit_status_tells_the_kind(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let holder = Target::spawn(python, "gil_holder.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let mut other = Command::new("cat").stdin(Stdio::piped()).spawn()?;
    fs::write(folder.path().join("old.cbor"), "precious")?;
    let (pid, other_pid, held) = (target.pid().to_string(), other.id().to_string(), holder.pid().to_string());
    for (arguments, status) in [
        (&["--no-such-option"][..], 2),
        (&["-p", &pid, "--when", "rss<1"], 2),
        (&["-p", "4194303"], 3),
        (&["-p", &other_pid], 5),
        (&["-p", &held, "--timeout", "0.3"], 7),
        (&["-p", &pid, "-o", "old.cbor"], 9),
        (&["-p", &pid, "-o", "missing/heap.cbor"], 9),
        (&["-p", &pid, "-o", "new.cbor"], 0),
    ] {
        let output = run(folder.path(), arguments)?;
        ensure!(output.status.code() == Some(status), "{arguments:?}: {output:?}");
        ensure!(status == 0 || !output.stderr.is_empty(), "{arguments:?}: no reason is told");
    }
    ensure!(fs::read(folder.path().join("old.cbor"))? == b"precious", "a file was overwritten");
    drop(other.stdin.take());
    ensure!(other.wait()?.success(), "cat did not survive");
    footprint.assert_same(target.pid())?;
    target.finish()?;
    drop(holder);
    Ok(Verdict::Passed)
}

fn outcome_as_json(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let pid = target.pid().to_string();
    let lines = json_lines(&succeed(folder.path(), &["-p", &pid, "-o", "heap.cbor", "--json"])?)?;
    let [line] = &lines[..] else { anyhow::bail!("{lines:?}") };
    let file = folder.path().join("heap.cbor");
    let heap = Heap::open(&file)?;
    ensure!(line["pid"] == target.pid() && line["file"] == "heap.cbor", "{line}");
    ensure!(line["objects"] == heap.dump.object_count(), "{line}");
    ensure!(line["stored_bytes"] == file.metadata()?.len(), "{line}");
    ensure!(line["pause_ms"].as_f64() > Some(0.0), "{line}");
    let output = run(folder.path(), &["-p", &pid, "-o", "heap.cbor", "--json"])?;
    let lines = json_lines(&String::from_utf8(output.stdout)?)?;
    ensure!(lines[0]["exit_status"] == 9 && lines[0]["error"].is_string(), "{lines:?}");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn a_family_into_a_folder(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "family.py", &["3"])?;
    let pid = target.pid().to_string();
    let text = succeed(folder.path(), &["-p", &pid, "--children", "-o", "family", "--json"])?;
    let mut pids: Vec<u64> = json_lines(&text)?.iter().filter_map(|line| line["pid"].as_u64()).collect();
    pids.sort_unstable();
    let mut expected = vec![u64::from(target.pid())];
    expected.extend(target.fact("children")?.as_array().context("a list")?.iter().filter_map(Value::as_u64));
    expected.sort_unstable();
    ensure!(pids == expected, "{pids:?} instead of {expected:?}");
    let family = folder.path().join("family");
    ensure!(family.metadata()?.mode() & 0o777 == 0o700, "others can list the folder");
    let mut found = Vec::new();
    for entry in family.read_dir()? {
        found.push(u64::from(Heap::open(&entry?.path())?.dump.header().pid));
    }
    found.sort_unstable();
    ensure!(found == expected, "dumps of {found:?} instead of {expected:?}");
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn listed_processes(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let lines = json_lines(&succeed(folder.path(), &["--list", "--json"])?)?;
    let line = lines.iter().find(|line| line["pid"] == target.pid()).context("the target is not listed")?;
    ensure!(line["python"] == python.version_text(), "{line}");
    ensure!(line["obstacle"].is_null(), "{line}");
    ensure!(line["command"].as_str().is_some_and(|command| command.ends_with("idle.py")), "{line}");
    let status = fs::read_to_string(format!("/proc/{}/status", target.pid()))?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    let rss = rss.context("VmRSS")?.parse::<u64>()? << 10;
    ensure!(line["rss"].as_u64().is_some_and(|told| told.abs_diff(rss) < rss / 4), "{line}, {rss}");
    ensure!(!lines.iter().any(|line| line["pid"] == std::process::id()), "this is no Python process");
    let table = succeed(folder.path(), &["--list"])?;
    ensure!(table.contains(&target.pid().to_string()) && table.contains("yes"), "{table}");
    footprint.assert_same(target.pid())?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn a_look_touches_nothing(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let switches = |pid: u32| -> Result<String> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        Ok(status.lines().filter(|line| line.contains("ctxt_switches")).collect())
    };
    // It says that it is ready before it begins to wait.
    while !fs::read_to_string(format!("/proc/{}/status", target.pid()))?.contains("State:\tS") {
        std::thread::yield_now();
    }
    let before = switches(target.pid())?;
    let text = succeed(folder.path(), &["-p", &target.pid().to_string(), "--dry-run"])?;
    ensure!(text.contains("ms") && text.contains("memory") && text.contains("Nothing was touched"), "{text}");
    // It waits for its input and has not run since: nobody has stopped it.
    ensure!(switches(target.pid())? == before, "the process was made to run");
    ensure!(folder.path().read_dir()?.count() == 0, "a file is left");
    footprint.assert_same(target.pid())?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn a_thread_is_no_process(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "threads.py", &[])?;
    let tasks = fs::read_dir(format!("/proc/{}/task", target.pid()))?;
    let names = tasks.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let thread = names.filter(|name| *name != target.pid().to_string()).max().context("no second thread")?;
    let output = run(folder.path(), &["-p", &thread])?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(3), "{output:?}");
    ensure!(said.contains("thread") && said.contains(&format!("-p {}", target.pid())), "{said}");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn ids_of_another_namespace(python: &Python) -> Result<Verdict> {
    const INNER: &str = "4193210";
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("unshare");
    // The next process of the namespace gets the number after this one, which no process of the machine has.
    let next = "echo 4193209 > /proc/sys/kernel/ns_last_pid && \"$0\" \"$1\"; exit $?";
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", next]);
    command.arg(&python.path).arg(Target::script("idle.py"));
    let target = match Target::start(command) {
        Ok(target) if target.number("pid").is_ok_and(|pid| pid.to_string() == INNER) => target,
        Ok(_) => return skipped("ids of a namespace cannot be chosen"),
        Err(error) => return skipped(format!("unshare cannot make a namespace: {error:#}")),
    };
    let output = run(folder.path(), &["-p", INNER])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(3) && said.contains("namespace"), "{output:?}");
    // The number that it names instead is the right one.
    let (_, pid) = said.trim().rsplit_once("-p ").context(said.clone())?;
    let file = folder.path().join("heap.cbor");
    succeed(folder.path(), &["-p", pid, "-o", "heap.cbor"])?;
    ensure!(Heap::open(&file)?.number(target.number("table")?).is_some(), "TABLE is not in the dump");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn waits_for_a_condition(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "hoard.py", &[])?;
    let pid = target.pid().to_string();
    let mut waiting =
        program(folder.path(), &["-p", &pid, "-o", "heap.cbor", "--when", "rss>150M"])?.spawn()?;
    target.ping("while it waits")?;
    ensure!(waiting.try_wait()?.is_none(), "it did not wait");
    target.ask("grow 200")?;
    ensure!(waiting.wait()?.success(), "it failed");
    let heap = Heap::open(&folder.path().join("heap.cbor"))?;
    ensure!(heap.dump.header().process.rss > 150 << 20, "dumped too soon");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn several_dumps(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let pid = target.pid().to_string();
    succeed(folder.path(), &["-p", &pid, "-o", "heap.cbor", "--count", "3", "--interval", "0.1s"])?;
    for number in 1..=3 {
        Heap::open(&folder.path().join(format!("heap-{number}.cbor")))?;
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

fn drives_a_debugger(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let pid = target.pid().to_string();
    let mut driven = 0;
    for debugger in [Debugger::Gdb, Debugger::Lldb] {
        if debugger.find().is_err() {
            continue;
        }
        let name = debugger.to_string();
        // A name that each debugger would read as something else, were it not escaped.
        let file = format!("{name} 'and' \"more\".cbor");
        let arguments = ["-p", &pid, "-o", &file, "--debugger", &name, "--str-repr-len", "-1"];
        succeed(folder.path(), &arguments)?;
        let heap = Heap::open(&folder.path().join(&file))?;
        ensure!(
            heap.dump.header().debugger.to_lowercase().contains(&name),
            "{}",
            heap.dump.header().debugger
        );
        ensure!(heap.dump.header().options.str_repr_len == 0, "the options did not arrive");
        driven += 1;
    }
    target.finish()?;
    if driven == 0 { skipped("no debugger is installed") } else { Ok(Verdict::Passed) }
}

fn second_debugger_is_told_of_the_first(python: &Python) -> Result<Verdict> {
    if let Err(error) = Debugger::Gdb.find() {
        return skipped(format!("{error:#}"));
    }
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let pid = target.pid().to_string();
    let inner = format!("shell {} -p {pid} -o heap.cbor || echo status $?", binary("pyheap-dump")?.display());
    let transcript = Debugger::Gdb.run(target.pid(), &[&inner], folder.path())?;
    transcript.assert_says(&["status 6", "gdb", "detach that one"])?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// No signal is sent: what was stopped is stopped afterwards, and nothing is pending.
fn stopped_process_stays_stopped(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let pid = Pid::from_raw(i32::try_from(target.pid())?).context("pid")?;
    let status = |field: &str| -> Result<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", target.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        Ok(line.context(field.to_owned())?.trim().to_owned())
    };
    kill_process(pid, Signal::STOP)?;
    while !status("State:")?.starts_with('T') {
        std::thread::yield_now();
    }
    succeed(folder.path(), &["-p", &target.pid().to_string(), "-o", "heap.cbor"])?;
    ensure!(status("State:")?.starts_with('T'), "state {}", status("State:")?);
    ensure!(u64::from_str_radix(&status("SigPnd:")?, 16)? == 0, "a signal is pending");
    kill_process(pid, Signal::CONT)?;
    Heap::open(&folder.path().join("heap.cbor"))?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// The name of a control group is all that an engine leaves in the kernel.
fn container_by_its_group(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let id = format!("{:064x}", 0x00de_cade_0000_0000_u64 + u64::from(std::process::id())).replace('0', "a");
    let hierarchy =
        ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].map(Path::new).into_iter().find(|path| path.is_dir());
    let group = hierarchy.context("no control groups")?.join(format!("docker-{id}.scope"));
    if let Err(error) = fs::create_dir(&group) {
        return skipped(format!("no control group can be made: {error}"));
    }
    let mut command = Command::new("sh");
    command.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(group.join("cgroup.procs"));
    command.arg(&python.path).arg(Target::script("idle.py"));
    let result = Target::start(command).and_then(|target| {
        succeed(folder.path(), &["--container", &id[..12], "-o", "heap.cbor"])?;
        let heap = Heap::open(&folder.path().join("heap.cbor"))?;
        ensure!(heap.dump.header().pid == target.pid(), "another process was dumped");
        ensure!(heap.dump.header().container.as_ref() == Some(&id), "{:?}", heap.dump.header().container);
        let other = run(folder.path(), &["--container", "no-such-container"])?;
        ensure!(other.status.code() == Some(3), "{other:?}");
        target.finish()
    });
    fs::remove_dir(&group)?;
    result?;
    Ok(Verdict::Passed)
}

/// The kernel's answer is always the same; the rule behind it is named, and what to run.
fn refusals_are_explained(python: &Python) -> Result<Verdict> {
    if !rustix::process::geteuid().is_root() {
        return skipped("only root can become another user");
    }
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    for (as_whom, words) in [
        ("setpriv --reuid=65534 --regid=65534 --clear-groups", ["belongs to user 0", "sudo"]),
        ("unshare --user --map-root-user", ["user namespace", "outside"]),
    ] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {as_whom} \"$@\""), "sh"]).arg(binary("pyheap-dump")?);
        command.args(["-p", &target.pid().to_string(), "--dry-run"]).current_dir(folder.path());
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !said.starts_with("error:") {
            return skipped(format!("{as_whom}: {said}"));
        }
        ensure!(output.status.code() == Some(4), "{as_whom}: {output:?}");
        ensure!(words.iter().all(|word| said.contains(word)), "{as_whom}: {said}");
    }
    footprint.assert_same(target.pid())?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn top_from_a_shell(python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let pid = target.pid().to_string();
    let table = succeed(folder.path(), &["top", "-p", &pid, "-n", "3"])?;
    ensure!(table.contains("allocated") && table.contains("(all)"), "{table}");
    // By its other name.
    let link = folder.path().join("pyheap-top");
    std::os::unix::fs::symlink(binary("pyheap-dump")?, &link)?;
    let mut command = Command::new(&link);
    command.args(["-p", &pid, "-n", "1", "--watch", "0.1s"]).stdout(Stdio::piped());
    let mut watch = command.spawn()?;
    let mut lines = BufReader::new(watch.stdout.take().context("no output")?).lines();
    for _ in 0..3 {
        while !lines.next().context("it ended")??.contains("(all)") {}
    }
    let id = Pid::from_raw(i32::try_from(watch.id())?).context("pid")?;
    kill_process(id, Signal::INT)?;
    // It must not wait for us to read.
    drop(lines);
    let status = watch.wait()?;
    ensure!(status.success(), "{status}");
    await_condition("the walker to end", || Ok(processes_like(target.pid())?.is_empty()))?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// What the interpreter states is believed over the name of its file where the user says so.
fn a_file_named_after_another_version(python: &Python) -> Result<Verdict> {
    let (_, minor, _) = python.version;
    let library = format!("libpython3.{minor}.so.1.0");
    let library = python.path.ancestors().nth(2).context("no prefix")?.join("lib").join(library);
    if !library.exists() {
        return skipped(format!("{} has no library of its own", python.path.display()));
    }
    let folder = tempfile::tempdir()?;
    let misnamed = folder.path().join(format!("libpython3.{}.so.1.0", minor + 1));
    fs::copy(library, &misnamed)?;
    let mut command = Command::new(&python.path);
    // By its own name inside it, it stands for the one that the executable asks for.
    command.arg(Target::script("idle.py")).env("LD_PRELOAD", &misnamed);
    let target = Target::start(command)?;
    let pid = target.pid().to_string();
    for arguments in [&["-p", &pid, "-o", "heap.cbor"][..], &["-p", &pid, "--dry-run"]] {
        let output = run(folder.path(), arguments)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(5), "{output:?}");
        ensure!(said.contains("--ignore-compatibility-checks"), "{said}");
        succeed(folder.path(), &[arguments, &["--ignore-compatibility-checks"]].concat())?;
    }
    let heap = Heap::open(&folder.path().join("heap.cbor"))?;
    ensure!(heap.number(target.number("table")?).is_some(), "TABLE is not in the dump");
    target.finish()?;
    Ok(Verdict::Passed)
}

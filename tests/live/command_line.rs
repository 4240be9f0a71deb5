//! Options, usage errors, files that exist.

use anyhow::{Context, Result, ensure};
use pyheap_tests::{Debugger, Footprint, Heap, Python, Suite, Target, Verdict, analyze_json};
use std::fs;

pub fn register(suite: &mut Suite) {
    suite.usual("usage_errors_name_the_option", usage_errors_name_the_option);
    suite.sessions("help_is_there", help_is_there);
    suite.usual("never_overwrites", never_overwrites);
    suite.usual("default_file_name", default_file_name);
    suite.usual("keeps_as_much_text_as_asked_for", keeps_as_much_text_as_asked_for);
    suite.sessions("says_where_the_process_stands", says_where_the_process_stands);
}

fn usage_errors_name_the_option(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    for (command, words) in [
        ("pyheap-dump --no-such-option", ["--no-such-option"]),
        ("pyheap-dump --timeout soon", ["--timeout"]),
        ("pyheap-dump --str-repr-len many", ["--str-repr-len"]),
        ("pyheap-dump one two", ["one"]),
        ("pyheap-top --sort colour", ["--sort"]),
        ("pyheap-top --by colour", ["--by"]),
        ("pyheap-top -n few", ["-n"]),
        ("pyheap-dump -o missing/folder/heap.cbor", ["missing/folder"]),
    ] {
        let transcript = debugger.run(target.pid(), &[command], folder.path())?;
        transcript.assert_failure(&words).with_context(|| command.to_owned())?;
        footprint.assert_same(target.pid()).with_context(|| command.to_owned())?;
        ensure!(folder.path().read_dir()?.count() == 0, "{command} left a file");
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

fn help_is_there(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let dump_options = ["--str-repr-len", "--timeout", "--no-fork", "--detach", "--force"];
    for (command, words) in [
        ("help pyheap-dump", &dump_options[..]),
        ("pyheap-dump --help", &dump_options),
        ("help pyheap-top", &["--sort", "--by"]),
        ("pyheap-top --help", &["--sort", "--by"]),
        ("apropos pyheap", &["pyheap-dump", "pyheap-top"]),
    ] {
        let transcript = debugger.run(target.pid(), &[command], folder.path())?;
        transcript
            .assert_success()
            .and_then(|()| transcript.assert_says(words))
            .with_context(|| command.to_owned())?;
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

fn never_overwrites(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("heap.cbor");
    fs::write(&file, "precious")?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let transcript = debugger.run(target.pid(), &["pyheap-dump -o heap.cbor"], folder.path())?;
    transcript.assert_failure(&["heap.cbor", "--force"])?;
    ensure!(fs::read(&file)? == b"precious", "the file was overwritten");
    Heap::open(&debugger.dump(target.pid(), "--force", folder.path())?)?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn default_file_name(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    debugger.run(target.pid(), &["pyheap-dump"], folder.path())?.assert_success()?;
    let entry = folder.path().read_dir()?.next().context("no file")??;
    let name = entry.file_name().to_string_lossy().into_owned();
    let start = format!("heap-{}-", target.pid());
    ensure!(name.starts_with(&start) && name.ends_with(".cbor"), "the file is named {name}");
    Heap::open(&entry.path())?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn keeps_as_much_text_as_asked_for(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    for (option, expected) in [
        ("--str-repr-len 3", Some("one")),
        ("--str-repr-len 0", None),
        ("--str-repr-len -1", None),
        ("", Some("one text")),
    ] {
        let heap = Heap::open(&debugger.dump(target.pid(), &format!("--force {option}"), folder.path())?)?;
        let table = heap.number(target.number("table")?).context("TABLE")?;
        let values: Vec<_> =
            heap.referents(table).into_iter().map(|referent| heap.text(referent.address).ok()).collect();
        let found = values.get(1).cloned().flatten();
        ensure!(found.as_deref() == expected, "with {option:?}: {found:?}");
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

fn says_where_the_process_stands(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let transcript = debugger.run(target.pid(), &["pyheap-dump -o heap.cbor"], folder.path())?;
    transcript.assert_success()?;
    transcript.assert_says(&["memory", "objects", "stopped", "continue", "detach"])?;
    let file = folder.path().join("heap.cbor");
    let info = analyze_json(&["info", &file.to_string_lossy()])?;
    ensure!(info["pid"] == target.pid(), "pid {}", info["pid"]);
    ensure!(info["complete"] == true, "complete {}", info["complete"]);
    // The process stands still from the attach on; the pause is the part that the command needed.
    let (pause, stopped) =
        (info["pause_ms"].as_f64().unwrap_or(-1.0), info["stopped_ms"].as_f64().unwrap_or(-1.0));
    ensure!(pause > 0.0 && stopped >= pause, "pause {pause} ms of {stopped} ms");
    target.finish()?;
    Ok(Verdict::Passed)
}

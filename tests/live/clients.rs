//! The same heap through every debugger, and the commands in the hands of a driver that is not ours.

use anyhow::{Context, Result, ensure};
use gdb_command::{ExecType, GdbCommand};
use pyheap_tests::{
    Debugger, Footprint, Heap, Interpreter, Python, Suite, Target, Verdict, project, skipped,
};

pub fn register(suite: &mut Suite) {
    suite.interpreters("same_through_every_debugger", same_through_every_debugger);
    suite.test("gdb_command_drives_it", gdb_command_drives_it);
}

/// Addresses, types, sizes, edges and names of a process that stands still do not depend on who looks.
fn same_through_every_debugger(_: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "names.py", &[])?;
    let mut heaps = Vec::new();
    for debugger in Debugger::all() {
        if debugger.find().is_ok() {
            let file = debugger.dump(target.pid(), "--detach --force", folder.path())?;
            heaps.push((debugger, Heap::open(&file).with_context(|| debugger.to_string())?));
        }
    }
    let Some(((first, expected), others)) = heaps.split_first().filter(|(_, others)| !others.is_empty())
    else {
        return skipped("a second debugger");
    };
    for (debugger, found) in others {
        let differ = |what: &str| format!("{what} through {debugger} and {first} differ");
        let count = |heap: &Heap| heap.dump.object_count();
        ensure!(count(found) == count(expected), differ("numbers of objects"));
        let types = |heap: &Heap| -> Vec<_> {
            heap.dump
                .types()
                .iter()
                .map(|one| (one.address, one.full_name(), one.basicsize, one.itemsize))
                .collect()
        };
        ensure!(types(found) == types(expected), differ("types"));
        for (left, right) in found.objects().zip(expected.objects()) {
            ensure!(left == right, "{}: {left:?}, {right:?}", differ("objects"));
            let edges = (found.referents(left.number), expected.referents(right.number));
            ensure!(edges.0 == edges.1, "{} of {left:?}: {edges:?}", differ("edges"));
            let previews = (found.dump.preview(left.number), expected.dump.preview(right.number));
            ensure!(previews.0 == previews.1, "{} of {left:?}", differ("previews"));
        }
        ensure!(found.dump.threads() == expected.dump.threads(), differ("threads"));
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

/// A batch client that knows GDB, but not pyheap.
fn gdb_command_drives_it() -> Result<Verdict> {
    let python = match Interpreter::usual().find() {
        Ok(python) => python,
        Err(error) => return skipped(format!("{error:#}")),
    };
    if let Err(error) = Debugger::Gdb.find() {
        return skipped(format!("{error:#}"));
    }
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(&python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let file = folder.path().join("heap.cbor");
    let results = GdbCommand::new(&ExecType::Remote(&target.pid().to_string()))
        .ex(format!("source {}", project().canonicalize()?.join("gdbinit").display()))
        .ex("pyheap-top -n 2")
        .ex(format!("pyheap-dump -o {} --detach", file.display()))
        .launch()?;
    let [_, top, dump] = results.as_slice() else { anyhow::bail!("{results:?}") };
    ensure!(top.contains("objects") && top.contains("str"), "{top}");
    ensure!(dump.contains("written to"), "{dump}");
    let heap = Heap::open(&file)?;
    ensure!(heap.number(target.number("table")?).is_some(), "TABLE is not in the dump");
    footprint.assert_same(target.pid())?;
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

//! Corrupt memory is data: marked, and not in the way of the rest.

use anyhow::{Context, Result, ensure};
use pyheap_format::ObjectFlags;
use pyheap_tests::{Debugger, Footprint, Heap, Python, Suite, Target, Verdict, binary};
use std::collections::BTreeMap;
use std::process::Command;

pub fn register(suite: &mut Suite) {
    suite.product("corrupted_objects", corrupted_objects);
    suite.interpreters("memory_without_forks", memory_without_forks);
    suite.usual("names_do_not_act_on_terminals", names_do_not_act_on_terminals);
}

/// A process has its say in what is shown of it, but not over the terminal that shows it.
fn names_do_not_act_on_terminals(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "disguise.py", &[])?;
    let harmless = |shown: &str, name: &str| {
        let active = shown.find(|character: char| {
            character != '\n' && character.is_control() || ('\u{202a}'..='\u{202e}').contains(&character)
        });
        ensure!(active.is_none(), "{:?}", &shown[active.unwrap_or_default()..]);
        ensure!(shown.contains(name), "{name:?} is not in {shown}");
        Ok(())
    };
    for (options, name) in [
        ("--sort size", "Evil\u{fffd}[31m\u{fffd}\u{fffd}]52;c;aGk=\u{fffd}\u{fffd}2J\u{fffd}"),
        ("--sort count --by module", "mod\u{fffd}[2J\u{fffd}"),
        ("--sort retained", "mod\u{fffd}[2J\u{fffd}.Evil\u{fffd}[31m"),
    ] {
        let transcript = debugger.run(target.pid(), &[&format!("pyheap-top {options}")], folder.path())?;
        transcript.assert_success()?;
        harmless(&transcript.text(), name)?;
    }
    let dump = debugger.dump(target.pid(), "--detach", folder.path())?;
    for arguments in [&["types"][..], &["leaks"], &["types", "--format", "json"]] {
        let mut command = Command::new(binary("pyheap-analyze")?);
        let output = command.arg(arguments[0]).arg(&dump).args(&arguments[1..]).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        harmless(&String::from_utf8(output.stdout)?, "Evil")?;
    }
    target.finish()?;
    Ok(Verdict::Passed)
}

fn corrupted_objects(debugger: Debugger, python: &Python) -> Result<Verdict> {
    for options in ["--detach", "--no-fork"] {
        let folder = tempfile::tempdir()?;
        let mut target = Target::spawn(python, "corrupted.py", &[])?;
        let footprint = Footprint::of(target.pid())?;
        let heap = Heap::open(&debugger.dump(target.pid(), options, folder.path())?)?;
        let lists: BTreeMap<String, u64> = serde_json::from_value(target.fact("lists")?.clone())?;
        for (name, &list) in &lists {
            check(&heap, list).with_context(|| format!("{name} {options}"))?;
        }
        let crowd = heap.referents(heap.at(target.number("crowd")?)?.number);
        ensure!(crowd.len() == 2000, "the crowd has {} items", crowd.len());
        for item in &crowd {
            let object = heap.at(item.address)?;
            ensure!(object.flags.contains(ObjectFlags::UNREADABLE), "{object:?} has a type");
        }
        let process = &heap.dump.header().process;
        let (allocated, present) = (heap.dump.summary().context("no summary")?.allocated_size, process.rss);
        ensure!(allocated < present, "objects of {allocated} bytes in a process of {present}");
        let sound = heap.at(target.number("sound")?)?;
        let items = heap.referents(sound.number);
        ensure!(items.len() == 100, "the sound list has {} items", items.len());
        for item in items {
            let object = heap.at(item.address)?;
            ensure!(!object.flags.contains(ObjectFlags::UNREADABLE), "sound {object:?} is unreadable");
            ensure!(heap.referents(object.number).len() == 2, "sound {object:?} lost an edge");
        }
        let summary = heap.dump.summary().context("no summary")?;
        let unreadable = heap.objects().filter(|object| object.flags.contains(ObjectFlags::UNREADABLE));
        let unreadable: Vec<_> =
            unreadable.map(|object| format!("{:#x} {}", object.address, heap.type_name(&object))).collect();
        ensure!(unreadable.len() as u64 == summary.unreadable, "the summary counts {}", summary.unreadable);
        let corrupt = lists.len() + crowd.len();
        let expected = corrupt..=corrupt + 4;
        ensure!(expected.contains(&unreadable.len()), "unreadable: {unreadable:#?}");
        footprint.assert_same(target.pid())?;
        target.ping("after")?;
        target.finish()?;
    }
    Ok(Verdict::Passed)
}

/// What a process keeps from its forks cannot be read in the copy: those objects are marked, and all others are there.
fn memory_without_forks(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "unshared.py", &[])?;
    ensure!(*target.fact("done")? == true, "madvise failed");
    let heap = Heap::open(&debugger.dump(target.pid(), "--detach", folder.path())?)?;
    let within: Vec<u64> = serde_json::from_value(target.fact("within")?.clone())?;
    ensure!(!within.is_empty(), "nothing stands in that page");
    let items = heap.referents(heap.at(target.number("list")?)?.number);
    ensure!(items.len() == 20000, "the list has {} items", items.len());
    for item in items {
        let unreadable = heap.at(item.address)?.flags.contains(ObjectFlags::UNREADABLE);
        // An object may begin before the page and reach into it.
        let near = within.iter().any(|address| address.abs_diff(item.address) < 256);
        ensure!(unreadable <= near, "0x{:x} is unreadable", item.address);
        ensure!(unreadable || !within.contains(&item.address), "0x{:x} was read", item.address);
    }
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// Of ten objects in a list the sixth is corrupt: it, or what it points at, is unreadable, and the other nine are not.
fn check(heap: &Heap, list: u64) -> Result<()> {
    let list = heap.at(list)?;
    let items = heap.referents(list.number);
    ensure!(items.len() == 10, "the list has {} items", items.len());
    for (index, item) in items.iter().enumerate() {
        let object = heap.at(item.address)?;
        let unreadable =
            |object: &pyheap_format::reader::Object| object.flags.contains(ObjectFlags::UNREADABLE);
        let within = heap
            .referents(object.number)
            .iter()
            .any(|part| heap.at(part.address).is_ok_and(|part| unreadable(&part)));
        let corrupt = unreadable(&object) || within;
        ensure!(corrupt == (index == 5), "item {index} is {object:?}");
    }
    Ok(())
}

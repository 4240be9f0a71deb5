//! What is in a dump: keys, elements, names, previews; hostile objects.

use anyhow::{Context, Result, ensure};
use pyheap_format::{Digest, EdgeKind, ObjectFlags};
use pyheap_tests::{
    Debugger, Footprint, Heap, Python, Suite, Target, Verdict, analyze_json, packages, skipped,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;

pub fn register(suite: &mut Suite) {
    suite.product("cache", cache);
    suite.product("object_column", object_column);
    suite.product("digests", digests);
    suite.product("names", names);
    suite.product("hostile_objects", hostile_objects);
    suite.interpreters("subinterpreters", subinterpreters);
}

fn cache(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "cache.py", &[])?;
    let heap = Heap::open(&debugger.dump(target.pid(), "--detach", folder.path())?)?;
    let count = target.number("count")?;
    let dict = heap.at(target.number("cache")?)?;
    ensure!(dict.length == Some(count), "length {:?}", dict.length);
    let mut expected: HashSet<String> = (0..count).map(|number| format!("unique key {number}")).collect();
    for (key, value) in heap.entries(dict.number) {
        ensure!(expected.remove(&key), "unexpected key {key}");
        let value = heap.text(value)?;
        ensure!(value == key.replace("unique key", "value of"), "{key}: {value}");
    }
    ensure!(expected.is_empty(), "{} keys are missing", expected.len());
    target.finish()?;
    Ok(Verdict::Passed)
}

/// The objects of all interpreters of the process are there.
fn subinterpreters(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "subinterpreter.py", &[])?;
    let dump = debugger.dump(target.pid(), "--detach", folder.path())?;
    let dump = dump.to_str().context("path")?;
    let types = analyze_json(&["types", dump])?;
    let rows = types["types"].as_array().context("no types")?;
    for (name, count) in [("__main__.InFirst", 500), ("__main__.InSecond", 1000)] {
        let row = rows.iter().find(|row| row["type"] == name).with_context(|| format!("no {name}"))?;
        ensure!(row["count"] == count, "{row:#}");
    }
    analyze_json(&["verify", dump])?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn object_column(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let path = match packages(python, &["numpy"]) {
        Ok(path) => path,
        Err(error) => return skipped(format!("numpy for {}: {error:#}", python.version_text())),
    };
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(&python.path);
    command.arg(Target::script("cache.py")).arg("numpy").env("PYTHONPATH", path);
    let target = Target::start(command)?;
    let heap = Heap::open(&debugger.dump(target.pid(), "--detach", folder.path())?)?;
    let count = target.number("count")?;

    let column = heap.at(target.number("column")?)?;
    let elements: Vec<_> = heap
        .referents(column.number)
        .into_iter()
        .filter(|one| one.edge.name.kind() == EdgeKind::Element)
        .collect();
    ensure!(elements.len() as u64 == count, "{} of {count} elements", elements.len());
    for (number, element) in elements.iter().enumerate() {
        ensure!(element.name == format!("[{number}]"), "element {number} is named {}", element.name);
        ensure!(heap.text(element.address)? == format!("row {number}"), "element {number}");
    }

    let base = |name| -> Result<u64> {
        let view = heap.number(target.number(name)?).with_context(|| format!("no {name}"))?;
        Ok(heap.referent(view, "base")?.address)
    };
    ensure!(base("view")? == column.address, "base of a view of objects");
    let owner = heap.at(target.number("owner")?)?;
    ensure!(base("owned_view")? == owner.address, "base of a view");
    // The buffer of a megabyte is counted once: with its owner.
    ensure!((1_000_000..1_010_000).contains(&owner.allocated), "the owner has {} bytes", owner.allocated);
    let view = heap.at(target.number("owned_view")?)?;
    ensure!(view.allocated < 1000, "the view has {} bytes", view.allocated);
    target.finish()?;
    Ok(Verdict::Passed)
}

/// Another implementation of the hash agrees on whole contents, and `waste` finds what is there several times.
fn digests(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let path = match packages(python, &["numpy", "xxhash"]) {
        Ok(path) => path,
        Err(error) => return skipped(format!("numpy and xxhash for {}: {error:#}", python.version_text())),
    };
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(&python.path);
    command.arg(Target::script("contents.py")).env("PYTHONPATH", path);
    let target = Target::start(command)?;
    let file = debugger.dump(target.pid(), "--detach", folder.path())?;
    let heap = Heap::open(&file)?;
    let found: HashMap<u32, Digest> = heap.dump.digest_chunks().flat_map(|chunk| chunk.iter()).collect();
    for row in target.fact("contents")?.as_array().context("contents")? {
        let number = row[0].as_u64().and_then(|address| heap.number(address)).context("no such object")?;
        let expected = row[1].as_u64().map(|value| Digest { value, uniform: row[2] == true });
        ensure!(found.get(&number).copied() == expected, "{row} has {:?}", found.get(&number));
    }

    let dump = file.to_str().context("path")?;
    let waste = analyze_json(&["waste", dump, "-n", "0"])?;
    let of = |kind: &str, place: &str, class: &str| -> Result<(u64, u64)> {
        let rows = waste["rows"].as_array().context("no rows")?;
        let is_wanted = |row: &&Value| {
            row["waste"] == kind
                && row["type"] == class
                && row["held_as"].as_str().unwrap_or_default() == place
        };
        let row = rows.iter().find(is_wanted).with_context(|| format!("no {kind} of {class} at {place}"))?;
        Ok((row["objects"].as_u64().unwrap_or_default(), row["bytes"].as_u64().unwrap_or_default()))
    };
    let page = target.number("page")?;
    let (objects, bytes) = of("duplicate content", "", "bytes")?;
    // Code has many small ones.
    ensure!(objects >= 2999 && bytes >= 2999 * page, "{objects} equal bytes, {bytes} bytes in them");
    ensure!(of("duplicate content", "", "bytearray")?.0 == 999, "equal bytearrays");
    ensure!(of("equal objects", "__main__.Order.items", "list")?.0 == 1990, "equal lists");
    ensure!(of("empty containers", "__main__.Order.notes", "list")?.0 == 2000, "empty lists");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn names(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "names.py", &[])?;
    let file = debugger.dump(target.pid(), "--detach", folder.path())?;
    let heap = Heap::open(&file)?;
    let mut wrong = Vec::new();
    for expected in target.fact("names")?.as_array().context("names")? {
        let (Some(source), Some(name), Some(referent)) =
            (expected[0].as_u64(), expected[1].as_str(), expected[2].as_u64())
        else {
            continue;
        };
        let mut referents = named_referents(&file, source)?;
        // Before 3.11 the locals of generators and coroutines belong to a frame object.
        let frame = referents
            .iter()
            .find(|(field, _)| field == "gi_frame" || field == "cr_frame")
            .map(|(_, frame)| *frame);
        if let Some(frame) = frame {
            referents.append(&mut named_referents(&file, frame)?);
        }
        if !referents.contains(&(name.to_owned(), referent)) {
            let kind = heap.type_name(&heap.at(source)?);
            wrong.push(format!("{kind} should have {name} -> {referent:#x}, has {referents:x?}"));
        }
    }
    for cell in target.fact("cells")?.as_array().context("cells")? {
        // A function names the variable; the variable's value is behind its cell.
        let Some(function) = cell[0].as_u64().and_then(|function| heap.number(function)) else { continue };
        let reached = heap.referents(function).iter().any(|field| {
            heap.number(field.address).is_some_and(|tuple| {
                heap.referents(tuple).iter().any(|item| {
                    heap.number(item.address).is_some_and(|cell_object| {
                        heap.referents(cell_object).iter().any(|end| cell[2] == end.address)
                    })
                })
            })
        });
        if !reached {
            wrong.push(format!("closure variable {} is not reached", cell[1]));
        }
    }
    let counted = heap.at(target.number("counted")?)?;
    let refcount = target.number("refcount")?;
    if counted.refcount != refcount {
        wrong.push(format!("reference count {} instead of {refcount}", counted.refcount));
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    target.finish()?;
    Ok(Verdict::Passed)
}

/// What `pyheap-analyze object` names: the edges of an object, and the addresses that they lead to.
fn named_referents(file: &Path, address: u64) -> Result<Vec<(String, u64)>> {
    let report = analyze_json(&["object", &file.to_string_lossy(), &format!("{address:#x}")])?;
    let referents = report["referents"].as_array().context("referents")?;
    let named = referents.iter().filter_map(|one| {
        let address = one["address"].as_str()?.strip_prefix("0x")?;
        Some((one["name"].as_str()?.to_owned(), u64::from_str_radix(address, 16).ok()?))
    });
    Ok(named.collect())
}

fn hostile_objects(debugger: Debugger, python: &Python) -> Result<Verdict> {
    for options in ["--detach", "--no-fork"] {
        let folder = tempfile::tempdir()?;
        let mut target = Target::spawn(python, "hostile.py", &[])?;
        let footprint = Footprint::of(target.pid())?;
        let heap = Heap::open(&debugger.dump(target.pid(), options, folder.path())?)?;
        let list = |name| -> Result<Vec<u64>> {
            Ok(target.fact(name)?.as_array().context("list")?.iter().filter_map(Value::as_u64).collect())
        };
        for (address, class) in list("addresses")?.into_iter().zip(list("types")?) {
            let object = heap.at(address)?;
            ensure!(!object.flags.contains(ObjectFlags::UNREADABLE), "{object:?} is unreadable");
            let found = heap.dump.types().get(object.type_number as usize).map(|class| class.address);
            ensure!(found == Some(class), "type of {object:?}");
        }
        footprint.assert_same(target.pid())?;
        // Would answer `called` first if any of the traps had run.
        target.ping("after")?;
        target.finish()?;
    }
    Ok(Verdict::Passed)
}

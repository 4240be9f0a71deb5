//! Dumps that are compressed while they are written.

use anyhow::{Context, Result, ensure};
use pyheap_format::reader::Dump;
use pyheap_tests::{Debugger, Heap, Python, Suite, Target, Verdict, analyze_json};
use std::fs;

pub fn register(suite: &mut Suite) {
    suite.usual("a_compressed_dump_tells_the_same", a_compressed_dump_tells_the_same);
    suite.usual("a_cut_compressed_dump_is_read_in_part", a_cut_compressed_dump_is_read_in_part);
}

fn a_compressed_dump_tells_the_same(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let commands = ["pyheap-dump -o plain.cbor", "pyheap-dump -o heap.cbor.zst"];
    let transcript = debugger.run(target.pid(), &commands, folder.path())?;
    transcript.assert_success()?;
    transcript.assert_says(&["uncompressed", "heap.cbor.zst"])?;
    let [plain, compressed] = ["plain.cbor", "heap.cbor.zst"].map(|name| folder.path().join(name));

    for command in ["info", "types", "threads"] {
        let [mut expected, mut found] =
            [&plain, &compressed].map(|file| analyze_json(&[command, &file.to_string_lossy()]));
        if command == "info" {
            // What differs between two snapshots of a process that stands still.
            for info in [&mut expected, &mut found].into_iter().flatten() {
                let info = info.as_object_mut().context("no object")?;
                ensure!(info["complete"] == true, "{info:?}");
                info.retain(|key, _| {
                    !["created_at", "pause_ms", "stopped_ms", "process"].contains(&key.as_str())
                });
            }
        }
        let (expected, found) = (expected?, found?);
        ensure!(expected == found, "{command}: {found}, uncompressed {expected}");
    }

    let stored = fs::read(&compressed)?;
    let content = zstd::decode_all(stored.as_slice()).context("the reference implementation")?;
    ensure!(stored.len() < content.len() / 2, "{} of {} bytes", stored.len(), content.len());
    let dump = Dump::from_bytes(&content)?;
    ensure!(dump.complete(), "{:?}", dump.warnings());
    let before_footer = dump.footer().context("no footer")?.bytes as usize;
    ensure!(content.get(before_footer..).is_some_and(|footer| footer.starts_with(&[0x84, 9, 0x1A])));
    let heap = Heap::open(&compressed)?;
    ensure!(heap.at(target.number("numbers")?)?.length == Some(3), "another list");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn a_cut_compressed_dump_is_read_in_part(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    debugger.run(target.pid(), &["pyheap-dump -o heap.cbor.zst"], folder.path())?.assert_success()?;
    target.finish()?;
    let file = folder.path().join("heap.cbor.zst");
    let whole = Dump::open(&file)?;
    let stored = fs::read(&file)?;
    let mut objects = 0;
    for tenths in 1..10 {
        let cut = folder.path().join("cut.cbor.zst");
        fs::write(&cut, &stored[..stored.len() * tenths / 10])?;
        let part = Dump::open(&cut).with_context(|| format!("{tenths} tenths"))?;
        ensure!(!part.complete(), "{tenths} tenths are complete");
        let warnings = part.warnings().join("; ");
        ensure!(warnings.contains("compressed file is cut off"), "{tenths} tenths: {warnings}");
        ensure!(part.header() == whole.header(), "another header");
        ensure!(part.object_count() >= objects, "{tenths} tenths hold fewer objects");
        objects = part.object_count();
        for number in (0..objects).step_by(100) {
            ensure!(part.object(number) == whole.object(number), "object {number} of {tenths} tenths");
        }
        let info = analyze_json(&["info", &cut.to_string_lossy()])?;
        ensure!(info["complete"] == false && info["objects"] == objects, "{info}");
    }
    ensure!(objects > whole.object_count() / 2, "{objects} of {} objects", whole.object_count());
    Ok(Verdict::Passed)
}

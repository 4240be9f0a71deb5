//! Runs the program over a small dump whose contents are known.

#[expect(dead_code, reason = "the other tests that include it use the rest")]
#[path = "../../../heap/tests/sample/mod.rs"]
mod sample;

use assert_cmd::Command;
use sample::{address, sample};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::Stdio;
use tempfile::NamedTempFile;

fn dump_of(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pyheap-analyze"))
}

fn run(command: &str, arguments: &[&str]) -> String {
    let file = dump_of(&sample().0);
    let output =
        program().arg(command).arg(file.path()).args(arguments).assert().success().get_output().clone();
    // Where the format has no place for it, that rows are left out is told here.
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(notes.lines().all(|line| line.ends_with("left out (-n 0 prints all)")), "{notes}");
    String::from_utf8(output.stdout).unwrap()
}

fn json_of(command: &str, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(command, &[arguments, &["--format", "json"]].concat())).unwrap()
}

fn object(number: u32) -> Value {
    json_of("object", &[&format!("{:#x}", address(number))])
}

#[test]
fn info_as_a_table() {
    insta::assert_snapshot!(run("info", &[]));
}

#[test]
fn types_as_a_table() {
    insta::assert_snapshot!(run("types", &["-n", "5"]));
}

#[test]
fn threads_as_a_table() {
    insta::assert_snapshot!(run("threads", &[]));
}

#[test]
fn object_as_a_table() {
    let rows = address(sample().1.rows).to_string();
    insta::assert_snapshot!(run("object", &[&rows]));
}

#[test]
fn threads_as_csv() {
    insta::assert_snapshot!(run("threads", &["--format", "csv"]));
}

#[test]
fn info_has_its_stable_fields() {
    let info = json_of("info", &[]);
    let expected = json!({
        "format_version": "1.1", "python": "3.11.7", "pid": 4711, "created_at": "2026-01-02T03:04:05Z", "objects": 27,
        "edges": 18, "types": 14, "threads": 1, "unreadable": 0, "opaque": 0, "estimated": 0, "complete": true,
        "torn": false, "safe_point": "idle", "pause_ms": 12.25, "stopped_ms": 80.0,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&info[field], value, "{field}");
    }
    // Types: 14 of 400. The others as the sample states them.
    assert_eq!(
        info["shallow_size"],
        14 * 400 + 53 + 53 + 28 + 24 + 16 + 1049 + 56 + 216 + 48 + 120 + 300 + 184 + 48
    );
    // Rounded to 16, static ones (12 types and None) left out.
    assert_eq!(
        info["allocated_size"],
        2 * 400 + 64 + 64 + 32 + 32 + 1056 + 64 + 224 + 48 + 128 + 304 + 192 + 48
    );
    assert_eq!((&info["process"]["rss"], &info["process"]["swap"]), (&json!(10 << 20), &json!(0)));
}

#[test]
fn the_first_line_of_info_adds_up() {
    let (allocated, free, files, rss) = (3056.0, 4096.0, f64::from(6 << 20), f64::from(10 << 20));
    let line = run("info", &[]).lines().next().unwrap().to_owned();
    let rest = (rss - allocated - free - files) / f64::from(1 << 20);
    assert_eq!(
        line,
        format!(
            "RSS 10.0 MiB = Python objects 3.0 KiB + allocator free 4.0 KiB + mapped files 6.0 MiB \
             + everything not accounted for {rest:.1} MiB"
        )
    );
}

#[test]
fn types_are_sorted_and_limited() {
    let types = json_of("types", &["--sort", "count", "-n", "2"]);
    assert_eq!(
        types["types"],
        json!([
            { "type": "type", "count": 14, "shallow_size": 5600, "allocated_size": 800 },
            { "type": "str", "count": 3, "shallow_size": 1155, "allocated_size": 1184 },
        ])
    );
    let all = json_of("types", &["--sort", "type"]);
    let names: Vec<_> =
        all["types"].as_array().unwrap().iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert!(names.is_sorted());
    assert_eq!((&types["types_total"], &all["types_total"]), (&json!(names.len()), &json!(names.len())));
    assert!(names.contains(&"app.Point") && names.contains(&"collections.OrderedDict"));
    assert!(
        run("types", &["--format", "csv", "-n", "1"])
            .starts_with("type,count,shallow_size,allocated_size\nstr,3,")
    );
}

#[test]
fn threads_have_frames_and_locals() {
    let (_, numbers) = sample();
    let mut threads = json_of("threads", &[]);
    // What it holds is tested elsewhere.
    threads["threads"][0].as_object_mut().unwrap().remove("retained_size");
    let cache = format!("{:#x}", address(numbers.cache));
    assert_eq!(
        threads["threads"],
        json!([{
            "name": "MainThread", "ident": 0x7F11_0000_0740_u64, "native_id": 4711, "daemon": false, "alive": true,
            "frames": [
                { "file": "/srv/app.py", "line": 12, "function": "Cache.fill", "locals": [
                    { "name": "self", "address": cache, "type": "app.Cache", "repr": format!("<app.Cache object at {cache}>") },
                    { "name": "count", "address": format!("{:#x}", address(16)), "type": "int", "repr": "1" },
                ] },
                { "file": "/srv/app.py", "line": null, "function": "<module>", "locals": [] },
            ],
        }])
    );
}

#[test]
fn objects_read_as_python_writes_them() {
    let (_, numbers) = sample();
    let cache = format!("<app.Cache object at {:#x}>", address(numbers.cache));
    let rows = object(numbers.rows);
    assert_eq!(
        rows["repr"],
        format!("[1, (None,), […], {cache}, 'line\\nof a long text'…, app.Point(1, 0.5)]")
    );
    assert_eq!(rows["length"], 6);
    assert_eq!(object(numbers.members)["repr"], "{'rows'}");
    assert_eq!(object(numbers.point)["repr"], "app.Point(1, 0.5)");
    assert_eq!(object(numbers.text)["repr"], "'line\\nof a long text'…");
    assert_eq!(object(0)["repr"], "<class 'type'>");
    assert_eq!(object(9)["repr"], "<class 'app.Cache'>");
}

#[test]
fn referents_have_names() {
    let (_, numbers) = sample();
    let cache = object(numbers.cache);
    let namespace = format!("{:#x}", address(numbers.cache - 1));
    assert_eq!(
        cache["referents"],
        json!([
            { "name": "__class__", "source": "layout", "owned": true, "address": format!("{:#x}", address(9)),
              "type": "type", "repr": "<class 'app.Cache'>" },
            { "name": "__dict__", "source": "traverse", "owned": true, "address": namespace, "type": "dict",
              "repr": "{'rows': […], \"it's\": collections.OrderedDict({…})}".replace("[…]", &inner_rows(&numbers)).replace("{…}", "{1: {…}}") },
            { "name": "?", "source": "traverse", "owned": true, "address": null, "type": null, "repr": "<not in the dump>" },
        ])
    );
    let names = |number: u32| -> Vec<String> {
        let referents = object(number)["referents"].as_array().unwrap().clone();
        referents.iter().map(|referent| referent["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        names(numbers.cache - 1),
        ["__class__", "key 'rows'", "['rows']", "key \"it's\"", "[\"it's\"]"]
    );
    assert_eq!(names(numbers.point), ["__class__", "[0]", "[1]"]);
    assert_eq!(names(numbers.members), ["__class__", "member 'rows'"]);
}

#[test]
fn referents_are_limited_on_demand() {
    let rows = address(sample().1.rows).to_string();
    let table = run("object", &[&rows, "-n", "2"]);
    assert!(
        table.contains("Refers to 7 objects:") && table.contains("… and 5 more (-n 0 shows all)"),
        "{table}"
    );
    let count = |arguments: &[&str]| json_of("object", arguments)["referents"].as_array().unwrap().len();
    assert_eq!((count(&[&rows]), count(&[&rows, "-n", "2"]), count(&[&rows, "-n", "0"])), (7, 2, 7));
}

/// The list as a part of a part: one more level is shown, the next is not.
fn inner_rows(numbers: &sample::Numbers) -> String {
    format!(
        "[1, (…), […], <app.Cache object at {:#x}>, 'line\\nof a long text'…, app.Point(…)]",
        address(numbers.cache)
    )
}

#[test]
fn standard_input_is_read() {
    let (bytes, _) = sample();
    let output = program().args(["types", "-", "--format", "csv"]).write_stdin(bytes).assert().success();
    assert!(String::from_utf8_lossy(&output.get_output().stdout).contains("\napp.Point,1,56,64\n"));
}

#[test]
fn a_cut_dump_gives_what_is_there_and_says_so() {
    let (bytes, _) = sample();
    let file = dump_of(&bytes[..bytes.len() - 9]);
    let output = program().arg("info").arg(file.path()).args(["--format", "json"]).assert().success();
    let info: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!((&info["complete"], &info["objects"]), (&json!(false), &json!(27)));
    let notes = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(notes.starts_with("warning: the file is cut off"), "{notes}");
}

#[test]
fn what_cannot_be_read_is_an_error_with_a_hint() {
    let foreign = dump_of(b"#!/bin/sh\n");
    let failure = |code: i32, arguments: &[&str]| {
        let output = program().args(arguments).assert().code(code);
        assert!(output.get_output().stdout.is_empty());
        String::from_utf8_lossy(&output.get_output().stderr).into_owned()
    };
    let path = foreign.path().display().to_string();
    assert_eq!(
        failure(3, &["types", &path]),
        format!(
            "error: {path}: this is not a pyheap dump: it starts with 23 21 2f 62 69 6e 2f 73, and a dump starts with 84 00 1a\n\
             hint: dumps are written by `pyheap-dump` inside the debugger\n"
        )
    );
    let missing = format!("{path}.missing");
    assert_eq!(
        failure(3, &["info", &missing]),
        format!("error: {missing}: the file cannot be read: No such file or directory (os error 2)\n")
    );
    let file = dump_of(&sample().0);
    let file = file.path().display().to_string();
    assert!(failure(5, &["object", &file, "0x10"]).starts_with("error: no object of the dump is at 0x10"));
    assert!(failure(5, &["paths", &file, "--all-merged", "app.None"]).contains("is of type app.None"));
    program().args(["object", &file, "zero"]).assert().code(2);
    let beginning = dump_of(&sample().0[..40]);
    failure(4, &["info", &beginning.path().display().to_string()]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let file = dump_of(&sample().0);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_pyheap-analyze"))
        .args(["types", "-", "--format", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The reader is gone before the program has its input, and so before it can have written anything.
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(&std::fs::read(file.path()).unwrap()).unwrap();
    let mut notes = String::new();
    child.stderr.take().unwrap().read_to_string(&mut notes).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(notes, "");
}

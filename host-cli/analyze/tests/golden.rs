//! Every command in every format over stored dumps of real processes, one of each CPython that is supported.
//!
//! `dumps/README.md` says how the dumps were made. A snapshot holds one command over one dump, in all formats; they are looked at
//! before they are accepted.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const FORMATS: [&str; 3] = ["table", "json", "csv"];

/// Columns of CSV that JSON tells by nesting.
const NESTED: [&str; 3] = ["thread", "frame", "local"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps")
}

/// What a command prints, in one format; notes come behind the answer.
fn run(arguments: &[&str], format: &str) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pyheap-analyze"))
        .args(arguments)
        .args(["--format", format])
        .current_dir(folder())
        .env("PYHEAP_CACHE_DIR", "")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (answer, notes) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{arguments:?} {format}: {notes}");
    (answer, notes)
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.keys().cloned());
            members.values().for_each(|member| keys(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// The columns of CSV, or the keys of its first column, are names that JSON uses; of a list without a row, names that JSON would use.
fn names_agree(arguments: &[&str], json: &str, csv: &str) {
    let mut known: BTreeSet<String> = NESTED.map(str::to_owned).into();
    keys(&serde_json::from_str(json).unwrap(), &mut known);
    if csv.lines().count() < 2 {
        let question = arguments.first().filter(|first| !first.ends_with(".zst")).unwrap_or(&"summary");
        let schema = format!("{}/../../docs/schema/{question}.json", env!("CARGO_MANIFEST_DIR"));
        keys(&serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap(), &mut known);
    }
    let head = csv.lines().next().unwrap_or_default();
    let columns: Vec<&str> = match head {
        "key,value" => csv.lines().skip(1).filter_map(|line| line.split(',').next()).collect(),
        head => head.split(',').collect(),
    };
    for column in columns {
        assert!(known.contains(column), "{arguments:?}: {column} is no name of JSON");
    }
}

/// The interpreters of the stored dumps were those of somebody's home folder, which is nobody's business.
fn without_home(text: &str) -> String {
    const INTERPRETERS: &str = "/.pyenv/";
    let mut parts = text.split(INTERPRETERS);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let home = shown.trim_end_matches(|c: char| c == '/' || c.is_alphanumeric()).len();
        shown.truncate(home);
        shown += "~";
        shown += INTERPRETERS;
        shown += part;
    }
    shown
}

fn check(dump: &str, name: &str, arguments: &[&str]) {
    let answers = FORMATS.map(|format| run(arguments, format));
    names_agree(arguments, &answers[1].0, &answers[2].0);
    let parts = FORMATS.iter().zip(&answers).map(|(format, (answer, notes))| {
        let notes = if notes.is_empty() { String::new() } else { format!("---\n{notes}") };
        format!("--- {format}\n{answer}{notes}")
    });
    let text: String = parts.collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("{dump}-{name}"), without_home(&text)));
}

fn every_command(dump: &str) {
    let file = &*format!("{dump}.cbor.zst");
    let list: Value = {
        let query = "type == 'list' && length > 100";
        let (json, _) = run(&["query", file, query], "json");
        serde_json::from_str(&json).unwrap()
    };
    let session = list["objects"][0]["address"].as_str().unwrap();
    let n = ["-n", "4"];
    check(dump, "summary", &[file]);
    for command in ["info", "threads", "verify"] {
        check(dump, command, &[command, file]);
    }
    for command in ["types", "modules", "retained-heap", "native-refs", "cycles", "waste"] {
        check(dump, command, &[&[command, file][..], &n].concat());
    }
    check(dump, "types-retained", &[&["types", file, "--sort", "retained"][..], &n].concat());
    check(dump, "object", &[&["object", file, session][..], &n].concat());
    check(dump, "paths", &[&["paths", file, session][..], &n].concat());
    check(dump, "merged-paths", &[&["paths", file, "--all-merged", "__main__.Session"][..], &n].concat());
    check(dump, "dominators", &[&["dominators", file, session, "--share", "0"][..], &n].concat());
    check(dump, "leaks", &[&["leaks", file, "--share", "1"][..], &n].concat());
    check(dump, "query", &[&["query", file, "type == '__main__.Point'"][..], &n].concat());
}

macro_rules! dumps {
    ($($test:ident $dump:literal,)*) => {
        $(
            #[test]
            fn $test() {
                every_command($dump);
            }
        )*

        #[test]
        fn every_stored_dump_is_read() {
            let known = [$($dump),*].map(|dump| format!("{dump}.cbor.zst"));
            let diffed = ["python3.12-grown.cbor.zst", "python3.12-full.cbor.zst", "README.md"];
            let known: BTreeSet<String> = known.into_iter().chain(diffed.map(str::to_owned)).collect();
            let names = folder().read_dir().unwrap();
            let stored = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            assert_eq!(stored.collect::<BTreeSet<_>>(), known);
        }
    };
}

dumps! {
    python_3_8 "python3.8",
    python_3_9 "python3.9",
    python_3_10 "python3.10",
    python_3_11 "python3.11",
    python_3_12 "python3.12",
    python_3_13 "python3.13",
}

#[test]
fn growth_of_a_process() {
    let (old, new, newest) = ("python3.12.cbor.zst", "python3.12-grown.cbor.zst", "python3.12-full.cbor.zst");
    check("python3.12", "diff", &["diff", old, new, "-n", "4"]);
    check("python3.12", "survivors", &["diff", old, new, newest, "-n", "4"]);
    check("python3.12", "diff-of-versions", &["diff", "python3.11.cbor.zst", old, "-n", "4"]);
}

/// What the program is known to do, whatever the interpreter: the snapshots are not believed blindly.
#[test]
fn answers_are_those_of_the_program() {
    for dump in ["python3.8", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13"] {
        let file = &*format!("{dump}.cbor.zst");
        let json = |arguments: &[&str]| -> Value { serde_json::from_str(&run(arguments, "json").0).unwrap() };
        let types = json(&["types", file]);
        let count = |name: &str| {
            let rows = types["types"].as_array().unwrap();
            rows.iter().find(|row| row["type"] == name).map(|row| row["count"].as_u64().unwrap())
        };
        assert_eq!(count("__main__.Session"), Some(150), "{dump}");
        assert_eq!(count("__main__.Point"), Some(20), "{dump}");
        // One chain is held, the other is garbage.
        assert_eq!(count("__main__.Node"), Some(31 + 11), "{dump}");
        let merged = json(&["paths", file, "--all-merged", "__main__.Session"]);
        assert_eq!(merged["count"], 150, "{dump}");
        let threads = json(&["threads", file]);
        let names: Vec<_> = threads["threads"].as_array().unwrap().iter().map(|of| &of["name"]).collect();
        assert!(names.contains(&&"worker".into()) && names.contains(&&"MainThread".into()), "{names:?}");
        let leaks = json(&["leaks", file, "--share", "1"]);
        let cause = serde_json::json!({ "kind": "module-variable", "name": "CACHE" });
        // The list of sessions is found, and what makes it live for ever is recognised.
        assert!(leaks["suspects"].as_array().unwrap().iter().any(|row| row["cause"] == cause), "{dump}");
        assert_eq!(json(&["verify", file])["passed"], true, "{dump}");
    }
    let grown = json_of_growth();
    let sessions = grown["types"].as_array().unwrap().iter().find(|row| row["name"] == "__main__.Session");
    assert_eq!(sessions.unwrap()["count"], 100);
    assert_eq!(grown["same_process"], true);
}

fn json_of_growth() -> Value {
    let arguments = ["diff", "python3.12.cbor.zst", "python3.12-grown.cbor.zst"];
    serde_json::from_str(&run(&arguments, "json").0).unwrap()
}

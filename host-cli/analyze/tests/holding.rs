//! Runs the commands that tell who holds what over a small dump whose contents are known.

#[expect(dead_code, reason = "the other tests that include it use the rest")]
#[path = "../../../heap/tests/sample/mod.rs"]
mod sample;

use assert_cmd::Command;
use sample::{address, sample};
use serde_json::Value;
use std::io::Write;
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

fn file() -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&sample().0).unwrap();
    file
}

fn run(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyheap-analyze"));
    let file = file();
    let with_file = arguments.iter().map(|argument| match *argument {
        "FILE" => file.path().to_str().unwrap(),
        other => other,
    });
    let output = command.args(with_file).assert().success().get_output().clone();
    String::from_utf8(output.stdout).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&run(&[arguments, &["--format", "json"]].concat())).unwrap()
}

#[test]
fn tables() {
    let cache = format!("{:#x}", address(sample().1.cache));
    let point = format!("{:#x}", address(sample().1.point));
    for (name, arguments) in [
        ("retained_heap", &["retained-heap", "FILE", "-n", "5"][..]),
        ("types_retained", &["types", "FILE", "--sort", "retained"]),
        ("modules", &["modules", "FILE"]),
        ("paths", &["paths", "FILE", &point]),
        ("merged_paths", &["paths", "FILE", "--all-merged", "app.Point"]),
        ("dominators", &["dominators", "FILE", &cache]),
        ("native_refs", &["native-refs", "FILE"]),
        ("cycles", &["cycles", "FILE"]),
        ("waste", &["waste", "FILE"]),
    ] {
        insta::assert_snapshot!(name, run(arguments));
    }
}

/// Every command, in every format, gives something.
#[test]
fn every_command_has_every_format() {
    for command in ["retained-heap", "modules", "dominators", "leaks", "native-refs", "cycles", "waste"] {
        for format in ["table", "json", "csv"] {
            assert!(!run(&[command, "FILE", "--format", format]).is_empty(), "{command} {format}");
        }
    }
    for format in ["table", "json", "csv"] {
        assert!(!run(&["FILE", "--format", format]).is_empty());
    }
}

#[test]
fn what_the_cache_holds_is_what_goes_with_it() {
    let numbers = sample().1;
    let heap = json(&["retained-heap", "FILE", "-n", "0"]);
    let objects = heap["objects"].as_array().unwrap();
    let of = |number: u32| {
        let address = format!("{:#x}", address(number));
        objects.iter().find(|object| object["address"] == address.as_str()).unwrap()
    };
    let sum = |field: &str, numbers: &[u32]| -> u64 {
        numbers.iter().map(|&number| of(number)[field].as_u64().unwrap()).sum()
    };
    // The long text is only in the rows, the rows only in the cache's namespace; both refer to nothing else of weight.
    let text = of(numbers.text);
    assert_eq!(text["retained_size"], text["allocated_size"]);
    assert!(sum("retained_size", &[numbers.rows]) >= sum("allocated_size", &[numbers.rows, numbers.text]));
    // A local variable of the thread is all that holds the cache.
    assert_eq!(heap["threads"][0]["retained_size"], of(numbers.cache)["retained_size"]);
}

#[test]
fn paths_read_as_python() {
    let point = format!("{:#x}", address(sample().1.point));
    let paths = json(&["paths", "FILE", &point]);
    assert_eq!(paths["paths"][0]["path"], "thread MainThread: Cache.fill(): self.rows[5]");
}

#[test]
fn an_object_knows_who_holds_it() {
    let numbers = sample().1;
    let object = json(&["object", "FILE", &format!("{:#x}", address(numbers.text))]);
    assert_eq!(object["dominators"][0]["address"], format!("{:#x}", address(numbers.rows)).as_str());
    assert_eq!(object["referrers"][0]["name"], "[4]");
    assert_eq!(object["path"], "thread MainThread: Cache.fill(): self.rows[4]");
}

#[test]
fn a_dump_does_not_differ_from_itself() {
    let diff = json(&["diff", "FILE", "FILE"]);
    assert_eq!(diff["types"], serde_json::json!([]));
    assert_eq!(diff["same_process"], true);
    assert_eq!(json(&["diff", "FILE", "FILE", "FILE"])["objects"], 0);
}

#[test]
fn verify_fails_where_references_and_counts_disagree() {
    // The sample states one reference for every object.
    let file = file();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyheap-analyze"));
    let output = command.arg("verify").arg(file.path()).assert().code(6).get_output().clone();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ok      two dominator algorithms agree"), "{text}");
    assert!(text.contains("FAILED  reference counts cover the known references"), "{text}");
}

#[test]
fn a_query_finds_what_its_expression_says() {
    let numbers = sample().1;
    let at = |number: u32| format!("{:#x}", address(number));
    let found = |expression: &str| -> Vec<String> {
        let report = json(&["query", "FILE", expression]);
        let objects = report["objects"].as_array().unwrap().clone();
        assert_eq!(report["count"], objects.len(), "{expression}");
        objects.iter().map(|object| object["address"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found("type == 'app.Point'"), [at(numbers.point)]);
    assert_eq!(found("type == 'str' && length > 900"), [at(numbers.text)]);
    assert_eq!(found("repr.contains('of a long')  && shallow == 1049"), [at(numbers.text)]);
    assert_eq!(found(&format!("address == {}", address(numbers.rows))), [at(numbers.rows)]);
    assert_eq!(found("retained < 0"), [""; 0]);
}

#[test]
fn an_expression_that_is_none_is_refused() {
    let file = file();
    for (expression, reason) in [
        ("type ==", "invalid CEL expression"),
        ("shallow", "must be true or false"),
        ("colour == 1", "can use type, module"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pyheap-analyze"));
        let output =
            command.arg("query").arg(file.path()).arg(expression).assert().code(2).get_output().clone();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(reason), "{expression}: {text}");
    }
}

#[test]
fn what_an_expression_can_use_is_told_where_it_uses_something_else() {
    let file = file();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyheap-analyze"));
    let output =
        command.arg("query").arg(file.path()).arg("1 / 0 == 1").assert().failure().get_output().clone();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("Division by zero") && !text.contains("can use"), "{text}");
}

#[test]
fn an_expression_that_takes_for_ever_does_not() {
    let file = file();
    let ten = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
    let nested = (0..12).fold("true".to_owned(), |inner, depth| format!("{ten}.all(v{depth}, {inner})"));
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyheap-analyze"));
    let output = command.arg("query").arg(file.path()).args([&nested, "--timeout", "1"]).assert().failure();
    let text = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert!(text.contains("0 of 27 objects were looked at") && text.contains("--timeout"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(50), "it took {:?}", began.elapsed());
    json(&["query", "FILE", "retained < 0", "--timeout", "0"]);
}

#[test]
fn a_type_knows_its_instances() {
    let numbers = sample().1;
    let point = json(&["object", "FILE", &format!("{:#x}", address(11))]);
    assert_eq!(point["repr"], "<class 'app.Point'>");
    assert_eq!(point["instances"]["count"], 1);
    assert_eq!(
        point["instances"]["largest"][0]["address"],
        format!("{:#x}", address(numbers.point)).as_str()
    );
    let text = json(&["object", "FILE", &format!("{:#x}", address(numbers.text))]);
    assert_eq!(text["instances"], Value::Null);
}

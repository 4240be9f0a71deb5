//! The JSON schemas in `docs/schema/` are those of the reports, and nothing that was ever in them is gone.
//!
//! `PYHEAP_WRITE_SCHEMA=1 cargo nextest run -p pyheap-report` writes them anew.

use pyheap_report::schemas;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema")
}

/// The paths of all properties.
fn properties(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{path}/{name}");
                if path.contains("/properties/") && !name.starts_with("description") {
                    found.insert(path.clone());
                }
                properties(member, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, path, found)),
        _ => {}
    }
}

fn properties_of(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    properties(schema, "", &mut found);
    found
}

#[test]
fn schemas_are_up_to_date() {
    let write = std::env::var_os("PYHEAP_WRITE_SCHEMA").is_some();
    let mut known = BTreeSet::new();
    for (name, schema) in schemas() {
        let path = folder().join(format!("{name}.json"));
        let stored = fs::read_to_string(&path).unwrap_or_else(|_| "{}".into());
        let current = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let gone: Vec<String> = {
            let stored = serde_json::from_str(&stored).unwrap();
            properties_of(&stored).difference(&properties_of(schema.as_value())).cloned().collect()
        };
        assert!(gone.is_empty(), "{name}: fields are only ever added, but these are gone: {gone:?}");
        if write {
            fs::write(&path, &current).unwrap();
        } else {
            assert!(stored == current, "{name} is out of date: write it anew with PYHEAP_WRITE_SCHEMA=1");
        }
        known.insert(path);
    }
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(files.collect::<BTreeSet<_>>(), known);
}

//! The JSON: as its description says, and as the command line counts.

use crate::grown;
use crate::served::Served;
use anyhow::{Context, Result, ensure};
use pyheap_tests::{Suite, Verdict, analyze_json};
use serde_json::{Value, json};

pub fn register(suite: &mut Suite) {
    suite.test("answers_are_as_described", answers_are_as_described);
    suite.test("answers_agree_with_each_other_and_the_command_line", answers_agree);
}

/// The schema of the answer to an operation, with all that it refers to.
fn schema(document: &Value, operation: &Value, status: &str) -> Value {
    let schema = &operation["responses"][status]["content"]["application/json"]["schema"];
    json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema], "components": document["components"] })
}

fn answers_are_as_described() -> Result<Verdict> {
    let (new, old) = grown();
    let served = Served::ready(&new, &["--baseline", old.to_str().context("a path")?])?;
    let document = served.json("/api/v1/openapi.json")?;
    ensure!(document["openapi"] == "3.1.0");
    let largest = served.json("/api/v1/objects?rows=40")?;
    let addresses: Vec<&str> = largest["objects"]
        .as_array()
        .context("objects")?
        .iter()
        .filter_map(|of| of["address"].as_str())
        .collect();
    let paths = document["paths"].as_object().context("paths")?;
    for (path, item) in paths {
        let operation = &item["get"];
        let valid = jsonschema::validator_for(&schema(&document, operation, "200"))?;
        let invalid = jsonschema::validator_for(&schema(&document, operation, "400"))?;
        // Every parameter with its own values, and the objects in turn.
        let mut asked = vec![String::new()];
        for parameter in operation["parameters"].as_array().context("parameters")? {
            let name = parameter["name"].as_str().context("a name")?;
            if parameter["in"] == "path" {
                continue;
            }
            for value in
                parameter["schema"]["enum"].as_array().into_iter().flatten().filter_map(Value::as_str)
            {
                asked.push(format!("{name}={value}"));
            }
            if parameter["schema"]["type"] == "integer" {
                asked.push(format!("{name}={}", parameter["schema"]["minimum"]));
                asked.push(format!("{name}={}", parameter["schema"]["maximum"]));
                let refused = served.get(&format!("{}?{name}=x", path.replace("{address}", addresses[0])))?;
                ensure!(refused.status == 400, "{path} takes {name}=x");
                ensure!(
                    invalid.is_valid(&serde_json::from_slice(&refused.body)?),
                    "{path}: {}",
                    refused.text()
                );
            }
            if parameter["schema"]["pattern"].is_string() {
                asked.push(format!("{name}={}", addresses[0]));
            }
        }
        let places = if path.contains("{address}") { addresses.len() } else { 1 };
        for address in &addresses[..places] {
            for query in &asked {
                let place = format!("{}?{query}", path.replace("{address}", address));
                let answer = served.json(&place)?;
                let errors: Vec<String> =
                    valid.iter_errors(&answer).map(|error| error.to_string()).take(3).collect();
                ensure!(errors.is_empty(), "{place}: {errors:?}");
            }
        }
    }
    Ok(Verdict::Passed)
}

fn answers_agree() -> Result<Verdict> {
    let dump = grown().0;
    let served = Served::ready(&dump, &[])?;
    let path = dump.to_str().context("a path")?;
    let info = analyze_json(&["info", path])?;
    let types = served.json("/api/v1/types?rows=1000")?;
    let sum = |rows: &Value, field: &str| -> u64 {
        rows.as_array().into_iter().flatten().filter_map(|row| row[field].as_u64()).sum()
    };
    ensure!(sum(&types["types"], "count") == info["objects"], "types do not add up to all objects");
    ensure!(sum(&types["types"], "allocated_size") == info["allocated_size"]);
    // What all types and all modules retain is what the command line says, which computes it anew.
    let by_type = analyze_json(&["types", path, "--sort", "retained"])?;
    for row in by_type["types"].as_array().context("types")? {
        let same =
            types["types"].as_array().context("types")?.iter().find(|other| other["type"] == row["type"]);
        let same = same.with_context(|| format!("{} is missing", row["type"]))?;
        for field in ["count", "shallow_size", "allocated_size", "retained_size"] {
            ensure!(same[field] == row[field], "{}: {field}", row["type"]);
        }
        // The list of its objects has as many rows, and their sizes add up.
        let name = row["type"].as_str().context("a name")?;
        let mut objects = Vec::new();
        for from in (0..row["count"].as_u64().unwrap_or_default()).step_by(1000) {
            let name: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let page = served.json(&format!("/api/v1/objects?type={name}&rows=1000&from={from}"))?;
            ensure!(page["count"] == row["count"], "{name}");
            objects.extend(page["objects"].as_array().cloned().unwrap_or_default());
        }
        let objects = Value::Array(objects);
        ensure!(sum(&objects, "allocated_size") == row["allocated_size"], "{name}");
    }
    // An object is what the command line says of it.
    let largest = analyze_json(&["retained-heap", path, "-n", "10"])?;
    for object in largest["objects"].as_array().context("objects")? {
        let address = object["address"].as_str().context("an address")?;
        let whole = analyze_json(&["object", path, address])?;
        let head = served.json(&format!("/api/v1/objects/{address}"))?;
        for field in
            ["type", "shallow_size", "retained_size", "refcount", "length", "repr", "referents_total"]
        {
            ensure!(head[field] == whole[field], "{address}: {field}: {} {}", head[field], whole[field]);
        }
        let path: String =
            head["path"].as_array().into_iter().flatten().filter_map(|step| step["text"].as_str()).collect();
        ensure!(whole["path"] == path.as_str(), "{address}: {path}");
        let referents = served.json(&format!("/api/v1/objects/{address}/referents?rows=1000"))?;
        let names = |rows: &Value| -> Vec<Value> {
            rows.as_array().into_iter().flatten().map(|row| row["name"].clone()).collect()
        };
        ensure!(names(&referents["links"]) == names(&whole["referents"]), "{address}");
        // What it dominates and its own bytes are all that it retains.
        let dominated = served.json(&format!("/api/v1/objects/{address}/dominated?rows=1000"))?;
        if dominated["total"].as_u64() <= Some(1000) {
            let below = sum(&dominated["links"], "retained_size")
                + head["allocated_size"].as_u64().unwrap_or_default();
            ensure!(head["retained_size"] == below, "{address}");
        }
    }
    // Blocks are never wider together than what they hang from.
    for by in ["owner", "type"] {
        let flame = served.json(&format!("/api/v1/flame?by={by}"))?;
        let blocks = flame["blocks"].as_array().context("blocks")?;
        let mut room: Vec<u64> = vec![u64::MAX];
        for block in blocks {
            let (depth, size) = (
                block["depth"].as_u64().unwrap_or_default() as usize,
                block["retained_size"].as_u64().unwrap_or_default(),
            );
            room.truncate(depth + 1);
            ensure!(room[depth] >= size, "{}", block["name"]);
            room[depth] -= size;
            room.push(size);
        }
    }
    Ok(Verdict::Passed)
}

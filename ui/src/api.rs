//! The same answers for programs: JSON under `/api/v1`, described by an OpenAPI document.
//!
//! Each question is declared once: the document and the answers are made of the same table.

use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::preparation::Part;
use crate::trouble::Trouble;
use crate::views::{objects, types};
use pyheap_engine::{FlameBy, Page};
use pyheap_report::LinkKind;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

/// Rows of an answer, unless asked for otherwise.
const ROWS: usize = 50;

/// Rows that a program may ask for.
const MOST: usize = 1000;

/// A parameter of a question.
#[derive(Clone, Copy)]
enum Parameter {
    Text(&'static str, &'static str),
    Choice(&'static str, &'static str, &'static [&'static str]),
    Address(&'static str, &'static str),
    Page,
}

/// A question of a program.
struct Question {
    /// Below `/api/v1/`.
    path: &'static str,
    summary: &'static str,
    needs: Part,
    parameters: &'static [Parameter],
    schema: fn(&mut SchemaGenerator) -> Schema,
    answer: fn(&Heap, &Link) -> Result<String, Trouble>,
}

use Parameter::{Address, Choice, Text};

const MODULE: Parameter = Text("module", "Module or package that defines the type.");
const PART: Parameter = Text("part", "Part of the type's full name, whatever its case.");
const PAGE: Parameter = Parameter::Page;
const SIZES: &[&str] = &["retained", "allocated", "shallow"];
const SELECTION: &[Parameter] = &[
    Text("type", "Full name of the type."),
    PART,
    MODULE,
    Text("text", "Part of the object's text, bytes or name."),
    Address("held", "Object that dominates them."),
    Address("copies", "Object whose content equals theirs."),
    Choice("sort", "What to sort by, the largest first.", SIZES),
    PAGE,
];

macro_rules! question {
    ($path:literal, $summary:literal, $needs:ident, $parameters:expr, $report:ident, |$heap:ident, $link:ident| $answer:expr) => {
        Question {
            path: $path,
            summary: $summary,
            needs: Part::$needs,
            parameters: $parameters,
            schema: schema_of::<pyheap_report::$report>,
            answer: |$heap, $link| to_json(&$answer),
        }
    };
}

const QUESTIONS: &[Question] = &[
    question!(
        "info",
        "Where the dump comes from, its totals, and the process's memory.",
        Types,
        &[],
        Info,
        |heap, _link| heap.info
    ),
    question!("leaks", "The places where memory accumulates.", Suspects, &[], Leaks, |heap, _link| heap
        .leaks(&in_time())?),
    question!(
        "types",
        "Objects and bytes by type, with what holds all of a type.",
        Types,
        &[
            PART,
            MODULE,
            Choice("sort", "What to sort by.", &["retained", "allocated", "shallow", "count", "name"]),
            PAGE
        ],
        TypeGroups,
        |heap, link| {
            heap.engine.type_groups(
                link.get("part"),
                link.get("module"),
                types::order(link),
                page(link),
                &in_time(),
            )?
        }
    ),
    question!(
        "modules",
        "Objects and bytes by the module that defines the type.",
        Modules,
        &[PAGE],
        Modules,
        |heap, link| heap.engine.module_sizes(page(link), &in_time())?
    ),
    question!(
        "threads",
        "Threads with their frames and local variables.",
        Suspects,
        &[],
        Threads,
        |heap, _link| heap.threads(&in_time())?
    ),
    question!(
        "objects",
        "Objects, all or a selection, the largest first.",
        Strings,
        SELECTION,
        Query,
        |heap, link| {
            heap.engine.objects(&objects::selection(link)?, objects::measure(link), page(link), &in_time())?
        }
    ),
    question!(
        "objects/{address}",
        "What an object is, without its lists.",
        Referrers,
        &[],
        ObjectHead,
        |heap, link| heap.engine.object_head(address(link)?, &in_time())?
    ),
    question!(
        "objects/{address}/text",
        "What an object contains, as Python would write it; rows are characters.",
        Referrers,
        &[PAGE],
        ObjectText,
        |heap, link| heap.engine.object_text(address(link)?, page(link), &in_time())?
    ),
    question!(
        "objects/{address}/elements",
        "Elements of a sequence or set, values of a dict.",
        Referrers,
        &[PAGE],
        Links,
        |heap, link| heap.engine.links(address(link)?, LinkKind::Elements, page(link), &in_time())?
    ),
    question!(
        "objects/{address}/referents",
        "What an object refers to, its type first.",
        Referrers,
        &[PAGE],
        Links,
        |heap, link| heap.engine.links(address(link)?, LinkKind::Referents, page(link), &in_time())?
    ),
    question!(
        "objects/{address}/referrers",
        "What refers to an object.",
        Referrers,
        &[PAGE],
        Links,
        |heap, link| heap.engine.links(address(link)?, LinkKind::Referrers, page(link), &in_time())?
    ),
    question!(
        "objects/{address}/dominated",
        "What an object dominates immediately, the largest first.",
        Referrers,
        &[PAGE],
        Links,
        |heap, link| heap.engine.links(address(link)?, LinkKind::Dominated, page(link), &in_time())?
    ),
    question!(
        "objects/{address}/attributes",
        "Attributes of an object and of its classes.",
        Referrers,
        &[PAGE],
        Attributes,
        |heap, link| heap.engine.attributes(address(link)?, page(link), &in_time())?
    ),
    question!(
        "flame",
        "The dominator tree as blocks, cut where little is retained.",
        Referrers,
        &[
            Choice("by", "What blocks stand for.", &["owner", "type"]),
            Address("top", "Object that the tree begins with.")
        ],
        Flame,
        |heap, link| {
            let by = if link.get("by") == Some("type") { FlameBy::Type } else { FlameBy::Owner };
            heap.flame_below(by, optional(link, "top")?, &in_time())?
        }
    ),
    question!(
        "strings",
        "Texts and bytes that are there more than once.",
        Strings,
        &[PAGE],
        Duplicates,
        |heap, link| heap.engine.duplicates(page(link), &in_time())?
    ),
    question!("waste", "Memory that could be saved.", Waste, &[PAGE], Waste, |heap, link| heap
        .engine
        .waste(page(link), &in_time())?),
    question!("cycles", "Reference cycles, and garbage.", Cycles, &[PAGE], Cycles, |heap, link| heap
        .engine
        .cycles(page(link), &in_time())?),
    question!(
        "native-refs",
        "Objects that native code holds, by type.",
        Native,
        &[],
        NativeRefs,
        |heap, _link| heap.native(&in_time())?
    ),
    question!("diff", "Growth since the older dump.", Difference, &[], Diff, |heap, _link| {
        heap.diff().ok_or_else(|| Trouble::Missing("the server was started without an older dump".into()))?
    }),
];

/// Answers a question as JSON.
pub(crate) fn answer(heap: &Heap, link: &Link) -> Result<String, Trouble> {
    let path = link.path().strip_prefix("/api/v1/").unwrap_or_default();
    let question = QUESTIONS.iter().find(|question| fits(question.path, path));
    let question = question
        .ok_or_else(|| Trouble::Missing("there is no such question: see /api/v1/openapi.json".into()))?;
    for parameter in question.parameters {
        check(link, parameter)?;
    }
    heap.need(question.needs)?;
    (question.answer)(heap, link)
}

/// An error as programs get it.
pub(crate) fn error(trouble: &Trouble) -> String {
    json!({ "error": trouble.text(), "retry": matches!(trouble, Trouble::NotYet(_)) }).to_string()
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut parts, mut wanted) = (path.split('/'), pattern.split('/'));
    let same = wanted.by_ref().all(|wanted| {
        parts.next().is_some_and(|part| part == wanted || (wanted.starts_with('{') && !part.is_empty()))
    });
    same && parts.next().is_none()
}

/// Refuses what the document does not allow.
fn check(link: &Link, parameter: &Parameter) -> Result<(), Trouble> {
    let wrong = |text: String| Err(Trouble::Wrong(text));
    match parameter {
        Text(..) => Ok(()),
        Choice(name, _, values) => match link.get(name) {
            Some(value) if !values.contains(&value) => {
                wrong(format!("{name} must be one of {}", values.join(", ")))
            }
            _ => Ok(()),
        },
        Address(name, _) => optional(link, name).map(drop),
        Parameter::Page => {
            for (name, least, most) in [("from", 0, u32::MAX as usize), ("rows", 1, MOST)] {
                let given = link.get(name).map(str::parse::<usize>);
                if given.is_some_and(|given| !given.is_ok_and(|given| (least..=most).contains(&given))) {
                    return wrong(format!("{name} must be a number from {least} to {most}"));
                }
            }
            Ok(())
        }
    }
}

fn page(link: &Link) -> Page {
    Page { offset: link.number("from", 0), limit: link.number("rows", ROWS) }
}

fn optional(link: &Link, name: &str) -> Result<Option<u64>, Trouble> {
    link.get(name)
        .map(|text| Link::address(text).ok_or_else(|| Trouble::Wrong(format!("{name} must be an address"))))
        .transpose()
}

fn address(link: &Link) -> Result<u64, Trouble> {
    let named = link.path().split('/').nth(4).unwrap_or_default();
    Link::address(named).ok_or_else(|| Trouble::Wrong("an object is named by its address".into()))
}

fn to_json(value: &impl Serialize) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|error| Trouble::Failed(error.to_string()))
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The OpenAPI document.
pub(crate) fn description() -> String {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths = serde_json::Map::new();
    for question in QUESTIONS {
        let schema = (question.schema)(&mut generator);
        let mut parameters: Vec<Value> = question.parameters.iter().flat_map(described).collect();
        if question.path.contains("{address}") {
            parameters.push(json!({
                "name": "address", "in": "path", "required": true, "schema": { "type": "string", "pattern": ADDRESS },
                "description": "Address of the object, as id() answered in the process.",
            }));
        }
        let failure = |text: &str| json!({ "description": text, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } });
        let operation = json!({
            "operationId": question.path.replace(['/', '{', '}'], "-"),
            "summary": question.summary,
            "parameters": parameters,
            "responses": {
                "200": { "description": "The answer.", "content": { "application/json": { "schema": schema } } },
                "400": failure("A parameter makes no sense."),
                "404": failure("What was asked for is not in the dump."),
                "503": failure("It is being made, or takes longer than a request may."),
            },
        });
        paths.insert(format!("/api/v1/{}", question.path), json!({ "get": operation }));
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert(
        "Error".into(),
        json!({
            "type": "object", "required": ["error", "retry"],
            "properties": {
                "error": { "type": "string", "description": "What is wrong." },
                "retry": { "type": "boolean", "description": "It is being made: ask again in a second." },
            },
        }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "pyheap", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "Questions about a heap dump. Sizes in bytes, ratios from 0 to 1, addresses as texts in hex.",
        },
        "security": [{ "token": [] }, { "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "apiKey", "in": "query", "name": "token" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
    })
    .to_string()
}

const ADDRESS: &str = "^(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19})$";

fn described(parameter: &Parameter) -> Vec<Value> {
    let of = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema });
    match parameter {
        Text(name, description) => {
            vec![of(name, description, json!({ "type": "string", "maxLength": 1000 }))]
        }
        Choice(name, description, values) => {
            vec![of(
                name,
                description,
                json!({ "type": "string", "enum": values, "default": values.first() }),
            )]
        }
        Address(name, description) => {
            vec![of(name, description, json!({ "type": "string", "pattern": ADDRESS }))]
        }
        Parameter::Page => vec![
            of(
                "from",
                "Rows to leave out before the first.",
                json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX, "default": 0 }),
            ),
            of(
                "rows",
                "Rows at most.",
                json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": ROWS }),
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_their_patterns_only() {
        assert!(fits("objects/{address}", "objects/0x1"));
        assert!(!fits("objects/{address}", "objects/"));
        assert!(!fits("objects/{address}", "objects/0x1/referrers"));
        assert!(!fits("objects", "objects/0x1"));
    }

    #[test]
    fn the_document_refers_to_nothing_that_is_not_in_it() {
        let document: Value = serde_json::from_str(&description()).unwrap();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        assert_eq!(document["paths"].as_object().unwrap().len(), QUESTIONS.len());
    }
}

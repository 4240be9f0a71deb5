//! `query`: the objects for which an expression holds.
//!
//! The language is CEL, the Common Expression Language (<https://cel.dev>), as its interpreter here understands it.

mod evaluation;

use super::Mention;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use anyhow::{anyhow, bail};
use cel::{ExecutionError, Program, Value};
use evaluation::Evaluation;
use pyheap_heap::{Analysis, Limits, Node, represent};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an expression can ask of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Type,
    Module,
    Shallow,
    Allocated,
    Retained,
    Length,
    Refcount,
    Address,
    Repr,
}

const FIELDS: [(&str, Field); 9] = [
    ("type", Field::Type),
    ("module", Field::Module),
    ("shallow", Field::Shallow),
    ("allocated", Field::Allocated),
    ("retained", Field::Retained),
    ("length", Field::Length),
    ("refcount", Field::Refcount),
    ("address", Field::Address),
    ("repr", Field::Repr),
];

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    object: Mention,
    retained_size: u64,
    allocated_size: u64,
    shallow_size: u64,
    length: Option<u64>,
    refcount: u64,
}

/// The objects for which an expression holds.
#[derive(Debug, Serialize)]
pub struct Query {
    count: u64,
    allocated_size: u64,
    shallow_size: u64,
    /// Objects for which the expression has no value.
    failed: u64,
    first_failure: Option<String>,
    /// Those that retain most.
    objects: Vec<Row>,
}

/// Objects that are handed to the evaluation at once.
const BATCH: u32 = 1024;

/// Goes through all objects and keeps those for which `expression` is true, `limit` of them at most. That it takes longer than `time` is
/// an error; nothing bounds it where there is none.
pub fn query(
    analysis: &Analysis<'_>,
    expression: &str,
    limit: usize,
    time: Option<Duration>,
) -> anyhow::Result<Query> {
    let program =
        Program::compile(expression).map_err(|error| anyhow!("the expression is no CEL: {error}"))?;
    let used: Vec<(&str, Field)> = {
        let references = program.references();
        FIELDS.into_iter().filter(|(name, _)| references.has_variable(name)).collect()
    };
    let types = TypeNames::of(analysis);
    let deadline = time.and_then(|time| Instant::now().checked_add(time));
    let evaluation = Evaluation::begin(program, used.iter().map(|&(name, _)| name).collect(), deadline);
    let objects = analysis.holders.objects();
    let mut found = Vec::new();
    let (mut failed, mut first_failure) = (0, None);
    for first in (0..objects).step_by(BATCH as usize) {
        let batch = first..objects.min(first + BATCH);
        let values = batch.clone().map(|object| {
            used.iter().map(|&(_, field)| value(analysis, &types, object, field)).collect::<Vec<_>>()
        });
        let answers = evaluation.of(values.collect())?;
        for (object, answer) in batch.clone().zip(&answers) {
            match answer {
                Ok(Value::Bool(true)) => found.push(object),
                Ok(Value::Bool(false)) => {}
                Ok(other) => bail!("the expression is {other:?}, but must be true or false"),
                Err(error) => {
                    failed += 1;
                    first_failure.get_or_insert_with(|| error.clone());
                }
            }
        }
        if answers.len() < batch.len() {
            bail!(
                "the query takes longer than {} s: {} of {} objects were looked at by then, {} of them found; allow more with \
                 --timeout, or ask for less",
                time.unwrap_or_default().as_secs(),
                units::count(u64::from(first) + answers.len() as u64),
                units::count(objects.into()),
                units::count(found.len() as u64)
            );
        }
    }
    let first_failure = match first_failure {
        Some(failure @ ExecutionError::UndeclaredReference(_)) if failed == objects => {
            bail!("{failure}; an expression can use {}", FIELDS.map(|(name, _)| name).join(", "))
        }
        Some(failure) if failed == objects => bail!("the expression has no value for any object: {failure}"),
        failure => failure.map(|failure| failure.to_string()),
    };
    let sum = |size: fn(&Analysis<'_>, Node) -> u64| found.iter().map(|&object| size(analysis, object)).sum();
    Ok(Query {
        count: found.len() as u64,
        allocated_size: sum(|analysis, object| analysis.objects.allocated(object)),
        shallow_size: sum(|analysis, object| analysis.objects.shallow(object)),
        failed: u64::from(failed),
        first_failure,
        objects: analysis
            .largest_of(found.iter().copied(), limit)
            .into_iter()
            .map(|object| row(analysis, object))
            .collect(),
    })
}

/// Names of all types and of their modules, made once.
struct TypeNames(Vec<(Arc<String>, Arc<String>)>);

impl TypeNames {
    fn of(analysis: &Analysis<'_>) -> Self {
        let names = |class: &pyheap_format::reader::Type| {
            (Arc::new(class.full_name()), Arc::new(class.module.clone()))
        };
        Self(analysis.objects.types().iter().map(names).collect())
    }
}

fn value(analysis: &Analysis<'_>, types: &TypeNames, object: Node, field: Field) -> Value {
    let objects = &analysis.objects;
    let class = || objects.type_number(object).and_then(|number| types.0.get(number as usize));
    let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    match field {
        Field::Type => Value::String(class().map_or_else(Arc::default, |(name, _)| name.clone())),
        Field::Module => Value::String(class().map_or_else(Arc::default, |(_, module)| module.clone())),
        Field::Shallow => number(objects.shallow(object)),
        Field::Allocated => number(objects.allocated(object)),
        Field::Retained => number(analysis.retained(object)),
        Field::Length => number(objects.length(object).unwrap_or_default()),
        Field::Refcount => number(objects.refcount(object)),
        Field::Address => number(objects.address(object)),
        Field::Repr => Value::String(Arc::new(represent(analysis.dump, object, Limits::FULL))),
    }
}

fn row(analysis: &Analysis<'_>, object: Node) -> Row {
    Row {
        object: Mention::line(analysis.dump, object),
        retained_size: analysis.retained(object),
        allocated_size: analysis.objects.allocated(object),
        shallow_size: analysis.objects.shallow(object),
        length: analysis.objects.length(object),
        refcount: analysis.objects.refcount(object),
    }
}

impl Report for Query {
    fn sections(&self) -> Vec<Section> {
        let mut lines = vec![format!(
            "{} objects, {} shallow, {} allocated",
            units::count(self.count),
            units::bytes(self.shallow_size),
            units::bytes(self.allocated_size)
        )];
        if let Some(failure) = &self.first_failure {
            lines.push(format!("For {} objects there is no answer: {failure}", units::count(self.failed)));
        }
        vec![Section { lines, ..self.csv() }]
    }

    fn csv(&self) -> Section {
        let rows = self.objects.iter().map(|row| {
            vec![
                row.object.address.clone().into(),
                row.object.type_name.clone().into(),
                Cell::Bytes(row.retained_size),
                Cell::Bytes(row.allocated_size),
                Cell::Bytes(row.shallow_size),
                row.length.map_or(Cell::Nothing, Cell::Count),
                Cell::Count(row.refcount),
                row.object.repr.as_str().into(),
            ]
        });
        Section {
            columns: vec![
                Column::number("address", "address"),
                Column::text("type", "type"),
                Column::number("retained", "retained_size"),
                Column::number("allocated", "allocated_size"),
                Column::number("shallow", "shallow_size"),
                Column::number("length", "length"),
                Column::number("references", "refcount"),
                Column::text("value", "repr"),
            ],
            rows: rows.collect(),
            left_out: (self.count as usize).saturating_sub(self.objects.len()),
            ..Section::default()
        }
    }
}

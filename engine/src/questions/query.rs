//! The objects for which an expression holds.
//!
//! The language is CEL, the Common Expression Language (<https://cel.dev>), as its interpreter here understands it.

mod evaluation;

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::{Step, Watch, tell};
use cel::{ExecutionError, Program, Value};
use evaluation::Evaluation;
use pyheap_heap::{Analysis, Limits, Node, represent};
use pyheap_report::{Match, Query};
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

/// Objects that are handed to the evaluation at once.
const BATCH: u32 = 1024;

impl Engine {
    /// The objects for which a CEL expression is true; those that retain most first. It may take `time`, or as long
    /// as it takes.
    ///
    /// # Errors
    /// The expression cannot be parsed, is no condition, or has no value for any object; the time is up; the watch
    /// ends it.
    pub fn query(
        &self,
        expression: &str,
        time: Option<Duration>,
        page: Page,
        watch: Watch<'_>,
    ) -> Result<Query, AskError> {
        let program =
            Program::compile(expression).map_err(|error| AskError::Syntax { reason: error.to_string() })?;
        let used: Vec<(&str, Field)> = {
            let references = program.references();
            FIELDS.into_iter().filter(|(name, _)| references.has_variable(name)).collect()
        };
        let analysis = &self.analysis(watch)?;
        let types = TypeNames::of(analysis);
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        let names = used.iter().map(|&(name, _)| name).collect();
        let evaluation = Evaluation::begin(program, names, deadline);
        let of = analysis.holders.objects();
        let mut found = Vec::new();
        let (mut failed, mut first_failure) = (0, None);
        for first in (0..of).step_by(BATCH as usize) {
            tell(watch, Step::Scanning { done: first, of })?;
            let batch = first..of.min(first + BATCH);
            let values = batch.clone().map(|object| {
                used.iter().map(|&(_, field)| value(analysis, &types, object, field)).collect::<Vec<_>>()
            });
            let answers = evaluation.of(values.collect())?;
            for (object, answer) in batch.clone().zip(&answers) {
                match answer {
                    Ok(Value::Bool(true)) => found.push(object),
                    Ok(Value::Bool(false)) => {}
                    Ok(other) => return Err(AskError::NoCondition { value: format!("{other:?}") }),
                    Err(error) => {
                        failed += 1;
                        first_failure.get_or_insert_with(|| error.clone());
                    }
                }
            }
            if answers.len() < batch.len() {
                return Err(AskError::TooLong {
                    time: time.unwrap_or_default(),
                    looked_at: u64::from(first) + answers.len() as u64,
                    objects: of.into(),
                    found: found.len() as u64,
                });
            }
        }
        let first_failure = match first_failure {
            Some(failure) if failed == of => {
                let names = matches!(failure, ExecutionError::UndeclaredReference(_));
                let names = names.then(|| FIELDS.map(|(name, _)| name).join(", "));
                return Err(AskError::NoValue { reason: failure.to_string(), names });
            }
            failure => failure.map(|failure| failure.to_string()),
        };
        Ok(Query { failed: u64::from(failed), first_failure, ..matches(analysis, &found, page) })
    }
}

/// The objects that were found, those that retain most first.
pub(super) fn matches(analysis: &Analysis<'_>, found: &[Node], page: Page) -> Query {
    let objects = page.of(analysis.largest_of(found.iter().copied(), page.end())).map(|object| Match {
        object: line(analysis.dump, object),
        retained_size: analysis.retained(object),
        allocated_size: analysis.objects.allocated(object),
        shallow_size: analysis.objects.shallow(object),
        length: analysis.objects.length(object),
        refcount: analysis.objects.refcount(object),
    });
    Query {
        count: found.len() as u64,
        allocated_size: found.iter().map(|&object| analysis.objects.allocated(object)).sum(),
        shallow_size: found.iter().map(|&object| analysis.objects.shallow(object)).sum(),
        failed: 0,
        first_failure: None,
        offset: page.start(),
        objects: objects.collect(),
    }
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

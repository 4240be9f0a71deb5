//! Evaluates an expression for many objects, within a time.
//!
//! Nothing can interrupt the interpreter within one object, and a few nested macros keep it busy for years there. So
//! it has a thread of its own, which is left to itself once the time is up: it ends with the object that it is at, or
//! with the program.

use crate::error::AskError;
use cel::{Context, ExecutionError, Program, Value};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

pub(super) type Answer = Result<Value, ExecutionError>;

/// A thread that evaluates an expression.
pub(super) struct Evaluation {
    requests: Sender<Vec<Vec<Value>>>,
    answers: Receiver<Vec<Answer>>,
    deadline: Option<Instant>,
}

impl Evaluation {
    /// Starts the thread. `names` are the variables whose values each object comes with.
    pub(super) fn begin(program: Program, names: Vec<&'static str>, deadline: Option<Instant>) -> Self {
        let (requests, batches) = channel::<Vec<Vec<Value>>>();
        let (sender, answers) = channel();
        thread::spawn(move || {
            let root = Context::default();
            for batch in batches {
                let answers = batch.into_iter().map(|values| {
                    let mut context = root.new_inner_scope();
                    for (name, value) in names.iter().zip(values) {
                        context.add_variable_from_value(*name, value);
                    }
                    program.execute(&context)
                });
                let in_time = |_: &Answer| deadline.is_none_or(|deadline| Instant::now() < deadline);
                if sender.send(answers.take_while(in_time).collect()).is_err() {
                    break;
                }
            }
        });
        Self { requests, answers, deadline }
    }

    /// What the expression is for each of these objects, given the values of its variables; fewer answers where the
    /// time is up.
    ///
    /// # Errors
    /// The interpreter has failed, which it has told itself.
    pub(super) fn of(&self, values: Vec<Vec<Value>>) -> Result<Vec<Answer>, AskError> {
        let _ = self.requests.send(values);
        let answers = match self.deadline {
            Some(deadline) => self.answers.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            None => self.answers.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match answers {
            Ok(answers) => Ok(answers),
            Err(RecvTimeoutError::Timeout) => Ok(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => Err(AskError::Interpreter),
        }
    }
}

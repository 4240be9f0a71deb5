//! `leaks`: where memory accumulates, as values and in sentences.

use crate::answer::answer;
use crate::info::Info;
use crate::mention::TypeSize;
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// What holds memory in many programs without anybody meaning it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Cause {
    /// `functools.lru_cache`.
    LruCache,
    /// An exception, which keeps its traceback.
    Exception,
    /// A traceback, which keeps its frames and their variables.
    Traceback,
    /// The last unhandled exception of an interactive session.
    LastException,
    /// A task of asyncio.
    Task,
    /// A suspended coroutine.
    Coroutine,
    /// A suspended generator.
    Generator,
    /// `threading.local`.
    ThreadLocal,
    /// A queue.
    Queue,
    /// A handler of `logging`.
    LoggingHandler,
    /// Records of `logging`.
    LogRecords,
    /// IPython's history of cells.
    IpythonHistory,
    /// What cells of IPython evaluated to.
    IpythonOutput,
    /// `io.BytesIO`, `io.StringIO`.
    MemoryFile,
    /// A container that a variable of a module refers to.
    ModuleVariable {
        /// Name of the variable.
        name: String,
    },
}

impl Cause {
    /// The cause in words that fit after "held through".
    pub fn text(&self) -> String {
        match self {
            Self::LruCache => "functools.lru_cache".into(),
            Self::Exception => "an exception, which keeps its traceback".into(),
            Self::Traceback => "a traceback, which keeps its frames and their variables".into(),
            Self::LastException => "the last unhandled exception of an interactive session".into(),
            Self::Task => "an asyncio task".into(),
            Self::Coroutine => "a suspended coroutine".into(),
            Self::Generator => "a suspended generator".into(),
            Self::ThreadLocal => "a threading.local".into(),
            Self::Queue => "a queue".into(),
            Self::LoggingHandler => "a logging handler".into(),
            Self::LogRecords => "log records".into(),
            Self::IpythonHistory => "the history of IPython".into(),
            Self::IpythonOutput => "the output history of IPython".into(),
            Self::MemoryFile => "an in-memory file".into(),
            Self::ModuleVariable { name } => format!("the module-level variable {name}"),
        }
    }
}

/// What accumulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SuspectKind {
    /// One object, or a thread, that retains much.
    Point,
    /// Threads in the same functions, which retain much together.
    Threads,
    /// Many objects of one type that no object holds together.
    Type,
}

/// A step of a path: the texts of all steps, one after the other, are the path.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Step {
    /// What it adds to the path.
    pub text: String,
    /// The object that it leads to; null where it stands for the middle of a long path, or for no object.
    pub address: Option<String>,
}

/// A place where much is held.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Suspect {
    /// The suspect in a sentence without a final stop.
    pub text: String,
    /// What accumulates.
    pub kind: SuspectKind,
    /// Full name of the type of the object, or of the objects.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// Number of objects.
    pub count: u64,
    /// What holds them all immediately, together with much else; null for a single one.
    pub within: Option<String>,
    /// A path to the object, or to the largest of the objects.
    pub path: Option<String>,
    /// The same path step by step.
    pub steps: Vec<Step>,
    /// The object, or the largest of the objects.
    pub address: Option<String>,
    /// Bytes.
    pub retained_size: u64,
    /// The retained size as a part of the heap, from 0 to 1.
    pub share: f64,
    /// The retained size as a part of what the process takes (RSS); null where that is unknown.
    pub share_of_process: Option<f64>,
    /// What the object holds immediately, by type, at most three of them; of a chain its links.
    pub content: Vec<TypeSize>,
    /// What programs often hold memory with unawares, where that is what holds it.
    pub cause: Option<Cause>,
    /// The cause in words.
    pub holder: Option<String>,
}

columns! { Suspect {
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "share" "share" Ratio = |row| row.share;
    "of process" "share_of_process" Ratio = |row| row.share_of_process;
    "kind" "kind" Text = |row| match row.kind {
        SuspectKind::Point => "point",
        SuspectKind::Threads => "threads",
        SuspectKind::Type => "type",
    };
    "type" "type" Text = |row| row.type_name.clone();
    "count" "count" Count = |row| row.count;
    "address" "address" Address = |row| row.address.clone();
    "path" "path" Text = |row| row.path.clone();
    "holder" "holder" Text = |row| row.holder.clone();
    "text" "text" Text = |row| &row.text;
} }

impl Suspect {
    /// The same with its sentences, made of its other fields.
    #[must_use]
    pub fn told(mut self) -> Self {
        self.holder = self.cause.as_ref().map(Cause::text);
        self.text = self.sentence();
        self
    }

    fn sentence(&self) -> String {
        let size = units::bytes(self.retained_size);
        let share = match self.share_of_process {
            Some(share) => format!("{} of the process", units::percent(share)),
            None => format!("{} of the heap", units::percent(self.share)),
        };
        let path = self.path.as_deref().unwrap_or("?");
        let type_name = self.type_name.as_deref().unwrap_or("?");
        let mut text = match self.kind {
            SuspectKind::Point => {
                let class = self.type_name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
                format!("{path}{class} retains {size}, {share}")
            }
            SuspectKind::Threads => format!(
                "{} in the same functions retain {size} together, {share}; the largest holds {path}",
                units::counted(self.count, "thread")
            ),
            SuspectKind::Type => {
                let within = self.within.as_deref().unwrap_or("?");
                format!(
                    "{} of {type_name}, held one by one by {within}, retain {size} together, {share}; \
                     the largest is {path}",
                    units::counted(self.count, "instance")
                )
            }
        };
        if self.kind != SuspectKind::Type && !self.content.is_empty() {
            text += &format!(": {}", self.keeps());
        }
        if let Some(cause) = &self.holder {
            text += &format!("; held through {cause}");
        }
        text
    }
}

impl Suspect {
    /// What it keeps, in words: what it holds immediately, by type.
    pub(crate) fn keeps(&self) -> String {
        let content = |of: &TypeSize| {
            format!("{} {} ({})", units::count(of.count), of.type_name, units::bytes(of.retained_size))
        };
        self.content.iter().map(content).collect::<Vec<_>>().join(", ")
    }

    /// Who owns it, in words.
    pub(crate) fn owner(&self) -> String {
        let path = self.path.as_deref().unwrap_or("?");
        let type_name = self.type_name.as_deref().unwrap_or("?");
        match self.kind {
            SuspectKind::Point => path.to_owned(),
            SuspectKind::Threads => format!("{}, such as {path}", units::counted(self.count, "thread")),
            SuspectKind::Type => format!("{} {type_name}, such as {path}", units::count(self.count)),
        }
    }
}

/// Objects of a known cause that retain much together.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CauseRow {
    /// The cause in words.
    pub holder: String,
    /// The cause.
    pub cause: Cause,
    /// Number of objects.
    pub count: u64,
    /// Bytes that they retain.
    pub retained_size: u64,
}

impl CauseRow {
    pub(crate) fn sentence(&self) -> String {
        let (count, size) = (units::counted(self.count, "object"), units::bytes(self.retained_size));
        format!("Known cause: {} ({count}, {size}).", self.holder)
    }
}

/// Suspects, the largest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Leaks {
    /// Where most of the process is, in a sentence.
    pub answer: String,
    /// Allocated bytes of all objects.
    pub total_allocated_size: u64,
    /// Suspects in all.
    pub suspects_total: u64,
    /// Suspects left out before the first.
    pub offset: u64,
    /// The suspects.
    pub suspects: Vec<Suspect>,
    /// Known causes that retain much.
    pub usual_holders: Vec<CauseRow>,
}

impl Leaks {
    /// The same with its answer, made of its other fields and the process's memory.
    #[must_use]
    pub fn told(mut self, info: &Info) -> Self {
        self.answer = answer(info, self.suspects.first().filter(|_| self.offset == 0));
        self
    }

    /// Suspects and causes, numbered, for people.
    fn sentences(&self) -> Vec<String> {
        let numbered = (self.offset + 1..).zip(&self.suspects);
        let mut lines: Vec<String> =
            numbered.map(|(number, suspect)| format!("{number}. {}.", suspect.text)).collect();
        if self.suspects_total == 0 {
            lines.push("No place among the Python objects holds as much as was asked for.".into());
        }
        lines.extend(self.usual_holders.iter().map(CauseRow::sentence));
        lines
    }
}

impl Report for Leaks {
    fn sections(&self) -> Vec<Section> {
        let allocated = units::bytes(self.total_allocated_size);
        let mut lines = vec![self.answer.clone(), format!("{allocated} allocated by Python objects in all")];
        lines.extend(self.sentences());
        let mut section = Section::of_lines(lines);
        section.total = self.suspects_total.saturating_sub(self.suspects.len() as u64);
        section.offset = self.offset;
        vec![section]
    }

    fn csv(&self) -> Section {
        Section::of_part(&self.suspects, self.suspects_total, self.offset)
    }
}

//! `threads`: threads with their frames and local variables.

use crate::mention::Mention;
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// A local variable.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Local {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(flatten)]
    pub value: Mention,
}

/// A Python frame.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Frame {
    /// `co_filename`.
    pub file: String,
    /// The current line.
    pub line: Option<u32>,
    /// Qualified name of the function.
    pub function: String,
    /// Bound local variables, in the order of declaration.
    pub locals: Vec<Local>,
}

/// A thread.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Thread {
    /// Its name in `threading`.
    pub name: Option<String>,
    /// `threading.get_ident()`.
    pub ident: u64,
    /// The operating system's thread id.
    pub native_id: Option<u64>,
    /// Whether it is a daemon thread.
    pub daemon: Option<bool>,
    /// The interpreter has a thread state for it.
    pub alive: bool,
    /// Allocated bytes that would be freed if its stack went.
    pub retained_size: u64,
    /// Innermost first.
    pub frames: Vec<Frame>,
}

/// All threads.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Threads {
    /// The threads.
    pub threads: Vec<Thread>,
}

impl Thread {
    fn title(&self) -> String {
        let mut title = self.name.clone().unwrap_or_else(|| "unnamed thread".into());
        title += &format!(" (ident {:#x}", self.ident);
        if let Some(id) = self.native_id {
            title += &format!(", native id {id}");
        }
        if self.daemon == Some(true) {
            title += ", daemon";
        }
        if !self.alive {
            title += ", not alive";
        }
        title + &format!("), {} retained by its stack alone", units::bytes(self.retained_size))
    }

    fn lines(&self) -> Vec<Line> {
        let lines = self.frames.iter().flat_map(|frame| {
            let place = match frame.line {
                Some(line) => format!("{}:{line}", frame.file),
                None => frame.file.clone(),
            };
            let head = Line { name: frame.function.clone(), place: Some(place), value: Some(String::new()) };
            let locals = frame.locals.iter().map(|local| Line {
                name: format!("  {}", local.name),
                place: local.value.type_name.clone(),
                value: Some(local.value.repr.clone()),
            });
            std::iter::once(head).chain(locals)
        });
        lines.collect()
    }
}

/// A frame or a local variable, as a person reads it.
struct Line {
    name: String,
    place: Option<String>,
    value: Option<String>,
}

columns! { Line {
    "function / local" "name" Text = |row| &row.name;
    "place / type" "type" Text = |row| row.place.clone();
    "value" "repr" Text = |row| row.value.clone();
} }

/// A local variable with the frame and thread that it is of; a frame without any has one row.
struct Place<'a> {
    thread: &'a Thread,
    index: u64,
    frame: &'a Frame,
    local: Option<&'a Local>,
}

columns! { Place<'_> {
    "thread" "thread" Text = |row| row.thread.name.clone();
    "ident" "ident" Count = |row| row.thread.ident;
    "frame" "frame" Count = |row| row.index;
    "file" "file" Text = |row| &row.frame.file;
    "line" "line" Count = |row| row.frame.line;
    "function" "function" Text = |row| &row.frame.function;
    "local" "local" Text = |row| row.local.map(|local| local.name.clone());
    "address" "address" Address = |row| row.local.and_then(|local| local.value.address.clone());
    "type" "type" Text = |row| row.local.and_then(|local| local.value.type_name.clone());
    "repr" "repr" Text = |row| row.local.map(|local| local.value.repr.clone());
} }

impl Report for Threads {
    fn sections(&self) -> Vec<Section> {
        let section = |thread: &Thread| Section::of_rows(&thread.lines()).under(vec![thread.title()]);
        self.threads.iter().map(section).collect()
    }

    fn csv(&self) -> Section {
        let mut places = Vec::new();
        for thread in &self.threads {
            for (index, frame) in (0..).zip(&thread.frames) {
                let place = |local| Place { thread, index, frame, local };
                places.extend(frame.locals.is_empty().then(|| place(None)));
                places.extend(frame.locals.iter().map(|local| place(Some(local))));
            }
        }
        Section::of_rows(&places)
    }
}

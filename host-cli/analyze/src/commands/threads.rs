//! `threads`: threads with their frames and local variables.

use super::Mention;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::Analysis;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Local {
    name: String,
    #[serde(flatten)]
    value: Mention,
}

#[derive(Debug, Serialize)]
struct Frame {
    file: String,
    line: Option<u32>,
    function: String,
    locals: Vec<Local>,
}

#[derive(Debug, Serialize)]
struct Thread {
    name: Option<String>,
    ident: u64,
    native_id: Option<u64>,
    daemon: Option<bool>,
    alive: bool,
    /// Allocated bytes that would be freed if the thread's stack went.
    retained_size: u64,
    frames: Vec<Frame>,
}

/// The threads; JSON is the list of them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Threads {
    threads: Vec<Thread>,
}

/// All threads of a dump.
pub fn threads(analysis: &Analysis<'_>) -> Threads {
    let dump = analysis.dump;
    let frame = |frame: &pyheap_format::Frame| Frame {
        file: frame.file.clone(),
        line: frame.line,
        function: frame.function.clone(),
        locals: frame
            .locals
            .iter()
            .map(|(name, object)| Local { name: name.clone(), value: Mention::of(dump, *object) })
            .collect(),
    };
    let threads = (0..).zip(dump.threads()).map(|(number, thread)| Thread {
        name: thread.name.clone(),
        ident: thread.ident,
        native_id: thread.native_id,
        daemon: thread.daemon,
        alive: thread.alive,
        retained_size: analysis.retained(analysis.holders.thread(number)),
        frames: thread.frames.iter().map(frame).collect(),
    });
    Threads { threads: threads.collect() }
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
        title + &format!("), {} held by its stack alone", units::bytes(self.retained_size))
    }

    fn rows(&self) -> impl Iterator<Item = Vec<Cell>> {
        self.frames.iter().flat_map(|frame| {
            let place = match frame.line {
                Some(line) => format!("{}:{line}", frame.file),
                None => frame.file.clone(),
            };
            let head = vec![frame.function.as_str().into(), place.into(), Cell::Text(String::new())];
            let locals = frame.locals.iter().map(|local| {
                vec![
                    Cell::Text(format!("  {}", local.name)),
                    local.value.type_name.clone().into(),
                    local.value.repr.as_str().into(),
                ]
            });
            std::iter::once(head).chain(locals)
        })
    }
}

impl Report for Threads {
    fn sections(&self) -> Vec<Section> {
        let sections = self.threads.iter().map(|thread| Section {
            lines: vec![thread.title()],
            columns: vec![
                Column::text("function / local", "name"),
                Column::text("place / type", "type"),
                Column::text("value", "repr"),
            ],
            rows: thread.rows().collect(),
            left_out: 0,
        });
        sections.collect()
    }

    fn csv(&self) -> Section {
        let rows = self.threads.iter().flat_map(|thread| {
            thread.frames.iter().enumerate().flat_map(move |(index, frame)| {
                let place = move || {
                    vec![
                        thread.name.clone().into(),
                        Cell::Count(thread.ident),
                        Cell::Count(index as u64),
                        frame.file.as_str().into(),
                        frame.line.map_or(Cell::Nothing, |line| Cell::Count(u64::from(line))),
                        frame.function.as_str().into(),
                    ]
                };
                let bare = [Cell::Nothing, Cell::Nothing, Cell::Nothing, Cell::Nothing];
                let locals = frame.locals.iter().map(move |local| {
                    let value = &local.value;
                    let cells = [
                        local.name.as_str().into(),
                        value.address.clone().into(),
                        value.type_name.clone().into(),
                        value.repr.as_str().into(),
                    ];
                    place().into_iter().chain(cells).collect()
                });
                let alone = frame.locals.is_empty().then(|| place().into_iter().chain(bare).collect());
                alone.into_iter().chain(locals)
            })
        });
        Section {
            columns: [
                "thread", "ident", "frame", "file", "line", "function", "local", "address", "type", "repr",
            ]
            .map(|field| Column::text(field, field))
            .into(),
            rows: rows.collect(),
            ..Section::default()
        }
    }
}

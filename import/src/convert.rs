//! The legacy format as a pyheap dump.

use crate::edges::Edges;
use crate::legacy::{Content, File, ImportError, Object, Thread};
use crate::previews::Previews;
use crate::types::Types;
use pyheap_format::header::{Footer, Header, Options, SafePoint};
use pyheap_format::vocabulary::{FORMAT_VERSION, NONE, NameNumber};
use pyheap_format::writer::{ObjectRow, Sink, Writer};
use pyheap_format::{Frame, ObjectFlags, PreviewKind, RootKind, RootName, Summary, thread};
use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;

/// A dump in the format of this project.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The dump.
    pub dump: Vec<u8>,
    /// What the file could not tell, and what stands in for it: sentences without a final stop.
    pub notes: Vec<String>,
}

/// Imports a dump of the Python implementation. What cannot be read at its end is left out; the dump is incomplete then and says so.
///
/// # Errors
///
/// [`ImportError`] where not even the first object can be reached.
pub fn import(file: &[u8]) -> Result<Imported, ImportError> {
    let mut file = File::read(file)?;
    let numbers = number(&mut file);
    let previews = Previews::new(file.objects.iter().filter_map(|object| object.representation));
    let types = Types::new(&file, &numbers, previews);
    let edges = Edges::new(&file, &numbers, &types);
    let mut conversion = Conversion { file: &file, numbers: &numbers, types: &types, edges, previews };
    let mut output = Output::default();
    let Ok(()) = conversion.write(&mut output);
    Ok(Imported { dump: output.bytes, notes: conversion.notes() })
}

/// Numbers of objects by address. An address that comes again, as in a damaged file, is not another object.
fn number(file: &mut File<'_>) -> HashMap<u64, u32> {
    let mut numbers = HashMap::with_capacity(file.objects.len());
    file.objects.retain(|object| {
        let next = numbers.len() as u32;
        *numbers.entry(object.address).or_insert(next) == next
    });
    numbers
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    records: u64,
}

impl Sink for &mut Output {
    type Error = Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.bytes.extend_from_slice(bytes);
        self.records += 1;
        Ok(())
    }
}

struct Conversion<'a> {
    file: &'a File<'a>,
    numbers: &'a HashMap<u64, u32>,
    types: &'a Types,
    edges: Edges<'a>,
    previews: Previews,
}

/// A root that the format allows for: thread, frame, name and object.
type Held = (RootKind, u32, u32, NameNumber, u32);

impl Conversion<'_> {
    fn write(&mut self, mut output: &mut Output) -> Result<(), Infallible> {
        output.write(&self.header().to_record())?;
        let roots = self.roots();
        let mut writer = Writer::new(&mut *output);
        for name in &self.edges.names.texts {
            writer.name(name);
        }
        for row in self.types.rows() {
            writer.type_row(&row);
        }
        for (number, object) in self.file.objects.iter().enumerate() {
            for &edge in self.edges.of(number) {
                writer.edge(edge)?;
            }
            if let Some((kind, data)) = self.preview(object) {
                writer.preview(kind, &data)?;
            }
            writer.object(&self.row(number, object))?;
        }
        for thread in &self.file.threads {
            writer.thread(&self.thread(thread))?;
        }
        for (kind, thread, frame, name, object) in roots {
            writer.root(kind, thread, frame, name, object)?;
        }
        let error = self
            .file
            .damaged_at
            .map(|offset| format!("the .pyheap file is cut off or damaged at byte {offset}"));
        writer.finish(&Summary { error: error.map(Cow::Owned), ..Summary::default() })?;
        drop(writer);
        let (records, bytes) = (output.records, output.bytes.len() as u64);
        output.write(&Footer { records, bytes, ..Footer::default() }.to_record())
    }

    fn header(&self) -> Header {
        let created = &self.file.created;
        Header {
            format: "pyheap".into(),
            version: FORMAT_VERSION,
            tool: concat!("pyheap ", env!("CARGO_PKG_VERSION"), ", from a .pyheap file of version 1").into(),
            created_at: created
                .parse::<jiff::Timestamp>()
                .map_or_else(|_| created.clone(), |time| time.to_string()),
            safe_point: SafePoint::EvalFrame,
            // Threads ran on while the objects were written down.
            torn: true,
            options: Options { str_repr_len: self.previews.limit as u32 },
            ..Header::default()
        }
    }

    fn preview(&self, object: &Object<'_>) -> Option<(PreviewKind, Vec<u8>)> {
        Some(self.previews.preview(self.types.builtin_name(object.class), object.representation?))
    }

    fn row(&self, number: usize, object: &Object<'_>) -> ObjectRow {
        let length = match object.content {
            Content::Sequence(items) | Content::Set(items) => Some(items.len() as u64),
            Content::Dict(items) => Some(items.len() as u64 / 2),
            Content::Other if self.types.builtin_name(object.class) == Some("str") => {
                object.representation.and_then(|text| self.previews.length(text))
            }
            Content::Other => None,
        };
        let size = u64::from(object.size);
        let mut flags = ObjectFlags::ESTIMATED;
        if length.is_some() {
            flags.insert(ObjectFlags::HAS_LENGTH);
        }
        if !object.referents.is_empty() || !matches!(object.content, Content::Other) {
            flags.insert(ObjectFlags::TRACKED);
        }
        if self.types.is_static_type(object) {
            flags.insert(ObjectFlags::STATIC);
        }
        ObjectRow {
            address: object.address,
            type_number: self.types.number(object.class),
            flags,
            shallow: size,
            allocated: size,
            // Whatever is in the file was alive: what nothing in it refers to is held from elsewhere.
            refcount: self.edges.referrers.get(number).copied().unwrap_or_default().max(1),
            length: length.unwrap_or_default(),
        }
    }

    fn thread(&self, thread: &Thread) -> thread::Thread {
        let frames = thread.frames.iter().map(|frame| Frame {
            file: frame.file.clone(),
            line: Some(frame.line),
            function: frame.function.clone(),
            code: NONE,
            locals: frame
                .locals
                .iter()
                .filter_map(|(name, address)| Some((name.clone(), *self.numbers.get(address)?)))
                .collect(),
        });
        thread::Thread {
            name: Some(thread.name.clone()),
            daemon: Some(thread.daemon),
            alive: thread.alive,
            frames: frames.collect(),
            ..thread::Thread::default()
        }
    }

    /// The roots, each counted as a reference; so are the types of objects.
    fn roots(&mut self) -> Vec<Held> {
        let mut roots = Vec::new();
        for (thread, of) in (0..).zip(&self.file.threads) {
            for (frame, of) in (0..).zip(&of.frames) {
                for (name, address) in &of.locals {
                    if let Some(&object) = self.numbers.get(address) {
                        roots.push((RootKind::Local, thread, frame, self.edges.names.number(name), object));
                    }
                }
            }
        }
        if let Some(modules) = self.modules() {
            let name = self.edges.names.number(RootName::Modules.text());
            roots.push((RootKind::Interpreter, NONE, NONE, name, modules));
        }
        for &(.., object) in &roots {
            self.edges.held(object);
        }
        for object in &self.file.objects {
            if self.types.at(object.class).is_some_and(|(_, class)| class.heap)
                && let Some(&class) = self.numbers.get(&object.class)
            {
                self.edges.held(class);
            }
        }
        let statics = (0..).zip(&self.file.objects).filter(|(_, object)| self.types.is_static_type(object));
        roots.extend(statics.map(|(object, _)| (RootKind::Static, NONE, NONE, NONE, object)));
        roots
    }

    /// `sys.modules`: the attribute of the one object that has these attributes of the module `sys`.
    fn modules(&self) -> Option<u32> {
        self.file.objects.iter().find_map(|object| {
            let mut modules = None;
            let mut marks = 0;
            for (name, value) in self.file.attributes(object) {
                match name {
                    b"modules" => modules = self.numbers.get(&value).copied(),
                    b"meta_path" | b"getrefcount" | b"setswitchinterval" => marks += 1,
                    _ => {}
                }
            }
            modules.filter(|_| marks == 3)
        })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "the dump is imported from a .pyheap file: all sizes are what sys.getsizeof answered, and reference counts are the numbers \
             of references in the file"
                .to_owned(),
            "objects that nothing in the file refers to are taken to be held by native code; cycles of objects that nothing else in the \
             file refers to are shown as garbage, whether or not they are"
                .to_owned(),
        ];
        if self.edges.left_out > 0 {
            notes.push(format!(
                "{} references to objects that are not in the file are left out",
                self.edges.left_out
            ));
        }
        notes
    }
}

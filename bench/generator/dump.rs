//! A made-up graph as a dump: with reference counts that agree, so that only the roots are roots.

use crate::shape::{Generator, Role, Shape};
use pyheap_format::header::{Footer, Header};
use pyheap_format::reader::Type;
use pyheap_format::vocabulary::{FORMAT_VERSION, NONE};
use pyheap_format::writer::{ObjectRow, Sink, Totals, TypeRow, Writer};
use pyheap_format::{
    Edge, EdgeKind, EdgeName, EdgeSource, ObjectFlags, PreviewKind, RootKind, RootName, Summary, Thread,
};
use std::io::{self, Write};

/// Objects before those of the graph: the types, and the module namespace that holds the graph.
const TYPES: [(&str, &str, bool); 6] = [
    ("builtins", "type", false),
    ("app", "Record", true),
    ("builtins", "list", false),
    ("builtins", "tuple", false),
    ("builtins", "str", false),
    ("builtins", "dict", false),
];

/// Numbers of types, which are those of the type objects too.
const TYPE: u32 = 0;
const RECORD: u32 = 1;
const LIST: u32 = 2;
const TUPLE: u32 = 3;
const TEXT: u32 = 4;
const DICT: u32 = 5;

/// Number of the namespace, and of its key.
const NAMESPACE: u32 = 6;
const KEY: u32 = 7;

/// Number of the graph's object 0.
const FIRST: u32 = 8;

struct Output<W> {
    out: W,
    records: u64,
    bytes: u64,
}

impl<W: Write> Sink for &mut Output<W> {
    type Error = io::Error;

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.records += 1;
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// Writes a whole dump and returns what is in it.
pub fn write(objects: u32, shape: Shape, previews: bool, out: impl Write) -> io::Result<Totals> {
    let generator = Generator::new(shape, objects.saturating_sub(FIRST));
    let referrers = referrers(generator, objects)?;
    let mut output = Output { out, records: 0, bytes: 0 };
    let mut sink = &mut output;
    sink.write(&header().to_record())?;
    let mut writer = Writer::new(sink);
    write_fixed(&mut writer, &referrers)?;
    generator.for_each(|object, role, referents| {
        for &target in referents {
            writer.edge(edge(FIRST + target, EdgeKind::Element))?;
        }
        if role == Role::Text && previews {
            writer.preview(PreviewKind::Text, format!("text {object}").as_bytes())?;
        }
        writer.object(&row(
            FIRST + object,
            role,
            referents.len() as u64,
            referrers[(FIRST + object) as usize],
        ))
    })?;
    writer.thread(&Thread { name: Some("MainThread".into()), alive: true, ..Thread::default() })?;
    let modules = writer.name(RootName::Modules.text());
    writer.root(RootKind::Interpreter, NONE, NONE, modules, NAMESPACE)?;
    writer.finish(&Summary::default())?;
    let totals = *writer.totals();
    let Output { mut out, records, bytes } = output;
    out.write_all(&Footer { records, bytes, ..Footer::default() }.to_record())?;
    out.flush()?;
    Ok(totals)
}

/// How many references each object gets: edges, types' instances, roots.
fn referrers(generator: Generator, objects: u32) -> io::Result<Vec<u32>> {
    let mut referrers = vec![0u32; objects.max(FIRST) as usize];
    let mut instances = 0;
    generator.for_each(|_, role, referents| {
        for &target in referents {
            referrers[(FIRST + target) as usize] += 1;
        }
        instances += u32::from(role == Role::Instance);
        io::Result::Ok(())
    })?;
    referrers[RECORD as usize] = instances + 1;
    referrers[NAMESPACE as usize] = 1;
    referrers[KEY as usize] = 1;
    if let Some(first) = referrers.get_mut(FIRST as usize) {
        *first += 1;
    }
    Ok(referrers)
}

fn write_fixed<W: Write>(writer: &mut Writer<&mut Output<W>>, referrers: &[u32]) -> io::Result<()> {
    for (number, (module, qualname, heap_type)) in TYPES.iter().enumerate() {
        writer.type_row(&TypeRow {
            object: number as u32,
            address: address(number as u32),
            module,
            qualname,
            basicsize: 48,
            itemsize: 0,
            flags: if *heap_type { Type::HEAP_TYPE } else { 0 },
            base: None,
        });
    }
    for (number, (_, _, heap_type)) in TYPES.iter().enumerate() {
        writer.object(&ObjectRow {
            address: address(number as u32),
            type_number: TYPE,
            flags: if *heap_type { ObjectFlags::TRACKED } else { ObjectFlags::STATIC },
            shallow: 1024,
            allocated: 1072,
            refcount: u64::from(referrers[number]),
            length: 0,
        })?;
    }
    writer.edge(edge(KEY, EdgeKind::Key))?;
    if referrers.len() > FIRST as usize {
        writer.edge(edge(FIRST, EdgeKind::Value))?;
    }
    writer.edge(edge(RECORD, EdgeKind::Unnamed))?;
    writer.object(&ObjectRow { type_number: DICT, ..row(NAMESPACE, Role::List, 1, 1) })?;
    writer.preview(PreviewKind::Text, b"app")?;
    writer.object(&row(KEY, Role::Text, 3, 1))
}

fn row(number: u32, role: Role, length: u64, refcount: u32) -> ObjectRow {
    let (type_number, size) = match role {
        Role::Instance => (RECORD, 48),
        Role::List => (LIST, 56 + 8 * length),
        Role::Tuple => (TUPLE, 40 + 8 * length),
        Role::Text => (TEXT, 56 + length),
    };
    let tracked = role != Role::Text;
    let mut flags = if tracked { ObjectFlags::TRACKED } else { ObjectFlags::default() };
    if role != Role::Instance {
        flags.insert(ObjectFlags::HAS_LENGTH);
    }
    ObjectRow {
        address: address(number),
        type_number,
        flags,
        shallow: size + if tracked { 16 } else { 0 },
        allocated: (size + if tracked { 16 } else { 0 }).next_multiple_of(16),
        refcount: u64::from(refcount),
        length,
    }
}

fn address(number: u32) -> u64 {
    0x7F00_0000_0000 + u64::from(number) * 64
}

fn edge(target: u32, kind: EdgeKind) -> Edge {
    Edge { target, name: EdgeName::new(kind, EdgeSource::Traverse, true, 0) }
}

fn header() -> Header {
    let mut header = Header {
        format: "pyheap".into(),
        version: FORMAT_VERSION,
        tool: "generate-dump".into(),
        created_at: "2000-01-01T00:00:00Z".into(),
        architecture: "x86_64".into(),
        forked: true,
        ..Header::default()
    };
    header.python.version = "3.12.0".into();
    header.python.hex = 0x030C_00F0;
    header
}

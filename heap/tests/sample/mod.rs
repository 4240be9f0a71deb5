//! A small heap, written by hand: what its objects are is stated here, independently of the program that reads it.

use pyheap_format::header::{Footer, Header, MappingSum, ProcessMemory, Python};
use pyheap_format::reader::Dump;
use pyheap_format::vocabulary::{FORMAT_VERSION, NONE};
use pyheap_format::writer::{ObjectRow, Sink, TypeRow, Writer};
use pyheap_format::{
    Digest, Edge, EdgeKind, EdgeName, EdgeSource, Frame, ObjectFlags, PreviewKind, RootKind, Summary, Thread,
};
use std::convert::Infallible;

/// Address of the object of this number.
pub fn address(number: u32) -> u64 {
    0x7F00_0000_1000 + u64::from(number) * 0x40
}

struct Stream<'a>(&'a mut Vec<u8>);

impl Sink for Stream<'_> {
    type Error = Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Builds a dump object by object; objects may refer to later ones.
pub struct Heap<'a> {
    writer: Writer<Stream<'a>>,
    names: Vec<String>,
    next: u32,
}

/// An object to be.
#[derive(Default)]
pub struct Draft<'a> {
    pub class: u32,
    pub shallow: u64,
    pub length: Option<u64>,
    pub flags: u8,
    pub edges: &'a [(EdgeKind, Option<&'a str>, u32)],
    pub preview: Option<(PreviewKind, &'a [u8])>,
    pub digest: Option<u64>,
}

pub const TYPES: [(&str, &str, u64, Option<u32>); 14] = [
    ("builtins", "type", 0, Some(13)),
    ("builtins", "str", 0, Some(13)),
    ("builtins", "int", 0, Some(13)),
    ("builtins", "list", 0, Some(13)),
    ("builtins", "tuple", 0, Some(13)),
    ("builtins", "dict", 0, Some(13)),
    ("builtins", "set", 0, Some(13)),
    ("builtins", "float", 0, Some(13)),
    ("builtins", "NoneType", 0, Some(13)),
    ("app", "Cache", 1 << 9, Some(13)),
    ("collections", "OrderedDict", 0, Some(5)),
    ("app", "Point", 1 << 9, Some(4)),
    ("builtins", "function", 0, Some(13)),
    ("builtins", "object", 0, None),
];

impl<'a> Heap<'a> {
    pub fn new(stream: &'a mut Vec<u8>) -> Self {
        let mut heap = Self { writer: Writer::new(Stream(stream)), names: Vec::new(), next: 0 };
        for (number, (module, qualname, flags, base)) in TYPES.into_iter().enumerate() {
            heap.writer.type_row(&TypeRow {
                object: number as u32,
                address: address(number as u32),
                module,
                qualname,
                basicsize: 16,
                itemsize: 0,
                flags,
                base,
            });
        }
        for (module, qualname, flags, _) in TYPES {
            let name = format!("{module}.{qualname}");
            let preview = Some((PreviewKind::Name, name.as_bytes()));
            let flags = if flags == 0 { 0x30 } else { 0x01 };
            heap.add(&Draft { class: 0, shallow: 400, flags, preview, ..Draft::default() });
        }
        heap
    }

    /// Number of the type of this full name, `builtins` included; types that are not there yet inherit as their names
    /// say.
    pub fn class(&mut self, name: &str) -> u32 {
        let (module, qualname) = name.rsplit_once('.').unwrap();
        let known = TYPES.iter().position(|class| (class.0, class.1) == (module, qualname));
        known.map(|number| number as u32).unwrap_or_else(|| {
            let bases = [("bool", "int"), ("Color", "int"), ("Meta", "type"), ("Failed", "BaseException")];
            let base = bases
                .iter()
                .find(|(class, _)| *class == qualname)
                .map(|(_, base)| format!("builtins.{base}"));
            let base = base.map_or(13, |base| self.class(&base));
            let row = TypeRow {
                object: 0,
                address: address(0),
                module,
                qualname,
                basicsize: 16,
                itemsize: 0,
                flags: 0,
                base: Some(base),
            };
            self.writer.type_row(&row)
        })
    }

    /// Number of a new type of module `app`, whose type object is the one of this number.
    pub fn class_of(&mut self, object: u32, qualname: &str) -> u32 {
        let (module, address) = ("app", address(object));
        let (basicsize, itemsize, flags, base) = (16, 0, 1 << 9, Some(13));
        self.writer.type_row(&TypeRow { object, address, module, qualname, basicsize, itemsize, flags, base })
    }

    /// Number of the object that is added next.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// Adds a sequence with empty slots: its elements with the payloads of their edges.
    pub fn add_elements(&mut self, class: u32, length: u64, elements: &[(u32, u32)]) -> u32 {
        for (payload, target) in elements {
            let name = EdgeName::new(EdgeKind::Element, EdgeSource::Traverse, true, *payload);
            let Ok(()) = self.writer.edge(Edge { target: *target, name });
        }
        self.add(&Draft { class, length: Some(length), ..Draft::default() })
    }

    /// Lets the interpreter hold an object by this name.
    pub fn root(&mut self, name: &str, object: u32) {
        let name = self.name(name);
        let Ok(()) = self.writer.root(RootKind::Interpreter, NONE, NONE, name, object);
    }

    /// Adds the thread of this number, the first variable of whose first frame holds an object.
    pub fn thread(&mut self, number: u32, thread: &Thread, object: u32) {
        let Ok(()) = self.writer.thread(thread);
        let Ok(()) = self.writer.root(RootKind::Local, number, 0, 0, object);
    }

    fn name(&mut self, name: &str) -> u32 {
        let known = self.names.iter().position(|known| known == name);
        known.map(|number| number as u32).unwrap_or_else(|| {
            self.names.push(name.into());
            self.writer.name(name)
        })
    }

    pub fn add(&mut self, draft: &Draft<'_>) -> u32 {
        for (kind, name, target) in draft.edges {
            let payload = name.map_or(0, |name| self.name(name));
            let source = if *kind == EdgeKind::Key { EdgeSource::Layout } else { EdgeSource::Traverse };
            let name = EdgeName::new(*kind, source, true, payload);
            let Ok(()) = self.writer.edge(Edge { target: *target, name });
        }
        if let Some((kind, data)) = draft.preview {
            let Ok(()) = self.writer.preview(kind, data);
        }
        if let Some(value) = draft.digest {
            let Ok(()) = self.writer.digest(Digest { value, uniform: false });
        }
        let has_length = if draft.length.is_some() { 0x40 } else { 0 };
        let row = ObjectRow {
            address: address(self.next),
            type_number: draft.class,
            flags: ObjectFlags(draft.flags | has_length),
            shallow: draft.shallow,
            allocated: draft.shallow.next_multiple_of(16),
            refcount: 1,
            length: draft.length.unwrap_or_default(),
        };
        let Ok(()) = self.writer.object(&row);
        self.next += 1;
        self.next - 1
    }

    pub fn text(&mut self, text: &str) -> u32 {
        let length = text.chars().count() as u64;
        let preview = Some((PreviewKind::Text, text.as_bytes()));
        self.add(&Draft { class: 1, shallow: 49 + length, length: Some(length), preview, ..Draft::default() })
    }
}

/// A dump of what `build` adds.
pub fn dump(build: impl FnOnce(&mut Heap<'_>)) -> Dump {
    let mut stream = Vec::new();
    let mut heap = Heap::new(&mut stream);
    build(&mut heap);
    let Ok(()) = heap.writer.finish(&Summary::default());
    Dump::from_bytes(&[header().to_record(), stream, Footer::default().to_record()].concat()).unwrap()
}

/// Numbers of the objects that tests ask for.
pub struct Numbers {
    pub cache: u32,
    pub rows: u32,
    pub point: u32,
    pub members: u32,
    pub text: u32,
}

/// The dump, and where to find what.
pub fn sample() -> (Vec<u8>, Numbers) {
    use EdgeKind::{Element, Field, Key, Member, Value};
    let mut stream = Vec::new();
    let mut heap = Heap::new(&mut stream);
    let rows_key = heap.text("rows");
    let order_key = heap.text("it's");
    let one = heap.add(&Draft {
        class: 2,
        shallow: 28,
        preview: Some((PreviewKind::Integer, &[0, 1])),
        ..Draft::default()
    });
    let half = 0.5f64.to_le_bytes();
    let half = heap.add(&Draft {
        class: 7,
        shallow: 24,
        preview: Some((PreviewKind::Float, &half)),
        ..Draft::default()
    });
    let none = heap.add(&Draft {
        class: 8,
        shallow: 16,
        flags: 0x30,
        preview: Some((PreviewKind::Constant, b"None")),
        ..Draft::default()
    });
    let text = heap.add(&Draft {
        class: 1,
        shallow: 1049,
        length: Some(1000),
        preview: Some((PreviewKind::Text, b"line\nof a long text")),
        ..Draft::default()
    });
    let point = heap.add(&Draft {
        class: 11,
        shallow: 56,
        length: Some(2),
        flags: 1,
        edges: &[(Element, None, one), (Element, None, half)],
        ..Draft::default()
    });
    let members = heap.add(&Draft {
        class: 6,
        shallow: 216,
        length: Some(1),
        flags: 1,
        edges: &[(Member, None, rows_key)],
        ..Draft::default()
    });
    let single = heap.add(&Draft {
        class: 4,
        shallow: 48,
        length: Some(1),
        flags: 1,
        edges: &[(Element, None, none)],
        ..Draft::default()
    });
    // The list refers to itself and to the cache, which come after.
    let rows = single + 1;
    let cache = rows + 3;
    let rows = heap.add(&Draft {
        class: 3,
        shallow: 120,
        length: Some(6),
        flags: 1,
        edges: &[
            (Element, None, one),
            (Element, None, single),
            (Element, None, rows),
            (Element, None, cache),
            (Element, None, text),
            (Element, None, point),
        ],
        ..Draft::default()
    });
    let order = heap.add(&Draft {
        class: 10,
        shallow: 300,
        length: Some(1),
        flags: 1,
        edges: &[(Key, None, one), (Value, None, members)],
        ..Draft::default()
    });
    let namespace = heap.add(&Draft {
        class: 5,
        shallow: 184,
        length: Some(2),
        flags: 1,
        edges: &[(Key, None, rows_key), (Value, None, rows), (Key, None, order_key), (Value, None, order)],
        ..Draft::default()
    });
    heap.add(&Draft {
        class: 9,
        shallow: 48,
        flags: 1,
        edges: &[(Field, Some("__dict__"), namespace), (EdgeKind::Unnamed, None, 4_000_000)],
        ..Draft::default()
    });
    let function = Frame {
        file: "/srv/app.py".into(),
        line: Some(12),
        function: "Cache.fill".into(),
        code: one,
        locals: vec![("self".into(), cache), ("count".into(), one)],
    };
    let module =
        Frame { file: "/srv/app.py".into(), line: None, function: "<module>".into(), ..Frame::default() };
    let thread = Thread {
        name: Some("MainThread".into()),
        ident: 0x7F11_0000_0740,
        native_id: Some(4711),
        daemon: Some(false),
        alive: true,
        object: None,
        frames: vec![function, module],
    };
    let Ok(()) = heap.writer.thread(&thread);
    let Ok(()) = heap.writer.root(RootKind::Local, 0, 0, 0, cache);
    let Ok(()) = heap.writer.finish(&Summary { pools_free: 4096, ..Summary::default() });
    let footer = Footer { pause_ms: 12.25, stopped_ms: 80.0, ..Footer::default() };
    let bytes = [header().to_record(), stream, footer.to_record()].concat();
    (bytes, Numbers { cache, rows, point, members, text })
}

/// Where the dump comes from.
pub fn header() -> Header {
    let mappings =
        [("heap".to_owned(), MappingSum { count: 1, size: 1 << 20, rss: 1 << 19, pss: 1 << 19, swap: 0 })];
    Header {
        format: "pyheap".into(),
        version: FORMAT_VERSION,
        tool: "pyheap 0.1.0".into(),
        created_at: "2026-01-02T03:04:05Z".into(),
        python: Python {
            version: "3.11.7".into(),
            executable: "/usr/bin/python3".into(),
            ..Python::default()
        },
        pid: 4711,
        command_line: vec!["python3".into(), "app.py".into()],
        architecture: "x86_64".into(),
        debugger: "GDB 13.1".into(),
        forked: true,
        process: ProcessMemory {
            rss: 10 << 20,
            pss: 9 << 20,
            mapped_files: 6 << 20,
            anonymous: 4 << 20,
            mappings: mappings.into(),
            ..ProcessMemory::default()
        },
        ..Header::default()
    }
}

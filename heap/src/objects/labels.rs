//! Names of edges: what an object calls what it refers to.

use crate::objects::representation::{Limits, represent};
use pyheap_format::reader::Dump;
use pyheap_format::{Edge, EdgeKind, EdgeName, EdgeSource, FieldName};

/// The name of an edge, in the terms of its object. Names that were not recorded are `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label<'a> {
    /// A referent of unknown name.
    Unnamed,
    /// The object's type.
    Class,
    /// A field of the object's C structure, such as `__dict__`.
    Field(Option<&'a str>),
    /// An attribute that the object stores itself.
    Attribute(Option<&'a str>),
    /// Element of this index.
    Element(u64),
    /// Key of a dict.
    Key,
    /// Value of a dict, with the number of its key where that is known.
    Value {
        /// Object number.
        key: Option<u32>,
    },
    /// Member of a set.
    Member,
    /// Closure variable.
    Variable(Option<&'a str>),
    /// Local variable of a frame, generator or coroutine.
    Local(Option<&'a str>),
    /// Slot of an evaluation stack.
    Stack(u64),
    /// Content of a cell.
    Cell,
}

/// An edge with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelledEdge<'a> {
    /// The object referred to.
    pub target: u32,
    /// What the object calls it.
    pub label: Label<'a>,
    /// How the edge was found.
    pub source: EdgeSource,
    /// Whether it owns a reference.
    pub owned: bool,
}

/// The edges of an object with their names, in the dump's order; the edge to its type comes first.
pub struct LabelledEdges<'a> {
    dump: &'a Dump,
    class: Option<Edge>,
    edges: Box<dyn Iterator<Item = Edge> + 'a>,
    /// Target of the edge before, if that was a key.
    key: Option<u32>,
    elements: u64,
    stack: u64,
}

impl<'a> LabelledEdges<'a> {
    /// The edges of object `number`; none if there is no such object.
    pub fn new(dump: &'a Dump, number: u32) -> Self {
        Self {
            dump,
            class: dump.object(number).and_then(|object| dump.type_edge(&object)),
            edges: Box::new(dump.edges_of(number)),
            key: None,
            elements: 0,
            stack: 0,
        }
    }

    fn label(&mut self, edge: Edge) -> Label<'a> {
        let key = self.key.take();
        let payload = edge.name.payload();
        let name = || if payload == EdgeName::UNRECORDED { None } else { self.dump.name(payload) };
        // The payload is the difference to the number of edges of the kind so far.
        let next = |count: &mut u64| {
            *count += 1;
            *count - 1 + u64::from(payload)
        };
        match edge.name.kind() {
            EdgeKind::Unnamed => Label::Unnamed,
            EdgeKind::Field => Label::Field(name()),
            EdgeKind::Attribute => Label::Attribute(name()),
            EdgeKind::Variable => Label::Variable(name()),
            EdgeKind::Local => Label::Local(name()),
            EdgeKind::Element => Label::Element(next(&mut self.elements)),
            EdgeKind::Stack => Label::Stack(next(&mut self.stack)),
            EdgeKind::Key => {
                self.key = Some(edge.target);
                Label::Key
            }
            EdgeKind::Value => Label::Value { key },
            EdgeKind::Member => Label::Member,
            EdgeKind::Cell => Label::Cell,
        }
    }
}

impl<'a> Iterator for LabelledEdges<'a> {
    type Item = LabelledEdge<'a>;

    fn next(&mut self) -> Option<LabelledEdge<'a>> {
        let (edge, label) = match self.class.take() {
            Some(edge) => (edge, Label::Class),
            None => {
                let edge = self.edges.next()?;
                (edge, self.label(edge))
            }
        };
        Some(LabelledEdge {
            target: edge.target,
            label,
            source: edge.name.source(),
            owned: edge.name.owned(),
        })
    }
}

impl LabelledEdge<'_> {
    /// The name as a person reads it in a list: `__dict__`, `x`, `[3]`, `['k']`, `key 'k'`.
    pub fn name(&self, dump: &Dump) -> String {
        let named = |name: Option<&str>| name.unwrap_or("?").to_owned();
        match self.label {
            Label::Unnamed => "?".into(),
            Label::Class => "__class__".into(),
            Label::Field(name) | Label::Attribute(name) | Label::Variable(name) | Label::Local(name) => {
                named(name)
            }
            Label::Element(index) => format!("[{index}]"),
            Label::Key => format!("key {}", represent(dump, self.target, Limits::KEY)),
            Label::Value { key: Some(key) } => format!("[{}]", represent(dump, key, Limits::KEY)),
            Label::Value { key: None } => "[?]".into(),
            Label::Member => format!("member {}", represent(dump, self.target, Limits::KEY)),
            Label::Stack(slot) => format!("stack[{slot}]"),
            Label::Cell => "cell_contents".into(),
        }
    }

    /// The name as a step of a path in Python terms, behind what stands for the object: `.x`, `[3]`, `['k']`; empty
    /// for `__dict__`, whose values read as attributes of the object, see [`Self::is_namespace`].
    pub fn step(&self, dump: &Dump) -> String {
        match self.label {
            Label::Class | Label::Field(_) | Label::Attribute(_) | Label::Cell => {
                format!(".{}", self.name(dump))
            }
            Label::Element(_) | Label::Value { .. } => self.name(dump),
            Label::Unnamed => ".?".into(),
            _ => format!(".<{}>", self.name(dump)),
        }
    }

    /// Whether the target is the object's type.
    pub fn is_class(&self) -> bool {
        self.label == Label::Class
    }

    /// Whether the target is the object's `__dict__`: its values are the object's attributes.
    pub fn is_namespace(&self) -> bool {
        self.label == Label::Field(Some(FieldName::Dict.text()))
    }
}

//! References between objects, with what the legacy format tells of their names.

use crate::legacy::{Content, File, Object};
use crate::types::Types;
use pyheap_format::vocabulary::NameNumber;
use pyheap_format::{Edge, EdgeKind, EdgeName, EdgeSource, FieldName};
use std::collections::HashMap;

/// Numbers texts in the order in which they come.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<String, NameNumber>,
    pub(crate) texts: Vec<String>,
}

impl Names {
    pub(crate) fn number(&mut self, text: &str) -> NameNumber {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as NameNumber;
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }
}

/// The edges of all objects.
#[derive(Debug)]
pub(crate) struct Edges<'a> {
    file: &'a File<'a>,
    numbers: &'a HashMap<u64, u32>,
    types: &'a Types,
    pub(crate) names: Names,
    edges: Vec<Edge>,
    /// By object: where its edges end.
    ends: Vec<usize>,
    /// By object: the references to it.
    pub(crate) referrers: Vec<u64>,
    /// References to objects that are not in the file.
    pub(crate) left_out: u64,
}

impl<'a> Edges<'a> {
    pub(crate) fn new(file: &'a File<'a>, numbers: &'a HashMap<u64, u32>, types: &'a Types) -> Self {
        let mut edges = Self {
            file,
            numbers,
            types,
            names: Names::default(),
            edges: Vec::new(),
            ends: Vec::with_capacity(file.objects.len()),
            referrers: vec![0; file.objects.len()],
            left_out: 0,
        };
        for object in &file.objects {
            edges.content(object);
            if types.is_static_type(object) {
                edges.of_static_type(object);
            } else {
                edges.referents(object);
            }
            edges.ends.push(edges.edges.len());
        }
        edges
    }

    /// The edges of an object, by its number.
    pub(crate) fn of(&self, object: usize) -> &[Edge] {
        let end = |at: Option<usize>| at.and_then(|at| self.ends.get(at)).copied();
        let range = end(object.checked_sub(1)).unwrap_or_default()..end(Some(object)).unwrap_or_default();
        self.edges.get(range).unwrap_or_default()
    }

    /// Adds a reference from elsewhere than an edge.
    pub(crate) fn held(&mut self, object: u32) {
        if let Some(referrers) = self.referrers.get_mut(object as usize) {
            *referrers += 1;
        }
    }

    fn push(&mut self, address: u64, kind: EdgeKind, source: EdgeSource, payload: u32) -> bool {
        let Some(&target) = self.numbers.get(&address) else {
            self.left_out += 1;
            return false;
        };
        self.edges.push(Edge { target, name: EdgeName::new(kind, source, true, payload) });
        self.held(target);
        true
    }

    fn content(&mut self, object: &Object<'_>) {
        let source = EdgeSource::Traverse;
        match object.content {
            Content::Sequence(items) => {
                let mut missing = 0;
                for item in items.iter() {
                    missing += u32::from(!self.push(item, EdgeKind::Element, source, missing));
                }
            }
            Content::Set(items) => {
                for item in items.iter() {
                    self.push(item, EdgeKind::Member, source, 0);
                }
            }
            Content::Dict(items) => {
                for (item, kind) in items.iter().zip([EdgeKind::Key, EdgeKind::Value].into_iter().cycle()) {
                    self.push(item, kind, source, 0);
                }
            }
            Content::Other => {}
        }
    }

    fn referents(&mut self, object: &Object<'a>) {
        if object.referents.is_empty() {
            return;
        }
        let attributes = self.attributes(object);
        let has_heap_type = self.types.at(object.class).is_some_and(|(_, class)| class.heap);
        for referent in object.referents.iter() {
            // The dump's format implies this one.
            if referent == object.class && has_heap_type {
                continue;
            }
            if let Some(name) = attributes.get(&referent) {
                let name = self.names.number(&String::from_utf8_lossy(name));
                self.push(referent, EdgeKind::Attribute, EdgeSource::Traverse, name);
            } else if self.is_namespace(referent, &attributes) {
                let name = self.names.number(FieldName::Dict.text());
                self.push(referent, EdgeKind::Field, EdgeSource::Traverse, name);
            } else {
                self.push(referent, EdgeKind::Unnamed, EdgeSource::Traverse, 0);
            }
        }
    }

    /// Of a static type, which the collector does not look into, only the attributes tell what it refers to.
    fn of_static_type(&mut self, object: &Object<'a>) {
        let file = self.file;
        let mut told = self.attributes(object);
        for (_, value) in file.attributes(object) {
            if let Some(name) = told.remove(&value) {
                let name = self.names.number(&String::from_utf8_lossy(name));
                self.push(value, EdgeKind::Attribute, EdgeSource::Layout, name);
            }
        }
    }

    /// Attributes by value; of several names the first that is not special.
    fn attributes(&self, object: &Object<'a>) -> HashMap<u64, &'a [u8]> {
        let mut attributes = HashMap::new();
        for (name, value) in self.file.attributes(object) {
            let special = name.starts_with(b"__");
            match attributes.entry(value) {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(name);
                }
                std::collections::hash_map::Entry::Occupied(mut entry) => {
                    let better: &mut &[u8] = entry.get_mut();
                    if better.starts_with(b"__") && !special {
                        *better = name;
                    }
                }
            }
        }
        attributes
    }

    /// Whether a referent is the dict that holds attributes: all of its values are attributes, though it is none itself.
    fn is_namespace(&self, referent: u64, attributes: &HashMap<u64, &[u8]>) -> bool {
        let Some(object) =
            self.numbers.get(&referent).and_then(|number| self.file.objects.get(*number as usize))
        else {
            return false;
        };
        match object.content {
            Content::Dict(items) if !items.is_empty() => {
                items.iter().skip(1).step_by(2).all(|value| attributes.contains_key(&value))
            }
            _ => false,
        }
    }
}

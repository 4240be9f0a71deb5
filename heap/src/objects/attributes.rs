//! The attributes of an object: its own, then those of its classes along the method resolution order, from the dump
//! alone.

use crate::objects::labels::{Label, LabelledEdge, LabelledEdges};
use pyheap_format::reader::Dump;
use pyheap_format::{FieldName, PreviewKind};
use std::collections::HashSet;

/// An attribute, found where Python looks for it. Descriptors are not called: a property is shown as the property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Number of the object that it refers to.
    pub value: u32,
    /// Number of the class that defines it; none where the object itself does.
    pub class: Option<u32>,
}

/// The attributes of an object, its own first; of several definitions of a name the one that Python finds first.
/// Names in a `__dict__` that are no complete texts in the dump are left out.
pub fn attributes(dump: &Dump, object: u32) -> Vec<Attribute> {
    let mut found = Found { dump, names: HashSet::new(), attributes: Vec::new() };
    for edge in LabelledEdges::new(dump, object) {
        if let Label::Attribute(Some(name)) = edge.label {
            found.add(name.to_owned(), edge.target, None);
        }
    }
    // A class has the attributes of those that it inherits from, and then those of its own class.
    let inherited = resolution_order(dump, object);
    if inherited.is_empty() {
        found.add_namespace(object, None);
    }
    for class in inherited {
        found.add_namespace(class, Some(class).filter(|&class| class != object));
    }
    let class = LabelledEdges::new(dump, object).find(LabelledEdge::is_class);
    for class in class.map(|edge| resolution_order(dump, edge.target)).unwrap_or_default() {
        found.add_namespace(class, Some(class));
    }
    found.attributes
}

/// The classes along a class's `__mro__`, itself first; none for what is no class.
fn resolution_order(dump: &Dump, class: u32) -> Vec<u32> {
    let named = |edge: &LabelledEdge<'_>| edge.label == Label::Field(Some(FieldName::Mro.text()));
    let Some(order) = LabelledEdges::new(dump, class).find(named) else { return vec![] };
    LabelledEdges::new(dump, order.target)
        .filter(|edge| matches!(edge.label, Label::Element(_)))
        .map(|edge| edge.target)
        .collect()
}

struct Found<'a> {
    dump: &'a Dump,
    names: HashSet<String>,
    attributes: Vec<Attribute>,
}

impl Found<'_> {
    fn add(&mut self, name: String, value: u32, class: Option<u32>) {
        if self.names.insert(name.clone()) {
            self.attributes.push(Attribute { name, value, class });
        }
    }

    /// Adds what stands in the `__dict__` of an object.
    fn add_namespace(&mut self, owner: u32, class: Option<u32>) {
        let Some(namespace) = LabelledEdges::new(self.dump, owner).find(LabelledEdge::is_namespace) else {
            return;
        };
        for edge in LabelledEdges::new(self.dump, namespace.target) {
            if let Label::Value { key: Some(key) } = edge.label
                && let Some((PreviewKind::Text, text)) = self.dump.preview(key)
                && let Ok(name) = std::str::from_utf8(text)
            {
                self.add(name.to_owned(), edge.target, class);
            }
        }
    }
}

//! Where containers stand: as which attribute of instances of which class.

use super::Classes;
use crate::graph::csr::Node;
use crate::objects::labels::{Label, LabelledEdges};
use crate::ownership::analysis::Analysis;
use pyheap_format::PreviewKind;
use pyheap_format::vocabulary::TypeNumber;
use std::collections::HashMap;

/// Class and name of an attribute.
pub(super) type Place = (TypeNumber, u32);

/// The places of those containers that are attributes of instances.
#[derive(Default)]
pub(super) struct Places<'a> {
    of: HashMap<Node, Place>,
    numbers: HashMap<&'a str, u32>,
    names: Vec<&'a str>,
}

impl<'a> Places<'a> {
    pub(super) fn new(analysis: &Analysis<'a>, classes: &Classes) -> Self {
        let mut places = Self::default();
        for object in 0..analysis.objects.len() as Node {
            let Some(class) =
                analysis.objects.type_number(object).filter(|class| classes.is_instance(*class))
            else {
                continue;
            };
            for edge in LabelledEdges::new(analysis.dump, object) {
                if edge.is_namespace() {
                    for entry in LabelledEdges::new(analysis.dump, edge.target) {
                        if let Label::Value { key: Some(key) } = entry.label {
                            places.add(analysis, classes, entry.target, class, || {
                                let (PreviewKind::Text, text) = analysis.dump.preview(key)? else {
                                    return None;
                                };
                                std::str::from_utf8(text).ok()
                            });
                        }
                    }
                } else if let Label::Attribute(Some(name)) = edge.label {
                    places.add(analysis, classes, edge.target, class, || Some(name));
                }
            }
        }
        places
    }

    fn add(
        &mut self,
        analysis: &Analysis<'a>,
        classes: &Classes,
        value: Node,
        class: TypeNumber,
        name: impl FnOnce() -> Option<&'a str>,
    ) {
        if analysis.objects.type_number(value).is_some_and(|class| classes.is_container(class))
            && let Some(name) = name()
        {
            let number = *self.numbers.entry(name).or_insert_with(|| {
                self.names.push(name);
                self.names.len() as u32 - 1
            });
            self.of.entry(value).or_insert((class, number));
        }
    }

    pub(super) fn of(&self, object: Node) -> Option<Place> {
        self.of.get(&object).copied()
    }

    pub(super) fn text(&self, analysis: &Analysis<'_>, (class, name): Place) -> String {
        let class =
            analysis.objects.types().get(class as usize).map(|class| class.full_name()).unwrap_or_default();
        format!("{class}.{}", self.names.get(name as usize).unwrap_or(&"?"))
    }
}

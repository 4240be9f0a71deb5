//! `object`: what an object is, and who holds it.

use super::Mention;
use super::object::{Object, object};
use super::paths::object_at;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::{Analysis, LabelledEdges, Node, attributes};
use serde::Serialize;

/// Referrers that a table shows at most.
const TABLE_ROWS: usize = 30;

#[derive(Debug, Serialize)]
struct Referrer {
    name: String,
    owned: bool,
    #[serde(flatten)]
    object: Mention,
}

#[derive(Debug, Serialize)]
struct Dominator {
    #[serde(flatten)]
    object: Mention,
    retained_size: u64,
}

#[derive(Debug, Serialize)]
struct Attribute {
    name: String,
    /// The class that defines it; null where the object itself does.
    defined_by: Option<String>,
    #[serde(flatten)]
    value: Mention,
}

/// The objects of a type.
#[derive(Debug, Serialize)]
struct Instances {
    count: u64,
    retained_size: u64,
    /// Those that retain most.
    largest: Vec<Instance>,
}

#[derive(Debug, Serialize)]
struct Instance {
    retained_size: u64,
    #[serde(flatten)]
    object: Mention,
}

/// An object with who holds it.
#[derive(Debug, Serialize)]
pub struct HeldObject {
    #[serde(flatten)]
    object: Object,
    retained_size: u64,
    path: String,
    /// Immediate dominator first.
    dominators: Vec<Dominator>,
    referrers: Vec<Referrer>,
    attributes: Vec<Attribute>,
    /// Null where the object is no type.
    instances: Option<Instances>,
}

/// The object at an address in the target's address space, with `limit` referents at most, and who holds it.
pub fn held_object(analysis: &Analysis<'_>, address: u64, limit: usize) -> anyhow::Result<HeldObject> {
    let at = object_at(analysis.dump, address)?;
    let (object, number) = (object(analysis.dump, &at, limit), at.number);
    let objects = analysis.holders.objects();
    let dominators = analysis.tree.chain(number).filter(|&node| node < objects).map(|node| Dominator {
        object: Mention::line(analysis.dump, node),
        retained_size: analysis.retained(node),
    });
    Ok(HeldObject {
        retained_size: analysis.retained(number),
        path: analysis.path_text(&analysis.shortest_paths().path(number)),
        dominators: dominators.collect(),
        referrers: referrers(analysis, number),
        attributes: attributes_of(analysis, number),
        instances: instances(analysis, number),
        object,
    })
}

fn attributes_of(analysis: &Analysis<'_>, number: Node) -> Vec<Attribute> {
    let dump = analysis.dump;
    let name = |class: Node| dump.types().iter().find(|of| of.object == class).map(|of| of.full_name());
    attributes(dump, number)
        .into_iter()
        .map(|found| Attribute {
            defined_by: found
                .class
                .map(|class| name(class).unwrap_or_else(|| Mention::line(dump, class).repr)),
            name: found.name,
            value: Mention::line(dump, found.value),
        })
        .collect()
}

/// The instances of a type, subclasses left out, if the object is one.
fn instances(analysis: &Analysis<'_>, number: Node) -> Option<Instances> {
    analysis.objects.types().iter().find(|class| class.object == number)?;
    let all = analysis.instances(|class| class.object == number);
    let sizes = analysis.by_name(|of| if of.object == number { "instances".into() } else { String::new() });
    let retained = sizes.into_iter().find(|(name, _)| name == "instances").map(|(_, sizes)| sizes.retained);
    let largest = analysis.largest_of(all.iter().copied(), TABLE_ROWS);
    Some(Instances {
        count: all.len() as u64,
        retained_size: retained.unwrap_or_default(),
        largest: largest
            .into_iter()
            .map(|object| Instance {
                retained_size: analysis.retained(object),
                object: Mention::line(analysis.dump, object),
            })
            .collect(),
    })
}

/// All edges to an object, those too that own nothing; its instances, if it is a type, are left out.
fn referrers(analysis: &Analysis<'_>, number: Node) -> Vec<Referrer> {
    analysis
        .referrers(number)
        .into_iter()
        .flat_map(|referrer| {
            let edges = LabelledEdges::new(analysis.dump, referrer);
            edges.filter(move |edge| edge.target == number && !edge.is_class()).map(move |edge| Referrer {
                name: edge.name(analysis.dump),
                owned: edge.owned,
                object: Mention::line(analysis.dump, referrer),
            })
        })
        .collect()
}

impl Report for HeldObject {
    fn sections(&self) -> Vec<Section> {
        let mut sections = self.object.sections();
        if let Some(head) = sections.first_mut() {
            head.lines.push(format!("{} retained", units::bytes(self.retained_size)));
            head.lines.push(format!("held by {}", self.path));
        }
        let dominators = self.dominators.iter().take(TABLE_ROWS).map(|dominator| {
            vec![
                dominator.object.address.clone().into(),
                dominator.object.type_name.clone().into(),
                Cell::Bytes(dominator.retained_size),
                dominator.object.repr.as_str().into(),
            ]
        });
        sections.push(Section {
            lines: vec!["Dominators: every path to the object leads through them.".into()],
            columns: vec![
                Column::number("address", "address"),
                Column::text("type", "type"),
                Column::number("retained", "retained_size"),
                Column::text("value", "repr"),
            ],
            rows: dominators.collect(),
            left_out: 0,
        });
        let referrers = self.referrers.iter().take(TABLE_ROWS).map(|referrer| {
            vec![
                referrer.object.address.clone().into(),
                referrer.object.type_name.clone().into(),
                referrer.name.as_str().into(),
                referrer.owned.into(),
                referrer.object.repr.as_str().into(),
            ]
        });
        let count = self.referrers.len();
        let mut lines = vec![format!("Referred to by {} edges:", units::count(count as u64))];
        if count > TABLE_ROWS {
            lines.push(format!("(the first {TABLE_ROWS}; JSON holds all)"));
        }
        sections.push(Section {
            lines,
            columns: vec![
                Column::number("address", "address"),
                Column::text("type", "type"),
                Column::text("as", "name"),
                Column::text("owned", "owned"),
                Column::text("value", "repr"),
            ],
            rows: referrers.collect(),
            left_out: 0,
        });
        sections.extend(self.attribute_section());
        sections.extend(self.instances.as_ref().map(Instances::section));
        sections
    }

    fn csv(&self) -> Section {
        self.object.csv()
    }
}

impl HeldObject {
    /// What a person looks for: what every object has, such as `__init_subclass__`, is left to JSON.
    fn attribute_section(&self) -> Option<Section> {
        let is_ordinary = |attribute: &&Attribute| {
            attribute.defined_by.is_none()
                || !(attribute.name.starts_with("__") && attribute.name.ends_with("__"))
        };
        let rows: Vec<Vec<Cell>> = self
            .attributes
            .iter()
            .filter(is_ordinary)
            .map(|attribute| {
                vec![
                    attribute.name.as_str().into(),
                    attribute.defined_by.clone().into(),
                    attribute.value.address.clone().into(),
                    attribute.value.type_name.clone().into(),
                    attribute.value.repr.as_str().into(),
                ]
            })
            .collect();
        (!rows.is_empty()).then(|| Section {
            lines: vec!["Attributes, its own and those of its classes:".into()],
            columns: vec![
                Column::text("name", "name"),
                Column::text("from class", "defined_by"),
                Column::number("address", "address"),
                Column::text("type", "type"),
                Column::text("value", "repr"),
            ],
            left_out: rows.len().saturating_sub(TABLE_ROWS),
            rows: rows.into_iter().take(TABLE_ROWS).collect(),
        })
    }
}

impl Instances {
    fn section(&self) -> Section {
        let rows = self.largest.iter().map(|instance| {
            vec![
                instance.object.address.clone().into(),
                Cell::Bytes(instance.retained_size),
                instance.object.repr.as_str().into(),
            ]
        });
        Section {
            lines: vec![format!(
                "{} instances retain {} together; the largest:",
                units::count(self.count),
                units::bytes(self.retained_size)
            )],
            columns: vec![
                Column::number("address", "address"),
                Column::number("retained", "retained_size"),
                Column::text("value", "repr"),
            ],
            rows: rows.collect(),
            left_out: (self.count as usize).saturating_sub(self.largest.len()),
        }
    }
}

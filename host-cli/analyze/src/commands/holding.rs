//! `object`: what an object is, and who holds it.

use super::Mention;
use super::object::{Object, object};
use super::paths::object_at;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::{Analysis, LabelledEdges, Node};
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
}

/// The object at an address in the target's address space, with `limit` referents at most, and who holds it.
pub fn held_object(analysis: &Analysis<'_>, address: u64, limit: usize) -> anyhow::Result<HeldObject> {
    let at = object_at(analysis, address)?;
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
        object,
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
        sections
    }

    fn csv(&self) -> Section {
        self.object.csv()
    }
}

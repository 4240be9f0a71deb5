//! `object`: one object and what it refers to.

use super::Mention;
use crate::report::{Column, Report, Section};
use crate::units;
use pyheap_format::ObjectFlags;
use pyheap_format::reader::{self, Dump};
use pyheap_heap::{LabelledEdges, Limits, represent};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Referent {
    name: String,
    source: &'static str,
    owned: bool,
    #[serde(flatten)]
    value: Mention,
}

/// An object.
#[derive(Debug, Serialize)]
pub struct Object {
    address: String,
    #[serde(rename = "type")]
    type_name: String,
    shallow_size: u64,
    allocated_size: u64,
    refcount: u64,
    length: Option<u64>,
    tracked: bool,
    unreadable: bool,
    opaque: bool,
    estimated: bool,
    immortal: bool,
    #[serde(rename = "static")]
    is_static: bool,
    repr: String,
    referents: Vec<Referent>,
    /// Referents beyond those.
    #[serde(skip)]
    left_out: usize,
}

/// What the dump tells of one of its objects, with `limit` referents at most.
pub fn object(dump: &Dump, object: &reader::Object, limit: usize) -> Object {
    let class = dump.types().get(object.type_number as usize);
    let mut edges = LabelledEdges::new(dump, object.number);
    let referents = edges.by_ref().take(limit).map(|edge| Referent {
        name: edge.name(dump),
        source: edge.source.text(),
        owned: edge.owned,
        value: Mention::of(dump, edge.target),
    });
    let is = |flag| object.flags.contains(flag);
    Object {
        address: units::address(object.address),
        type_name: class.map(|class| class.full_name()).unwrap_or_default(),
        shallow_size: object.shallow,
        allocated_size: object.allocated,
        refcount: object.refcount,
        length: object.length,
        tracked: is(ObjectFlags::TRACKED),
        unreadable: is(ObjectFlags::UNREADABLE),
        opaque: is(ObjectFlags::OPAQUE),
        estimated: is(ObjectFlags::ESTIMATED),
        immortal: is(ObjectFlags::IMMORTAL),
        is_static: is(ObjectFlags::STATIC),
        repr: represent(dump, object.number, Limits::FULL),
        referents: referents.collect(),
        left_out: edges.count(),
    }
}

impl Object {
    fn traits(&self) -> String {
        let all = [
            (self.tracked, "tracked by the collector"),
            (self.unreadable, "unreadable"),
            (self.opaque, "opaque: its referents are unknown"),
            (self.estimated, "sizes estimated"),
            (self.immortal, "immortal"),
            (self.is_static, "static"),
        ];
        all.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    }

    fn referent_section(&self) -> Section {
        let rows = self.referents.iter().map(|referent| {
            vec![
                referent.name.as_str().into(),
                referent.source.into(),
                referent.owned.into(),
                referent.value.address.clone().into(),
                referent.value.type_name.clone().into(),
                referent.value.repr.as_str().into(),
            ]
        });
        Section {
            columns: vec![
                Column::text("name", "name"),
                Column::text("source", "source"),
                Column::text("owned", "owned"),
                Column::number("address", "address"),
                Column::text("type", "type"),
                Column::text("value", "repr"),
            ],
            rows: rows.collect(),
            left_out: self.left_out,
            ..Section::default()
        }
    }
}

impl Report for Object {
    fn sections(&self) -> Vec<Section> {
        let mut lines = vec![
            self.repr.clone(),
            format!("{} at {}", self.type_name, self.address),
            format!(
                "{} shallow, {} allocated, {} references",
                units::bytes(self.shallow_size),
                units::bytes(self.allocated_size),
                units::count(self.refcount)
            ),
        ];
        if let Some(length) = self.length {
            lines.push(format!("length {}", units::count(length)));
        }
        lines.push(self.traits());
        lines.retain(|line| !line.is_empty());
        let count = self.referents.len() + self.left_out;
        let mut referents = self.referent_section();
        referents.lines = vec![format!("Refers to {} objects:", units::count(count as u64))];
        vec![Section { lines, ..Section::default() }, referents]
    }

    fn csv(&self) -> Section {
        self.referent_section()
    }
}

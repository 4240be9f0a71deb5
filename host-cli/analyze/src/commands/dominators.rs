//! `dominators`: the tree of who holds what alone, cut by share.

use super::Mention;
use super::paths::object_at;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::{Analysis, Branch, Cut, Node, NodeKind};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Row {
    depth: usize,
    #[serde(flatten)]
    object: Option<Mention>,
    /// What it is, where it is no object.
    holder: Option<String>,
    name: Option<String>,
    retained_size: u64,
    /// The largest that it holds is much smaller than itself: what it holds accumulates here.
    drop: bool,
    children: u64,
    children_left_out: u64,
}

/// A part of the dominator tree, in preorder.
#[derive(Debug, Serialize)]
pub struct Dominators {
    total_allocated_size: u64,
    nodes: Vec<Row>,
    #[serde(skip)]
    left_out: usize,
}

/// The tree below an object, or below the root.
pub fn dominators(
    analysis: &Analysis<'_>,
    address: Option<u64>,
    share: f64,
    depth: usize,
    limit: usize,
) -> anyhow::Result<Dominators> {
    let top = match address {
        Some(address) => object_at(analysis.dump, address)?.number,
        None => analysis.holders.root(),
    };
    let least = (analysis.total() as f64 * share / 100.0) as u64;
    let mut branches = analysis.dominator_branches(top, Cut { least, depth });
    let left_out = branches.len().saturating_sub(limit);
    branches.truncate(limit);
    Ok(Dominators {
        total_allocated_size: analysis.total(),
        nodes: branches.iter().map(|branch| row(analysis, branch)).collect(),
        left_out,
    })
}

fn row(analysis: &Analysis<'_>, branch: &Branch) -> Row {
    let is_object = analysis.holders.kind(branch.node) == NodeKind::Object;
    Row {
        depth: branch.depth,
        object: is_object.then(|| Mention::line(analysis.dump, branch.node)),
        holder: (!is_object).then(|| analysis.holder_text(branch.node)),
        name: name(analysis, branch.node),
        retained_size: branch.retained,
        drop: branch.is_drop,
        children: branch.children as u64,
        children_left_out: branch.children_left_out as u64,
    }
}

/// What the object's dominator calls it, where it refers to it directly.
fn name(analysis: &Analysis<'_>, node: Node) -> Option<String> {
    analysis.name_within_dominator(node)
}

impl Report for Dominators {
    fn sections(&self) -> Vec<Section> {
        let rows = self.nodes.iter().map(|row| {
            let indent = "  ".repeat(row.depth);
            let what = match (&row.object, &row.holder) {
                (Some(object), _) => object.repr.clone(),
                (None, Some(holder)) => holder.clone(),
                (None, None) => String::new(),
            };
            let name = row.name.as_ref().map_or_else(String::new, |name| format!("{name} = "));
            let mark = if row.drop { "▼" } else { "" };
            vec![
                Cell::Bytes(row.retained_size),
                units::share(row.retained_size, self.total_allocated_size).into(),
                mark.into(),
                row.object.as_ref().and_then(|object| object.type_name.clone()).into(),
                format!("{indent}{name}{what}").into(),
            ]
        });
        vec![Section {
            lines: vec!["▼: what is held here is spread over many: the point of accumulation.".into()],
            columns: vec![
                Column::number("retained", "retained_size"),
                Column::number("share", "share"),
                Column::text("", "drop"),
                Column::text("type", "type"),
                Column::text("object", "object"),
            ],
            rows: rows.collect(),
            left_out: self.left_out,
        }]
    }

    fn csv(&self) -> Section {
        let rows = self.nodes.iter().map(|row| {
            let object = row.object.as_ref();
            vec![
                Cell::Count(row.depth as u64),
                object.and_then(|object| object.address.clone()).into(),
                object.and_then(|object| object.type_name.clone()).into(),
                Cell::Bytes(row.retained_size),
                row.drop.into(),
                Cell::Count(row.children),
                object.map_or_else(|| row.holder.clone(), |object| Some(object.repr.clone())).into(),
            ]
        });
        Section {
            columns: ["depth", "address", "type", "retained_size", "drop", "children", "repr"]
                .map(|field| Column::text(field, field))
                .into(),
            rows: rows.collect(),
            ..Section::default()
        }
    }
}

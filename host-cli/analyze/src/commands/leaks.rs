//! `leaks`: where memory accumulates, in sentences.

use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::{Accumulation, Analysis, ShortestPaths, Suspect};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Content {
    #[serde(rename = "type")]
    type_name: String,
    count: u64,
    retained_size: u64,
}

/// A place where much is held.
#[derive(Debug, Serialize)]
pub struct Row {
    text: String,
    path: Option<String>,
    address: Option<String>,
    retained_size: u64,
    content: Vec<Content>,
    holder: Option<String>,
}

/// A usual holder that holds much.
#[derive(Debug, Serialize)]
pub struct Holder {
    holder: String,
    count: u64,
    retained_size: u64,
}

/// Suspects, the largest first.
#[derive(Debug, Serialize)]
pub struct Leaks {
    total_allocated_size: u64,
    suspects: Vec<Row>,
    usual_holders: Vec<Holder>,
}

/// The places where at least a share of the heap, in percent, is held.
pub fn leaks(analysis: &Analysis<'_>, share: f64, limit: usize) -> Leaks {
    let least = (analysis.total() as f64 * share / 100.0) as u64;
    let paths = analysis.shortest_paths();
    let suspects = analysis.suspects(least);
    let holders = analysis.usual_holders(least);
    Leaks {
        total_allocated_size: analysis.total(),
        suspects: suspects.iter().take(limit).map(|suspect| row(analysis, &paths, suspect)).collect(),
        usual_holders: holders
            .into_iter()
            .map(|(holder, count, retained_size)| Holder { holder: holder.into(), count, retained_size })
            .collect(),
    }
}

/// A suspect as a row.
pub fn row(analysis: &Analysis<'_>, paths: &ShortestPaths, suspect: &Suspect) -> Row {
    let node = match suspect.accumulation {
        Accumulation::Point(node) => Some(node).filter(|&node| node < analysis.holders.objects()),
        Accumulation::Type { .. } => None,
    };
    let content = suspect.content.iter().map(|(name, count, retained)| Content {
        type_name: name.clone(),
        count: *count,
        retained_size: *retained,
    });
    Row {
        text: analysis.suspect_text(suspect, paths, units::bytes),
        path: node.map(|node| analysis.path_text(&paths.path(node))),
        address: node.map(|node| units::address(analysis.objects.address(node))),
        retained_size: suspect.retained,
        content: content.collect(),
        holder: suspect.holder.clone(),
    }
}

impl Row {
    /// The suspect in a sentence.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Report for Leaks {
    fn sections(&self) -> Vec<Section> {
        let mut lines = vec![format!("{} allocated in all", units::bytes(self.total_allocated_size))];
        let numbered = self.suspects.iter().enumerate();
        lines.extend(numbered.map(|(at, row)| format!("{}. {}.", at + 1, row.text)));
        if self.suspects.is_empty() {
            lines.push("Nothing stands out.".into());
        }
        lines.extend(self.usual_holders.iter().map(Holder::text));
        vec![Section { lines, ..Section::default() }]
    }

    fn csv(&self) -> Section {
        section(&self.suspects)
    }
}

impl Leaks {
    /// Suspects and usual holders.
    pub fn into_parts(self) -> (Vec<Row>, Vec<Holder>) {
        (self.suspects, self.usual_holders)
    }
}

impl Holder {
    /// The holder in a sentence.
    pub fn text(&self) -> String {
        let (count, size) = (units::count(self.count), units::bytes(self.retained_size));
        format!("Usual holder: {} ({count} of them, {size}).", self.holder)
    }
}

/// Suspects as a table.
pub fn section(suspects: &[Row]) -> Section {
    let rows = suspects.iter().map(|row| {
        vec![
            Cell::Bytes(row.retained_size),
            row.address.clone().into(),
            row.path.clone().into(),
            row.holder.clone().into(),
            row.text.as_str().into(),
        ]
    });
    Section {
        columns: ["retained_size", "address", "path", "holder", "text"]
            .map(|field| Column::text(field, field))
            .into(),
        rows: rows.collect(),
        ..Section::default()
    }
}

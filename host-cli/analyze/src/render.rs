//! Writes a report as tables, JSON or CSV.

use crate::options::Format;
use crate::report::{Cell, Report, Section};
use crate::units;
use anyhow::Context;
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, CellAlignment, ContentArrangement, Row, Table};
use std::io::IsTerminal;

/// Characters of a text in a table, at most: JSON and CSV hold all of it.
const TEXT_LENGTH: usize = 160;

/// What the output goes to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Whether to highlight: only on a terminal, and unless `NO_COLOR` says otherwise.
    styled: bool,
    /// Whether lines have to fit a terminal.
    fitted: bool,
}

impl Terminal {
    /// What standard output is.
    pub fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { styled: terminal && colour, fitted: terminal }
    }
}

/// The whole output.
pub fn render(report: &impl Report, format: Format, terminal: Terminal) -> anyhow::Result<String> {
    match format {
        Format::Json => {
            let json = serde_json::to_string_pretty(report).context("cannot write JSON")?;
            Ok(json + "\n")
        }
        Format::Csv => csv(&report.csv()),
        Format::Table => {
            let parts: Vec<String> = report.sections().iter().map(|part| section(part, terminal)).collect();
            Ok(parts.join("\n"))
        }
    }
}

fn section(section: &Section, terminal: Terminal) -> String {
    let mut out: String = section.lines.iter().map(|line| printable(line) + "\n").collect();
    if !section.columns.is_empty() && !section.rows.is_empty() {
        out.push_str(&table(section, terminal));
        out.push('\n');
    }
    if section.left_out > 0 {
        out.push_str(&format!("… and {} more (-n 0 shows all)\n", units::count(section.left_out as u64)));
    }
    out
}

fn table(section: &Section, terminal: Terminal) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_truncation_indicator("…");
    let width = if terminal.fitted { table.width() } else { None };
    if !terminal.styled {
        table.force_no_tty();
    }
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    if section.columns.iter().any(|column| !column.title.is_empty()) {
        table.set_header(section.columns.iter().map(|column| {
            let cell = comfy_table::Cell::new(column.title);
            if terminal.styled { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
    }
    for row in &section.rows {
        let mut cells = Row::from(row.iter().map(for_people));
        cells.max_height(1);
        table.add_row(cells);
    }
    for (index, head) in section.columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            if head.right {
                column.set_cell_alignment(CellAlignment::Right);
            }
            if index == 0 {
                column.set_padding((0, 1));
            }
        }
    }
    table.trim_fmt()
}

fn for_people(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => shortened(text),
        Cell::Count(count) => units::count(*count),
        Cell::Bytes(size) => units::bytes(*size),
        Cell::Flag(flag) => if *flag { "yes" } else { "no" }.into(),
        Cell::Nothing => "-".into(),
    }
}

/// A line is a line: whatever a program called its threads and variables.
fn printable(text: &str) -> String {
    text.replace(|character: char| character.is_control(), "\u{fffd}")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_LENGTH) {
        Some((end, _)) => printable(text.get(..end).unwrap_or(text)) + "…",
        None => printable(text),
    }
}

fn csv(section: &Section) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(section.columns.iter().map(|column| column.field))?;
    for row in &section.rows {
        writer.write_record(row.iter().map(|cell| match cell {
            Cell::Text(text) => text.clone(),
            Cell::Count(number) | Cell::Bytes(number) => number.to_string(),
            Cell::Flag(flag) => flag.to_string(),
            Cell::Nothing => String::new(),
        }))?;
    }
    let bytes = writer.into_inner().context("cannot write CSV")?;
    String::from_utf8(bytes).context("cannot write CSV")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_process_cannot_break_the_table() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(shortened("é"), "é");
        assert_eq!(shortened(&"é".repeat(TEXT_LENGTH + 1)), "é".repeat(TEXT_LENGTH) + "…");
    }
}

//! Writes a report as tables, JSON or CSV.

use crate::options::Format;
use crate::report::{Cell, Report, Section};
use crate::units;
use anyhow::Context;
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, CellAlignment, ContentArrangement, Row, Table};
use pyheap_format::text::{is_active, printable};
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
            Ok(escaped(json) + "\n")
        }
        Format::Csv => csv(&report.csv(), terminal),
        Format::Table => {
            let parts: Vec<String> = report.sections().iter().map(|part| section(part, terminal)).collect();
            Ok(parts.join("\n"))
        }
    }
}

fn section(section: &Section, terminal: Terminal) -> String {
    let mut out: String = section.lines.iter().map(|line| printable(line).into_owned() + "\n").collect();
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

/// The same JSON, with escapes for what JSON allows in texts but a terminal would act on.
fn escaped(json: String) -> String {
    let active = |character: char| character != '\n' && is_active(character);
    if !json.contains(active) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        if active(character) {
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_LENGTH) {
        Some((end, _)) => printable(text.get(..end).unwrap_or(text)).into_owned() + "…",
        None => printable(text).into_owned(),
    }
}

fn csv(section: &Section, terminal: Terminal) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(section.columns.iter().map(|column| column.field))?;
    for row in &section.rows {
        writer.write_record(row.iter().map(|cell| match cell {
            // Programs get every text as it is.
            Cell::Text(text) if terminal.fitted => printable(text).into_owned(),
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
    fn json_is_the_same_without_what_a_terminal_acts_on() {
        let text = "a\u{1b}\u{9b}2J\u{202e}\n中".to_owned();
        let json = escaped(serde_json::to_string_pretty(&[&text]).unwrap());
        assert!(!json.contains(|character| character != '\n' && is_active(character)), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shortened("é"), "é");
        assert_eq!(shortened("a\nb"), "a\u{fffd}b");
        assert_eq!(shortened(&"é".repeat(TEXT_LENGTH + 1)), "é".repeat(TEXT_LENGTH) + "…");
    }
}

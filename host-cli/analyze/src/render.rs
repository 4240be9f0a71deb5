//! Writes a report as tables, JSON or CSV.

use crate::failure::Failure;
use crate::options::Format;
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, CellAlignment, ContentArrangement, Row, Table};
use pyheap_engine::Page;
use pyheap_report::{Report, Section, Unit, Value, is_active, printable, units};
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

/// What is printed.
#[derive(Debug)]
pub struct Answer {
    /// For standard output.
    pub text: String,
    /// For standard error: what the text does not hold.
    pub notes: Vec<String>,
    /// Whether it says that all is well.
    pub passed: bool,
}

impl Answer {
    /// A report in a format; `page` is what was asked of it.
    pub fn of(report: &impl Report, format: Format, page: Page) -> Result<Self, Failure> {
        let (text, notes) = match format {
            Format::Json if page == Page::ALL => (json(report)?, Vec::new()),
            Format::Json => (json(report)?, left_out(&report.sections())),
            Format::Csv => {
                let section = report.csv();
                (csv(&section, Terminal::of_stdout())?, left_out(std::slice::from_ref(&section)))
            }
            Format::Table => {
                let terminal = Terminal::of_stdout();
                let sections = report.sections();
                let parts: Vec<String> = sections.iter().map(|part| section(part, terminal)).collect();
                (parts.join("\n"), Vec::new())
            }
        };
        Ok(Self { text, notes, passed: true })
    }
}

/// Formats for programs have no place for it.
fn left_out(sections: &[Section]) -> Vec<String> {
    let left_out: u64 = sections.iter().map(Section::left_out).sum();
    let note = || format!("{} are left out (-n 0 prints all)", units::counted(left_out, "row"));
    (left_out > 0).then(note).into_iter().collect()
}

fn json(report: &impl Report) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(report);
    text.map(|text| escaped(text) + "\n")
        .map_err(|error| Failure::Rendering { format: "JSON", reason: error.to_string() })
}

fn section(section: &Section, terminal: Terminal) -> String {
    let mut out: String = section.lines.iter().map(|line| printable(line).into_owned() + "\n").collect();
    if !section.columns.is_empty() && !section.rows.is_empty() {
        out.push_str(&table(section, terminal));
        out.push('\n');
    }
    if section.left_out() > 0 {
        out.push_str(&format!("… and {} more (-n 0 shows all)\n", units::count(section.left_out())));
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
    if section.upright {
        for (column, value) in section.columns.iter().zip(section.rows.iter().flatten()) {
            add_row(&mut table, [column.title.to_owned(), for_people(column.unit, value)]);
        }
    } else {
        table.set_header(section.columns.iter().map(|column| {
            let cell = comfy_table::Cell::new(column.title);
            if terminal.styled { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        for row in &section.rows {
            let cells = section.columns.iter().zip(row);
            add_row(&mut table, cells.map(|(column, value)| for_people(column.unit, value)));
        }
        for (index, column) in section.columns.iter().enumerate() {
            if let Some(shown) = table.column_mut(index).filter(|_| column.unit.is_number()) {
                shown.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table.trim_fmt()
}

fn add_row(table: &mut Table, cells: impl IntoIterator<Item = String>) {
    let mut row = Row::from(cells);
    row.max_height(1);
    table.add_row(row);
}

fn for_people(unit: Unit, value: &Value) -> String {
    match (unit, value) {
        (_, Value::Nothing) => "-".into(),
        (_, Value::Text(text)) => shortened(text),
        (_, Value::Flag(flag)) => if *flag { "yes" } else { "no" }.into(),
        (Unit::Bytes, Value::Unsigned(size)) => units::bytes(*size),
        (_, Value::Unsigned(number)) => units::count(*number),
        (Unit::BytesChange, Value::Signed(change)) => units::signed_bytes(*change),
        (_, Value::Signed(change)) => units::signed_count(*change),
        (Unit::Milliseconds, Value::Real(duration)) => units::milliseconds(*duration),
        (_, Value::Real(ratio)) => units::percent(*ratio),
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

fn csv(section: &Section, terminal: Terminal) -> Result<String, Failure> {
    let failure = |reason: String| Failure::Rendering { format: "CSV", reason };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |row: Vec<String>| writer.write_record(row).map_err(|error| failure(error.to_string()));
    if section.upright {
        write(vec!["key".into(), "value".into()])?;
        for (column, value) in section.columns.iter().zip(section.rows.iter().flatten()) {
            write(vec![column.field.into(), for_programs(value, terminal)])?;
        }
    } else {
        write(section.columns.iter().map(|column| column.field.into()).collect())?;
        for row in &section.rows {
            write(row.iter().map(|value| for_programs(value, terminal)).collect())?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| failure(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failure(error.to_string()))
}

/// Programs get every text as it is.
fn for_programs(value: &Value, terminal: Terminal) -> String {
    match value {
        Value::Nothing => String::new(),
        Value::Text(text) if terminal.fitted => printable(text).into_owned(),
        Value::Text(text) => text.clone(),
        Value::Unsigned(number) => number.to_string(),
        Value::Signed(change) => change.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
    }
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

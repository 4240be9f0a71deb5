//! `pyheap-top`: the records summed up by type or module, without a file.

use crate::commands::dump::how_it_stands;
use crate::commands::header;
use crate::debugger::Debugger;
use crate::error::SessionError;
use crate::options::{Grouping, Sort, TopOptions};
use crate::stream::reception::Consumer;
use crate::target::snapshot::{Identified, Snapshot, released};
use crate::text;
use comfy_table::{CellAlignment, Table, presets};
use pyheap_format::reader::{Dump, Frame, Record, Type};
use pyheap_format::text::printable;
use pyheap_heap::{Analysis, GroupSizes, Total, TypeTotals};
use pyheap_process::Facts;

/// Runs the command. The text is the result, to be shown to the user.
pub fn run(debugger: &mut dyn Debugger, options: &TopOptions) -> Result<String, SessionError> {
    let held = debugger.holds();
    let mut released = released(debugger, &options.snapshot)?;
    let debugger = released.as_deref_mut().unwrap_or(debugger);
    let target = Identified::new(debugger)?;
    let name = |of: &Type| match options.by {
        Grouping::Type => of.full_name(),
        Grouping::Module => of.module.split('.').next().unwrap_or_default().to_owned(),
    };
    if options.sort == Sort::Retained {
        let mut records = Records::default();
        let snapshot = stream(target, debugger, options, &mut records)?;
        let rows = records.rows(name)?;
        return Ok(format!("{}\n{}", table(rows, options), how_it_stands(&snapshot, held)));
    }
    let mut totals = Totals::default();
    let snapshot = stream(target, debugger, options, &mut totals)?;
    Ok(format!("{}\n{}", table(totals.rows(name), options), how_it_stands(&snapshot, held)))
}

/// Streams a whole snapshot.
fn stream(
    target: Identified,
    debugger: &mut dyn Debugger,
    options: &TopOptions,
    consumer: &mut dyn Consumer,
) -> Result<Snapshot, SessionError> {
    // Previews are not looked at.
    let (snapshot, received) = target.stream(debugger, &options.snapshot, 0, consumer)?;
    received.complete(|_| String::new())?;
    Ok(snapshot)
}

/// The sums alone.
#[derive(Debug, Default)]
struct Totals {
    types: Vec<Type>,
    totals: TypeTotals,
}

impl Consumer for Totals {
    fn begin(&mut self, _: &Snapshot) -> Result<(), SessionError> {
        Ok(())
    }

    fn take(&mut self, frame: &Frame<'_>) -> Result<(), SessionError> {
        match Record::decode(frame.kind, frame.body) {
            Ok(Record::Types(_, types)) => self.types.extend(types),
            Ok(Record::Objects(objects)) => self.totals.add(&objects, self.types.len()),
            _ => {}
        }
        Ok(())
    }
}

impl Totals {
    fn rows(&self, name: impl Fn(&Type) -> String) -> Vec<Row> {
        let groups = self.totals.grouped(&self.types, name);
        groups.into_iter().map(|(name, total)| Row { name, total, retained: None }).collect()
    }
}

/// The whole dump.
#[derive(Debug, Default)]
struct Records {
    bytes: Vec<u8>,
}

impl Consumer for Records {
    fn begin(&mut self, snapshot: &Snapshot) -> Result<(), SessionError> {
        self.bytes = header::begin(snapshot, Facts::default(), 0).to_record();
        Ok(())
    }

    fn take(&mut self, frame: &Frame<'_>) -> Result<(), SessionError> {
        self.bytes.extend_from_slice(frame.record);
        Ok(())
    }
}

impl Records {
    fn rows(self, name: impl Fn(&Type) -> String) -> Result<Vec<Row>, SessionError> {
        let dump = Dump::from_bytes(&self.bytes)?;
        drop(self);
        let row = |(name, sizes): (String, GroupSizes)| {
            let GroupSizes { total, retained } = sizes;
            Row { name, total, retained: Some(retained) }
        };
        Ok(Analysis::new(&dump).by_name(name).into_iter().map(row).collect())
    }
}

/// A group of objects.
#[derive(Debug)]
struct Row {
    name: String,
    total: Total,
    /// What would be freed if all of them went, where it was asked for.
    retained: Option<u64>,
}

fn table(mut rows: Vec<Row>, options: &TopOptions) -> Table {
    rows.retain(|row| row.total.count > 0);
    let key = |row: &Row| match options.sort {
        Sort::Size => (row.total.allocated, row.total.count),
        Sort::Count => (row.total.count, row.total.allocated),
        Sort::Retained => (row.retained.unwrap_or_default(), row.total.count),
    };
    rows.sort_by(|a, b| key(b).cmp(&key(a)).then_with(|| a.name.cmp(&b.name)));
    let sum_of = |rows: &[Row]| {
        let mut all = Total::default();
        rows.iter().for_each(|row| all.add(row.total));
        all
    };
    let total = sum_of(&rows);
    let left = rows.split_off(options.rows.min(rows.len()));

    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let title = match options.by {
        Grouping::Type => "type",
        Grouping::Module => "module",
    };
    let with_retained = options.sort == Sort::Retained;
    let columns = ["objects", "shallow", "allocated"].into_iter().chain(with_retained.then_some("retained"));
    table.set_header(std::iter::once(title).chain(columns));
    let mut add = |name: &str, total: Total, retained: Option<u64>| {
        let Total { count, shallow, allocated } = total;
        let mut cells = vec![
            printable(name).into_owned(),
            text::count(count),
            text::bytes(shallow),
            text::bytes(allocated),
        ];
        cells.extend(retained.map(text::bytes));
        table.add_row(cells);
    };
    for row in &rows {
        add(&row.name, row.total, row.retained);
    }
    // What groups retain overlaps: it has no sum.
    if !left.is_empty() {
        add(&format!("({} more)", left.len()), sum_of(&left), None);
    }
    add("(all)", total, None);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

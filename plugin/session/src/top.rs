//! `pyheap-top`: the records summed up by type or module, without a file.

use crate::debugger::Debugger;
use crate::dump::how_it_stands;
use crate::error::SessionError;
use crate::options::{Grouping, Sort, TopOptions};
use crate::snapshot::{Identified, Taken};
use crate::stream::Consumer;
use crate::text;
use comfy_table::{CellAlignment, Table, presets};
use pyheap_format::ObjectFlags;
use pyheap_format::reader::{Frame, Record, Type};
use std::collections::HashMap;

/// Runs the command. The text is the result, to be shown to the user.
pub fn run(debugger: &mut dyn Debugger, options: &TopOptions) -> Result<String, SessionError> {
    let target = Identified::new(debugger)?;
    let mut totals = Totals::default();
    // Previews are not looked at.
    let (taken, received) = target.stream(debugger, &options.snapshot, 0, &mut totals)?;
    match received.summary {
        None => Err(SessionError::WalkerDied { objects: received.objects, kept: String::new() }),
        Some(summary) => match summary.error {
            Some(reason) => Err(SessionError::Walk { reason, kept: String::new() }),
            None => Ok(format!("{}\n{}", totals.table(options), how_it_stands(&taken))),
        },
    }
}

/// Sums of some objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    shallow: u64,
    allocated: u64,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.shallow += other.shallow;
        self.allocated += other.allocated;
    }
}

#[derive(Debug, Default)]
struct Totals {
    types: Vec<Type>,
    sums: Vec<Sum>,
}

impl Consumer for Totals {
    fn begin(&mut self, _: &Taken) -> Result<(), SessionError> {
        Ok(())
    }

    fn take(&mut self, frame: &Frame<'_>) -> Result<(), SessionError> {
        match Record::decode(frame.kind, frame.body) {
            Ok(Record::Types(_, types)) => {
                self.types.extend(types);
                self.sums.resize(self.types.len(), Sum::default());
            }
            Ok(Record::Objects(objects)) => {
                let sizes = objects.shallow().iter().zip(objects.allocated().iter());
                for ((number, (shallow, allocated)), &flags) in
                    objects.types().zip(sizes).zip(objects.flags())
                {
                    // A type without a record is damage; its objects cannot be shown by name.
                    let Some(sum) = self.sums.get_mut(number as usize) else { continue };
                    let is_static = ObjectFlags(flags).contains(ObjectFlags::STATIC);
                    sum.add(Sum { count: 1, shallow, allocated: if is_static { 0 } else { allocated } });
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Totals {
    fn table(&self, options: &TopOptions) -> Table {
        let mut groups: HashMap<String, Sum> = HashMap::new();
        let mut total = Sum::default();
        for (kind, &sum) in self.types.iter().zip(&self.sums).filter(|(_, sum)| sum.count > 0) {
            let name = match options.by {
                Grouping::Type => kind.full_name(),
                Grouping::Module => kind.module.split('.').next().unwrap_or_default().to_owned(),
            };
            groups.entry(name).or_default().add(sum);
            total.add(sum);
        }
        let mut rows: Vec<(String, Sum)> = groups.into_iter().collect();
        rows.sort_by(|(a_name, a), (b_name, b)| {
            let keys = match options.sort {
                Sort::Size => (b.allocated, b.count).cmp(&(a.allocated, a.count)),
                Sort::Count => (b.count, b.allocated).cmp(&(a.count, a.allocated)),
            };
            keys.then_with(|| a_name.cmp(b_name))
        });
        let left = rows.split_off(options.rows.min(rows.len()));

        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let title = match options.by {
            Grouping::Type => "type",
            Grouping::Module => "module",
        };
        table.set_header([title, "objects", "shallow", "allocated"]);
        let mut add = |name: &str, sum: Sum| {
            let Sum { count, shallow, allocated } = sum;
            table.add_row([name, &text::count(count), &text::bytes(shallow), &text::bytes(allocated)]);
        };
        for (name, sum) in &rows {
            add(name, *sum);
        }
        if !left.is_empty() {
            let mut rest = Sum::default();
            left.iter().for_each(|(_, sum)| rest.add(*sum));
            add(&format!("({} more)", left.len()), rest);
        }
        add("(all)", total);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

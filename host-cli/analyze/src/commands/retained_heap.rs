//! `retained-heap`: the objects that hold most, then the threads, then the total.

use super::Mention;
use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_heap::Analysis;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    object: Mention,
    retained_size: u64,
    allocated_size: u64,
    shallow_size: u64,
}

/// A thread, and what would be freed if its stack went.
#[derive(Debug, Serialize)]
pub struct Thread {
    name: String,
    retained_size: u64,
}

/// The objects and threads that hold most.
#[derive(Debug, Serialize)]
pub struct RetainedHeap {
    total_allocated_size: u64,
    objects: Vec<Row>,
    threads: Vec<Thread>,
}

/// The `limit` objects of largest retained size, and all threads.
pub fn retained_heap(analysis: &Analysis<'_>, limit: usize) -> RetainedHeap {
    let objects = analysis.largest(limit).into_iter().map(|object| Row {
        object: Mention::line(analysis.dump, object),
        retained_size: analysis.retained(object),
        allocated_size: analysis.objects.allocated(object),
        shallow_size: analysis.objects.shallow(object),
    });
    RetainedHeap {
        total_allocated_size: analysis.total(),
        objects: objects.collect(),
        threads: threads(analysis),
    }
}

/// All threads, the one that holds most first.
pub fn threads(analysis: &Analysis<'_>) -> Vec<Thread> {
    let mut threads: Vec<Thread> = (0..analysis.holders.threads())
        .map(|thread| Thread {
            name: analysis.thread_name(thread),
            retained_size: analysis.retained(analysis.holders.thread(thread)),
        })
        .collect();
    threads.sort_by_key(|thread| std::cmp::Reverse(thread.retained_size));
    threads
}

impl Thread {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What would be freed if its stack went, bytes.
    pub fn retained_size(&self) -> u64 {
        self.retained_size
    }
}

impl Report for RetainedHeap {
    fn sections(&self) -> Vec<Section> {
        let threads = self.threads.iter().map(|thread| {
            let share = units::share(thread.retained_size, self.total_allocated_size);
            vec![thread.name.as_str().into(), Cell::Bytes(thread.retained_size), share.into()]
        });
        let threads = Section {
            lines: vec!["Held by a thread's stack alone:".into()],
            columns: vec![
                Column::text("thread", "thread"),
                Column::number("retained", "retained_size"),
                Column::number("share", "share"),
            ],
            rows: threads.collect(),
            ..Section::default()
        };
        let total = format!("Total: {} allocated", units::bytes(self.total_allocated_size));
        vec![self.csv(), threads, Section { lines: vec![total], ..Section::default() }]
    }

    fn csv(&self) -> Section {
        let rows = self.objects.iter().map(|row| {
            vec![
                row.object.address.clone().into(),
                row.object.type_name.clone().into(),
                Cell::Bytes(row.retained_size),
                units::share(row.retained_size, self.total_allocated_size).into(),
                Cell::Bytes(row.allocated_size),
                Cell::Bytes(row.shallow_size),
                row.object.repr.as_str().into(),
            ]
        });
        Section {
            columns: vec![
                Column::number("address", "address"),
                Column::text("type", "type"),
                Column::number("retained", "retained_size"),
                Column::number("share", "share"),
                Column::number("allocated", "allocated_size"),
                Column::number("shallow", "shallow_size"),
                Column::text("value", "repr"),
            ],
            rows: rows.collect(),
            ..Section::default()
        }
    }
}

//! `pyheap-dump --list`: the Python processes that can be seen, and whether they can be dumped.

use crate::processes::{all, command_line};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use pyheap_format::text::printable;
use pyheap_process::access::{self, Obstacle};
use pyheap_process::{Facts, Interpreter, Resident};
use pyheap_session::Estimate;
use pyheap_session::text;
use serde::Serialize;

/// A Python process. As JSON: fields are added, never renamed.
#[derive(Debug, Serialize)]
pub struct Listed {
    pid: u32,
    /// Version of the interpreter, if it can be told.
    python: Option<String>,
    rss: u64,
    /// Id of its container, if it is in one.
    container: Option<String>,
    command: String,
    /// Why it cannot be dumped; nothing if it can.
    obstacle: Option<String>,
}

/// Looks at all processes but this one.
pub fn look() -> Vec<Listed> {
    let this = std::process::id();
    let pids = all().into_iter().filter(|&pid| pid != this && Interpreter::is_likely(pid));
    pids.filter_map(listed).collect()
}

fn listed(pid: u32) -> Option<Listed> {
    // A process that has ended meanwhile is none.
    let rss = Resident::read(pid).ok().filter(|resident| resident.rss > 0)?.rss;
    let (python, obstacle) = match (Estimate::of(pid, false), access::obstacle(pid)) {
        (Ok(estimate), obstacle) => {
            let reason = obstacle.as_ref().map(Obstacle::to_string).or_else(|| estimate.refusal());
            (Some(estimate.python), reason)
        }
        (Err(_), Some(obstacle)) => (None, Some(obstacle.to_string())),
        (Err(error), None) => (None, Some(error.to_string())),
    };
    let container = Facts::read(pid).ok().and_then(|facts| facts.container);
    Some(Listed { pid, python, rss, container, command: command_line(pid), obstacle })
}

/// As people read it.
pub fn table(processes: &[Listed]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["PID", "Python", "RSS", "container", "command", "can be dumped"]);
    for process in processes {
        let container = process.container.as_deref().unwrap_or("-");
        table.add_row([
            process.pid.to_string(),
            process.python.clone().unwrap_or_else(|| "?".to_owned()),
            text::bytes(process.rss),
            format!("{container:.12}"),
            process.command.clone(),
            match &process.obstacle {
                None => "yes".to_owned(),
                Some(reason) => printable(&format!("no: {reason}")).into_owned(),
            },
        ]);
    }
    for number in [0, 2] {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

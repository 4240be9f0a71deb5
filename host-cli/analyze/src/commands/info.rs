//! `info`: where the dump comes from, its totals, and the process's memory.

use crate::report::{Cell, Column, Report, Section};
use crate::units;
use pyheap_format::header::{ProcessMemory, SafePoint};
use pyheap_format::reader::Dump;
use pyheap_format::{ObjectFlags, Summary};
use pyheap_heap::TypeTotals;
use serde::Serialize;

/// What `info` tells.
#[derive(Debug, Serialize)]
pub struct Info {
    format_version: String,
    tool: String,
    python: String,
    executable: String,
    architecture: String,
    debugger: String,
    pid: u32,
    command_line: Vec<String>,
    container: Option<String>,
    created_at: String,
    objects: u64,
    edges: u64,
    types: u64,
    threads: u64,
    shallow_size: u64,
    allocated_size: u64,
    unreadable: u64,
    opaque: u64,
    estimated: u64,
    complete: bool,
    warnings: Vec<String>,
    torn: bool,
    collecting: bool,
    forked: bool,
    safe_point: SafePoint,
    pause_ms: Option<f64>,
    stopped_ms: Option<f64>,
    allocator_free: u64,
    process: ProcessMemory,
}

/// Where a dump comes from, and its totals.
pub fn info(dump: &Dump) -> Info {
    let header = dump.header();
    let python = &header.python;
    let summary = dump.summary().cloned().unwrap_or_else(|| recount(dump));
    let build = match (python.free_threaded, python.debug) {
        (true, true) => " (free-threaded, debug)",
        (true, false) => " (free-threaded)",
        (false, true) => " (debug)",
        (false, false) => "",
    };
    Info {
        format_version: format!("{}.{}", header.version.0, header.version.1),
        tool: header.tool.clone(),
        python: format!("{}{build}", python.version),
        executable: python.executable.clone(),
        architecture: header.architecture.clone(),
        debugger: header.debugger.clone(),
        pid: header.pid,
        command_line: header.command_line.clone(),
        container: header.container.clone(),
        created_at: header.created_at.clone(),
        objects: u64::from(dump.object_count()),
        edges: dump.edge_count(),
        types: dump.types().len() as u64,
        threads: dump.threads().len() as u64,
        shallow_size: summary.shallow_size,
        allocated_size: summary.allocated_size,
        unreadable: summary.unreadable,
        opaque: summary.opaque,
        estimated: summary.estimated,
        complete: dump.complete(),
        warnings: dump.warnings().to_vec(),
        torn: header.torn,
        collecting: header.collecting,
        forked: header.forked,
        safe_point: header.safe_point,
        pause_ms: dump.footer().map(|footer| footer.pause_ms).filter(is_known),
        stopped_ms: dump.footer().map(|footer| footer.stopped_ms).filter(is_known),
        allocator_free: summary.pools_free,
        process: header.process.clone(),
    }
}

/// Imported dumps do not know how long the process stood still, and no real dump takes no time.
fn is_known(milliseconds: &f64) -> bool {
    *milliseconds > 0.0
}

/// The totals of what is there, for a dump that ends before its summary.
fn recount(dump: &Dump) -> Summary<'static> {
    let all = TypeTotals::of(dump).all();
    let flagged = |flag| {
        let flags = dump.object_chunks().flat_map(|chunk| chunk.flags().iter());
        flags.filter(|flags| ObjectFlags(**flags).contains(flag)).count() as u64
    };
    Summary {
        shallow_size: all.shallow,
        allocated_size: all.allocated,
        unreadable: flagged(ObjectFlags::UNREADABLE),
        opaque: flagged(ObjectFlags::OPAQUE),
        estimated: flagged(ObjectFlags::ESTIMATED),
        ..Summary::default()
    }
}

impl Info {
    /// RSS = objects + allocator free + mapped files + the rest: the line adds up, whatever the sign of the rest.
    fn rss_line(&self) -> String {
        if self.process.rss == 0 {
            return format!("RSS unknown; Python objects {}", units::bytes(self.allocated_size));
        }
        let known = [self.allocated_size, self.allocator_free, self.process.mapped_files];
        let sum: u64 = known.into_iter().fold(0, u64::saturating_add);
        let rss = self.process.rss;
        let [objects, free, files] = known.map(units::bytes);
        let rest = if rss >= sum {
            format!("+ everything not accounted for {}", units::bytes(rss - sum))
        } else {
            format!("- not resident (swapped out or never touched) {}", units::bytes(sum - rss))
        };
        format!(
            "RSS {} = Python objects {objects} + allocator free {free} + mapped files {files} {rest}",
            units::bytes(rss)
        )
    }

    /// What a person needs to know of the process, in lines.
    pub fn head(&self) -> Vec<String> {
        let command = self.command_line.join(" ");
        let process = match self.pid {
            // An imported dump.
            0 => "Process unknown".to_owned(),
            pid => format!("Python {}, process {pid} ({command})", self.python),
        };
        vec![
            format!("{process}, {}", self.created_at),
            format!(
                "{} objects, {} shallow, {} allocated",
                units::count(self.objects),
                units::bytes(self.shallow_size),
                units::bytes(self.allocated_size)
            ),
            self.rss_line(),
        ]
    }

    /// What limits how far the dump can be believed, in fragments.
    pub fn caveats(&self) -> Vec<String> {
        let mut caveats = self.warnings.clone();
        let flags = [
            (self.torn, "the snapshot was taken where the heap may be inconsistent"),
            (self.collecting, "a collection was under way"),
        ];
        caveats.extend(flags.iter().filter(|(set, _)| *set).map(|(_, text)| (*text).to_owned()));
        let counts = [
            (self.unreadable, "could not be read", "could not be read"),
            (
                self.opaque,
                "refers to objects in ways that only native code knows",
                "refer to objects in ways that only native code knows",
            ),
            (self.estimated, "has an estimated size", "have estimated sizes"),
        ];
        caveats.extend(counts.iter().filter(|(count, ..)| *count > 0).map(
            |(count, one, many)| match count {
                1 => format!("1 object {one}"),
                count => format!("{} objects {many}", units::count(*count)),
            },
        ));
        caveats
    }

    fn facts(&self) -> Vec<(&'static str, Cell)> {
        let text = |text: &str| if text.is_empty() { Cell::Nothing } else { text.into() };
        let milliseconds = |time: Option<f64>| Cell::from(time.map(|time| format!("{time:.1} ms")));
        let safe_point = match self.safe_point {
            SafePoint::Idle => "idle: nobody held the GIL",
            SafePoint::EvalFrame => "entry of a Python function",
            SafePoint::SaveThread => "release of the GIL",
            SafePoint::PendingCall => "pending call",
        };
        let process = &self.process;
        vec![
            ("format_version", self.format_version.as_str().into()),
            ("tool", text(&self.tool)),
            ("created_at", text(&self.created_at)),
            ("python", text(&self.python)),
            ("executable", text(&self.executable)),
            ("architecture", text(&self.architecture)),
            ("debugger", text(&self.debugger)),
            ("pid", Cell::Text(self.pid.to_string())),
            ("command_line", text(&self.command_line.join(" "))),
            ("container", self.container.clone().into()),
            ("objects", Cell::Count(self.objects)),
            ("edges", Cell::Count(self.edges)),
            ("types", Cell::Count(self.types)),
            ("threads", Cell::Count(self.threads)),
            ("shallow_size", Cell::Bytes(self.shallow_size)),
            ("allocated_size", Cell::Bytes(self.allocated_size)),
            ("unreadable", Cell::Count(self.unreadable)),
            ("opaque", Cell::Count(self.opaque)),
            ("estimated", Cell::Count(self.estimated)),
            ("complete", self.complete.into()),
            ("torn", self.torn.into()),
            ("collecting", self.collecting.into()),
            ("forked", self.forked.into()),
            ("safe_point", safe_point.into()),
            ("pause_ms", milliseconds(self.pause_ms)),
            ("stopped_ms", milliseconds(self.stopped_ms)),
            ("allocator_free", Cell::Bytes(self.allocator_free)),
            ("rss", Cell::Bytes(process.rss)),
            ("pss", Cell::Bytes(process.pss)),
            ("swap", Cell::Bytes(process.swap)),
            ("private", Cell::Bytes(process.private)),
            ("mapped_files", Cell::Bytes(process.mapped_files)),
            ("anonymous", Cell::Bytes(process.anonymous)),
            ("cgroup_limit", process.cgroup_limit.map_or(Cell::Nothing, Cell::Bytes)),
            ("cgroup_usage", process.cgroup_usage.map_or(Cell::Nothing, Cell::Bytes)),
        ]
    }

    fn mappings(&self) -> Section {
        let rows = self.process.mappings.iter().map(|(kind, sum)| {
            vec![
                kind.as_str().into(),
                Cell::Count(sum.count),
                Cell::Bytes(sum.size),
                Cell::Bytes(sum.rss),
                Cell::Bytes(sum.pss),
                Cell::Bytes(sum.swap),
            ]
        });
        Section {
            columns: vec![
                Column::text("mappings", "mappings"),
                Column::number("count", "count"),
                Column::number("size", "size"),
                Column::number("rss", "rss"),
                Column::number("pss", "pss"),
                Column::number("swap", "swap"),
            ],
            rows: rows.collect(),
            ..Section::default()
        }
    }
}

impl Report for Info {
    fn sections(&self) -> Vec<Section> {
        let facts = Section {
            columns: vec![Column::text("", "key"), Column::text("", "value")],
            rows: self.facts().into_iter().map(|(key, value)| vec![key.into(), value]).collect(),
            ..Section::default()
        };
        vec![Section { lines: vec![self.rss_line()], ..Section::default() }, facts, self.mappings()]
    }

    fn csv(&self) -> Section {
        let rows = self.facts().into_iter().map(|(key, value)| vec![key.into(), value]);
        Section {
            columns: vec![Column::text("key", "key"), Column::text("value", "value")],
            rows: rows.collect(),
            ..Section::default()
        }
    }
}

//! `info`: where the dump comes from, its totals, and the process's memory.

use crate::table::{Report, Row, Section, columns};
use crate::units;
use pyheap_format::header::{MappingSum, ProcessMemory, SafePoint};
use schemars::JsonSchema;
use serde::Serialize;

/// Where a dump comes from, and its totals.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Info {
    /// Major and minor version of the dump's format.
    pub format_version: String,
    /// Tool that wrote the dump, and its version.
    pub tool: String,
    /// Version and kind of build of the interpreter.
    pub python: String,
    /// Its executable, as the process saw it.
    pub executable: String,
    /// Of the machine.
    pub architecture: String,
    /// Debugger and version.
    pub debugger: String,
    /// Process id; 0 where it is unknown.
    pub pid: u32,
    /// The process's command line.
    pub command_line: Vec<String>,
    /// Container id, where there is one.
    pub container: Option<String>,
    /// When the snapshot was taken, RFC 3339, UTC.
    pub created_at: String,
    /// Number of objects.
    pub objects: u64,
    /// Number of references between them.
    pub edges: u64,
    /// Number of types.
    pub types: u64,
    /// Number of threads.
    pub threads: u64,
    /// Sum of what `sys.getsizeof` answers, bytes.
    pub shallow_size: u64,
    /// Bytes kept from the allocator.
    pub allocated_size: u64,
    /// Objects whose memory could not be read.
    pub unreadable: u64,
    /// Objects whose referents only native code knows.
    pub opaque: u64,
    /// Objects whose sizes are estimated.
    pub estimated: u64,
    /// Everything that was to be in the dump is there and undamaged.
    pub complete: bool,
    /// What is missing or damaged.
    pub warnings: Vec<String>,
    /// The snapshot was taken where the heap may be inconsistent.
    pub torn: bool,
    /// A garbage collection was under way.
    pub collecting: bool,
    /// A copy-on-write child was walked.
    pub forked: bool,
    /// How a consistent state was reached.
    pub safe_point: SafePoint,
    /// For how long the snapshot kept the process from running, milliseconds.
    pub pause_ms: Option<f64>,
    /// For how long the process stood still in all, milliseconds.
    pub stopped_ms: Option<f64>,
    /// Bytes free in the interpreter's own allocator.
    pub allocator_free: u64,
    /// The process's memory as the kernel saw it, bytes.
    pub process: ProcessMemory,
}

columns! { Info {
    "format version" "format_version" Text = |row| &row.format_version;
    "tool" "tool" Text = |row| known(&row.tool);
    "created at" "created_at" Text = |row| known(&row.created_at);
    "Python" "python" Text = |row| known(&row.python);
    "executable" "executable" Text = |row| known(&row.executable);
    "architecture" "architecture" Text = |row| known(&row.architecture);
    "debugger" "debugger" Text = |row| known(&row.debugger);
    "process id" "pid" Text = |row| (row.pid != 0).then(|| row.pid.to_string());
    "command line" "command_line" Text = |row| known(&row.command_line.join(" "));
    "container" "container" Text = |row| row.container.clone();
    "objects" "objects" Count = |row| row.objects;
    "edges" "edges" Count = |row| row.edges;
    "types" "types" Count = |row| row.types;
    "threads" "threads" Count = |row| row.threads;
    "shallow" "shallow_size" Bytes = |row| row.shallow_size;
    "allocated" "allocated_size" Bytes = |row| row.allocated_size;
    "unreadable objects" "unreadable" Count = |row| row.unreadable;
    "opaque objects" "opaque" Count = |row| row.opaque;
    "estimated objects" "estimated" Count = |row| row.estimated;
    "complete" "complete" Flag = |row| row.complete;
    "torn" "torn" Flag = |row| row.torn;
    "during a collection" "collecting" Flag = |row| row.collecting;
    "forked" "forked" Flag = |row| row.forked;
    "safe point" "safe_point" Text = |row| safe_point(row.safe_point);
    "pause" "pause_ms" Milliseconds = |row| row.pause_ms;
    "stopped" "stopped_ms" Milliseconds = |row| row.stopped_ms;
    "allocator free" "allocator_free" Bytes = |row| row.allocator_free;
    "RSS" "rss" Bytes = |row| row.process.rss;
    "PSS" "pss" Bytes = |row| row.process.pss;
    "swap" "swap" Bytes = |row| row.process.swap;
    "private" "private" Bytes = |row| row.process.private;
    "mapped files" "mapped_files" Bytes = |row| row.process.mapped_files;
    "anonymous" "anonymous" Bytes = |row| row.process.anonymous;
    "cgroup limit" "cgroup_limit" Bytes = |row| row.process.cgroup_limit;
    "cgroup usage" "cgroup_usage" Bytes = |row| row.process.cgroup_usage;
} }

fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn safe_point(reached: SafePoint) -> &'static str {
    match reached {
        SafePoint::Idle => "idle: no thread held the GIL",
        SafePoint::EvalFrame => "entry of a Python function",
        SafePoint::SaveThread => "release of the GIL",
        SafePoint::PendingCall => "pending call",
    }
}

impl Info {
    /// RSS = objects + allocator free + mapped files + the rest: the line adds up, whatever the sign of the rest.
    pub(crate) fn rss_line(&self) -> String {
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
    pub(crate) fn head(&self) -> Vec<String> {
        let command = self.command_line.join(" ");
        let process = match self.pid {
            // An imported dump.
            0 => "Process unknown".to_owned(),
            pid => format!("Python {}, process {pid} ({command})", self.python),
        };
        vec![
            format!("{process}, {}", units::to_the_second(&self.created_at)),
            format!(
                "{}, {} shallow, {} allocated",
                units::counted(self.objects, "object"),
                units::bytes(self.shallow_size),
                units::bytes(self.allocated_size)
            ),
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
        caveats.extend(counts.iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| {
            let what = if *count == 1 { one } else { many };
            format!("{} {what}", units::counted(*count, "object"))
        }));
        caveats
    }
}

/// The mappings of one kind.
struct Mapping<'a>(&'a str, &'a MappingSum);

columns! { Mapping<'_> {
    "mappings" "mappings" Text = |row| row.0;
    "count" "count" Count = |row| row.1.count;
    "size" "size" Bytes = |row| row.1.size;
    "RSS" "rss" Bytes = |row| row.1.rss;
    "PSS" "pss" Bytes = |row| row.1.pss;
    "swap" "swap" Bytes = |row| row.1.swap;
} }

impl Report for Info {
    fn sections(&self) -> Vec<Section> {
        let mut facts = self.csv();
        // Programs get the whole time stamp.
        let created = Self::COLUMNS.iter().position(|column| column.field == "created_at");
        let cell = created.and_then(|place| facts.rows.first_mut()?.get_mut(place));
        if let Some(cell) = cell {
            *cell = known(&units::to_the_second(&self.created_at)).into();
        }
        let mappings: Vec<Mapping<'_>> =
            self.process.mappings.iter().map(|(kind, sum)| Mapping(kind, sum)).collect();
        vec![Section::of_lines(vec![self.rss_line()]), facts, Section::of_rows(&mappings)]
    }

    fn csv(&self) -> Section {
        Section::upright(self)
    }
}

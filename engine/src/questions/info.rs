//! Where the dump comes from, its totals, and the process's memory.

use crate::engine::Engine;
use pyheap_format::reader::Dump;
use pyheap_format::{ObjectFlags, Summary};
use pyheap_heap::TypeTotals;
use pyheap_report::Info;

impl Engine {
    /// Where the dump comes from, and its totals.
    pub fn info(&self) -> Info {
        let dump = &self.dump;
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
            command_line: command_line(dump),
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
}

/// The command line. Arguments behind the script may be anything, passwords too.
fn command_line(dump: &Dump) -> Vec<String> {
    let words = &dump.header().command_line;
    if !dump.is_concealed() {
        return words.clone();
    }
    let script = words.iter().skip(1).position(|word| !word.starts_with('-') || word == "-c");
    // What stands behind `-c` is a whole program.
    let told = script.map_or(1, |script| script + 2);
    let hidden = words.iter().skip(told).map(|_| "…".to_owned());
    words.iter().take(told).cloned().chain(hidden).collect()
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

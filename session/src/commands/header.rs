//! The dump's header, put together from what is known of the target.

use crate::target::snapshot::Snapshot;
use pyheap_format::header::{Header, MappingSum, Options, ProcessMemory, Python};
use pyheap_format::vocabulary::FORMAT_VERSION;
use pyheap_process::{Facts, Usage};

/// Bytes kept free in the header for what is known only at the end.
const RESERVE: usize = 1024;

/// The header as it stands when the stream begins, with room for what [`complete`] adds.
pub fn begin(snapshot: &Snapshot, facts: Facts, preview_length: u32) -> Header {
    let interpreter = &snapshot.interpreter;
    Header {
        format: "pyheap".into(),
        version: FORMAT_VERSION,
        tool: concat!("pyheap ", env!("CARGO_PKG_VERSION")).into(),
        created_at: jiff::Timestamp::now().to_string(),
        python: Python {
            version: interpreter.version.to_string(),
            hex: interpreter.version.hex,
            free_threaded: interpreter.free_threaded,
            debug: interpreter.debug,
            executable: interpreter.executable.clone(),
            library: interpreter.library.clone(),
        },
        pid: snapshot.pid,
        start_time: facts.start_time,
        boot_id: facts.boot_id,
        command_line: facts.command_line,
        container: facts.container,
        architecture: interpreter.architecture.into(),
        debugger: snapshot.debugger.clone(),
        safe_point: snapshot.reached.safe_point,
        collecting: snapshot.reached.collecting,
        torn: snapshot.reached.collecting,
        forked: snapshot.forked,
        options: Options { str_repr_len: preview_length },
        process: ProcessMemory {
            rss: snapshot.resident.rss,
            swap: snapshot.resident.swap,
            mapped_files: snapshot.resident.mapped_files,
            anonymous: snapshot.resident.anonymous,
            cgroup_limit: snapshot.budget.cgroup.as_ref().map(|cgroup| cgroup.limit),
            cgroup_usage: snapshot.budget.cgroup.as_ref().map(|cgroup| cgroup.usage),
            ..ProcessMemory::default()
        },
        padding: " ".repeat(RESERVE),
    }
}

/// The header's record with what a walk of the page tables tells; as long as the record of `header`.
pub fn complete(header: &Header, usage: &Usage) -> Vec<u8> {
    let length = header.to_record().len();
    let mut header = header.clone();
    header.process.pss = usage.pss;
    header.process.private = usage.private;
    header.process.mappings = usage
        .mappings
        .iter()
        .map(|(kind, &sum)| {
            let pyheap_process::MappingSum { count, size, rss, pss, swap } = sum;
            (kind.name().to_owned(), MappingSum { count, size, rss, pss, swap })
        })
        .collect();
    // One byte less shortens the text by one byte, as long as the head that states its length has the same width.
    while header.to_record().len() > length && header.padding.len() > 256 {
        header.padding.pop();
    }
    header.to_record()
}

#[cfg(test)]
mod tests {
    use super::{RESERVE, complete};
    use pyheap_format::header::Header;
    use pyheap_process::Usage;

    #[test]
    fn a_completed_header_is_as_long_as_before() {
        let header = Header { padding: " ".repeat(RESERVE), ..Header::default() };
        let usage = Usage::read(std::process::id()).expect("smaps");
        assert!(!usage.mappings.is_empty());
        assert_eq!(complete(&header, &usage).len(), header.to_record().len());
    }
}

//! Where memory accumulates.

use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_heap::{Accumulation, Analysis, CauseTotal, KnownCause, Node, NodeKind, ShortestPaths, TypeShare};
use pyheap_report::{Cause, CauseRow, Leaks, Step, Suspect, SuspectKind, TypeSize, units};

impl Engine {
    /// The places, and the known causes, where at least `share` percent of the heap is held.
    ///
    /// # Errors
    /// The watch ends it.
    pub fn leaks(&self, share: f64, page: Page, watch: Watch<'_>) -> Result<Leaks, AskError> {
        let analysis = &self.analysis(watch)?;
        let least = (analysis.total() as f64 * share / 100.0) as u64;
        let paths = self.shortest(analysis, watch)?;
        let suspects = analysis.suspects(least, paths);
        let info = self.info();
        let rss = info.process.rss;
        let leaks = Leaks {
            answer: String::new(),
            total_allocated_size: analysis.total(),
            suspects_total: suspects.len() as u64,
            offset: page.start(),
            suspects: page.of(suspects).map(|suspect| row(analysis, paths, suspect, rss)).collect(),
            usual_holders: analysis.known_causes(least).into_iter().map(cause_row).collect(),
        };
        Ok(leaks.told(&info))
    }
}

fn row(analysis: &Analysis<'_>, paths: &ShortestPaths, suspect: pyheap_heap::Suspect, rss: u64) -> Suspect {
    let text = |node: Node| analysis.path_text(&paths.path(node));
    let address = |node: Node| {
        (node < analysis.holders.objects()).then(|| units::address(analysis.objects.address(node)))
    };
    let (kind, node, type_name, count, within) = match suspect.accumulation {
        Accumulation::Point(node) => {
            (SuspectKind::Point, node, analysis.objects.type_of(node).map(|class| class.full_name()), 1, None)
        }
        Accumulation::Threads { count, largest } => {
            let class = analysis.objects.type_of(largest).map(|class| class.full_name());
            (SuspectKind::Threads, largest, class, count, None)
        }
        Accumulation::Type { name, count, within, largest } => {
            let within = match analysis.holders.kind(within) {
                NodeKind::Root => "many holders".to_owned(),
                NodeKind::Object => text(within),
                _ => analysis.holder_text(within),
            };
            (SuspectKind::Type, largest, Some(name), count, Some(within))
        }
    };
    let path = paths.path(node);
    let steps = analysis.path_steps(&path).into_iter();
    let steps = steps.map(|step| Step { text: step.text, address: step.node.and_then(address) });
    let content = suspect.content.into_iter().map(|TypeShare { name, count, retained }| TypeSize {
        type_name: name,
        count,
        retained_size: retained,
    });
    let row = Suspect {
        text: String::new(),
        kind,
        type_name,
        count,
        within,
        path: Some(text(node)),
        steps: steps.collect(),
        address: address(node),
        retained_size: suspect.retained,
        share: units::ratio(suspect.retained, analysis.total()),
        share_of_process: (rss > 0).then(|| units::ratio(suspect.retained, rss)),
        content: content.collect(),
        cause: suspect.cause.map(cause),
        holder: None,
    };
    row.told()
}

fn cause_row(total: CauseTotal) -> CauseRow {
    let cause = cause(total.cause);
    CauseRow { holder: cause.text(), cause, count: total.count, retained_size: total.retained }
}

fn cause(known: KnownCause) -> Cause {
    match known {
        KnownCause::LruCache => Cause::LruCache,
        KnownCause::Exception => Cause::Exception,
        KnownCause::Traceback => Cause::Traceback,
        KnownCause::LastException => Cause::LastException,
        KnownCause::Task => Cause::Task,
        KnownCause::Coroutine => Cause::Coroutine,
        KnownCause::Generator => Cause::Generator,
        KnownCause::ThreadLocal => Cause::ThreadLocal,
        KnownCause::Queue => Cause::Queue,
        KnownCause::LoggingHandler => Cause::LoggingHandler,
        KnownCause::LogRecords => Cause::LogRecords,
        KnownCause::IpythonHistory => Cause::IpythonHistory,
        KnownCause::IpythonOutput => Cause::IpythonOutput,
        KnownCause::MemoryFile => Cause::MemoryFile,
        KnownCause::ModuleVariable(name) => Cause::ModuleVariable { name },
    }
}

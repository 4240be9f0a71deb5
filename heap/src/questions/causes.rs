//! Known causes: what programs often hold memory with unawares, told by types and by the names of edges.

use crate::graph::csr::Node;
use crate::objects::labels::{Label, LabelledEdge, LabelledEdges};
use crate::objects::representation::{ancestors, is_builtin_kind};
use crate::ownership::analysis::Analysis;
use pyheap_format::{PreviewKind, RootKind, RootName};
use std::cmp::Reverse;
use std::collections::HashMap;

/// What holds memory in many programs without anybody meaning it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KnownCause {
    /// `functools.lru_cache`.
    LruCache,
    /// An exception, which keeps its traceback.
    Exception,
    /// A traceback, which keeps its frames and their variables.
    Traceback,
    /// The last unhandled exception of an interactive session: `sys.last_traceback` and the like.
    LastException,
    /// A task of asyncio.
    Task,
    /// A suspended coroutine or asynchronous generator.
    Coroutine,
    /// A suspended generator.
    Generator,
    /// `threading.local`.
    ThreadLocal,
    /// A queue of `queue` or `asyncio`.
    Queue,
    /// A handler of `logging`.
    LoggingHandler,
    /// Records of `logging`.
    LogRecords,
    /// IPython's history of cells.
    IpythonHistory,
    /// What cells of IPython evaluated to: `Out`, `_1`.
    IpythonOutput,
    /// `io.BytesIO`, `io.StringIO`.
    MemoryFile,
    /// A container that a module's variable of this name refers to.
    ModuleVariable(String),
}

/// Objects of a known cause, summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseTotal {
    /// The cause.
    pub cause: KnownCause,
    /// Number of objects.
    pub count: u64,
    /// Bytes that they retain.
    pub retained: u64,
}

/// Builtin types that caches are made of, or inherit from.
const CONTAINERS: [&str; 3] = ["dict", "list", "set"];

/// Where the interpreter keeps the last unhandled exception: keys of `sys.__dict__`.
const LAST_EXCEPTION: [&str; 3] = ["last_traceback", "last_exc", "last_value"];

/// Recognises causes in one heap.
pub(crate) struct Causes<'a> {
    analysis: &'a Analysis<'a>,
    /// By number of the type.
    of_type: Vec<Option<KnownCause>>,
    /// The namespaces of `sys`.
    system: Vec<Node>,
    /// The namespace of `__main__`, where IPython is loaded.
    session: Option<Node>,
}

impl<'a> Causes<'a> {
    pub(crate) fn new(analysis: &'a Analysis<'a>) -> Self {
        let types = analysis.objects.types();
        let of_type = (0..types.len() as u32)
            .map(|number| ancestors(types, number).find_map(|class| by_type(&class.module, &class.qualname)))
            .collect();
        let root = |name: RootName| {
            let named = move |number| analysis.dump.name(number) == Some(name.text());
            let roots = analysis.roots.iter().filter(|root| root.kind == RootKind::Interpreter);
            roots.filter(move |root| root.name.is_some_and(named)).map(|root| root.object)
        };
        let is_ipython = types.iter().any(|class| class.module.starts_with("IPython."));
        let main = root(RootName::Modules).find_map(|modules| analysis.value_of(modules, "__main__"));
        let namespace = main
            .filter(|_| is_ipython)
            .and_then(|main| LabelledEdges::new(analysis.dump, main).find(LabelledEdge::is_namespace));
        let system = root(RootName::SysDict).collect();
        Self { analysis, of_type, system, session: namespace.map(|edge| edge.target) }
    }

    /// The cause that the names along a path tell.
    pub(crate) fn of_path(&self, path: &[Node]) -> Option<KnownCause> {
        path.windows(2).find_map(|pair| {
            let (holder, held) = (pair[0], pair[1]);
            let is_system = self.system.contains(&holder);
            if !is_system && self.session != Some(holder) {
                return None;
            }
            let edge = self.analysis.best_edge(holder, held)?;
            let Label::Value { key: Some(key) } = edge.label else { return None };
            let name = self.analysis.content_of_text(key)?;
            match is_system {
                true => LAST_EXCEPTION.contains(&name).then_some(KnownCause::LastException),
                false => is_output(name).then_some(KnownCause::IpythonOutput),
            }
        })
    }

    /// The cause that an object, or what dominates it, is by its type, or a container by its being a module's variable.
    pub(crate) fn of_dominators(&self, object: Node) -> Option<KnownCause> {
        let analysis = self.analysis;
        let objects = analysis.holders.objects();
        let chain = std::iter::once(object).chain(analysis.tree.chain(object));
        chain.filter(|&node| node < objects).find_map(|node| {
            let class = analysis.objects.type_number(node)?;
            self.of_type(class).cloned().or_else(|| analysis.module_variable(node))
        })
    }

    fn of_type(&self, class: u32) -> Option<&KnownCause> {
        self.of_type.get(class as usize)?.as_ref()
    }
}

impl Analysis<'_> {
    /// The known causes that hold at least `least` bytes together, the largest first.
    pub fn known_causes(&self, least: u64) -> Vec<CauseTotal> {
        let causes = Causes::new(self);
        let mut sums: HashMap<&KnownCause, (u64, u64)> = HashMap::new();
        for chunk in self.objects.chunks() {
            for (object, class) in (chunk.first()..).zip(chunk.types()) {
                let Some(cause) = causes.of_type(class) else { continue };
                let is_same = |above: Node| {
                    let class = self.objects.type_number(above);
                    class.and_then(|class| causes.of_type(class)) == Some(cause)
                };
                // What another one of the same kind holds counts for that one.
                let retained = if self.tree.chain(object).any(is_same) { 0 } else { self.retained(object) };
                let sum = sums.entry(cause).or_default();
                sum.0 += 1;
                sum.1 += retained;
            }
        }
        let total = |(cause, (count, retained)): (&KnownCause, _)| CauseTotal {
            cause: cause.clone(),
            count,
            retained,
        };
        let mut totals: Vec<CauseTotal> = sums.into_iter().map(total).collect();
        totals.retain(|total| total.retained >= least.max(1));
        totals.sort_by(|left, right| {
            let rank = |total: &CauseTotal| (Reverse(total.retained), Reverse(total.count));
            (rank(left), &left.cause).cmp(&(rank(right), &right.cause))
        });
        totals
    }

    /// Whether a container is a variable of a module: what it holds is never freed by itself.
    fn module_variable(&self, node: Node) -> Option<KnownCause> {
        let class = self.objects.type_number(node)?;
        if !CONTAINERS.iter().any(|name| is_builtin_kind(self.objects.types(), class, name)) {
            return None;
        }
        let namespace = self.tree.idom(node).filter(|&above| above < self.holders.objects())?;
        self.value_of(namespace, "__name__").and(self.value_of(namespace, "__spec__"))?;
        let edge = self.best_edge(namespace, node)?;
        Some(KnownCause::ModuleVariable(self.attribute(&edge)?))
    }

    /// The value of a dict under a key that is this text.
    fn value_of(&self, dict: Node, key: &str) -> Option<Node> {
        let is_wanted = |edge: &LabelledEdge<'_>| match edge.label {
            Label::Value { key: Some(name) } => self.content_of_text(name) == Some(key),
            _ => false,
        };
        LabelledEdges::new(self.dump, dict).find(is_wanted).map(|edge| edge.target)
    }

    /// The content of a str, as far as the dump holds it.
    fn content_of_text(&self, object: Node) -> Option<&str> {
        match self.dump.preview(object)? {
            (PreviewKind::Text, text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }
}

/// Whether IPython keeps what cells evaluated to in a variable of this name: `Out`, `_oh`, `_`, `__`, `___`, `_1`,
/// `_2`, …
fn is_output(name: &str) -> bool {
    let rest = name.trim_start_matches('_');
    matches!(name, "Out" | "_oh") || rest.len() < name.len() && rest.chars().all(|of| of.is_ascii_digit())
}

fn by_type(module: &str, qualname: &str) -> Option<KnownCause> {
    Some(match (module, qualname) {
        ("functools", "_lru_cache_wrapper") => KnownCause::LruCache,
        ("builtins", "BaseException") => KnownCause::Exception,
        ("builtins", "traceback") => KnownCause::Traceback,
        ("_asyncio" | "asyncio.tasks", "Task") => KnownCause::Task,
        ("builtins", "coroutine" | "async_generator") => KnownCause::Coroutine,
        ("builtins", "generator") => KnownCause::Generator,
        ("_thread", "_local" | "_localdummy") => KnownCause::ThreadLocal,
        ("asyncio.queues" | "queue", "Queue") => KnownCause::Queue,
        ("logging", "Handler") => KnownCause::LoggingHandler,
        ("logging", "LogRecord") => KnownCause::LogRecords,
        ("IPython.core.displayhook", "DisplayHook") | ("IPython.core.history", "HistoryAccessorBase") => {
            KnownCause::IpythonHistory
        }
        ("_io", "BytesIO" | "StringIO") => KnownCause::MemoryFile,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::is_output;

    #[test]
    fn outputs_of_cells_are_known_by_their_names() {
        assert!(["Out", "_oh", "_", "___", "_1", "_42"].into_iter().all(is_output));
        assert!(!["x", "_x", "1", "_1a", "Output"].into_iter().any(is_output));
    }
}

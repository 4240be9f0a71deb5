//! Suspects: where what a process holds accumulates.
//!
//! From the root down, the largest child is followed as long as it has most of what its parent holds. Where that
//! ends, many share it: that is the point of accumulation. The root, `sys.modules` and the namespaces of modules are no
//! such points, because every process has them: from there on each large child is followed for itself, and the small
//! ones are taken together by type.

use crate::analysis::Analysis;
use crate::graph::{Graph, Node};
use crate::labels::{Label, LabelledEdge, LabelledEdges};
use crate::representation::{ancestors, is_builtin_kind};
use crate::shortest::ShortestPaths;
use pyheap_format::PreviewKind;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// The largest child is followed when it has at least this share of what its parent retains.
const FOLLOW_SHARE: f64 = 0.7;

/// Builtin types that caches are made of, or inherit from.
const CONTAINERS: [&str; 3] = ["dict", "list", "set"];

/// What a suspect consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accumulation {
    /// One object, or holder, that holds many.
    Point(Node),
    /// Objects of one type that nothing holds together: one of them.
    Type {
        /// Full name.
        name: String,
        /// Number of objects.
        count: u64,
        /// The one that retains most.
        largest: Node,
    },
}

/// A place where much is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Where.
    pub accumulation: Accumulation,
    /// Bytes that are held there.
    pub retained: u64,
    /// What is held immediately, by type: name, number, bytes; the largest first, three at most.
    pub content: Vec<(String, u64, u64)>,
    /// The usual holder that it was recognised as, such as `functools.lru_cache`.
    pub holder: Option<String>,
}

/// Bytes that the code of a process takes, as types, functions and their namespaces, without being remarkable.
const ORDINARY_CODE: u64 = 16 << 20;

impl Analysis<'_> {
    /// The places where at least `least` bytes are held, the largest first.
    pub fn suspects(&self, least: u64) -> Vec<Suspect> {
        let least = least.max(1);
        let children = self.tree.children();
        let modules = self.everyday_holders();
        let mut suspects = Vec::new();
        let mut spread = vec![self.holders.root()];
        while let Some(holder) = spread.pop() {
            let mut small: HashMap<u32, (u64, u64, Node)> = HashMap::new();
            for &child in children.targets(holder) {
                if self.retained(child) < least {
                    self.add_small(&mut small, child);
                    continue;
                }
                let point = self.accumulation_point(&children, &modules, child);
                if modules.contains(&point) {
                    spread.push(point);
                } else {
                    suspects.push(self.suspect(&children, point));
                }
            }
            for (count, retained, largest) in small.into_values() {
                let Some(class) = self.objects.type_of(largest) else { continue };
                // Every process has hundreds of types, functions and namespaces that nothing holds together.
                let least = if class.is_heap_type() {
                    least
                } else {
                    least.max(self.total() / 10).max(ORDINARY_CODE)
                };
                if retained < least {
                    continue;
                }
                let name = class.full_name();
                let content = self.content(children.targets(largest));
                let accumulation = Accumulation::Type { name, count, largest };
                suspects.push(Suspect { accumulation, retained, content, holder: None });
            }
        }
        suspects.sort_by_key(|suspect| Reverse(suspect.retained));
        suspects
    }

    /// What every process has: `sys.modules`, the interpreter's own dicts, modules and their namespaces.
    fn everyday_holders(&self) -> HashSet<Node> {
        let interpreter = self.roots.iter().filter(|held| held.kind == pyheap_format::RootKind::Interpreter);
        let mut everyday: HashSet<Node> = interpreter.map(|held| held.object).collect();
        for module in self.instances(|class| class.full_name() == "module") {
            everyday.insert(module);
            let namespace = LabelledEdges::new(self.dump, module).find(LabelledEdge::is_namespace);
            everyday.extend(namespace.map(|edge| edge.target));
        }
        everyday
    }

    fn add_small(&self, small: &mut HashMap<u32, (u64, u64, Node)>, child: Node) {
        let Some(class) = self.objects.type_number(child) else { return };
        let retained = self.retained(child);
        let sum = small.entry(class).or_insert((0, 0, child));
        sum.0 += 1;
        sum.1 += retained;
        if retained > self.retained(sum.2) {
            sum.2 = child;
        }
    }

    /// Where what `from` holds spreads out, if most of it does so in one place; `from` itself if it does not, as in a
    /// linked list, whose every node holds a little less than the one before.
    fn accumulation_point(&self, children: &Graph, everyday: &HashSet<Node>, from: Node) -> Node {
        let least = (self.retained(from) as f64 * FOLLOW_SHARE) as u64;
        let mut point = from;
        while !everyday.contains(&point) {
            let largest = children.targets(point).iter().copied().max_by_key(|&child| self.retained(child));
            let Some(next) = largest else { break };
            if (self.retained(next) as f64) < self.retained(point) as f64 * FOLLOW_SHARE {
                break;
            }
            if self.retained(next) < least {
                return from;
            }
            point = next;
        }
        point
    }

    fn suspect(&self, children: &Graph, point: Node) -> Suspect {
        Suspect {
            accumulation: Accumulation::Point(point),
            retained: self.retained(point),
            content: self.content(children.targets(point)),
            holder: self.recognise(point),
        }
    }

    /// Nodes by type, the three types of most retained bytes.
    fn content(&self, nodes: &[Node]) -> Vec<(String, u64, u64)> {
        let mut sums: HashMap<u32, (u64, u64)> = HashMap::new();
        for &node in nodes {
            if let Some(number) = self.objects.type_number(node) {
                let sum = sums.entry(number).or_default();
                sum.0 += 1;
                sum.1 += self.retained(node);
            }
        }
        let mut content: Vec<(String, u64, u64)> = sums
            .into_iter()
            .filter_map(|(number, (count, retained))| {
                Some((self.objects.types().get(number as usize)?.full_name(), count, retained))
            })
            .collect();
        content.sort_by(|left, right| (Reverse(left.2), &left.0).cmp(&(Reverse(right.2), &right.0)));
        content.truncate(3);
        content
    }

    /// The usual holder, if the point or something on its chain of dominators is one.
    fn recognise(&self, point: Node) -> Option<String> {
        let objects = self.holders.objects();
        std::iter::once(point).chain(self.tree.chain(point)).filter(|&node| node < objects).find_map(|node| {
            let class = self.objects.type_number(node)?;
            self.usual_holder_type(class).map(str::to_owned).or_else(|| self.module_cache(node))
        })
    }

    /// What holders of this type, or of one that it inherits from, are.
    fn usual_holder_type(&self, class: u32) -> Option<&'static str> {
        ancestors(self.objects.types(), class).find_map(|class| usual_holder(&class.module, &class.qualname))
    }

    /// Whether a container is a variable of a module: what it holds is never freed by itself.
    fn module_cache(&self, node: Node) -> Option<String> {
        let class = self.objects.type_number(node)?;
        if !CONTAINERS.iter().any(|name| is_builtin_kind(self.objects.types(), class, name)) {
            return None;
        }
        let namespace = self.tree.idom(node).filter(|&above| above < self.holders.objects())?;
        let named = |key: &str| {
            LabelledEdges::new(self.dump, namespace).any(
                |edge| matches!(edge.label, Label::Value { key: Some(name) } if self.content_of_text(name) == Some(key)),
            )
        };
        if !(named("__name__") && named("__spec__")) {
            return None;
        }
        let edge = self.best_edge(namespace, node)?;
        Some(format!("the module-level variable {}", self.attribute(&edge)?))
    }

    /// The content of a str, as far as the dump holds it.
    fn content_of_text(&self, object: Node) -> Option<&str> {
        match self.dump.preview(object)? {
            (PreviewKind::Text, text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// The usual holders that hold at least `least` bytes together: what, how many, how many bytes.
    pub fn usual_holders(&self, least: u64) -> Vec<(&'static str, u64, u64)> {
        let types = 0..self.objects.types().len() as u32;
        let holder_of: Vec<Option<&'static str>> = types.map(|class| self.usual_holder_type(class)).collect();
        let mut sums: Vec<(&'static str, u64, u64)> = Vec::new();
        for chunk in self.objects.chunks() {
            for (object, class) in (chunk.first()..).zip(chunk.types()) {
                let Some(holder) = holder_of.get(class as usize).copied().flatten() else { continue };
                let dominated = self.tree.chain(object).any(|above| {
                    let class =
                        self.objects.type_number(above).and_then(|class| holder_of.get(class as usize));
                    class == Some(&Some(holder))
                });
                let retained = if dominated { 0 } else { self.retained(object) };
                match sums.iter_mut().find(|(known, ..)| *known == holder) {
                    Some(sum) => {
                        sum.1 += 1;
                        sum.2 += retained;
                    }
                    None => sums.push((holder, 1, retained)),
                }
            }
        }
        sums.retain(|(_, _, retained)| *retained >= least.max(1));
        sums.sort_by_key(|(_, _, retained)| Reverse(*retained));
        sums
    }

    /// A suspect as sentences for people.
    pub fn suspect_text(
        &self,
        suspect: &Suspect,
        paths: &ShortestPaths,
        size: impl Fn(u64) -> String,
    ) -> String {
        let share = suspect.retained as f64 / self.total().max(1) as f64 * 100.0;
        let content: Vec<String> = suspect
            .content
            .iter()
            .map(|(name, count, retained)| format!("{count} {name} ({})", size(*retained)))
            .collect();
        let content = if content.is_empty() { String::new() } else { format!(": {}", content.join(", ")) };
        let held = size(suspect.retained);
        let mut text = match &suspect.accumulation {
            Accumulation::Point(node) => {
                let path = self.path_text(&paths.path(*node));
                let class = self.objects.type_of(*node).map(|class| format!(" (a {})", class.full_name()));
                format!("{path}{} holds {held}, {share:.1} % of the heap{content}", class.unwrap_or_default())
            }
            Accumulation::Type { name, count, largest } => {
                let path = self.path_text(&paths.path(*largest));
                format!(
                    "{count} instances of {name} hold {held} together, {share:.1} % of the heap; the largest is {path}"
                )
            }
        };
        // The path tells more: a traceback that is the interpreter's last one has its own remedy.
        let holder = self.usual_path(&text).or(suspect.holder.as_deref());
        if let Some(holder) = holder {
            text.push_str(&format!("; held through {holder}"));
        }
        text
    }

    /// What programs usually hold memory with unawares, by the path that gives it away.
    fn usual_path(&self, path: &str) -> Option<&'static str> {
        let last = ["last_traceback", "last_exc", "last_value"];
        if last.iter().any(|name| path.contains(&format!(".{name}")) || path.contains(&format!("['{name}']")))
        {
            Some("the last unhandled exception of an interactive session")
        } else if is_output(path)
            && self.objects.types().iter().any(|class| class.module.starts_with("IPython."))
        {
            Some("the output history of IPython")
        } else {
            None
        }
    }
}

/// Whether a path leads through a variable in which IPython keeps what cells evaluated to: `Out`, `_oh`, `_`, `__`, `___`, `_1`, `_2`, …
fn is_output(path: &str) -> bool {
    let Some((_, path)) = path.split_once("sys.modules['__main__'].") else { return false };
    let name = path.split(|of: char| of != '_' && !of.is_alphanumeric()).next().unwrap_or_default();
    let rest = name.trim_start_matches('_');
    matches!(name, "Out" | "_oh") || rest.len() < name.len() && rest.chars().all(|of| of.is_ascii_digit())
}

/// What programs usually hold memory with unawares, by the type that gives it away.
fn usual_holder(module: &str, qualname: &str) -> Option<&'static str> {
    Some(match (module, qualname) {
        ("functools", "_lru_cache_wrapper") => "functools.lru_cache",
        ("builtins", "BaseException") => "an exception, which keeps its traceback",
        ("builtins", "traceback") => "a traceback, which keeps its frames and their variables",
        ("_asyncio" | "asyncio.tasks", "Task") => "an asyncio task",
        ("builtins", "coroutine" | "async_generator") => "a suspended coroutine",
        ("builtins", "generator") => "a suspended generator",
        ("_thread", "_local" | "_localdummy") => "a threading.local",
        ("asyncio.queues" | "queue", "Queue") => "a queue",
        ("logging", "Handler") => "a logging handler",
        ("logging", "LogRecord") => "log records",
        ("IPython.core.displayhook", "DisplayHook") | ("IPython.core.history", "HistoryAccessorBase") => {
            "the history of IPython"
        }
        ("_io", "BytesIO" | "StringIO") => "an in-memory file",
        _ => return None,
    })
}

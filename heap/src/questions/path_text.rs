//! Paths as a Python programmer would write them: `app.cache.CACHE['k'].rows[3]`, `thread MainThread: handler():
//! request.session`, `__main__.HEAD(.next)…`.

use crate::graph::csr::Node;
use crate::objects::labels::{Label, LabelledEdge, LabelledEdges};
use crate::objects::representation::{Limits, represent, suspended_function};
use crate::ownership::analysis::Analysis;
use crate::ownership::holders::NodeKind;
use crate::questions::folding::{Part, folded};
use pyheap_format::{ObjectFlags, PreviewKind, RootKind, RootName};

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// Where it leads: none where it stands for the middle of a long path.
    pub node: Option<Node>,
    /// What it adds to the text of the path; nothing where it leads to a namespace, whose values read as attributes, or
    /// where it is `sys.modules`, whose modules are called by their names.
    pub text: String,
}

/// Steps of a path that are written out.
const LONG_PATH: usize = 32;

/// What stands behind the name of an object whose namespace is meant.
const NAMESPACE: &str = ".__dict__";

/// The Python expression for what the interpreter holds by this name, where there is one.
pub(crate) fn expression_of(root: &str) -> Option<&'static str> {
    RootName::from_text(root)?.expression()
}

/// A link of a path: how an object comes to hold the next one.
struct Link<'a> {
    node: Node,
    holder: Node,
    edge: Option<LabelledEdge<'a>>,
    /// The holder is the namespace of the object before it.
    in_namespace: bool,
}

impl Link<'_> {
    fn leads_to_namespace(&self) -> bool {
        self.edge.is_some_and(|edge| edge.is_namespace())
    }
}

/// Whether a name can stand in an expression, keywords aside.
fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|first| first == '_' || first.is_alphabetic());
    starts && characters.all(|next| next == '_' || next.is_alphanumeric())
}

impl Analysis<'_> {
    /// A path (see [`ShortestPaths::path`](crate::ShortestPaths::path)) as text.
    pub fn path_text(&self, path: &[Node]) -> String {
        self.text(path, |edge| edge.step(self.dump))
    }

    /// A path as text, with `[…]` for every index and key.
    pub fn pattern_text(&self, path: &[Node]) -> String {
        self.text(path, |edge| self.general_step(edge))
    }

    /// A step from an object without index and key.
    pub(crate) fn general_step(&self, edge: &LabelledEdge<'_>) -> String {
        match edge.label {
            Label::Element(_) | Label::Value { .. } => "[…]".into(),
            Label::Key => ".<key>".into(),
            Label::Member => ".<member>".into(),
            _ => edge.step(self.dump),
        }
    }

    fn text(&self, path: &[Node], step: impl Fn(&LabelledEdge<'_>) -> String) -> String {
        self.steps(path, step).into_iter().map(|step| step.text).collect()
    }

    /// A path step by step: the texts of all steps together are [`Self::path_text`].
    pub fn path_steps(&self, path: &[Node]) -> Vec<PathStep> {
        self.steps(path, |edge| edge.step(self.dump))
    }

    fn steps(&self, path: &[Node], step: impl Fn(&LabelledEdge<'_>) -> String) -> Vec<PathStep> {
        let objects = path.iter().position(|&node| node < self.holders.objects()).unwrap_or(path.len());
        let (holders, objects) = path.split_at(objects);
        let Some((&first, rest)) = objects.split_first() else {
            let alone = |&node: &Node| PathStep { node: Some(node), text: self.holder_text(node) };
            return holders.last().map(alone).into_iter().collect();
        };
        let mut root = self.root_text(holders.last().copied().unwrap_or(self.holders.root()), first);
        let mut in_namespace = false;
        if let Some(owner) = root.strip_suffix(NAMESPACE) {
            root.truncate(owner.len());
            in_namespace = true;
        }
        let mut before = first;
        let links = rest.iter().map(|&node| {
            let link = Link { node, holder: before, edge: self.best_edge(before, node), in_namespace };
            before = node;
            in_namespace = link.leads_to_namespace();
            link
        });
        let links: Vec<Link<'_>> = links.collect();
        let mut module = links.first().and_then(|link| self.module_name(first, &link.edge?));
        if module.is_some() {
            root.clear();
        }
        let mut steps = vec![PathStep { node: Some(first), text: root }];
        let general = |link: &Link<'_>| self.step_text(link, |edge| self.general_step(edge));
        let mut text = |link: &Link<'_>| module.take().unwrap_or_else(|| self.step_text(link, &step));
        for part in folded(&links, LONG_PATH, general) {
            steps.push(match part {
                Part::One(link) => PathStep { node: Some(link.node), text: text(link) },
                Part::Repeated(block, last) => {
                    let block: String = block.iter().map(general).collect();
                    PathStep { node: Some(last.node), text: format!("({block})…") }
                }
                Part::Middle(count) => PathStep { node: None, text: format!(" … {count} steps … ") },
            });
        }
        if in_namespace && let Some(last) = steps.last_mut() {
            last.text.push_str(NAMESPACE);
        }
        steps
    }

    /// The name of a module that `sys.modules` holds, where it can be written as an expression.
    pub(crate) fn module_name(&self, holder: Node, edge: &LabelledEdge<'_>) -> Option<String> {
        let Label::Value { key: Some(key) } = edge.label else { return None };
        let is_modules = |name| self.dump.name(name) == Some(RootName::Modules.text());
        let mut roots = self.roots.iter().filter(|held| held.kind == RootKind::Interpreter);
        roots.find(|held| held.object == holder && held.name.is_some_and(is_modules))?;
        // The names of modules are no contents: they are told where these are not to be shown.
        let (PreviewKind::Text, name) = self.dump.preview(key)? else { return None };
        let name = std::str::from_utf8(name).ok()?;
        Some(if name.split('.').all(is_identifier) {
            name.to_owned()
        } else {
            format!("sys.modules['{name}']")
        })
    }

    /// What a link adds to the text of a path.
    fn step_text(&self, link: &Link<'_>, step: impl Fn(&LabelledEdge<'_>) -> String) -> String {
        let Some(edge) = link.edge else { return ".?".into() };
        if !link.in_namespace
            && let Some(call) = self.call_step(link.holder, &edge)
        {
            return call;
        }
        let namespace = if link.in_namespace { NAMESPACE } else { "" };
        if edge.is_namespace() {
            return namespace.into();
        }
        match self.attribute(&edge).filter(|_| link.in_namespace) {
            Some(attribute) => format!(".{attribute}"),
            None => format!("{namespace}{}", step(&edge)),
        }
    }

    /// A step into a suspended call, or to a variable of one: `: handler()`, ` → inner()`, `: request`.
    fn call_step(&self, holder: Node, edge: &LabelledEdge<'_>) -> Option<String> {
        let is_call = suspended_function(self.dump, holder).is_some();
        match (edge.label, suspended_function(self.dump, edge.target)) {
            // What a call waits for stands on its stack.
            (Label::Stack(_), Some(function)) if is_call => Some(format!(" → {function}()")),
            // The field of a task.
            (Label::Unnamed, Some(function)) => Some(format!(": {function}()")),
            (Label::Local(Some(variable)), _) if is_call => Some(format!(": {variable}")),
            _ => None,
        }
    }

    /// Name of the attribute that a value of a namespace reads as: its key, if that is an identifier.
    pub(crate) fn attribute(&self, edge: &LabelledEdge<'_>) -> Option<String> {
        let Label::Value { key: Some(key) } = edge.label else { return None };
        let (PreviewKind::Text, text) = self.dump.preview(key)? else { return None };
        let text = std::str::from_utf8(text).ok()?;
        is_identifier(text).then(|| text.to_owned())
    }

    /// The edge that tells most about how one object holds another.
    pub(crate) fn best_edge(&self, from: Node, to: Node) -> Option<LabelledEdge<'_>> {
        let mut best: Option<LabelledEdge<'_>> = None;
        for edge in LabelledEdges::new(self.dump, from).filter(|edge| edge.target == to) {
            let cost = |edge: &LabelledEdge<'_>| match edge.label {
                Label::Class => 3,
                Label::Unnamed => 2,
                _ if !edge.owned => 4,
                Label::Key => 1,
                _ => 0,
            };
            if best.as_ref().is_none_or(|best| cost(&edge) < cost(best)) {
                best = Some(edge);
                if cost(&edge) == 0 {
                    break;
                }
            }
        }
        best
    }

    /// What a node that is no object is called.
    pub fn holder_text(&self, node: Node) -> String {
        match self.holders.kind(node) {
            NodeKind::Object => represent(self.dump, node, Limits::LINE),
            NodeKind::Thread(thread) => format!("thread {}", self.thread_name(thread)),
            NodeKind::Root => "all".into(),
            NodeKind::Internals => "held by CPython itself".into(),
            NodeKind::Garbage => "garbage".into(),
        }
    }

    /// A thread's name, or its identifiers where it has none.
    pub fn thread_name(&self, thread: u32) -> String {
        match self.dump.threads().get(thread as usize) {
            Some(of) => match (&of.name, of.native_id) {
                (Some(name), _) => name.clone(),
                (None, Some(id)) => format!("with id {id}"),
                (None, None) => format!("with ident 0x{:x}", of.ident),
            },
            None => format!("number {thread}"),
        }
    }

    /// How the path begins that leads from a holder straight to an object.
    fn root_text(&self, holder: Node, object: Node) -> String {
        match self.holders.kind(holder) {
            NodeKind::Thread(thread) => self.thread_root_text(thread, object),
            NodeKind::Root => self.own_root_text(object),
            _ => format!("<{}> {}", self.holder_text(holder), self.short(object)),
        }
    }

    fn thread_root_text(&self, thread: u32, object: Node) -> String {
        let name = self.thread_name(thread);
        let frames = self.dump.threads().get(thread as usize).map_or(&[][..], |of| &of.frames);
        for frame in frames {
            if let Some((variable, _)) = frame.locals.iter().find(|(_, value)| *value == object) {
                return format!("thread {name}: {}(): {variable}", frame.function);
            }
        }
        let held = self.roots.iter().find(|held| held.object == object && held.thread == Some(thread));
        let field = held.and_then(|held| self.dump.name(held.name?));
        let frame = held.and_then(|held| frames.get(held.frame? as usize));
        let place = frame.map_or_else(String::new, |frame| format!("{}(): ", frame.function));
        let what = match (held.map(|held| held.kind), field) {
            (_, Some(field)) => field.to_owned(),
            (Some(RootKind::Stack | RootKind::Possible), None) => format!("<stack> {}", self.short(object)),
            _ => self.short(object),
        };
        format!("thread {name}: {place}{what}")
    }

    fn own_root_text(&self, object: Node) -> String {
        let held = self.roots.iter().find(|held| held.object == object && held.kind == RootKind::Interpreter);
        if let Some(field) = held.and_then(|held| held.name).and_then(|name| self.dump.name(name)) {
            return expression_of(field).map_or_else(|| format!("<interpreter {field}>"), str::to_owned);
        }
        let flags = self.objects.flags(object);
        let variable = self.roots.iter().find(|held| held.object == object && held.kind == RootKind::Data);
        let counted = flags.0 & (ObjectFlags::STATIC.0 | ObjectFlags::IMMORTAL.0) == 0;
        if let Some(library) = variable.filter(|_| counted).and_then(|held| self.dump.name(held.name?)) {
            return format!("<data of {library}> {}", self.short(object));
        }
        let kind = if self.native.binary_search(&object).is_ok() {
            "native code"
        } else if flags.contains(ObjectFlags::STATIC) {
            return self.short(object);
        } else if flags.contains(ObjectFlags::IMMORTAL) {
            "immortal"
        } else {
            "interpreter"
        };
        format!("<{kind}> {}", self.short(object))
    }

    /// A type by its name, anything else by its representation.
    fn short(&self, object: Node) -> String {
        let class = self.objects.types().iter().find(|class| class.object == object);
        class.map_or_else(|| represent(self.dump, object, Limits::LINE), |class| class.full_name())
    }
}

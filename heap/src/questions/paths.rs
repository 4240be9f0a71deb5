//! Paths from what holds the heap to an object, as a Python programmer would write them:
//! `sys.modules['app'].cache.CACHE['k'].rows[3]`, `thread MainThread: handler(): request.session`.

use crate::graph::csr::Node;
use crate::graph::shortest::ShortestPaths;
use crate::objects::labels::{Label, LabelledEdge, LabelledEdges};
use crate::objects::representation::{Limits, represent, suspended_function};
use crate::ownership::analysis::Analysis;
use crate::ownership::holders::NodeKind;
use pyheap_format::reader::Root;
use pyheap_format::{ObjectFlags, PreviewKind, RootKind, RootName};

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// Where it leads: none where it stands for the middle of a long path.
    pub node: Option<Node>,
    /// What it adds to the text of the path; nothing where it leads to a namespace, whose values read as attributes.
    pub text: String,
}

/// Steps of a path that are written out.
const LONG_PATH: usize = 32;

/// The Python expression for what the interpreter holds by this name, where there is one.
fn expression_of(root: &str) -> Option<&'static str> {
    RootName::from_text(root)?.expression()
}

impl Analysis<'_> {
    /// Shortest paths to everything. Paths from modules and variables win over those from other roots, and those
    /// over paths that lead through the class of an object.
    pub fn shortest_paths(&self) -> ShortestPaths {
        let root = self.holders.root();
        let mut paths = ShortestPaths::new(self.graph().nodes(), root);
        let row = |node: Node| self.row_without_class(node);
        let of_dump = |thread: &u32| *thread < self.holders.threads();
        let by_thread =
            |held: &Root| held.thread.filter(of_dump).map_or(root, |thread| self.holders.thread(thread));
        let objects = self.holders.objects();
        let present = || self.roots.iter().filter(|held| held.object < objects);

        for thread in 0..self.holders.threads() {
            paths.extend([(root, self.holders.thread(thread))], |_| &[]);
        }
        let good = present().filter(|held| self.is_good_root(held));
        let good = good.map(|held| (by_thread(held), held.object));
        paths.extend(good.chain(self.variables()), row);
        let others = present().filter(|held| !held.kind.is_possible());
        paths.extend(others.map(|held| (by_thread(held), held.object)), row);
        for thread in 0..self.holders.threads() {
            let thread = self.holders.thread(thread);
            paths.extend(self.graph().targets(thread).iter().map(|&object| (thread, object)), row);
        }
        self.extend_by_classes(&mut paths);
        paths.extend(self.graph().targets(root).iter().map(|&object| (root, object)), row);
        self.extend_by_classes(&mut paths);
        for holder in [self.holders.internals(), self.holders.garbage()] {
            paths.extend_by_graph([(root, holder)], self.graph());
        }
        paths
    }

    fn is_interpreter_root(&self, object: Node) -> bool {
        self.roots.iter().any(|held| held.object == object && held.kind == RootKind::Interpreter)
    }

    /// Whether a root reads well as the start of a path.
    fn is_good_root(&self, held: &Root) -> bool {
        let name = held.name.and_then(|name| self.dump.name(name));
        match held.kind {
            RootKind::Interpreter => name.is_some_and(|name| expression_of(name).is_some()),
            RootKind::Stack => true,
            _ => false,
        }
    }

    /// The variables of all frames, each with the thread's node.
    fn variables(&self) -> impl Iterator<Item = (Node, Node)> {
        let threads = (0..self.holders.threads()).zip(self.dump.threads());
        threads
            .flat_map(move |(thread, of)| {
                let locals = of.frames.iter().flat_map(|frame| &frame.locals);
                locals.map(move |(_, object)| (self.holders.thread(thread), *object))
            })
            .filter(move |&(_, object)| object < self.holders.objects())
    }

    fn has_class_edge(&self, node: Node) -> bool {
        node < self.holders.objects()
            && self
                .objects
                .type_of(node)
                .is_some_and(|class| class.is_heap_type() && class.object < self.holders.objects())
    }

    fn row_without_class(&self, node: Node) -> &[Node] {
        let row = self.graph().targets(node);
        if self.has_class_edge(node) { row.split_last().map_or(row, |(_, rest)| rest) } else { row }
    }

    /// Adds what only classes of reached objects lead to, until nothing is new.
    fn extend_by_classes(&self, paths: &mut ShortestPaths) {
        let mut from = 0;
        while from < paths.reached().len() {
            let seeds: Vec<(Node, Node)> = paths.reached()[from..]
                .iter()
                .filter(|&&node| self.has_class_edge(node))
                .filter_map(|&node| Some((node, *self.graph().targets(node).last()?)))
                .filter(|&(_, class)| !paths.is_reached(class))
                .collect();
            from = paths.reached().len();
            paths.extend(seeds, |node| self.row_without_class(node));
        }
    }

    /// A path (see [`ShortestPaths::path`]) as text.
    pub fn path_text(&self, path: &[Node]) -> String {
        self.text(path, |holder, edge| self.plain_step(holder, edge))
    }

    /// A path as text, with `[…]` for every index and key.
    pub fn pattern_text(&self, path: &[Node]) -> String {
        self.text(path, |holder, edge| self.general_step(holder, edge))
    }

    /// A step from an object without index and key; the names of modules are kept.
    pub(crate) fn general_step(&self, holder: Node, edge: &LabelledEdge<'_>) -> String {
        match edge.label {
            Label::Value { .. } if self.is_interpreter_root(holder) => self.plain_step(holder, edge),
            Label::Element(_) | Label::Value { .. } => "[…]".into(),
            Label::Key => ".<key>".into(),
            Label::Member => ".<member>".into(),
            _ => edge.step(self.dump),
        }
    }

    fn text(&self, path: &[Node], step: impl Fn(Node, &LabelledEdge<'_>) -> String) -> String {
        self.steps(path, step).into_iter().map(|step| step.text).collect()
    }

    /// A path step by step: the texts of all steps together are [`Self::path_text`].
    pub fn path_steps(&self, path: &[Node]) -> Vec<PathStep> {
        self.steps(path, |holder, edge| self.plain_step(holder, edge))
    }

    /// A step from an object. The names of modules are no contents: they are told where these are not to be shown.
    fn plain_step(&self, holder: Node, edge: &LabelledEdge<'_>) -> String {
        if self.dump.is_concealed()
            && self.is_interpreter_root(holder)
            && let Label::Value { key: Some(key) } = edge.label
            && let Some((PreviewKind::Text, name)) = self.dump.preview(key)
        {
            return format!("['{}']", String::from_utf8_lossy(name));
        }
        edge.step(self.dump)
    }

    fn steps(&self, path: &[Node], step: impl Fn(Node, &LabelledEdge<'_>) -> String) -> Vec<PathStep> {
        let objects = path.iter().position(|&node| node < self.holders.objects()).unwrap_or(path.len());
        let (holders, objects) = path.split_at(objects);
        let Some((&first, rest)) = objects.split_first() else {
            let alone = |&node: &Node| PathStep { node: Some(node), text: self.holder_text(node) };
            return holders.last().map(alone).into_iter().collect();
        };
        let root = self.root_text(holders.last().copied().unwrap_or(self.holders.root()), first);
        let mut steps = vec![PathStep { node: Some(first), text: root }];
        let mut before = first;
        let mut in_namespace = false;
        let left_out = rest.len().saturating_sub(LONG_PATH);
        let skipped = LONG_PATH / 2..LONG_PATH / 2 + left_out;
        for (at, &node) in rest.iter().enumerate() {
            // Of a linked list nobody wants to read every link, nor wait for it.
            if skipped.contains(&at) && at + 1 < skipped.end {
                before = node;
                continue;
            }
            let edge = self.best_edge(before, node);
            let holder = std::mem::replace(&mut before, node);
            if skipped.contains(&at) {
                steps.push(PathStep { node: None, text: format!(" … {left_out} steps … ") });
                in_namespace = edge.is_some_and(|edge| edge.is_namespace());
                continue;
            }
            let (text, is_namespace) = self.step_text(holder, edge, in_namespace, &step);
            steps.push(PathStep { node: Some(node), text });
            in_namespace = is_namespace;
        }
        if in_namespace && let Some(last) = steps.last_mut() {
            last.text.push_str(".__dict__");
        }
        steps
    }

    /// The text of a step from `holder`, and whether it leads to a namespace, whose values read as attributes of the
    /// object before.
    fn step_text(
        &self,
        holder: Node,
        edge: Option<LabelledEdge<'_>>,
        in_namespace: bool,
        step: impl Fn(Node, &LabelledEdge<'_>) -> String,
    ) -> (String, bool) {
        let Some(edge) = edge else { return (".?".into(), false) };
        if !in_namespace && let Some(call) = self.call_step(holder, &edge) {
            return (call, false);
        }
        let namespace = if in_namespace { ".__dict__" } else { "" };
        if edge.is_namespace() {
            return (namespace.into(), true);
        }
        match self.attribute(&edge).filter(|_| in_namespace) {
            Some(attribute) => (format!(".{attribute}"), false),
            None => (format!("{namespace}{}", step(holder, &edge)), false),
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
        let mut characters = text.chars();
        let starts = characters.next().is_some_and(|first| first == '_' || first.is_alphabetic());
        (starts && characters.all(|next| next == '_' || next.is_alphanumeric())).then(|| text.to_owned())
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

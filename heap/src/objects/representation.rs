//! What `repr` would answer, composed from previews and edges: no Python code ever ran for it.
//!
//! Exact for complete scalars, and for containers of them within the limits; everything that is left out or was cut
//! is an ellipsis `…`.

mod literals;

use crate::objects::labels::{Label, LabelledEdges};
use pyheap_format::reader::{Dump, Object, Type};
use pyheap_format::{FieldName, ObjectFlags, PreviewKind};

/// How much of an object is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Containers within containers; at 0 a container shows none of its parts.
    pub depth: usize,
    /// Parts of a container.
    pub items: usize,
    /// Characters of a str, bytes of a bytes, beyond what the dump itself cut.
    pub text: usize,
}

impl Limits {
    /// For one line of a table.
    pub const LINE: Self = Self { depth: 1, items: 4, text: 60 };
    /// For a key in the name of an edge.
    pub const KEY: Self = Self { depth: 1, items: 4, text: 40 };
    /// For machine-readable output: all that the dump holds of a text.
    pub const FULL: Self = Self { depth: 3, items: 20, text: usize::MAX };

    fn inner(self) -> Option<Self> {
        Some(Self { depth: self.depth.checked_sub(1)?, ..self })
    }
}

/// The representation of an object, as Python would write it.
pub fn represent(dump: &Dump, number: u32, limits: Limits) -> String {
    let mut writer = Writer { dump, out: String::new(), path: Vec::new() };
    writer.object(number, limits);
    writer.out
}

/// The qualified name of the function that an object is a suspended call of: a generator, a coroutine.
pub(crate) fn suspended_function(dump: &Dump, number: u32) -> Option<String> {
    let class = dump.types().get(dump.object(number)?.type_number as usize)?;
    if !["coroutine", "generator", "async_generator"].iter().any(|name| is_builtin(class, name)) {
        return None;
    }
    let name = LabelledEdges::new(dump, number)
        .find(|edge| edge.label == Label::Field(Some(FieldName::Qualname.text())))?;
    let (PreviewKind::Text, text) = dump.preview(name.target)? else { return None };
    String::from_utf8(text.to_vec()).ok()
}

/// Whether a type is, or inherits along `tp_base` from, the builtin type of this name.
pub fn is_builtin_kind(types: &[Type], number: u32, name: &str) -> bool {
    ancestors(types, number).any(|class| is_builtin(class, name))
}

pub(crate) fn ancestors(types: &[Type], number: u32) -> impl Iterator<Item = &Type> {
    let mut next = Some(number);
    // A damaged dump may hold a cycle of bases: no chain is longer than there are types.
    (0..types.len()).map_while(move |_| {
        let class = types.get(next? as usize)?;
        next = class.base;
        Some(class)
    })
}

fn is_builtin(class: &Type, name: &str) -> bool {
    class.qualname == name && matches!(class.module.as_str(), "builtins" | "")
}

/// Builtin types whose objects are shown by what they contain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    List,
    Tuple,
    Dict,
    Set,
    FrozenSet,
}

struct Writer<'a> {
    dump: &'a Dump,
    out: String,
    /// Objects whose parts are being written: one of them again is a cycle.
    path: Vec<u32>,
}

impl Writer<'_> {
    fn object(&mut self, number: u32, limits: Limits) {
        let Some(object) = self.dump.object(number) else {
            self.out.push_str("<not in the dump>");
            return;
        };
        let types = self.dump.types();
        let Some(class) = types.get(object.type_number as usize) else { return };
        if let Some((kind, data)) = self.dump.preview(number) {
            return self.preview(&object, class, kind, data, limits);
        }
        if object.flags.contains(ObjectFlags::UNREADABLE) {
            self.out.push_str("<unreadable ");
            return self.plain(&object, class, ">");
        }
        if let Some(empty) = literals::empty(class, object.length) {
            self.out.push_str(empty);
            return;
        }
        if let Some(bare) = literals::without_content(class, object.length) {
            self.out.push_str(&bare);
            return;
        }
        if let Some((container, builtin)) = container(types, object.type_number) {
            return self.container(&object, class, container, builtin, limits);
        }
        if let Some(function) = suspended_function(self.dump, number) {
            self.out.push_str(&format!("<{} object {function} at 0x{:x}>", class.qualname, object.address));
            return;
        }
        if self.composed(&object, class, limits).is_none() {
            self.out.push('<');
            self.plain(&object, class, ">");
        }
    }

    /// `m.q object at 0x…`
    fn plain(&mut self, object: &Object, class: &Type, end: &str) {
        self.out.push_str(&class.full_name());
        self.out.push_str(&format!(" object at 0x{:x}{end}", object.address));
    }

    fn preview(&mut self, object: &Object, class: &Type, kind: PreviewKind, data: &[u8], limits: Limits) {
        let is_content = !matches!(kind, PreviewKind::Name | PreviewKind::Code | PreviewKind::Constant);
        if is_content && let Some(seal) = self.dump.seal(data) {
            let length = object.length.map_or_else(String::new, |length| format!(" of {length}"));
            self.out.push_str(&format!("<{}{length} #{seal:08x}>", class.full_name()));
            return;
        }
        let types = self.dump.types();
        let literal = match kind {
            PreviewKind::Text => literals::text(data, object.length, limits.text),
            PreviewKind::Bytes => literals::bytes(data, object.length, limits.text),
            PreviewKind::Integer => literals::integer(data),
            PreviewKind::Float => literals::float_bytes(data),
            PreviewKind::Complex => literals::complex(data),
            PreviewKind::Boolean => if data == [0] { "False" } else { "True" }.into(),
            PreviewKind::Constant => String::from_utf8_lossy(data).into_owned(),
            PreviewKind::Code => {
                self.out.push_str(&literals::code(data));
                return;
            }
            PreviewKind::Name => {
                let name = String::from_utf8_lossy(data);
                let is_class = is_builtin_kind(types, object.type_number, "type");
                self.out.push_str(&literals::named(class, is_class, &name));
                return;
            }
        };
        let bare = match kind {
            PreviewKind::Text => is_builtin(class, "str"),
            PreviewKind::Bytes => is_builtin(class, "bytes"),
            PreviewKind::Integer => is_builtin(class, "int"),
            PreviewKind::Float => is_builtin(class, "float"),
            PreviewKind::Complex => is_builtin(class, "complex"),
            _ => true,
        };
        if bare {
            self.out.push_str(&literal);
        } else {
            self.out.push_str(&format!("{}({literal})", class.full_name()));
        }
    }

    fn container(
        &mut self,
        object: &Object,
        class: &Type,
        container: Container,
        builtin: bool,
        limits: Limits,
    ) {
        let named = !builtin || container == Container::FrozenSet;
        let (open, close) = match container {
            Container::List => ("[", "]"),
            Container::Tuple => ("(", ")"),
            _ => ("{", "}"),
        };
        if matches!(container, Container::Set | Container::FrozenSet) && object.length == Some(0) {
            self.out.push_str(&class.full_name());
            self.out.push_str("()");
            return;
        }
        if named {
            self.out.push_str(&class.full_name());
            if container != Container::Tuple {
                self.out.push('(');
            }
        }
        self.out.push_str(open);
        match limits.inner() {
            Some(inner) if !self.path.contains(&object.number) => {
                self.path.push(object.number);
                self.parts(object, container, builtin, limits.items, inner);
                self.path.pop();
            }
            _ if object.length == Some(0) => {}
            _ => self.out.push('…'),
        }
        self.out.push_str(close);
        if named && container != Container::Tuple {
            self.out.push(')');
        }
    }

    fn parts(&mut self, object: &Object, container: Container, builtin: bool, items: usize, limits: Limits) {
        let mut written = 0u64;
        let mut separate = |out: &mut String| {
            if written > 0 {
                out.push_str(", ");
            }
            written += 1;
        };
        let mut left = items;
        for edge in LabelledEdges::new(self.dump, object.number) {
            let (key, part) = match (container, edge.label) {
                (Container::List | Container::Tuple, Label::Element(_)) => (None, edge.target),
                (Container::Set | Container::FrozenSet, Label::Member) => (None, edge.target),
                (Container::Dict, Label::Value { key: Some(key) }) => (Some(key), edge.target),
                _ => continue,
            };
            let Some(less) = left.checked_sub(1) else { break };
            left = less;
            separate(&mut self.out);
            if let Some(key) = key {
                self.object(key, limits);
                self.out.push_str(": ");
            }
            self.object(part, limits);
        }
        if object.length.is_some_and(|length| length > written) {
            if written > 0 {
                self.out.push_str(", ");
            }
            self.out.push('…');
        } else if container == Container::Tuple && builtin && written == 1 {
            self.out.push(',');
        }
    }

    /// Objects that are shown by their fields. Writes nothing and answers `None` for all others.
    fn composed(&mut self, object: &Object, class: &Type, limits: Limits) -> Option<()> {
        let types = self.dump.types();
        let inner = limits.inner()?;
        if self.path.contains(&object.number) {
            return None;
        }
        let field = |wanted: &str| {
            LabelledEdges::new(self.dump, object.number)
                .find_map(|edge| (edge.label == Label::Field(Some(wanted))).then_some(edge.target))
        };
        let fields = |names: &[&str]| names.iter().map(|name| field(name)).collect::<Option<Vec<_>>>();
        let (parts, between): (Vec<u32>, [&str; 3]) = if is_builtin(class, "method") {
            let function = field("__func__")?;
            let name =
                self.dump.preview(function).map(|(_, name)| String::from_utf8_lossy(name).into_owned());
            self.out.push_str(&format!("<bound method {} of ", name.unwrap_or_else(|| "?".into())));
            (vec![field("__self__")?], ["", "", ">"])
        } else if is_builtin(class, "range") || is_builtin(class, "slice") {
            let mut parts = fields(&["start", "stop", "step"])?;
            let step = parts.last().and_then(|step| self.dump.preview(*step));
            if is_builtin(class, "range") && step == Some((PreviewKind::Integer, &[0, 1])) {
                parts.pop();
            }
            self.out.push_str(&class.qualname);
            (parts, ["(", ", ", ")"])
        } else if is_builtin_kind(types, object.type_number, "BaseException") {
            let args = field("args")?;
            self.out.push_str(&class.full_name());
            // The tuple of one argument ends with a comma, which Python leaves out here.
            let parts =
                LabelledEdges::new(self.dump, args).filter(|edge| matches!(edge.label, Label::Element(_)));
            (parts.map(|edge| edge.target).take(limits.items).collect(), ["(", ", ", ")"])
        } else {
            return None;
        };
        let [open, separator, close] = between;
        self.out.push_str(open);
        self.path.push(object.number);
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                self.out.push_str(separator);
            }
            self.object(part, inner);
        }
        self.path.pop();
        self.out.push_str(close);
        Some(())
    }
}

/// The container that a type is or inherits from, and whether it is the builtin type itself.
fn container(types: &[Type], number: u32) -> Option<(Container, bool)> {
    ancestors(types, number).enumerate().find_map(|(distance, class)| {
        let container = match class.qualname.as_str() {
            "list" => Container::List,
            "tuple" => Container::Tuple,
            "dict" => Container::Dict,
            "set" => Container::Set,
            "frozenset" => Container::FrozenSet,
            "deque" if class.module == "collections" => return Some((Container::List, false)),
            _ => return None,
        };
        is_builtin(class, &class.qualname).then_some((container, distance == 0))
    })
}

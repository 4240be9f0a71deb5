//! Numbers of the fixed names: a walk hands them to its writer before all others.

use pyheap_format::vocabulary::NameNumber;
use pyheap_format::writer::{Sink, Writer};
use pyheap_format::{FieldName, RootName};

/// Names the fields and roots; to be called before anything else is named.
pub(crate) fn register<S: Sink>(writer: &mut Writer<S>) {
    let fields = FieldName::ALL.iter().map(|name| name.text());
    for text in fields.chain(RootName::ALL.iter().map(|name| name.text())) {
        writer.name(text);
    }
}

/// The number of a field's name.
pub(crate) const fn field(name: FieldName) -> NameNumber {
    name as NameNumber
}

/// The number of a root's name.
pub(crate) const fn root(name: RootName) -> NameNumber {
    FieldName::ALL.len() as NameNumber + name as NameNumber
}

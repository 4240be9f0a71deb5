//! A dump, indexed by address for comparison with an oracle.

use anyhow::{Context, Result, ensure};
use pyheap_format::EdgeKind;
use pyheap_format::reader::{Dump, Object};
use std::collections::HashMap;
use std::path::Path;

/// A dump and where each address is in it.
#[derive(Debug)]
pub struct Heap {
    /// The dump.
    pub dump: Dump,
    numbers: HashMap<u64, u32>,
    addresses: Vec<u64>,
}

/// An edge with its target's address and its name in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referent {
    /// Of the target.
    pub address: u64,
    /// As the format tells it.
    pub edge: pyheap_format::Edge,
    /// Field, attribute or variable; `[3]` for elements; empty for what has no name of its own.
    pub name: String,
}

impl Heap {
    /// Opens a dump that must be complete and free of duplicates.
    ///
    /// # Errors
    /// It is not.
    pub fn open(path: &Path) -> Result<Self> {
        let dump = Dump::open(path).with_context(|| path.display().to_string())?;
        ensure!(dump.complete() && dump.warnings().is_empty(), "incomplete dump: {:?}", dump.warnings());
        let summary = dump.summary().context("no summary")?;
        ensure!(summary.error.is_none(), "the walk ended early: {:?}", summary.error);
        let addresses: Vec<_> = dump.object_chunks().flat_map(|chunk| chunk.addresses()).collect();
        let numbers: HashMap<_, _> =
            addresses.iter().zip(0..).map(|(&address, number)| (address, number)).collect();
        ensure!(numbers.len() == addresses.len(), "{} objects twice", addresses.len() - numbers.len());
        Ok(Self { dump, numbers, addresses })
    }

    /// The object at an address.
    ///
    /// # Errors
    /// There is none.
    pub fn at(&self, address: u64) -> Result<Object> {
        let number = self.number(address).with_context(|| format!("no object at {address:#x}"))?;
        self.dump.object(number).context("no such object")
    }

    /// Number of the object at an address.
    pub fn number(&self, address: u64) -> Option<u32> {
        self.numbers.get(&address).copied()
    }

    /// Address of an object.
    pub fn address(&self, number: u32) -> u64 {
        self.addresses.get(number as usize).copied().unwrap_or_default()
    }

    /// Full name of an object's type.
    pub fn type_name(&self, object: &Object) -> String {
        self.dump
            .types()
            .get(object.type_number as usize)
            .map(pyheap_format::reader::Type::full_name)
            .unwrap_or_default()
    }

    /// All objects.
    pub fn objects(&self) -> impl Iterator<Item = Object> + '_ {
        (0..self.dump.object_count()).filter_map(|number| self.dump.object(number))
    }

    /// The edges of an object, without the implied one to its type.
    pub fn referents(&self, number: u32) -> Vec<Referent> {
        let mut elements = 0;
        let edges = self.dump.edges_of(number);
        edges
            .map(|edge| {
                let payload = edge.name.payload();
                let recorded = || self.dump.name(payload).unwrap_or("?").to_owned();
                let name = match edge.name.kind() {
                    EdgeKind::Field | EdgeKind::Attribute | EdgeKind::Variable | EdgeKind::Local => {
                        recorded()
                    }
                    EdgeKind::Element | EdgeKind::Stack => {
                        elements += 1;
                        format!("[{}]", payload + elements - 1)
                    }
                    _ => String::new(),
                };
                Referent { address: self.address(edge.target), edge, name }
            })
            .collect()
    }

    /// The referent of this name.
    ///
    /// # Errors
    /// There is none; says which ones there are.
    pub fn referent(&self, number: u32, name: &str) -> Result<Referent> {
        let referents = self.referents(number);
        let found = referents.iter().find(|referent| referent.name == name).cloned();
        found.with_context(|| {
            let names: Vec<_> = referents.iter().map(|referent| referent.name.as_str()).take(30).collect();
            format!("no referent {name} among {names:?}")
        })
    }

    /// Text of a str, as far as it was kept.
    ///
    /// # Errors
    /// The object is no str or has no preview.
    pub fn text(&self, address: u64) -> Result<String> {
        let number = self.number(address).with_context(|| format!("no object at {address:#x}"))?;
        let (kind, bytes) =
            self.dump.preview(number).with_context(|| format!("no preview of {address:#x}"))?;
        ensure!(kind == pyheap_format::PreviewKind::Text, "preview of {address:#x} is {kind:?}");
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Keys (where they are str) and addresses of the values of a dict.
    pub fn entries(&self, number: u32) -> Vec<(String, u64)> {
        let referents = self.referents(number);
        let pairs = referents.iter().zip(referents.iter().skip(1));
        pairs
            .filter(|(key, value)| {
                key.edge.name.kind() == EdgeKind::Key && value.edge.name.kind() == EdgeKind::Value
            })
            .map(|(key, value)| (self.text(key.address).unwrap_or_default(), value.address))
            .collect()
    }
}

//! `object`: what an object is, what it refers to, and who holds it.

use crate::mention::Mention;
use crate::table::{Report, Section, columns};
use crate::units;
use schemars::JsonSchema;
use serde::Serialize;

/// What an object refers to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Referent {
    /// What the object calls it.
    pub name: String,
    /// How the reference is known: `traverse`, `layout` or `frame`.
    pub source: String,
    /// Whether the object owns a reference to it.
    pub owned: bool,
    /// The referent.
    #[serde(flatten)]
    pub value: Mention,
}

columns! { Referent {
    "name" "name" Text = |row| &row.name;
    "source" "source" Text = |row| &row.source;
    "owned" "owned" Flag = |row| row.owned;
    "address" "address" Address = |row| row.value.address.clone();
    "type" "type" Text = |row| row.value.type_name.clone();
    "value" "repr" Text = |row| &row.value.repr;
} }

/// What refers to an object.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Referrer {
    /// What the referrer calls the object.
    pub name: String,
    /// Whether it owns a reference.
    pub owned: bool,
    /// The referrer.
    #[serde(flatten)]
    pub object: Mention,
}

columns! { Referrer {
    "address" "address" Address = |row| row.object.address.clone();
    "type" "type" Text = |row| row.object.type_name.clone();
    "as" "name" Text = |row| &row.name;
    "owned" "owned" Flag = |row| row.owned;
    "value" "repr" Text = |row| &row.object.repr;
} }

/// An object that every path to another leads through.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Dominator {
    /// The dominator.
    #[serde(flatten)]
    pub object: Mention,
    /// Bytes that it retains.
    pub retained_size: u64,
}

columns! { Dominator {
    "address" "address" Address = |row| row.object.address.clone();
    "type" "type" Text = |row| row.object.type_name.clone();
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "value" "repr" Text = |row| &row.object.repr;
} }

/// An attribute of an object, found where Python looks for it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// The class that defines it; null where the object itself does.
    pub defined_by: Option<String>,
    /// Its value; descriptors are not called.
    #[serde(flatten)]
    pub value: Mention,
}

columns! { Attribute {
    "name" "name" Text = |row| &row.name;
    "from class" "defined_by" Text = |row| row.defined_by.clone();
    "address" "address" Address = |row| row.value.address.clone();
    "type" "type" Text = |row| row.value.type_name.clone();
    "value" "repr" Text = |row| &row.value.repr;
} }

/// An instance of a type.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Instance {
    /// Bytes that it retains.
    pub retained_size: u64,
    /// The instance.
    #[serde(flatten)]
    pub object: Mention,
}

columns! { Instance {
    "address" "address" Address = |row| row.object.address.clone();
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "value" "repr" Text = |row| &row.object.repr;
} }

/// The instances of a type, subclasses left out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Instances {
    /// Their number.
    pub count: u64,
    /// Bytes that would be freed if all went.
    pub retained_size: u64,
    /// Those that retain most.
    pub largest: Vec<Instance>,
}

/// An object with who holds it. Lists begin after `offset` rows each.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Object {
    /// In the target's address space, hexadecimal.
    pub address: String,
    /// Full name of its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What `sys.getsizeof` answers, bytes.
    pub shallow_size: u64,
    /// Bytes kept from the allocator.
    pub allocated_size: u64,
    /// Its reference count.
    pub refcount: u64,
    /// Items, where it has a length.
    pub length: Option<u64>,
    /// Tracked by the garbage collector.
    pub tracked: bool,
    /// Its memory could not be read.
    pub unreadable: bool,
    /// Only native code knows what it refers to.
    pub opaque: bool,
    /// Its sizes are estimated.
    pub estimated: bool,
    /// Its reference count never changes.
    pub immortal: bool,
    /// Part of a library, not allocated.
    #[serde(rename = "static")]
    pub is_static: bool,
    /// As `repr` would write it, as far as the dump holds it.
    pub repr: String,
    /// Rows left out before the first, in every list.
    pub offset: u64,
    /// Referents in all.
    pub referents_total: u64,
    /// What it refers to, its type first.
    pub referents: Vec<Referent>,
    /// Bytes that would be freed if it went.
    pub retained_size: u64,
    /// The shortest path to it.
    pub path: String,
    /// Dominators in all.
    pub dominators_total: u64,
    /// Immediate dominator first.
    pub dominators: Vec<Dominator>,
    /// Edges to it in all.
    pub referrers_total: u64,
    /// What refers to it, those too that own nothing; its instances, if it is a type, are left out.
    pub referrers: Vec<Referrer>,
    /// Attributes in all.
    pub attributes_total: u64,
    /// Its own attributes, then those of its classes.
    pub attributes: Vec<Attribute>,
    /// Null where the object is no type.
    pub instances: Option<Instances>,
}

impl Object {
    fn traits(&self) -> String {
        let all = [
            (self.tracked, "tracked by the collector"),
            (self.unreadable, "unreadable"),
            (self.opaque, "opaque: its referents are unknown"),
            (self.estimated, "sizes estimated"),
            (self.immortal, "immortal"),
            (self.is_static, "static"),
        ];
        all.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    }

    fn head(&self) -> Vec<String> {
        let mut lines = vec![
            self.repr.clone(),
            format!("{} at {}", self.type_name, self.address),
            format!(
                "{} shallow, {} allocated, reference count {}",
                units::bytes(self.shallow_size),
                units::bytes(self.allocated_size),
                units::count(self.refcount)
            ),
        ];
        lines.extend(self.length.map(|length| format!("length {}", units::count(length))));
        lines.push(self.traits());
        lines.push(format!("{} retained", units::bytes(self.retained_size)));
        lines.push(format!("held by {}", self.path));
        lines.retain(|line| !line.is_empty());
        lines
    }
}

impl Report for Object {
    fn sections(&self) -> Vec<Section> {
        let part = |section: Section, line: String| section.under(vec![line]);
        let mut sections = vec![
            Section::of_lines(self.head()),
            part(self.csv(), format!("Refers to {}:", units::counted(self.referents_total, "object"))),
            part(
                Section::of_part(&self.dominators, self.dominators_total, self.offset),
                "Dominators: every path to the object leads through them.".into(),
            ),
            part(
                Section::of_part(&self.referrers, self.referrers_total, self.offset),
                format!("Referred to by {}:", units::counted(self.referrers_total, "edge")),
            ),
        ];
        if !self.attributes.is_empty() {
            sections.push(part(
                Section::of_part(&self.attributes, self.attributes_total, self.offset),
                "Attributes, its own and those of its classes:".into(),
            ));
        }
        if let Some(instances) = &self.instances {
            let line = format!(
                "{} retaining {} together; the largest:",
                units::counted(instances.count, "instance"),
                units::bytes(instances.retained_size)
            );
            sections.push(part(Section::of_part(&instances.largest, instances.count, self.offset), line));
        }
        sections
    }

    fn csv(&self) -> Section {
        Section::of_part(&self.referents, self.referents_total, self.offset)
    }
}

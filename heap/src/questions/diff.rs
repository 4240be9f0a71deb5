//! Differences between dumps: growth by type, and what was allocated between two dumps and survived to a third.

use crate::objects::columns::Objects;
use crate::objects::totals::{Total, TypeTotals};
use pyheap_format::PreviewKind;
use pyheap_format::reader::{Dump, Type};
use pyheap_format::vocabulary::ObjectNumber;
use std::collections::BTreeMap;

/// How a group of objects changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Name of the group.
    pub name: String,
    /// In the older dump.
    pub old: Total,
    /// In the newer dump.
    pub new: Total,
}

/// Totals by the name that `name` gives a type, in both dumps; groups that did not change are left out.
pub fn growth(old: &Dump, new: &Dump, name: impl Fn(&Type) -> String) -> Vec<Growth> {
    let mut groups: BTreeMap<String, (Total, Total)> = BTreeMap::new();
    for (dump, is_new) in [(old, false), (new, true)] {
        for (number, total) in TypeTotals::of(dump).by_number() {
            let Some(class) = dump.types().get(number as usize) else { continue };
            let group = groups.entry(name(class)).or_default();
            if is_new { group.1.add(total) } else { group.0.add(total) }
        }
    }
    let changed = groups.into_iter().filter(|(_, (old, new))| old != new);
    changed.map(|(name, (old, new))| Growth { name, old, new }).collect()
}

/// Whether two dumps are of the same process: only then can objects be recognised again by their address.
pub fn same_process(left: &Dump, right: &Dump) -> bool {
    let key = |dump: &Dump| {
        let header = dump.header();
        (header.boot_id.clone(), header.pid, header.start_time)
    };
    key(left) == key(right)
}

/// The objects of `newest` that were allocated after `old` and before `new`, as far as can be told.
///
/// An object is taken for the same one in two dumps of one process when its address and type agree, and for immutable
/// ones what the dumps hold of their content. Memory that was freed and used again for an object of the same type (and
/// content) is mistaken for it: the answer is an estimate. Ascending.
pub fn survivors(old: &Dump, new: &Dump, newest: &Dump) -> Vec<ObjectNumber> {
    let old = Index::new(old);
    let new = Index::new(new);
    let newest_objects = Objects::new(newest.object_chunks(), newest.types());
    (0..newest_objects.len() as ObjectNumber)
        .filter(|&object| {
            let identity = Identity::of(newest, &newest_objects, object);
            identity.is_some_and(|identity| new.contains(&identity) && !old.contains(&identity))
        })
        .collect()
}

/// What an object is recognised by.
#[derive(PartialEq, Eq)]
struct Identity<'a> {
    address: u64,
    module: &'a str,
    qualname: &'a str,
    content: Option<(PreviewKind, &'a [u8])>,
}

impl<'a> Identity<'a> {
    fn of(dump: &'a Dump, objects: &Objects<'a>, object: ObjectNumber) -> Option<Self> {
        let class = objects.type_of(object)?;
        let address = Some(objects.address(object)).filter(|&address| address != 0)?;
        // The previews of bytearrays change; those of all others that have one do not.
        let content = dump.preview(object).filter(|_| class.qualname != "bytearray");
        Some(Self { address, module: &class.module, qualname: &class.qualname, content })
    }
}

/// The objects of a dump by address.
struct Index<'a> {
    dump: &'a Dump,
    objects: Objects<'a>,
    sorted: Vec<(u64, ObjectNumber)>,
}

impl<'a> Index<'a> {
    fn new(dump: &'a Dump) -> Self {
        let objects = Objects::new(dump.object_chunks(), dump.types());
        let addresses = objects.chunks().iter().flat_map(|chunk| chunk.addresses());
        let mut sorted: Vec<(u64, ObjectNumber)> = addresses.zip(0..).collect();
        sorted.sort_unstable();
        Self { dump, objects, sorted }
    }

    fn contains(&self, identity: &Identity<'_>) -> bool {
        let place = self.sorted.binary_search_by_key(&identity.address, |(address, _)| *address);
        place.is_ok_and(|place| {
            let own = Identity::of(self.dump, &self.objects, self.sorted[place].1);
            own.is_some_and(|own| own == *identity)
        })
    }
}

//! Objects and bytes by type, summed chunk by chunk: over a file, or over a stream as it arrives.

use pyheap_format::ObjectFlags;
use pyheap_format::reader::{Dump, ObjectChunk, Type};
use std::collections::BTreeMap;

/// Number and sizes of a group of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Objects.
    pub count: u64,
    /// Sum of their shallow sizes, bytes.
    pub shallow: u64,
    /// Sum of their allocated sizes, bytes, static objects left out: nothing was allocated for those.
    pub allocated: u64,
}

impl Total {
    /// Adds the objects of another group.
    pub fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.shallow = self.shallow.saturating_add(other.shallow);
        self.allocated = self.allocated.saturating_add(other.allocated);
    }
}

/// A total by type number.
#[derive(Clone, Debug, Default)]
pub struct TypeTotals {
    totals: Vec<Total>,
    /// Objects of types that are not recorded.
    unknown: Total,
}

impl TypeTotals {
    /// The totals of a whole dump.
    pub fn of(dump: &Dump) -> Self {
        let mut totals = Self::default();
        for chunk in dump.object_chunks() {
            totals.add(&chunk, dump.types().len());
        }
        totals
    }

    /// Adds the objects of a chunk, where `types` types are recorded so far.
    pub fn add(&mut self, chunk: &ObjectChunk<'_>, types: usize) {
        self.totals.resize(types.max(self.totals.len()), Total::default());
        let sizes = chunk.shallow().iter().zip(chunk.allocated().iter());
        for ((number, flags), (shallow, allocated)) in chunk.types().zip(chunk.flags()).zip(sizes) {
            let is_static = ObjectFlags(*flags).contains(ObjectFlags::STATIC);
            let allocated = if is_static { 0 } else { allocated };
            let total = self.totals.get_mut(number as usize).unwrap_or(&mut self.unknown);
            total.add(Total { count: 1, shallow, allocated });
        }
    }

    /// The totals of the types that have objects, by type number.
    pub fn by_number(&self) -> impl Iterator<Item = (u32, Total)> + '_ {
        (0..).zip(self.totals.iter().copied()).filter(|(_, total)| total.count > 0)
    }

    /// The totals by full name, in no useful order: types of the same name are one.
    pub fn by_name(&self, types: &[Type]) -> Vec<(String, Total)> {
        self.grouped(types, Type::full_name)
    }

    /// The totals by the module of the type.
    pub fn by_module(&self, types: &[Type]) -> Vec<(String, Total)> {
        self.grouped(types, |class| class.module.clone())
    }

    /// All objects.
    pub fn all(&self) -> Total {
        let mut all = self.unknown;
        self.totals.iter().for_each(|total| all.add(*total));
        all
    }

    /// The totals by the name that `name` gives a type, in no useful order.
    pub fn grouped(&self, types: &[Type], name: impl Fn(&Type) -> String) -> Vec<(String, Total)> {
        let mut groups = BTreeMap::<String, Total>::new();
        for (number, total) in self.by_number() {
            let name = types.get(number as usize).map_or_else(|| "<unknown>".into(), &name);
            groups.entry(name).or_default().add(total);
        }
        if self.unknown.count > 0 {
            groups.entry("<unknown>".into()).or_default().add(self.unknown);
        }
        groups.into_iter().collect()
    }
}

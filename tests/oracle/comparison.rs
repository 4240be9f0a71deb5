//! Compares a dump with an oracle and groups what differs.

use anyhow::{Result, ensure};
use pyheap_format::{EdgeSource, ObjectFlags};
use pyheap_tests::{Description, Heap, Oracle};
use std::collections::BTreeMap;
use std::fmt;

/// Types for which no difference in size is tolerated. Instances of the corpus' own classes, and all classes, are added to them.
const ALWAYS_EXACT: [&str; 11] = [
    "builtins.dict",
    "builtins.list",
    "builtins.tuple",
    "builtins.set",
    "builtins.frozenset",
    "builtins.str",
    "builtins.bytes",
    "builtins.int",
    "builtins.float",
    "builtins.function",
    "builtins.type",
];

/// Differences of one kind, by type.
#[derive(Debug, Default)]
pub struct Differences(BTreeMap<String, (usize, String)>);

/// What was compared and what differs.
#[derive(Debug, Default)]
pub struct Comparison {
    objects: usize,
    sizes: usize,
    by_type: BTreeMap<String, usize>,
    missing: Differences,
    wrong_type: Differences,
    flawed: Differences,
    tracking: Differences,
    referents: Differences,
    layout: Differences,
    /// `shallow` against `sys.getsizeof`.
    pub size: Differences,
}

impl Differences {
    fn add(&mut self, kind: &str, example: impl FnOnce() -> String) {
        let entry = self.0.entry(kind.to_owned()).or_insert_with(|| (0, example()));
        entry.0 += 1;
    }

    fn total(&self) -> usize {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// Types that differ.
    pub fn types(&self) -> impl Iterator<Item = (&str, usize, &str)> {
        self.0.iter().map(|(kind, (count, example))| (kind.as_str(), *count, example.as_str()))
    }
}

impl Comparison {
    /// Compares all that the oracle knows.
    pub fn of(oracle: &Oracle, heap: &Heap) -> Self {
        let mut found = Self::default();
        for expected in &oracle.objects {
            found.compare(oracle.type_name(expected), expected, heap);
        }
        found
    }

    fn compare(&mut self, kind: &str, expected: &Description, heap: &Heap) {
        self.objects += 1;
        *self.by_type.entry(kind.to_owned()).or_default() += 1;
        let at = expected.address;
        let Ok(object) = heap.at(at) else {
            self.missing.add(kind, || format!("{at:#x}"));
            return;
        };
        let class = heap.dump.types().get(object.type_number as usize);
        if class.is_none_or(|class| class.address != expected.kind) {
            self.wrong_type.add(kind, || format!("{at:#x} is {}", heap.type_name(&object)));
        }
        if object.flags.contains(ObjectFlags::UNREADABLE)
            || object.flags.contains(ObjectFlags::OPAQUE) && !expected.referents.is_empty()
        {
            self.flawed.add(kind, || format!("{at:#x}: {:?}", object.flags));
        }
        if object.flags.contains(ObjectFlags::TRACKED) != expected.tracked {
            self.tracking.add(kind, || format!("{at:#x}: tracked {}, {:?}", expected.tracked, object.flags));
        }
        if let Some(size) = expected.size {
            self.sizes += 1;
            if size != object.shallow {
                self.size.add(kind, || format!("{size} | {}", object.shallow));
            }
        }
        self.compare_referents(kind, expected, heap, object.number);
    }

    fn compare_referents(&mut self, kind: &str, expected: &Description, heap: &Heap, number: u32) {
        let referents = heap.referents(number);
        let all = referents.iter().map(|referent| referent.address);
        let visited = referents
            .iter()
            .filter(|one| one.edge.name.source() == EdgeSource::Traverse)
            .map(|one| one.address);
        let (unmatched, surplus) = difference(expected.referents.iter().copied(), visited);
        // The edge to the type is implied in a dump; whether the type's traverse visits it depends on type and version.
        let type_only = unmatched.iter().eq([&expected.kind]);
        if !surplus.is_empty() || !(unmatched.is_empty() || type_only) {
            self.referents.add(kind, || {
                let edges: Vec<_> = referents
                    .iter()
                    .take(12)
                    .map(|one| {
                        format!(
                            "{:?} {:?} {} {:#x}",
                            one.edge.name.source(),
                            one.edge.name.kind(),
                            one.name,
                            one.address
                        )
                    })
                    .collect();
                format!(
                    "{:#x}: missing {}, too many {}; has {edges:?}",
                    expected.address,
                    describe(heap, &unmatched),
                    describe(heap, &surplus)
                )
            });
        }
        let (unmatched, _) = difference(expected.more.iter().copied(), all);
        if !unmatched.is_empty() {
            self.layout
                .add(kind, || format!("{:#x}: missing {}", expected.address, describe(heap, &unmatched)));
        }
    }

    /// How many objects of a type were compared.
    pub fn count_of(&self, kind: &str) -> usize {
        self.by_type.get(kind).copied().unwrap_or_default()
    }

    /// Checks everything but the listed differences in size.
    ///
    /// # Errors
    /// Something differs that must not; the differences were printed before.
    pub fn check(&self, exact_sizes: f64) -> Result<()> {
        for (what, differences) in self.all() {
            if !std::ptr::eq(differences, &self.size) {
                ensure!(differences.0.is_empty(), "{what} of {} objects\n{self}", differences.total());
            }
        }
        let exact = 1.0 - self.size.total() as f64 / self.sizes as f64;
        ensure!(exact >= exact_sizes, "only {:.3} % of the sizes are exact\n{self}", 100.0 * exact);
        for (kind, _, example) in self.size.types() {
            let never = ALWAYS_EXACT.contains(&kind) || kind.starts_with("corpus.");
            ensure!(!never, "size of {kind}: {example}\n{self}");
        }
        Ok(())
    }

    fn all(&self) -> [(&'static str, &Differences); 7] {
        [
            ("objects missing", &self.missing),
            ("wrong type", &self.wrong_type),
            ("unreadable or opaque", &self.flawed),
            ("tracked flag", &self.tracking),
            ("referents of tp_traverse", &self.referents),
            ("referents beyond tp_traverse", &self.layout),
            ("shallow size (sys.getsizeof | dump)", &self.size),
        ]
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} objects and {} sizes compared", self.objects, self.sizes)?;
        for (what, differences) in self.all().into_iter().filter(|(_, differences)| !differences.0.is_empty())
        {
            writeln!(f, "{what}: {} objects", differences.total())?;
            for (kind, count, example) in differences.types() {
                writeln!(f, "  {kind}: {count} of {}, such as {example}", self.count_of(kind))?;
            }
        }
        Ok(())
    }
}

/// What is only in the first, and only in the second multiset.
fn difference(first: impl Iterator<Item = u64>, second: impl Iterator<Item = u64>) -> (Vec<u64>, Vec<u64>) {
    let mut counts: BTreeMap<u64, i64> = BTreeMap::new();
    first.for_each(|address| *counts.entry(address).or_default() += 1);
    second.for_each(|address| *counts.entry(address).or_default() -= 1);
    let mut only = (Vec::new(), Vec::new());
    for (address, count) in counts {
        let side = if count > 0 { &mut only.0 } else { &mut only.1 };
        side.extend((0..count.abs()).map(|_| address));
    }
    only
}

fn describe(heap: &Heap, addresses: &[u64]) -> String {
    let shown: Vec<_> = addresses
        .iter()
        .take(3)
        .map(|&address| match heap.at(address) {
            Ok(object) => format!("{address:#x} ({})", heap.type_name(&object)),
            Err(_) => format!("{address:#x} (not in the dump)"),
        })
        .collect();
    format!("{} [{}]", addresses.len(), shown.join(", "))
}

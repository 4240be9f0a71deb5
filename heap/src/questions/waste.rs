//! Waste: bytes that the same content could do without.

use crate::graph::csr::Node;
use crate::ownership::analysis::Analysis;
use pyheap_format::vocabulary::TypeNumber;
use pyheap_format::{EdgeKind, FieldName, ObjectFlags, PreviewKind};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Kinds of waste.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WasteKind {
    /// Texts and bytes of equal content, as far as the dump holds all of it.
    DuplicateText,
    /// Tuples of the same elements.
    DuplicateTuple,
    /// Room in lists and dicts beyond what their items need.
    OverAllocated,
    /// Containers without items.
    EmptyContainer,
    /// Instances whose attributes would be smaller in `__slots__`.
    WithoutSlots,
    /// Numbers that only one list or tuple refers to: an array would hold them without objects.
    BoxedNumber,
}

/// Waste of one kind in objects of one sort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waste {
    /// The kind.
    pub kind: WasteKind,
    /// Full name of the type.
    pub type_name: String,
    /// Objects that could go, or be smaller.
    pub objects: u64,
    /// Bytes to win.
    pub bytes: u64,
    /// The object with most to win.
    pub example: Node,
}

/// Bytes of an element of a list.
const POINTER: u64 = 8;

/// A list without room, beside its elements: object and collector's prefix.
const LIST_HEAD: u64 = 56;

/// A dict that was not made too large takes at most this, and so much per item: entries of 24 bytes in a table that
/// is filled by a third at least after it grew, and indices.
const DICT_HEAD: u64 = 232;
const DICT_ITEM: u64 = 60;

/// An instance with `__slots__`, beside its slots: object and collector's prefix.
const SLOTTED_HEAD: u64 = 32;

/// Instances of a type, and numbers in a container, below which slots and arrays are not worth a line.
const MANY: u64 = 100;

/// What is found of one kind in one type.
#[derive(Clone, Copy)]
struct Sum {
    objects: u64,
    bytes: u64,
    example: (u64, Node),
}

#[derive(Default)]
struct Sums(HashMap<(WasteKind, TypeNumber), Sum>);

impl Sums {
    fn add(&mut self, kind: WasteKind, class: TypeNumber, objects: u64, bytes: u64, example: Node) {
        let sum = self.0.entry((kind, class)).or_insert(Sum { objects: 0, bytes: 0, example: (0, example) });
        sum.objects += objects;
        sum.bytes += bytes;
        sum.example = sum.example.max((bytes, example));
    }
}

impl Analysis<'_> {
    /// Waste by kind and type, the most bytes first. Sums of different kinds may count the same bytes.
    pub fn waste(&self) -> Vec<Waste> {
        let mut sums = Sums::default();
        self.duplicate_texts(&mut sums);
        let classes = Classes::new(self);
        let mut tuples: HashMap<&[Node], (u64, u64, Node)> = HashMap::new();
        let mut instances: HashMap<TypeNumber, (u64, i64, Node)> = HashMap::new();
        for object in 0..self.holders.objects() {
            let Some(class) = self.objects.type_number(object) else { continue };
            if self.objects.flags(object).contains(ObjectFlags::STATIC) {
                continue;
            }
            if Some(class) == classes.list || Some(class) == classes.tuple {
                self.boxed_numbers(&classes, object, class, &mut sums);
            }
            if classes.is_container(class) {
                self.container(&classes, object, class, &mut sums);
            }
            if Some(class) == classes.tuple && !self.graph().targets(object).is_empty() {
                let same = tuples.entry(self.graph().targets(object)).or_insert((0, 0, object));
                same.0 += 1;
                same.1 += self.objects.allocated(object);
            } else if classes.heap[class as usize]
                && let Some(gain) = self.slots_gain(&classes, object)
            {
                let sum = instances.entry(class).or_insert((0, 0, object));
                sum.0 += 1;
                sum.1 += gain;
            }
        }
        for (_, (count, bytes, example)) in tuples.into_iter().filter(|(_, (count, ..))| *count > 1) {
            let class = classes.tuple.unwrap_or_default();
            sums.add(WasteKind::DuplicateTuple, class, count - 1, bytes - bytes / count, example);
        }
        for (class, (count, gain, example)) in instances {
            if count >= MANY && gain > 0 {
                sums.add(WasteKind::WithoutSlots, class, count, gain.unsigned_abs(), example);
            }
        }
        let mut waste: Vec<Waste> = sums
            .0
            .into_iter()
            .filter(|(_, sum)| sum.bytes > 0)
            .map(|((kind, class), sum)| Waste {
                kind,
                type_name: self
                    .objects
                    .types()
                    .get(class as usize)
                    .map(|class| class.full_name())
                    .unwrap_or_default(),
                objects: sum.objects,
                bytes: sum.bytes,
                example: sum.example.1,
            })
            .collect();
        waste.sort_by(|left, right| {
            let rank = |waste: &Waste| (Reverse(waste.bytes), waste.kind, waste.example);
            rank(left).cmp(&rank(right))
        });
        waste
    }

    fn duplicate_texts(&self, sums: &mut Sums) {
        let mut same: HashMap<(TypeNumber, &[u8]), (u64, u64, Node)> = HashMap::new();
        for (object, kind, data) in self.dump.preview_chunks().flat_map(|chunk| chunk.iter()) {
            let length = match kind {
                // Every byte but those that continue a character starts one.
                PreviewKind::Text => data.iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u64,
                PreviewKind::Bytes => data.len() as u64,
                _ => continue,
            };
            let flags = self.objects.flags(object);
            let whole = self.objects.length(object) == Some(length);
            let Some(class) = self.objects.type_number(object).filter(|_| whole) else { continue };
            if !flags.contains(ObjectFlags::STATIC) {
                let same = same.entry((class, data)).or_insert((0, 0, object));
                same.0 += 1;
                same.1 += self.objects.allocated(object);
            }
        }
        for ((class, _), (count, bytes, example)) in same {
            if count > 1 {
                sums.add(WasteKind::DuplicateText, class, count - 1, bytes - bytes / count, example);
            }
        }
    }

    fn container(&self, classes: &Classes, object: Node, class: TypeNumber, sums: &mut Sums) {
        let Some(length) = self.objects.length(object) else { return };
        let size = self.objects.shallow(object);
        if length == 0 {
            sums.add(WasteKind::EmptyContainer, class, 1, self.objects.allocated(object), object);
            return;
        }
        let needed = if Some(class) == classes.list {
            LIST_HEAD + POINTER * length
        } else if Some(class) == classes.dict {
            DICT_HEAD + DICT_ITEM * length
        } else {
            return;
        };
        if size > needed {
            sums.add(WasteKind::OverAllocated, class, 1, size - needed, object);
        }
    }

    fn boxed_numbers(&self, classes: &Classes, object: Node, class: TypeNumber, sums: &mut Sums) {
        let items = self.graph().targets(object);
        let is_number = |item: &Node| {
            let class = self.objects.type_number(*item);
            class.is_some() && (class == classes.float || class == classes.int)
        };
        if (items.len() as u64) < MANY || !items.iter().all(is_number) {
            return;
        }
        let alone = items.iter().filter(|&&item| self.objects.refcount(item) == 1);
        let (count, bytes) =
            alone.fold((0, 0), |(count, bytes), &item| (count + 1, bytes + self.objects.allocated(item)));
        if count > 0 {
            sums.add(WasteKind::BoxedNumber, class, count, bytes, object);
        }
    }

    /// Bytes by which an instance would be smaller with `__slots__`; none for instances without a namespace of their
    /// own.
    fn slots_gain(&self, classes: &Classes, object: Node) -> Option<i64> {
        let mut attributes = 0;
        let mut namespace = None;
        for edge in self.dump.edges_of(object) {
            match edge.name.kind() {
                EdgeKind::Attribute => attributes += 1,
                EdgeKind::Field if self.dump.name(edge.name.payload()) == Some(FieldName::Dict.text()) => {
                    namespace = Some(edge.target);
                }
                // Anything else is content, not attributes.
                _ => return None,
            }
        }
        if attributes == 0 && namespace.is_none() {
            return None;
        }
        let mut size = self.objects.allocated(object);
        if let Some(namespace) = namespace {
            if self.objects.type_number(namespace) != classes.dict {
                return None;
            }
            size += self.objects.allocated(namespace);
            attributes += self.objects.length(namespace).unwrap_or_default();
        }
        Some(size as i64 - (SLOTTED_HEAD + POINTER * attributes) as i64)
    }
}

/// Numbers of the builtin types, and which types are heap types.
struct Classes {
    list: Option<TypeNumber>,
    tuple: Option<TypeNumber>,
    dict: Option<TypeNumber>,
    int: Option<TypeNumber>,
    float: Option<TypeNumber>,
    containers: HashSet<TypeNumber>,
    heap: Vec<bool>,
}

impl Classes {
    fn new(analysis: &Analysis<'_>) -> Self {
        let types = analysis.objects.types();
        let number = |name: &str| {
            let place = types.iter().position(|class| class.module == "builtins" && class.qualname == name);
            place.map(|place| place as TypeNumber)
        };
        Self {
            list: number("list"),
            tuple: number("tuple"),
            dict: number("dict"),
            int: number("int"),
            float: number("float"),
            containers: ["list", "dict", "set"].iter().filter_map(|name| number(name)).collect(),
            heap: types.iter().map(|class| class.is_heap_type()).collect(),
        }
    }

    fn is_container(&self, class: TypeNumber) -> bool {
        self.containers.contains(&class)
    }
}

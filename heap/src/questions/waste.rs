//! Waste: bytes that the same content could do without.

use crate::graph::csr::Node;
use crate::ownership::analysis::Analysis;
use pyheap_format::vocabulary::TypeNumber;
use pyheap_format::{EdgeKind, FieldName, ObjectFlags};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

mod equal;
mod places;

use equal::{Equal, equal_objects};
use places::{Place, Places};

/// Kinds of waste.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WasteKind {
    /// Texts, bytes and arrays of equal content.
    DuplicateContent,
    /// Containers of equal elements and instances of equal attributes, compared a few levels deep; below, they hold the same objects.
    DuplicateObject,
    /// Texts, bytes and arrays in which all elements are the same.
    UniformContent,
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
    /// The attribute whose values they are, such as `app.Order.items`; none for what stands elsewhere.
    pub place: Option<String>,
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

/// An instance beside its slots: header, `__dict__`, weak references.
const INSTANCE_HEAD: u64 = 32;

/// An instance with `__slots__`, beside its slots: object and collector's prefix.
const SLOTTED_HEAD: u64 = 32;

/// Instances of a type, and numbers in a container, below which slots and arrays are not worth a line.
const MANY: u64 = 100;

/// Bytes of an array of one value below which it is not worth a line.
const UNIFORM: u64 = 1024;

/// What is found of one kind in one type, in one place.
#[derive(Clone, Copy)]
struct Sum {
    objects: u64,
    bytes: u64,
    example: (u64, Node),
}

#[derive(Default)]
struct Sums(HashMap<(WasteKind, TypeNumber, Option<Place>), Sum>);

impl Sums {
    /// Adds objects at one place, `example` among them, with so many bytes to win.
    fn add(&mut self, key: (WasteKind, TypeNumber, Option<Place>), objects: u64, bytes: u64, example: Node) {
        let sum = self.0.entry(key).or_insert(Sum { objects: 0, bytes: 0, example: (0, example) });
        sum.objects += objects;
        sum.bytes += bytes;
        sum.example = sum.example.max((bytes, example));
    }
}

impl Analysis<'_> {
    /// Waste by kind, type and place, the most bytes first. Sums of different kinds may count the same bytes.
    pub fn waste(&self) -> Vec<Waste> {
        let mut sums = Sums::default();
        let classes = Classes::new(self);
        let places = Places::new(self, &classes);
        self.equal(&classes, &places, &mut sums);
        self.uniform(&mut sums);
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
                self.container(&classes, object, class, places.of(object), &mut sums);
            }
            if classes.is_instance(class)
                && let Some(gain) = self.slots_gain(&classes, object)
            {
                let sum = instances.entry(class).or_insert((0, 0, object));
                sum.0 += 1;
                sum.1 += gain;
            }
        }
        for (class, (count, gain, example)) in instances {
            if count >= MANY && gain > 0 {
                sums.add((WasteKind::WithoutSlots, class, None), count, gain.unsigned_abs(), example);
            }
        }
        let name =
            |class: TypeNumber| self.objects.types().get(class as usize).map(|class| class.full_name());
        let mut waste: Vec<Waste> = sums
            .0
            .into_iter()
            .filter(|(_, sum)| sum.bytes > 0)
            .map(|((kind, class, place), sum)| Waste {
                kind,
                type_name: name(class).unwrap_or_default(),
                place: place.map(|place| places.text(self, place)),
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

    fn equal(&self, classes: &Classes, places: &Places<'_>, sums: &mut Sums) {
        for Equal { class, objects } in equal_objects(self, classes) {
            let kind = if classes.is_compound(class) {
                WasteKind::DuplicateObject
            } else {
                WasteKind::DuplicateContent
            };
            // The first one stays; the group in which most can be won is the example.
            let mut here: Vec<(Option<Place>, u64, u64, Node)> = Vec::new();
            for object in objects.into_iter().skip(1) {
                let (place, bytes) = (places.of(object), self.objects.allocated(object));
                match here.iter_mut().find(|sum| sum.0 == place) {
                    Some(sum) => (sum.1, sum.2) = (sum.1 + 1, sum.2 + bytes),
                    None => here.push((place, 1, bytes, object)),
                }
            }
            for (place, count, bytes, example) in here {
                sums.add((kind, class, place), count, bytes, example);
            }
        }
    }

    fn uniform(&self, sums: &mut Sums) {
        for (object, digest) in self.dump.digest_chunks().flat_map(|chunk| chunk.iter()) {
            let bytes = self.objects.allocated(object);
            if let Some(class) =
                self.objects.type_number(object).filter(|_| digest.uniform && bytes >= UNIFORM)
            {
                sums.add((WasteKind::UniformContent, class, None), 1, bytes, object);
            }
        }
    }

    fn container(
        &self,
        classes: &Classes,
        object: Node,
        class: TypeNumber,
        place: Option<Place>,
        sums: &mut Sums,
    ) {
        let Some(length) = self.objects.length(object) else { return };
        let size = self.objects.shallow(object);
        if length == 0 {
            sums.add((WasteKind::EmptyContainer, class, place), 1, self.objects.allocated(object), object);
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
            sums.add((WasteKind::OverAllocated, class, place), 1, size - needed, object);
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
            sums.add((WasteKind::BoxedNumber, class, None), count, bytes, object);
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
    sets: HashSet<TypeNumber>,
    /// By type: of heap types the fixed size of an instance, unless instances differ in size.
    heap: Vec<Option<u64>>,
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
            sets: ["set", "frozenset"].iter().filter_map(|name| number(name)).collect(),
            heap: types
                .iter()
                .map(|class| (class.is_heap_type() && class.itemsize == 0).then_some(class.basicsize))
                .collect(),
        }
    }

    fn is_container(&self, class: TypeNumber) -> bool {
        self.containers.contains(&class)
    }

    fn is_set(&self, class: TypeNumber) -> bool {
        self.sets.contains(&class)
    }

    fn is_sequence_or_dict(&self, class: TypeNumber) -> bool {
        [self.list, self.tuple, self.dict].contains(&Some(class))
    }

    fn is_instance(&self, class: TypeNumber) -> bool {
        self.heap.get(class as usize).is_some_and(Option::is_some)
    }

    /// Whether an object of the type consists of others.
    fn is_compound(&self, class: TypeNumber) -> bool {
        self.is_set(class) || self.is_sequence_or_dict(class) || self.is_instance(class)
    }

    /// Whether an instance with so many attributes in itself has no room for anything else than these, a `__dict__` and weak references.
    fn holds_attributes_alone(&self, class: TypeNumber, attributes: u64) -> bool {
        let size = self.heap.get(class as usize).copied().flatten();
        size.is_some_and(|size| size <= INSTANCE_HEAD + POINTER * attributes)
    }
}

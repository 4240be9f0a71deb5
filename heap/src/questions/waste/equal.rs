//! Equal content: a number per object, the same for objects of one type that hold the same.

use super::Classes;
use crate::graph::csr::Node;
use crate::ownership::analysis::Analysis;
use pyheap_format::vocabulary::TypeNumber;
use pyheap_format::{EdgeKind, FieldName, ObjectFlags, PreviewKind};
use std::hash::{DefaultHasher, Hash, Hasher};

/// How deep contents are compared; what lies deeper has to be the very same object.
const DEPTH: usize = 3;

/// Objects of which there are several, and one would do.
pub(super) struct Equal {
    /// Their type.
    pub class: TypeNumber,
    /// All of them, in their order.
    pub objects: Vec<Node>,
}

/// The objects that other objects equal, in groups.
pub(super) fn equal_objects(analysis: &Analysis<'_>, classes: &Classes) -> Vec<Equal> {
    let (mut contents, mut known) = leaves(analysis);
    for _ in 0..DEPTH {
        contents = deeper(analysis, classes, &contents, &mut known);
    }
    let mut sorted: Vec<(u64, Node)> = known
        .iter()
        .enumerate()
        .filter(|(_, known)| **known)
        .map(|(node, _)| (contents[node], node as Node))
        .collect();
    drop(contents);
    sorted.sort_unstable();
    sorted
        .chunk_by(|left, right| left.0 == right.0)
        .filter(|group| group.len() > 1)
        .filter_map(|group| {
            let objects: Vec<Node> = group.iter().map(|(_, node)| *node).collect();
            Some(Equal { class: analysis.objects.type_number(*objects.first()?)?, objects })
        })
        .collect()
}

/// Texts, bytes, numbers and arrays whose whole content the dump knows; everything else is itself alone.
fn leaves(analysis: &Analysis<'_>) -> (Vec<u64>, Vec<bool>) {
    let count = analysis.objects.len();
    let mut contents: Vec<u64> = (0..count as u64).map(|node| hash(&(0_u8, node))).collect();
    let mut known = vec![false; count];
    let mut set = |object: Node, content: u64, is_reported: bool| {
        if let (Some(place), Some(known)) =
            (contents.get_mut(object as usize), known.get_mut(object as usize))
        {
            *place = content;
            *known = is_reported && !analysis.objects.flags(object).contains(ObjectFlags::STATIC);
        }
    };
    for (object, kind, data) in analysis.dump.preview_chunks().flat_map(|chunk| chunk.iter()) {
        // CPython shares many numbers by itself, and they are small.
        let is_number = matches!(kind, PreviewKind::Integer | PreviewKind::Float | PreviewKind::Complex);
        if is_number || analysis.objects.is_whole(object, kind, data) {
            set(object, hash(&(1_u8, analysis.objects.type_number(object), data)), !is_number);
        }
    }
    for (object, digest) in analysis.dump.digest_chunks().flat_map(|chunk| chunk.iter()) {
        let key = (2_u8, analysis.objects.type_number(object), analysis.objects.length(object), digest.value);
        set(object, hash(&key), true);
    }
    (contents, known)
}

/// The contents of containers and instances, from the contents of what they hold.
fn deeper(analysis: &Analysis<'_>, classes: &Classes, contents: &[u64], known: &mut [bool]) -> Vec<u64> {
    let of = |target: Node| contents.get(target as usize).copied().unwrap_or(u64::from(target));
    let mut next = contents.to_vec();
    for object in 0..analysis.objects.len() as Node {
        let Some(class) = analysis.objects.type_number(object) else { continue };
        let is_set = classes.is_set(class);
        let is_instance = classes.is_instance(class);
        if !is_set && !is_instance && !classes.is_sequence_or_dict(class) {
            continue;
        }
        let mut hasher = DefaultHasher::new();
        (3_u8, class).hash(&mut hasher);
        let mut members = 0_u64;
        let mut edges = 0;
        let mut attributes = 0;
        let mut is_comparable = true;
        for edge in analysis.dump.edges_of(object) {
            edges += 1;
            let kind = edge.name.kind();
            match kind {
                EdgeKind::Member => members = members.wrapping_add(hash(&of(edge.target))),
                EdgeKind::Attribute if is_instance => {
                    attributes += 1;
                    (kind as u8, edge.name.payload(), of(edge.target)).hash(&mut hasher);
                }
                EdgeKind::Field
                    if is_instance
                        && analysis.dump.name(edge.name.payload()) == Some(FieldName::Dict.text()) =>
                {
                    of(edge.target).hash(&mut hasher);
                }
                EdgeKind::Element | EdgeKind::Key | EdgeKind::Value if !is_instance => {
                    (kind as u8, edge.name.payload(), of(edge.target)).hash(&mut hasher);
                }
                // An object that holds more than is compared equals itself alone.
                _ => is_comparable = false,
            }
        }
        is_comparable &= !is_instance || classes.holds_attributes_alone(class, attributes);
        if is_comparable && edges > 0 && !analysis.objects.flags(object).contains(ObjectFlags::STATIC) {
            (members, edges).hash(&mut hasher);
            next[object as usize] = hasher.finish();
            known[object as usize] = true;
        }
    }
    next
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

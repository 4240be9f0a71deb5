//! Several paths at once: one through each referrer of an object, and those of all instances of a type merged.

use crate::graph::csr::Node;
use crate::graph::shortest::ShortestPaths;
use crate::objects::labels::{Label, LabelledEdges};
use crate::ownership::analysis::Analysis;
use crate::ownership::retained::retained_by_group;
use crate::questions::folding::Sequences;
use pyheap_format::RootKind;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Paths to several objects that differ in indices and keys only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedPath {
    /// As [`Analysis::path_text`] writes it, with `[…]` for every index and key.
    pub path: String,
    /// How many objects it leads to.
    pub count: u64,
    /// What they retain together, bytes.
    pub retained: u64,
}

impl Analysis<'_> {
    /// Of these nodes those that refer to an object and whose shortest path leads not through the object, the shortest
    /// path first. The one that the object's own shortest path leads through is left out.
    pub fn other_holders(
        &self,
        shortest: &ShortestPaths,
        object: Node,
        candidates: impl IntoIterator<Item = Node>,
    ) -> Vec<Node> {
        let refers = |node: &Node| {
            Some(*node) != shortest.holder(object) && self.graph().targets(*node).contains(&object)
        };
        let referrers = candidates.into_iter().filter(refers);
        let mut holders: Vec<(usize, Node)> =
            referrers.filter_map(|node| Some((shortest.length_without(node, object)?, node))).collect();
        holders.sort_by_key(|(length, _)| *length);
        holders.into_iter().map(|(_, node)| node).collect()
    }

    /// The shortest paths to these objects, merged where they differ in indices and keys only, the most frequent first.
    pub fn merged_paths(&self, shortest: &ShortestPaths, objects: &[Node]) -> Vec<MergedPath> {
        let steps = self.steps_to(shortest, objects);
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        let mut sequences = Sequences::default();
        // Of each node on a path its sequence of steps, and whether that was shortened by a repetition.
        let mut sequence_of: HashMap<Node, (u32, bool)> = HashMap::new();
        let mut merged: Vec<Merging> = Vec::new();
        let mut place_of: HashMap<u32, usize> = HashMap::new();
        let mut place_of_object: HashMap<Node, u32> = HashMap::new();
        for &object in objects {
            let mut new = Vec::new();
            let mut node = object;
            let mut sequence = loop {
                if let Some(&known) = sequence_of.get(&node) {
                    break known;
                }
                match shortest.holder(node).filter(|&holder| holder != node) {
                    Some(holder) => new.push((holder, node)),
                    None => break (0, false),
                }
                node = new.last().map_or(node, |&(holder, _)| holder);
            };
            for &(holder, node) in new.iter().rev() {
                let in_namespace = steps.get(&holder).is_some_and(|step| step.namespace);
                let step = steps.get(&node).map_or("", |step| match &step.attribute {
                    Some(attribute) if in_namespace => attribute,
                    _ => &step.text,
                });
                let number = numbers.len() as u32;
                let step = *numbers.entry(step).or_insert(number);
                let next = |key, new| *known.entry(key).or_insert(new);
                let (longer, shortened) = sequences.extended(sequence.0, step, next);
                sequence = (longer, sequence.1 || shortened);
                sequence_of.insert(node, sequence);
            }
            let place = *place_of.entry(sequence.0).or_insert_with(|| {
                merged.push(Merging { example: object, shortened: false, count: 0, retained: 0 });
                merged.len() - 1
            });
            place_of_object.insert(object, place as u32);
            let row = &mut merged[place];
            row.count += 1;
            // A repetition is told by an object that has one on its path.
            if sequence.1 && !row.shortened {
                (row.example, row.shortened) = (object, true);
            }
        }
        let group = |node: Node| place_of_object.get(&node).copied();
        let (children, root) = (self.tree.children(), self.holders.root());
        let retained = retained_by_group(&children, root, &self.ownership.retained, merged.len(), group);
        merged.iter_mut().zip(retained).for_each(|(row, retained)| row.retained = retained);
        merged.sort_by_key(|row| (Reverse(row.count), Reverse(row.retained)));
        let named = merged.into_iter().map(|Merging { example, count, retained, .. }| {
            let path = shortest.path(example);
            let path = if count > 1 { self.pattern_text(&path) } else { self.path_text(&path) };
            MergedPath { path, count, retained }
        });
        named.collect()
    }

    /// The step that leads to each object on the paths to these objects.
    fn steps_to(&self, shortest: &ShortestPaths, objects: &[Node]) -> HashMap<Node, Step> {
        let mut below: HashMap<Node, HashMap<Node, Step>> = HashMap::new();
        for &object in objects {
            let mut node = object;
            while let Some(holder) = shortest.holder(node).filter(|&holder| holder != node) {
                if below.entry(holder).or_default().insert(node, Step::default()).is_some() {
                    break;
                }
                node = holder;
            }
        }
        let interpreter = self.roots.iter().filter(|held| held.kind == RootKind::Interpreter);
        let modules: HashSet<Node> = interpreter.map(|held| held.object).collect();
        let mut steps = HashMap::new();
        for (holder, mut wanted) in below {
            if holder >= self.holders.objects() {
                // Roots differ by what they hold.
                wanted.iter_mut().for_each(|(node, step)| step.text = node.to_string());
            } else {
                // One pass over the holder's edges, however many of them are needed.
                for edge in LabelledEdges::new(self.dump, holder) {
                    if let Some(step) = wanted.get_mut(&edge.target)
                        && (step.text.is_empty() || !matches!(edge.label, Label::Class | Label::Unnamed))
                    {
                        let module =
                            modules.contains(&holder).then(|| self.module_name(holder, &edge)).flatten();
                        *step = Step {
                            text: module.unwrap_or_else(|| self.general_step(&edge)),
                            attribute: self.attribute(&edge),
                            namespace: edge.is_namespace(),
                        };
                    }
                }
            }
            steps.extend(wanted);
        }
        steps
    }
}

/// Objects whose paths have the same sequence of steps.
struct Merging {
    example: Node,
    /// The path to the example is longer than the sequence.
    shortened: bool,
    count: u64,
    retained: u64,
}

/// How a path goes on to an object.
#[derive(Debug, Default)]
struct Step {
    /// Without index or key.
    text: String,
    /// The attribute that it is if the holder is a namespace.
    attribute: Option<String>,
    /// The object is a namespace.
    namespace: bool,
}

//! Several paths at once: one through each referrer of an object, and those of all instances of a type merged.

use crate::graph::csr::Node;
use crate::graph::shortest::ShortestPaths;
use crate::objects::labels::{Label, LabelledEdges};
use crate::ownership::analysis::Analysis;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Paths to several objects that differ in indices and keys only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedPath {
    /// As [`Analysis::path_text`] writes it, with `[…]` for every index and key.
    pub path: String,
    /// How many objects it leads to.
    pub count: u64,
    /// What they retain, bytes; what one of them holds of another counts for both.
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
        // Patterns as a tree: number of the pattern before, and the step.
        let mut patterns: HashMap<(u32, &str), u32> = HashMap::new();
        let mut pattern_of: HashMap<Node, u32> = HashMap::new();
        let mut merged: Vec<(Node, MergedPath)> = Vec::new();
        let mut place_of: HashMap<u32, usize> = HashMap::new();
        for &object in objects {
            let path = shortest.path(object);
            let mut pattern = 0;
            for pair in path.windows(2) {
                let (holder, node) = (pair[0], pair[1]);
                if let Some(&known) = pattern_of.get(&node) {
                    pattern = known;
                    continue;
                }
                let in_namespace = steps.get(&holder).is_some_and(|step| step.namespace);
                let step = steps.get(&node).map_or("", |step| match &step.attribute {
                    Some(attribute) if in_namespace => attribute,
                    _ => &step.text,
                });
                let next = patterns.len() as u32 + 1;
                pattern = *patterns.entry((pattern, step)).or_insert(next);
                pattern_of.insert(node, pattern);
            }
            let place = *place_of.entry(pattern).or_insert_with(|| {
                merged.push((object, MergedPath { path: String::new(), count: 0, retained: 0 }));
                merged.len() - 1
            });
            merged[place].1.count += 1;
            merged[place].1.retained += self.retained(object);
        }
        merged.sort_by_key(|(_, merged)| (Reverse(merged.count), Reverse(merged.retained)));
        let named = merged.into_iter().map(|(example, merged)| {
            let path = shortest.path(example);
            let path = if merged.count > 1 { self.pattern_text(&path) } else { self.path_text(&path) };
            MergedPath { path, ..merged }
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
                        *step = Step {
                            text: self.general_step(holder, &edge),
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

//! One object, part by part: a page of a list takes no longer for an object of a million referrers.

use super::line;
use crate::engine::Engine;
use crate::error::AskError;
use crate::indexes::Measure;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_format::{EdgeKind, ObjectFlags};
use pyheap_heap::{Analysis, Label, LabelledEdge, LabelledEdges, Limits, Node, attributes, represent};
use pyheap_report::{
    AttributeSize, Attributes, HeldStep, Link, LinkKind, Links, ObjectHead, ObjectText, units,
};
use std::cmp::Reverse;

/// Edges that are sorted by what they lead to; more of them stay in the dump's order.
const SORTED: usize = 100_000;

/// What an object is at the head of its page.
const HEAD: Limits = Limits { text: 4000, ..Limits::FULL };

impl Engine {
    /// What the object at an address is, without its lists.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn object_head(&self, address: u64, watch: Watch<'_>) -> Result<ObjectHead, AskError> {
        let number = self.find(address, watch)?;
        let dump = &self.dump;
        let object = dump.object(number).ok_or(AskError::NoObject { address })?;
        let analysis = &self.analysis(watch)?;
        let is = |flag| object.flags.contains(flag);
        let of_node = |node: Node| units::address(analysis.objects.address(node));
        let class = analysis.objects.type_of(number);
        let class_object =
            class.map(|class| class.object).filter(|&class| class < analysis.holders.objects());
        let itself = analysis.objects.types().iter().find(|class| class.object == number);
        Ok(ObjectHead {
            address: units::address(object.address),
            type_name: class.map(|class| class.full_name()).unwrap_or_default(),
            type_address: class_object.map(of_node),
            is_type: itself.map(|class| class.full_name()),
            shallow_size: object.shallow,
            allocated_size: analysis.objects.allocated(number),
            retained_size: analysis.retained(number),
            share: units::ratio(analysis.retained(number), analysis.total()),
            refcount: object.refcount,
            length: object.length,
            tracked: is(ObjectFlags::TRACKED),
            unreadable: is(ObjectFlags::UNREADABLE),
            opaque: is(ObjectFlags::OPAQUE),
            estimated: is(ObjectFlags::ESTIMATED),
            immortal: is(ObjectFlags::IMMORTAL),
            is_static: is(ObjectFlags::STATIC),
            repr: represent(dump, number, HEAD),
            path: self.held_steps(analysis, number, watch)?,
            elements_total: dump.edges_of(number).filter(|edge| is_element(edge.name.kind())).count() as u64,
            referents_total: dump.edge_count_of(number) + u64::from(class_object.is_some()),
            referrers_total: self.referrers(analysis, number, watch).len() as u64,
            dominated_total: self.dominated(analysis, watch)?.by(number).len() as u64,
        })
    }

    fn held_steps(
        &self,
        analysis: &Analysis<'_>,
        number: Node,
        watch: Watch<'_>,
    ) -> Result<Vec<HeldStep>, AskError> {
        let path = self.shortest(analysis, watch)?.path(number);
        // Dominators of the object come on every path in their order: one walk up the tree beside the path finds them.
        let mut dominators = std::iter::once(number).chain(analysis.tree.chain(number)).peekable();
        let mut dominating: Vec<Node> = Vec::new();
        for &node in path.iter().rev() {
            if dominators.next_if_eq(&node).is_some() {
                dominating.push(node);
            }
        }
        let steps = analysis.path_steps(&path).into_iter().filter(|step| !step.text.is_empty());
        let step = |step: pyheap_heap::PathStep| {
            let object = step.node.filter(|&node| node < analysis.holders.objects());
            HeldStep {
                text: step.text,
                address: object.map(|node| units::address(analysis.objects.address(node))),
                dominator: step.node.is_some_and(|node| dominating.contains(&node)),
                retained_size: step.node.map(|node| analysis.retained(node)).unwrap_or_default(),
            }
        };
        Ok(steps.map(step).collect())
    }

    /// What the object at an address refers to, what refers to it, or what it dominates.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn links(
        &self,
        address: u64,
        kind: LinkKind,
        page: Page,
        watch: Watch<'_>,
    ) -> Result<Links, AskError> {
        let number = self.find(address, watch)?;
        let analysis = &self.analysis(watch)?;
        let dump = &self.dump;
        let link = |name: Option<String>, owned: bool, node: Node| Link {
            name,
            owned,
            value: line(dump, node),
            retained_size: analysis.retained(node),
            allocated_size: analysis.objects.allocated(node),
        };
        let of_edge = |edge: LabelledEdge<'_>| link(Some(edge.name(dump)), edge.owned, edge.target);
        let unsorted = |total: usize, links: Vec<Link>| Links {
            total: total as u64,
            offset: page.start(),
            sorted: false,
            links,
        };
        Ok(match kind {
            LinkKind::Referents => {
                let total = LabelledEdges::new(dump, number).take(1).filter(LabelledEdge::is_class).count();
                let total = total + dump.edge_count_of(number) as usize;
                unsorted(total, page.of(LabelledEdges::new(dump, number)).map(of_edge).collect())
            }
            LinkKind::Elements => {
                let elements =
                    || LabelledEdges::new(dump, number).filter(|edge| is_element_label(&edge.label));
                let total = dump.edges_of(number).filter(|edge| is_element(edge.name.kind())).count();
                if total > SORTED {
                    return Ok(unsorted(total, page.of(elements()).map(of_edge).collect()));
                }
                let mut all: Vec<LabelledEdge<'_>> = elements().collect();
                all.sort_by_key(|edge| Reverse(analysis.retained(edge.target)));
                let links = page.of(all).map(of_edge).collect();
                Links { sorted: true, ..unsorted(total, links) }
            }
            LinkKind::Referrers => {
                let mut referrers = self.referrers(analysis, number, watch);
                let total = referrers.len();
                let sorted = total <= SORTED;
                if sorted {
                    referrers.sort_by_key(|&referrer| Reverse(analysis.retained(referrer)));
                }
                let links = page.of(referrers).map(|referrer| {
                    let mut edges = LabelledEdges::new(dump, referrer);
                    let edge = edges.find(|edge| edge.target == number && !edge.is_class());
                    link(edge.map(|edge| edge.name(dump)), edge.is_some_and(|edge| edge.owned), referrer)
                });
                Links { sorted, ..unsorted(total, links.collect()) }
            }
            LinkKind::Dominated => {
                let row = self.dominated(analysis, watch)?.by(number);
                let links = row.get(page.offset.min(row.len())..).unwrap_or_default().iter().take(page.limit);
                let links =
                    links.map(|&node| link(analysis.name_within_dominator(node), true, node)).collect();
                Links { sorted: true, ..unsorted(row.len(), links) }
            }
        })
    }

    /// The attributes of the object at an address: its own, then those of its classes.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn attributes(&self, address: u64, page: Page, watch: Watch<'_>) -> Result<Attributes, AskError> {
        let number = self.find(address, watch)?;
        let analysis = &self.analysis(watch)?;
        let found = attributes(&self.dump, number);
        Ok(Attributes {
            total: found.len() as u64,
            own_total: found.iter().filter(|attribute| attribute.class.is_none()).count() as u64,
            offset: page.start(),
            attributes: page
                .of(found)
                .map(|found| AttributeSize {
                    retained_size: analysis.retained(found.value),
                    attribute: self.attribute(found),
                })
                .collect(),
        })
    }

    /// What the object at an address contains; `page` counts characters.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn object_text(&self, address: u64, page: Page, watch: Watch<'_>) -> Result<ObjectText, AskError> {
        let text = represent(&self.dump, self.find(address, watch)?, Limits::FULL);
        Ok(ObjectText {
            total: text.chars().count() as u64,
            offset: page.start(),
            text: page.of(text.chars()).collect(),
        })
    }

    /// The shortest path to the object at an address.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn path(&self, address: u64, watch: Watch<'_>) -> Result<String, AskError> {
        let number = self.find(address, watch)?;
        let analysis = &self.analysis(watch)?;
        Ok(analysis.path_text(&self.shortest(analysis, watch)?.path(number)))
    }

    /// Bytes that the object at an address retains.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn retained_size(&self, address: u64, watch: Watch<'_>) -> Result<u64, AskError> {
        let number = self.find(address, watch)?;
        Ok(Measure::Retained.of(&self.analysis(watch)?, number))
    }
}

fn is_element(kind: EdgeKind) -> bool {
    matches!(kind, EdgeKind::Element | EdgeKind::Value | EdgeKind::Member)
}

fn is_element_label(label: &Label<'_>) -> bool {
    matches!(label, Label::Element(_) | Label::Value { .. } | Label::Member)
}

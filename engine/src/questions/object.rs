//! One object: what it is, what it refers to, who holds it.

use super::{VALUE, line, mention};
use crate::engine::Engine;
use crate::error::AskError;
use crate::page::Page;
use crate::watch::Watch;
use pyheap_format::ObjectFlags;
use pyheap_heap::{Analysis, LabelledEdges, Limits, Node, attributes, represent};
use pyheap_report::{Attribute, Dominator, Instance, Instances, Object, Referent, Referrer, units};

impl Engine {
    /// The object at an address; `page` is the part of each of its lists.
    ///
    /// # Errors
    /// There is no such object; the watch ends it.
    pub fn object(&self, address: u64, page: Page, watch: Watch<'_>) -> Result<Object, AskError> {
        let number = self.find(address, watch)?;
        let dump = &self.dump;
        let object = dump.object(number).ok_or(AskError::NoObject { address })?;
        let analysis = &self.analysis(watch)?;
        let paths = self.shortest(analysis, watch)?;
        let is = |flag| object.flags.contains(flag);
        let objects = analysis.holders.objects();
        let dominators: Vec<Node> = analysis.tree.chain(number).filter(|&node| node < objects).collect();
        let referrers = self.referrers_of(analysis, number, watch);
        let attributes = attributes(dump, number);
        Ok(Object {
            address: units::address(object.address),
            type_name: analysis.objects.type_of(number).map(|class| class.full_name()).unwrap_or_default(),
            shallow_size: object.shallow,
            allocated_size: object.allocated,
            refcount: object.refcount,
            length: object.length,
            tracked: is(ObjectFlags::TRACKED),
            unreadable: is(ObjectFlags::UNREADABLE),
            opaque: is(ObjectFlags::OPAQUE),
            estimated: is(ObjectFlags::ESTIMATED),
            immortal: is(ObjectFlags::IMMORTAL),
            is_static: is(ObjectFlags::STATIC),
            repr: represent(dump, number, Limits::FULL),
            offset: page.start(),
            referents_total: LabelledEdges::new(dump, number).count() as u64,
            referents: page.of(LabelledEdges::new(dump, number)).map(|edge| self.referent(&edge)).collect(),
            retained_size: analysis.retained(number),
            path: analysis.path_text(&paths.path(number)),
            dominators_total: dominators.len() as u64,
            dominators: page
                .of(dominators)
                .map(|node| Dominator { object: line(dump, node), retained_size: analysis.retained(node) })
                .collect(),
            referrers_total: referrers.len() as u64,
            referrers: page
                .of(referrers)
                .map(|(name, owned, referrer)| Referrer { name, owned, object: line(dump, referrer) })
                .collect(),
            attributes_total: attributes.len() as u64,
            attributes: page.of(attributes).map(|found| self.attribute(found)).collect(),
            instances: instances(analysis, number, page),
        })
    }

    fn referent(&self, edge: &pyheap_heap::LabelledEdge<'_>) -> Referent {
        Referent {
            name: edge.name(&self.dump),
            source: edge.source.text().into(),
            owned: edge.owned,
            value: mention(&self.dump, edge.target, VALUE),
        }
    }

    pub(super) fn attribute(&self, found: pyheap_heap::Attribute) -> Attribute {
        let dump = &self.dump;
        let class = |class: Node| {
            let known = dump.types().iter().find(|of| of.object == class);
            known.map_or_else(|| line(dump, class).repr, |of| of.full_name())
        };
        Attribute { defined_by: found.class.map(class), name: found.name, value: line(dump, found.value) }
    }

    /// All edges to an object, by name, with who has them; those of its instances, if it is a type, are left out.
    fn referrers_of(
        &self,
        analysis: &Analysis<'_>,
        number: Node,
        watch: Watch<'_>,
    ) -> Vec<(String, bool, Node)> {
        let dump = &self.dump;
        let edges = self.referrers(analysis, number, watch).into_iter().flat_map(|referrer| {
            let edges = LabelledEdges::new(dump, referrer);
            edges
                .filter(move |edge| edge.target == number && !edge.is_class())
                .map(move |edge| (edge.name(dump), edge.owned, referrer))
        });
        edges.collect()
    }
}

/// The instances of a type, subclasses left out, if the object is one.
fn instances(analysis: &Analysis<'_>, number: Node, page: Page) -> Option<Instances> {
    analysis.objects.types().iter().find(|class| class.object == number)?;
    let all = analysis.instances(|class| class.object == number);
    let sizes = analysis.by_name(|of| if of.object == number { "instances".into() } else { String::new() });
    let retained = sizes.into_iter().find(|(name, _)| name == "instances").map(|(_, sizes)| sizes.retained);
    let largest = analysis.largest_of(all.iter().copied(), page.end());
    let instance =
        |object| Instance { retained_size: analysis.retained(object), object: line(analysis.dump, object) };
    Some(Instances {
        count: all.len() as u64,
        retained_size: retained.unwrap_or_default(),
        largest: page.of(largest).map(instance).collect(),
    })
}

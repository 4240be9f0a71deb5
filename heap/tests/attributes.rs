//! Attributes, where Python finds them.

#[expect(dead_code, reason = "the other tests that include it use the rest")]
mod sample;

use pyheap_format::EdgeKind::{Attribute, Element, Field, Key, Value};
use pyheap_heap::attributes;
use sample::{Draft, dump};

#[test]
fn the_first_definition_along_the_resolution_order_counts() {
    // class Base: x = base_x; y = base_y class Derived(Base): x = derived_x An instance with a slot `own` and, in its
    // dict, `y`. Numbers are those in which the objects are added, from `first`.
    let mut first = 0;
    let mut instance = 0;
    let dump = dump(|heap| {
        first = heap.next();
        let [x, y, value] = [0, 1, 2].map(|place| first + place);
        for name in [&b"x"[..], b"y", b"value"] {
            let preview = Some((pyheap_format::PreviewKind::Text, name));
            heap.add(&Draft { class: 1, length: Some(name.len() as u64), preview, ..Draft::default() });
        }
        let [base_dict, derived_dict, own_dict] = [3, 4, 5].map(|place| first + place);
        let [base, derived, order] = [6, 7, 8].map(|place| first + place);
        for edges in [
            &[(Key, None, x), (Value, None, x), (Key, None, y), (Value, None, y)][..],
            &[(Key, None, x), (Value, None, derived)],
            &[(Key, None, y), (Value, None, value)],
        ] {
            heap.add(&Draft { class: 5, length: Some(1), edges, ..Draft::default() });
        }
        heap.add(&Draft { edges: &[(Field, Some("__dict__"), base_dict)], ..Draft::default() });
        let edges = [(Field, Some("__dict__"), derived_dict), (Field, Some("__mro__"), order)];
        heap.add(&Draft { edges: &edges, ..Draft::default() });
        let edges = [(Element, None, derived), (Element, None, base)];
        heap.add(&Draft { class: 4, length: Some(2), edges: &edges, ..Draft::default() });
        assert_eq!(heap.next(), order + 1);
        let edges = [(Attribute, Some("own"), x), (Field, Some("__dict__"), own_dict)];
        let class = heap.class_of(derived, "Derived");
        instance = heap.add(&Draft { class, edges: &edges, ..Draft::default() });
    });
    let found: Vec<(String, u32, Option<u32>)> = attributes(&dump, instance)
        .into_iter()
        .map(|attribute| {
            (attribute.name, attribute.value - first, attribute.class.map(|class| class - first))
        })
        .collect();
    let expected = [("own", 0, None), ("y", 2, None), ("x", 7, Some(7))];
    assert_eq!(found, expected.map(|(name, value, class)| (name.to_owned(), value, class)));
}

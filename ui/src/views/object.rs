//! One object: what it is, why it is alive, what it consists of, and what refers to it.

use crate::cells::{bytes, count, mention, pager, text, type_name, wanted};
use crate::heap::{Heap, in_time};
use crate::link::{self, Link};
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::{Page, Watch};
use pyheap_report::{Attributes, HeldStep, LinkKind, Links, ObjectHead, Paths, units};

/// Characters of the value that are shown at once.
const VALUE: usize = 2000;

/// For objects with more referrers no path is searched through each of them.
const MANY_REFERRERS: u64 = 1_000;

const TABS: [&str; 6] = ["elements", "attributes", "referents", "referrers", "dominated", "paths"];

/// The address that a path of a request names.
pub(crate) fn address(link: &Link) -> Result<u64, Trouble> {
    let named = link.path().split('/').nth(2).unwrap_or_default();
    Link::address(named).ok_or_else(|| {
        Trouble::Wrong("an object is named by its address, hexadecimal with 0x in front".into())
    })
}

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Referrers)?;
    let address = address(link)?;
    let watch = &in_time();
    let head = heap.engine.object_head(address, watch)?;
    let attributes = heap.engine.attributes(address, Page::first(0), watch)?;
    let usual = if head.elements_total > 0 {
        "elements"
    } else if attributes.own_total > 0 {
        "attributes"
    } else {
        "referents"
    };
    let tab = link.get("tab").filter(|tab| TABS.contains(tab)).unwrap_or(usual);
    let name = head.path.last().map_or(head.repr.as_str(), |step| step.text.as_str());
    let shown = tab_body(heap, link, tab, address, &head, watch)?;
    let body = html! {
        div.crumbs { a href="/objects" { "All objects" } " › " (type_name(Some(&head.type_name))) " › " span.path { (head.address) } }
        h1.path { (text(&whole_path(&head), 200)) }
        p.lede { (what(&head)) }
        (facts(&head))
        h2 { "Why it is alive " small { "bold steps are dominators: cut there, and all behind it goes" } }
        (why(&head))
        h2 { "Value" }
        (value(&head))
        div.tabs role="navigation" aria-label="Parts" {
            @for (key, title, total) in [
                ("elements", "Elements", Some(count(head.elements_total))),
                ("attributes", "Attributes", Some(format!("{} own, {} inherited", count(attributes.own_total), count(attributes.total - attributes.own_total)))),
                ("referents", "Referents", Some(count(head.referents_total))),
                ("referrers", "Referrers", Some(count(head.referrers_total))),
                ("dominated", "Dominated", Some(count(head.dominated_total))),
                ("paths", "Paths", None),
            ] {
                a href=(link::object(&head.address).with("tab", key).href()) class=[(tab == key).then_some("here")]
                    aria-current=[(tab == key).then_some("true")] { (title) @if let Some(total) = total { " " small { (total) } } }
            }
        }
        (shown)
    };
    Ok(page::view(heap, link, name, body))
}

fn whole_path(head: &ObjectHead) -> String {
    let path: String = head.path.iter().map(|step| step.text.as_str()).collect();
    if path.is_empty() { head.repr.clone() } else { path }
}

fn what(head: &ObjectHead) -> Markup {
    let traits = [
        (head.tracked, "tracked by the collector"),
        (head.unreadable, "unreadable"),
        (head.opaque, "opaque: only native code knows what it refers to"),
        (head.estimated, "sizes are estimated"),
        (head.immortal, "immortal"),
        (head.is_static, "part of a library, not allocated"),
    ];
    html! {
        "a " (type_name(Some(&head.type_name)))
        @if let Some(length) = head.length { " of " (units::counted(length, "item")) }
        @for (_, name) in traits.iter().filter(|(holds, _)| *holds) { ", " (name) }
        @if let Some(class) = &head.type_address { " · " a href=(link::object(class).href()) { "its type" } }
        @if let Some(name) = &head.is_type { " · " a href=(link::instances(name).href()) { "its instances" } }
        " · " a href=(Link::to("/flame").with("top", &head.address).href()) { "flame graph from here" }
        " · " a href=(Link::to("/objects").with("held", &head.address).href()) { "all that it holds" }
    }
}

fn facts(head: &ObjectHead) -> Markup {
    html! {
        div.facts {
            div { b { (bytes(head.retained_size)) } span { "retained, " (units::percent(head.share)) " of the heap" } }
            div { b { (bytes(head.allocated_size)) } span { "allocated" } }
            div { b { (bytes(head.shallow_size)) } span { "shallow (sys.getsizeof)" } }
            div { b { (count(head.refcount)) } span { (if head.refcount == 1 { "reference" } else { "references" }) } }
            @if let Some(length) = head.length { div { b { (count(length)) } span { "length" } } }
        }
    }
}

fn why(head: &ObjectHead) -> Markup {
    let step = |step: &HeldStep| {
        let shown = text(&step.text, 120);
        html! {
            @match &step.address {
                Some(address) => a href=(link::object(address).href()) title={ "retains " (units::bytes(step.retained_size)) } {
                    @if step.dominator { b { (shown) } } @else { (shown) }
                },
                None => (shown),
            }
        }
    };
    html! {
        @if head.path.is_empty() { p.dim { "No path leads to it: it is garbage, or held where no dump shows it." } } @else {
            pre.why tabindex="0" aria-label="Path" { @for (at, of) in head.path.iter().enumerate() { @if at > 0 { wbr; } (step(of)) } }
        }
    }
}

fn value(head: &ObjectHead) -> Markup {
    let cut = head.repr.chars().nth(VALUE).is_some();
    html! {
        pre tabindex="0" { (text(&head.repr, VALUE)) }
        @if cut {
            p { a href={ (link::object(&head.address).href()) "/text" } { "all that the dump holds of it" } }
        }
    }
}

fn tab_body(
    heap: &Heap,
    link: &Link,
    tab: &str,
    address: u64,
    head: &ObjectHead,
    watch: Watch<'_>,
) -> Result<Markup, Trouble> {
    let (offset, limit) = wanted(link);
    let page = Page { offset, limit };
    let links = |kind| heap.engine.links(address, kind, page, watch);
    Ok(match tab {
        "attributes" => attribute_table(link, &heap.engine.attributes(address, page, watch)?, limit),
        "elements" => link_table(link, &links(LinkKind::Elements)?, limit, "Key", "It has no elements."),
        "referrers" => link_table(
            link,
            &links(LinkKind::Referrers)?,
            limit,
            "Calls it",
            "Nothing that the dump knows refers to it.",
        ),
        "dominated" => {
            link_table(link, &links(LinkKind::Dominated)?, limit, "Name", "Nothing would go with it.")
        }
        "paths" if head.referrers_total > MANY_REFERRERS => html! {
            p.dim { "It has too many referrers to search a path through each: the shortest stands above." }
        },
        "paths" => path_list(link, &heap.engine.paths_ending(address, 2, page, watch)?, limit),
        _ => link_table(link, &links(LinkKind::Referents)?, limit, "Name", "It refers to nothing."),
    })
}

fn link_table(link: &Link, links: &Links, limit: usize, head: &str, empty: &str) -> Markup {
    html! {
        @if links.total == 0 { p.dim { (empty) } } @else {
            table {
                thead { tr { th { (head) } th { "Value" } th { "Type" } th.n { "Retained" @if links.sorted { " ▾" } } th.n { "Allocated" } } }
                tbody { @for row in &links.links { tr {
                    td.path { (text(row.name.as_deref().unwrap_or("–"), 80)) @if !row.owned { " " span.tag title="the reference is not counted" { "borrowed" } } }
                    td { (mention(&row.value)) }
                    td { (type_name(row.value.type_name.as_deref())) }
                    td.n { (bytes(row.retained_size)) }
                    td.n { (bytes(row.allocated_size)) }
                } } }
            }
            (pager(link, links.offset, links.links.len(), links.total, limit))
        }
    }
}

fn attribute_table(link: &Link, found: &Attributes, limit: usize) -> Markup {
    html! {
        @if found.total == 0 { p.dim { "It has no attributes." } } @else {
            table {
                thead { tr { th { "Name" } th { "Value" } th { "Type" } th { "From class" } th.n { "Retained" } } }
                tbody { @for row in &found.attributes { tr {
                    td.path { (text(&row.attribute.name, 80)) }
                    td { (mention(&row.attribute.value)) }
                    td { (type_name(row.attribute.value.type_name.as_deref())) }
                    td.path.dim { (text(row.attribute.defined_by.as_deref().unwrap_or("itself"), 80)) }
                    td.n { (bytes(row.retained_size)) }
                } } }
            }
            (pager(link, found.offset, found.attributes.len(), found.total, limit))
        }
    }
}

fn path_list(link: &Link, found: &Paths, limit: usize) -> Markup {
    html! {
        @if found.paths.is_empty() { p.dim { "No path leads to it." } } @else {
            table {
                thead { tr { th { "Path through each referrer, the shortest first" } th.n { "Steps" } } }
                tbody { @for row in &found.paths { tr {
                    @let holder = row.objects.iter().rev().nth(1).and_then(|of| of.address.as_deref());
                    td { (crate::cells::path(&row.path, holder)) }
                    td.n { (count(row.length)) }
                } } }
            }
            (pager(link, found.offset, found.paths.len(), found.paths_total, limit))
        }
    }
}

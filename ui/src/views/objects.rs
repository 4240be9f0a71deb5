//! Objects: all of them, or those that the steps of the breadcrumb leave.

use super::types::drop_step;
use crate::cells::{bytes, count, ends, mention, pager, path, sorted_head, text, type_name, wanted};
use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::{Measure, Order, Page, Selection, Watch};
use pyheap_report::{Query, units};

const KEYS: [&str; 3] = ["retained", "allocated", "shallow"];

/// Steps of the breadcrumb, each a part of the query.
const STEPS: [(&str, &str); 6] = [
    ("type", "of type"),
    ("part", "of types like"),
    ("module", "of module"),
    ("text", "containing"),
    ("held", "held by"),
    ("copies", "equal to"),
];

/// What the query selects.
pub(crate) fn selection(link: &Link) -> Result<Selection, Trouble> {
    let address = |key: &str| match link.get(key) {
        None => Ok(None),
        Some(text) => Link::address(text)
            .map(Some)
            .ok_or_else(|| Trouble::Wrong(format!("{key} must be an address, hexadecimal with 0x in front"))),
    };
    let text = |key: &str| link.get(key).map(str::to_owned);
    Ok(Selection {
        type_name: text("type"),
        type_part: text("part"),
        module: text("module"),
        text: text("text"),
        held_by: address("held")?,
        copies_of: address("copies")?,
    })
}

pub(crate) fn measure(link: &Link) -> Measure {
    match link.get("sort") {
        Some("allocated") => Measure::Allocated,
        Some("shallow") => Measure::Shallow,
        _ => Measure::Retained,
    }
}

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Objects)?;
    let selection = selection(link)?;
    if selection.held_by.is_some() {
        heap.need(Part::Referrers)?;
    }
    if selection.copies_of.is_some() {
        heap.need(Part::Strings)?;
    }
    let (offset, limit) = wanted(link);
    let watch = &in_time();
    let found = heap.engine.objects(&selection, measure(link), Page { offset, limit }, watch)?;
    let body = html! {
        div.crumbs {
            a href="/objects" { "All objects" }
            @for (key, name) in STEPS { @if let Some(value) = link.get(key) {
                " › " (name) " " (step(heap, key, value, watch)) (drop_step(link, key))
            } }
        }
        h1 { (units::counted(found.count, "object")) @if let Some(name) = &selection.type_name { " of type " span.path { (text(name, 100)) } } }
        p.lede { (bytes(found.allocated_size)) " allocated, " (bytes(found.shallow_size)) " shallow." }
        @if let Some(name) = &selection.type_name { (verdict(heap, name, watch)?) }
        (filter(link))
        (table(heap, link, &found))
        (pager(link, found.offset, found.objects.len(), found.count, limit))
    };
    Ok(page::view(heap, link, "Objects", body))
}

/// A step as people read it.
fn step(heap: &Heap, key: &str, value: &str, watch: Watch<'_>) -> Markup {
    match key {
        "held" | "copies" => {
            let head = Link::address(value).and_then(|address| heap.engine.object_head(address, watch).ok());
            let shown = head.map_or_else(
                || value.to_owned(),
                |head| match key {
                    "held" => head.path.iter().map(|step| step.text.as_str()).collect(),
                    _ => head.repr,
                },
            );
            path(&shown, Some(value))
        }
        _ => html! { b.path { (text(value, 80)) } },
    }
}

/// Whether one thing holds all objects of a type.
fn verdict(heap: &Heap, name: &str, watch: Watch<'_>) -> Result<Markup, Trouble> {
    let types = heap.engine.type_groups(Some(name), None, Order::Retained, Page::ALL, watch)?;
    let Some(row) = types.types.iter().find(|row| row.type_name == name) else { return Ok(html! {}) };
    let paths = Link::to("/types/paths").with("type", name);
    Ok(html! {
        p.verdict {
            @if row.count == 1 { "Held by " (super::types::held_by(row)) ". " }
            @else if row.holder.is_some() { "All " (count(row.count)) " are held by " (super::types::held_by(row)) ". " }
            @else { "No single object holds all " (count(row.count)) " of them. " }
            "Together they retain " (bytes(row.retained_size)) ". "
            a href=(paths.href()) { "Paths to all of them" }
        }
    })
}

fn filter(link: &Link) -> Markup {
    html! {
        form.filter action="/objects" {
            @for key in ["type", "held", "copies", "sort"] { @if let Some(value) = link.get(key) {
                input type="hidden" name=(key) value=(value);
            } }
            @if link.get("type").is_none() { label { "Type like " input name="part" maxlength="200" value=[link.get("part")]; } }
            label { "Module " input name="module" maxlength="200" value=[link.get("module")]; }
            label { "Text " input name="text" maxlength="200" value=[link.get("text")]; }
            button { "Filter" }
        }
    }
}

/// Objects with their sizes.
pub(crate) fn table(heap: &Heap, link: &Link, found: &Query) -> Markup {
    html! {
        @if found.objects.is_empty() { p.dim { "No object is left by these steps." } } @else {
            table {
                thead { tr {
                    th { "Object" } th { "Type" }
                    (sorted_head(link, &KEYS, "retained", "Retained"))
                    (sorted_head(link, &KEYS, "allocated", "Allocated"))
                    (sorted_head(link, &KEYS, "shallow", "Shallow"))
                    th.n { "Length" } th { "Owner" }
                } }
                tbody { @for row in &found.objects { tr {
                    td { (mention(&row.object)) }
                    td { (type_name(row.object.type_name.as_deref())) }
                    td.n { (bytes(row.retained_size)) }
                    td.n { (bytes(row.allocated_size)) }
                    td.n { (bytes(row.shallow_size)) }
                    td.n { @if let Some(length) = row.length { (count(length)) } }
                    td.dim { (owner(heap, row.object.address.as_deref())) }
                } } }
            }
        }
    }
}

/// The path to an object: the end of it tells most.
pub(crate) fn owner(heap: &Heap, address: Option<&str>) -> Markup {
    let path = address.and_then(Link::address).and_then(|address| heap.engine.path(address, &in_time()).ok());
    let path = path.unwrap_or_default();
    html! { span.path.line.end title=(text(&path, 600)) { bdi { (ends(&path)) } } }
}

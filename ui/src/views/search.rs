//! What the search box finds: an object by its address, types and modules by name, objects by their text.

use super::objects::table;
use crate::cells::{bytes, count, text, type_name};
use crate::heap::{Heap, in_time};
use crate::link::{self, Link};
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::{AskError, Measure, Order, Page, Selection};
use pyheap_report::units;

/// Rows of each kind.
const ROWS: usize = 20;

/// Where the search leads straight away: to an object, or to a type of exactly this name.
pub(crate) fn target(heap: &Heap, link: &Link) -> Option<Link> {
    let query = link.get("q")?.trim();
    let is_address = query.starts_with("0x") || query.starts_with("0X") || query.len() > 9;
    if let Some(address) = Link::address(query).filter(|_| is_address)
        && heap.need(Part::Referrers).is_ok()
        && heap.engine.find(address, &in_time()).is_ok()
    {
        return Some(link::object(&units::address(address)));
    }
    let types = heap.engine.type_groups(Some(query), None, Order::Retained, Page::ALL, &in_time()).ok()?;
    let exact = types.types.iter().any(|row| row.type_name == query);
    exact.then(|| link::instances(query))
}

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Objects)?;
    let query = link.get("q").unwrap_or_default().trim();
    if query.is_empty() {
        let body = html! { h1 { "What do you look for?" } p.lede { "A type, a module, a piece of text, or an address as id() gives it." } };
        return Ok(page::view(heap, link, "Search", body));
    }
    let watch = &in_time();
    let types = heap.engine.type_groups(Some(query), None, Order::Retained, Page::first(ROWS), watch)?;
    let by_text = Selection { text: Some(query.to_owned()), ..Selection::default() };
    let objects = match heap.engine.objects(&by_text, Measure::Retained, Page::first(ROWS), watch) {
        Err(AskError::Concealed) => None,
        found => Some(found?),
    };
    let by_text = Link::to("/objects").with("text", query);
    let by_name = Link::to("/types").with("part", query);
    let body = html! {
        h1 { "Found for " span.path { (text(query, 100)) } }
        h2 { (units::counted(types.types_total, "type")) @if types.types_total > ROWS as u64 { a.more href=(by_name.href()) { "all" } } }
        @if types.types.is_empty() { p.dim { "No type is called so." } } @else {
            table {
                thead { tr { th { "Type" } th.n { "Objects" } th.n { "Retained" } } }
                tbody { @for row in &types.types { tr {
                    td { (type_name(Some(&row.type_name))) } td.n { (count(row.count)) } td.n { (bytes(row.retained_size)) }
                } } }
            }
        }
        @if let Some(objects) = objects {
        h2 { (units::counted(objects.count, "object")) small { "whose text, bytes or name contains it" } @if objects.count > ROWS as u64 { a.more href=(by_text.href()) { "all" } } }
        (table(heap, &by_text, &objects))
        } @else { p.dim { "What objects contain is hidden, and so it is not searched." } }
    };
    Ok(page::view(heap, link, "Search", body))
}

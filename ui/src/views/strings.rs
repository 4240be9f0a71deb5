//! Texts and bytes that are there more than once.

use crate::cells::{bytes, count, mention, pager, text, type_name, wanted};
use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::Page;
use pyheap_report::units;

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Strings)?;
    let (offset, limit) = wanted(link);
    let found = heap.engine.duplicates(Page { offset, limit }, &in_time())?;
    let body = html! {
        h1 { "Equal strings could save " span.num { (bytes(found.wasted)) } }
        p.lede { (units::counted(found.groups_total, "content")) " of str and bytes are there more than once; " (units::counted(found.objects, "object")) " could go. Only what the dump holds whole is compared." }
        @if found.groups.is_empty() { p.dim { "None is there twice." } } @else {
            table {
                thead { tr { th.n { "Wasted ▾" } th.n { "Copies" } th.n { "Length" } th { "Content" } th { "Type" } th { "All held by" } } }
                tbody { @for row in &found.groups { tr {
                    @let copies = row.example.address.as_deref().map(|address| Link::to("/objects").with("copies", address));
                    td.n { (bytes(row.wasted)) }
                    td.n { @if let Some(copies) = copies { a href=(copies.href()) { (count(row.copies)) } } @else { (count(row.copies)) } }
                    td.n { (count(row.length)) }
                    td { (mention(&row.example)) }
                    td { (type_name(row.example.type_name.as_deref())) }
                    td.path.dim { (text(row.holder.as_deref().unwrap_or("many"), 120)) }
                } } }
            }
        }
        (pager(link, found.offset, found.groups.len(), found.groups_total, limit))
    };
    Ok(page::view(heap, link, "Strings", body))
}

//! Memory that could be saved.

use crate::cells::{bytes, count, mention, pager, share, type_name, wanted};
use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::Page;

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Waste)?;
    let (offset, limit) = wanted(link);
    let found = heap.engine.waste(Page { offset, limit }, &in_time())?;
    let most = found.rows.iter().map(|row| row.share).fold(0.0, f64::max);
    let body = html! {
        h1 { "Memory that could be saved" }
        p.lede { "By kind and type; rows may count the same bytes." }
        @if found.rows.is_empty() { p.dim { "Nothing that is worth a line." } } @else {
            table {
                thead { tr { th.n { "Could be saved ▾" } th { "Share" } th { "Waste" } th.n { "Objects" } th { "Type" } th { "Most in" } } }
                tbody { @for row in &found.rows { tr {
                    td.n { (bytes(row.bytes)) }
                    td { (share(row.share, most)) }
                    td { @if row.waste == "duplicate content" { a href="/strings" { (row.waste) } } @else { (row.waste) } }
                    td.n { (count(row.objects)) }
                    td { (type_name(Some(&row.type_name))) }
                    td { (mention(&row.example)) }
                } } }
            }
        }
        (pager(link, found.offset, found.rows.len(), found.rows_total, limit))
    };
    Ok(page::view(heap, link, "Waste", body))
}

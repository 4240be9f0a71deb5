//! Reference cycles, and garbage that waits for a collection.

use crate::cells::{bytes, count, pager, path, text, wanted};
use crate::heap::{Heap, in_time};
use crate::link::{self, Link};
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::Page;
use pyheap_report::units;

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Cycles)?;
    let (offset, limit) = wanted(link);
    let found = heap.engine.cycles(Page { offset, limit }, &in_time())?;
    let body = html! {
        h1 { (units::counted(found.cycles, "reference cycle")) }
        p.lede {
            (units::counted(found.objects_in_cycles, "object")) " are in one. "
            (units::counted(found.garbage_objects, "object")) " (" (bytes(found.garbage_size)) ") are garbage that waits for a collection."
        }
        @if found.rows.is_empty() { p.dim { "No object leads back to itself." } } @else {
            table {
                thead { tr { th.n { "Objects ▾" } th.n { "Allocated" } th { "Types" } th { "Held by" } } }
                tbody { @for row in &found.rows { tr {
                    td.n { (count(row.objects)) }
                    td.n { (bytes(row.allocated_size)) }
                    td { @for (at, of) in row.types.iter().enumerate() {
                        @if at > 0 { " · " }
                        (count(of.count)) " " a.path href=(link::instances(&of.type_name).href()) { (text(&of.type_name, 60)) }
                    } }
                    td { @if row.garbage { span.tag.warn { "garbage" } " " } (path(&row.path, row.example.address.as_deref())) }
                } } }
            }
        }
        (pager(link, found.offset, found.rows.len(), found.cycles, limit))
    };
    Ok(page::view(heap, link, "Cycles", body))
}

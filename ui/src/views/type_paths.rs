//! The paths to all objects of a type, merged where they differ in indices and keys only.

use crate::cells::{bytes, count, pager, share, text, wanted};
use crate::heap::{Heap, in_time};
use crate::link::{self, Link};
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::{Measure, Page, Selection};
use pyheap_report::units;

/// Of more objects no paths are written out: that would take longer than a page may.
const MOST: u64 = 100_000;

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Objects)?;
    let Some(name) = link.get("type") else { return Err(Trouble::Wrong("the query names no type".into())) };
    let watch = &in_time();
    let of_type = Selection { type_name: Some(name.to_owned()), ..Selection::default() };
    let total = heap.engine.objects(&of_type, Measure::Retained, Page::first(0), watch)?.count;
    let (offset, limit) = wanted(link);
    let found = match total {
        0 => return Err(Trouble::Missing(format!("no object of the dump is of type {name}"))),
        1..=MOST => Some(heap.engine.merged_paths(name, Page { offset, limit }, watch)?),
        _ => None,
    };
    let body = html! {
        div.crumbs { a href="/types" { "All types" } " › " a.path href=(link::instances(name).href()) { (text(name, 100)) } " › paths" }
        h1 { "What leads to " (count(total)) " " span.path { (text(name, 100)) } }
        @if let Some(found) = found {
            p.lede { (units::counted(found.paths_total, "path")) ", one for all that differ in indices and keys only." }
            table {
                thead { tr { th.n { "Objects ▾" } th { "Share" } th.n { "Retained" } th { "Path" } } }
                tbody { @for row in &found.paths { tr {
                    td.n { (count(row.count)) }
                    td { (share(units::ratio(row.count, found.count), 1.0)) }
                    td.n { (bytes(row.retained_size)) }
                    td.path { (text(&row.path, 300)) }
                } } }
            }
            (pager(link, found.offset, found.paths.len(), found.paths_total, limit))
        } @else {
            p.lede { "There are too many for a page. The command line takes the time:" }
            pre tabindex="0" { "pyheap-analyze paths FILE --all-merged " (text(name, 200)) }
        }
    };
    Ok(page::view(heap, link, "Paths", body))
}

//! Objects that native code holds.

use crate::cells::{count, mention, pager, type_name, wanted};
use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_report::{NativeType, units};

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Native)?;
    let (offset, limit) = wanted(link);
    let found = heap.native(&in_time())?;
    let rows: Vec<&NativeType> = found.types.iter().skip(offset).take(limit).collect();
    let body = html! {
        h1 { (units::counted(found.roots, "object")) " are held by native code" }
        p.lede {
            "They count more references than the dump knows: " (units::percent(units::ratio(found.roots, found.objects))) " of all objects. "
            "Expected: CPython itself holds such objects where no dump shows it."
        }
        @if rows.is_empty() { p.dim { "All references are known." } } @else { (table(&rows)) }
        (pager(link, offset as u64, rows.len(), found.types_total, limit))
        @if offset == 0 && !found.negative.is_empty() {
            h2 { "More references are known than counted " small { "which should not be" } }
            (table(&found.negative.iter().take(20).collect::<Vec<_>>()))
        }
    };
    Ok(page::view(heap, link, "Native references", body))
}

fn table(rows: &[&NativeType]) -> Markup {
    html! {
        table {
            thead { tr { th { "Type" } th.n { "Objects" } th.n { "References ▾" } th { "Expected" } th { "The largest" } } }
            tbody { @for row in rows { tr {
                td { (type_name(Some(&row.type_name))) }
                td.n { (count(row.objects)) }
                td.n { (count(row.references)) }
                td { (if row.expected { "yes" } else { "no" }) }
                td { @for (at, example) in row.examples.iter().take(3).enumerate() { @if at > 0 { br; } (mention(example)) } }
            } } }
        }
    }
}

//! How the heap grew since an older dump.

use crate::cells::{pager, signed_bytes, text, wanted};
use crate::heap::Heap;
use crate::link::{self, Link};
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_report::{Change, units};

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Difference)?;
    let Some(diff) = heap.diff() else {
        let body = html! {
            h1 { "There is nothing to compare with" }
            p.lede { "Start the server with an older dump of the same program:" }
            pre tabindex="0" { "pyheap-analyze serve NEW --baseline OLD" }
        };
        return Ok(page::view(heap, link, "Compare", body));
    };
    let by_module = link.get("by") == Some("module");
    let (rows, total) =
        if by_module { (&diff.modules, diff.modules_total) } else { (&diff.types, diff.types_total) };
    let (offset, limit) = wanted(link);
    let shown: Vec<&Change> = rows.iter().skip(offset).take(limit).collect();
    let allocated: i64 = diff.types.iter().map(|change| change.allocated_size).sum();
    let objects: i64 = diff.types.iter().map(|change| change.count).sum();
    let most = rows.iter().map(|row| row.allocated_size.unsigned_abs()).max().unwrap_or_default();
    let body = html! {
        h1 { "Against the older dump: " span.num { (signed_bytes(allocated)) } }
        p.lede {
            (units::signed_count(objects)) " objects. "
            @if diff.same_process { "Both dumps are of the same process." } @else { "The dumps are of different processes." }
        }
        div.tabs role="navigation" aria-label="Compare by" {
            a href=(Link::to("/compare").href()) class=[(!by_module).then_some("here")] { "By type " small { (units::count(diff.types_total)) } }
            a href=(Link::to("/compare").with("by", "module").href()) class=[by_module.then_some("here")] { "By module " small { (units::count(diff.modules_total)) } }
        }
        @if rows.is_empty() { p.dim { "Nothing changed." } } @else {
            table {
                thead { tr { th { (if by_module { "Module" } else { "Type" }) } th.n { "Objects" } th.n { "Shallow" } th.n { "Allocated ▾" } th { "Grew, shrank" } } }
                tbody { @for row in &shown { tr {
                    td { @if by_module { a.path href=(Link::to("/types").with("module", &row.name).href()) { (text(&row.name, 100)) } }
                         @else { a.path href=(link::instances(&row.name).href()) { (text(&row.name, 100)) } } }
                    td.n { (units::signed_count(row.count)) }
                    td.n { (signed_bytes(row.shallow_size)) }
                    td.n { (signed_bytes(row.allocated_size)) }
                    td { (bar(row.allocated_size, most)) }
                } } }
            }
        }
        (pager(link, offset as u64, shown.len(), total, limit))
    };
    Ok(page::view(heap, link, "Compare", body))
}

/// To the right what grew, to the left what shrank.
fn bar(change: i64, most: u64) -> Markup {
    let width = 42.0 * change.unsigned_abs() as f64 / most.max(1) as f64;
    let x = if change < 0 { 42.0 - width } else { 42.0 };
    html! {
        svg.bar width="84" height="8" aria-hidden="true" {
            rect.back width="84" height="8" rx="2" {}
            rect class=(if change < 0 { "shrank" } else { "grew" }) x=(format!("{x:.1}")) width=(format!("{width:.1}")) height="8" {}
        }
    }
}

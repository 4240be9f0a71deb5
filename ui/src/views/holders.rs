//! The places where memory accumulates.

use crate::cells::{bytes, count, pager, path, share, text, type_name, wanted};
use crate::heap::{Heap, in_time};
use crate::link::{self, Link};
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_report::{Leaks, Suspect, SuspectKind, units};

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Suspects)?;
    let leaks = heap.leaks(&in_time())?;
    let (offset, limit) = wanted(link);
    let body = html! {
        h1 { (units::counted(leaks.suspects_total, "place")) " where memory accumulates" }
        p.lede { "Each holds at least 0.1 % of the Python heap, " (bytes(leaks.total_allocated_size)) "; largest first." }
        (table(leaks, offset, limit))
        (pager(link, offset as u64, leaks.suspects.len().saturating_sub(offset).min(limit), leaks.suspects_total, limit))
        @if !leaks.usual_holders.is_empty() {
            h2 { "Known causes" }
            table {
                thead { tr { th.n { "Retained" } th.n { "Objects" } th { "Cause" } } }
                tbody { @for row in &leaks.usual_holders { tr {
                    td.n { (bytes(row.retained_size)) }
                    td.n { (count(row.count)) }
                    td { (text(&row.holder, 200)) }
                } } }
            }
        }
    };
    Ok(page::view(heap, link, "Holders", body))
}

/// So many places behind the first ones; what is left out is told.
pub(crate) fn table(leaks: &Leaks, offset: usize, most: usize) -> Markup {
    let largest = leaks.suspects.first().map_or(0.0, |first| first.share);
    let shown: u64 = leaks.suspects.iter().skip(offset).take(most).map(|suspect| suspect.retained_size).sum();
    let rest = leaks.total_allocated_size.saturating_sub(shown);
    html! {
        @if leaks.suspects.is_empty() { p.dim { "Nothing stands out: what the heap has is spread out." } } @else {
            table {
                thead { tr { th.n { "Retained" } th { "Share" } th { "Owner" } th { "What it keeps" } } }
                tbody {
                    @for suspect in leaks.suspects.iter().skip(offset).take(most) { tr {
                        td.n { (bytes(suspect.retained_size)) }
                        td { (share(suspect.share, largest)) }
                        td { (owner(suspect)) }
                        td { (content(suspect)) }
                    } }
                    tr {
                        td.n.dim { (bytes(rest)) }
                        td.dim { span.share { b { (units::percent(units::ratio(rest, leaks.total_allocated_size))) } } }
                        td.dim colspan="2" { "elsewhere: code, modules, interpreter, and all that is not in this table" }
                    }
                }
            }
        }
    }
}

fn owner(suspect: &Suspect) -> Markup {
    let shown = path(suspect.path.as_deref().unwrap_or("?"), suspect.address.as_deref());
    html! {
        @match suspect.kind {
            SuspectKind::Point => (shown),
            SuspectKind::Threads => { (units::counted(suspect.count, "thread")) span.dim { "; the largest holds " } (shown) }
            SuspectKind::Type => {
                "many " (type_name(suspect.type_name.as_deref())) ", one by one in "
                span.path { (text(suspect.within.as_deref().unwrap_or("?"), 120)) }
                span.dim { "; the largest: " } (shown)
            }
        }
        @if let Some(holder) = &suspect.holder { " " span.tag.warn { (text(holder, 80)) } }
    }
}

fn content(suspect: &Suspect) -> Markup {
    let within = suspect.address.as_deref();
    html! {
        @if suspect.kind == SuspectKind::Type { (count(suspect.count)) " " (type_name(suspect.type_name.as_deref())) }
        @else if suspect.content.is_empty() { (type_name(suspect.type_name.as_deref())) }
        @else {
            @for (at, of) in suspect.content.iter().enumerate() {
                @if at > 0 { " · " }
                @let all = link::instances(&of.type_name);
                @let target = within.map_or(all.clone(), |holder| all.with("held", holder));
                (count(of.count)) " " a.path href=(target.href()) { (text(&of.type_name, 60)) } " "
                span.dim { (bytes(of.retained_size)) }
            }
        }
    }
}

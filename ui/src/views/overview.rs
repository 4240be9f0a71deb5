//! The answer at a glance: how much the process takes, and what holds it.

use super::holders::table as holders_table;
use crate::cells::{bytes, count, path, text, type_name};
use crate::chart::{flame, memory_bar, memory_parts};
use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::{FlameBy, Order, Page};
use pyheap_report::{Leaks, Threads, TypeGroups, Waste, units};

/// Rows of each table.
const ROWS: usize = 8;

/// Levels of the dominator tree.
const LEVELS: u64 = 5;

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Flame)?;
    Ok(page::view(heap, link, "Overview", body(heap)?))
}

pub(crate) fn body(heap: &Heap) -> Result<Markup, Trouble> {
    let watch = &in_time();
    let leaks = heap.leaks(watch)?;
    let types = heap.engine.type_groups(None, None, Order::Retained, Page::first(ROWS), watch)?;
    let threads = heap.threads(watch)?;
    let (parts, note) = memory_parts(&heap.info);
    let blocks = heap.flame(FlameBy::Owner, watch)?;
    Ok(html! {
        (answer(heap, leaks))
        (memory_bar(&parts))
        @if let Some(note) = note { p.dim { (note) } }
        (caveats(heap))
        h2 { "Where memory accumulates " small { "share of the Python heap" }
            a.more href="/holders" { "all " (count(leaks.suspects_total)) " above 0.1 %" } }
        (holders_table(leaks, 0, ROWS))
        h2 { "Dominator tree " small { "width is retained memory" } a.more href="/flame" { "whole flame graph" } }
        (flame(blocks, LEVELS, false))
        div.two {
            section { (largest_types(&types)) }
            section { (largest_threads(threads)) (could_be_saved(heap)?) }
        }
    })
}

/// What is to be said first.
fn answer(heap: &Heap, leaks: &Leaks) -> Markup {
    let info = &heap.info;
    let first = leaks.suspects.first();
    html! {
        h1 {
            @if info.process.rss > 0 { "The process takes " span.num { (bytes(info.process.rss)) } ". " }
            @else { "The Python objects take " span.num { (bytes(info.allocated_size)) } ". " }
            @if let Some(first) = first {
                (units::percent(first.share)) " of its Python heap hangs on "
                (path(first.path.as_deref().unwrap_or("?"), first.address.as_deref())) "."
            } @else {
                "No single place holds much of its Python heap."
            }
        }
        p.lede {
            (units::counted(info.objects, "object")) " of " (units::counted(info.types, "type"))
            " in " (units::counted(info.threads, "thread")) ", " (bytes(info.allocated_size)) " in all."
        }
    }
}

/// What limits how far the dump can be believed.
pub(super) fn caveats(heap: &Heap) -> Markup {
    let caveats = heap.info.caveats();
    html! {
        @if !caveats.is_empty() {
            ul.note { @for caveat in caveats { li { (text(&caveat, 300)) } } }
        }
    }
}

fn largest_types(types: &TypeGroups) -> Markup {
    html! {
        h2 { "Largest types" a.more href="/types" { (units::counted(types.types_total, "type")) } }
        table {
            thead { tr { th { "Type" } th.n { "Objects" } th.n { "Allocated" } th.n { "Retained" } th { "All held by" } } }
            tbody { @for row in &types.types { tr {
                td { (type_name(Some(&row.type_name))) }
                td.n { (count(row.count)) }
                td.n { (bytes(row.allocated_size)) }
                td.n { (bytes(row.retained_size)) }
                td { (super::types::held_by(row)) }
            } } }
        }
    }
}

fn largest_threads(threads: &Threads) -> Markup {
    let mut sorted: Vec<_> = threads.threads.iter().collect();
    sorted.sort_by_key(|thread| std::cmp::Reverse(thread.retained_size));
    html! {
        h2 { "Threads" a.more href="/threads" { (units::counted(sorted.len() as u64, "thread")) } }
        @if sorted.is_empty() { p.dim { "The dump has no threads." } } @else {
            table {
                thead { tr { th { "Thread" } th { "Stands in" } th.n { "Retained" } } }
                tbody { @for thread in sorted.iter().take(ROWS) { tr {
                    td { a href="/threads" { (text(thread.name.as_deref().unwrap_or("unnamed"), 40)) } }
                    td.path { @if let Some(frame) = thread.frames.first() { (super::threads::place(frame)) } @else { span.dim { "no Python frame" } } }
                    td.n { (bytes(thread.retained_size)) }
                } } }
            }
        }
    }
}

fn could_be_saved(heap: &Heap) -> Result<Markup, Trouble> {
    let waste: Option<Waste> = match heap.need(Part::Waste) {
        Ok(()) => Some(heap.engine.waste(Page::first(4), &in_time())?),
        Err(_) => None,
    };
    Ok(html! {
        h2 { "Could be saved" a.more href="/waste" { "all waste" } }
        @match waste {
            None => p.dim { "Still being looked for." },
            Some(waste) if waste.rows.is_empty() => p.dim { "Nothing that is worth a line." },
            Some(waste) => table { tbody { @for row in &waste.rows { tr {
                td { (row.waste) ": " (units::count(row.objects)) " " (type_name(Some(&row.type_name))) }
                td.n { (bytes(row.bytes)) }
            } } } },
        }
    })
}

//! One file that needs no server, for a ticket: overview, flame graph, threads, largest objects, types.

use crate::cells::{bytes, count, text};
use crate::chart;
use crate::heap::{Heap, in_time};
use crate::page::{STYLES, process};
use crate::preparation::Preparation;
use crate::server::ServeError;
use crate::trouble::Trouble;
use crate::{preparation::Sources, views};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pyheap_engine::{FlameBy, Measure, Options, Order, Page, Selection, Source};
use pyheap_report::units;

/// Rows of each table, and threads.
const ROWS: usize = 100;
const THREADS: usize = 50;

/// The report of a dump as one HTML file.
///
/// # Errors
/// The dump cannot be opened, or a part of it not be told.
pub fn write_report(dump: Source, name: String, engine: Options) -> Result<String, ServeError> {
    let preparation = Preparation::new();
    preparation.run(Sources { dump, baseline: None, engine, name })?;
    let made = preparation.heap().and_then(|heap| report(heap));
    made.map(Markup::into_string).map_err(|trouble| ServeError::Report(trouble.text().to_owned()))
}

fn report(heap: &Heap) -> Result<Markup, Trouble> {
    let watch = &in_time();
    let engine = &heap.engine;
    let types = engine.type_groups(None, None, Order::Retained, Page::first(ROWS), watch)?;
    let objects = engine.objects(&Selection::default(), Measure::Retained, Page::first(ROWS), watch)?;
    let threads = &heap.threads(watch)?.threads;
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (text(&heap.name, 80)) " – pyheap" }
                style { (PreEscaped(STYLES)) }
            }
            body.offline {
                header { span.brand { "pyheap" } span.process { (text(&process(&heap.info), 160)) } }
                main {
                    (views::overview::body(heap)?)
                    h2 { "Flame graph by type" }
                    (chart::flame(heap.flame(FlameBy::Type, watch)?, 12, true))
                    h2 { "Objects that retain most" }
                    table {
                        thead { tr { th { "Object" } th { "Type" } th.n { "Retained" } th.n { "Allocated" } th { "Address" } } }
                        tbody { @for row in &objects.objects { tr {
                            td.path { (text(&row.object.repr, 140)) }
                            td.path { (text(row.object.type_name.as_deref().unwrap_or("?"), 80)) }
                            td.n { (bytes(row.retained_size)) } td.n { (bytes(row.allocated_size)) }
                            td.path.dim { (row.object.address.as_deref().unwrap_or("–")) }
                        } } }
                    }
                    h2 { "Types" small { (units::counted(types.types_total, "type")) " in all" } }
                    table {
                        thead { tr { th { "Type" } th.n { "Objects" } th.n { "Allocated" } th.n { "Retained" } th { "All held by" } } }
                        tbody { @for row in &types.types { tr {
                            td.path { (text(&row.type_name, 100)) }
                            td.n { (count(row.count)) } td.n { (bytes(row.allocated_size)) } td.n { (bytes(row.retained_size)) }
                            td.path.dim { (text(row.holder.as_deref().unwrap_or("many"), 140)) }
                        } } }
                    }
                    h2 { "Threads" small { (units::counted(threads.len() as u64, "thread")) " in all" } }
                    @for thread in threads.iter().take(THREADS) { (views::threads::thread(heap, thread)) }
                }
            }
        }
    })
}

//! Where the dump comes from, and how far it can be believed.

use super::overview::caveats;
use crate::cells::{cell, plain_table, text};
use crate::chart::{memory_bar, memory_parts};
use crate::heap::Heap;
use crate::link::Link;
use crate::page;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_report::{Report, Value};

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    let sections = heap.info.sections();
    let facts = sections.iter().find(|section| section.upright);
    let tables = sections.iter().filter(|section| !section.upright && !section.rows.is_empty());
    let (parts, note) = memory_parts(&heap.info);
    let body = html! {
        h1 { "About " span.path { (text(&heap.name, 100)) } }
        p.lede { (text(&page::process(&heap.info), 300)) }
        (memory_bar(&parts))
        @if let Some(note) = note { p.dim { (note) } }
        (caveats(heap))
        div.two {
            section {
                h2 { "Dump" }
                @if let Some(facts) = facts { table { tbody {
                    @for (column, value) in facts.columns.iter().zip(facts.rows.iter().flatten()).filter(|(_, value)| **value != Value::Nothing) {
                        tr { th { (column.title) } td { (cell(column.unit, value)) } }
                    }
                } } }
            }
            section { @for section in tables { h2 { "Mappings of the process" } (plain_table(section)) } }
        }
        p.dim { "Programs get all of this as JSON: " a href="/api/v1/openapi.json" { "/api/v1/openapi.json" } " describes how." }
    };
    Ok(page::view(heap, link, "About", body))
}

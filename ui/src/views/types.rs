//! All types, or those of a module or of a part of a name.

use crate::cells::{bytes, count, pager, path, share, sorted_head, text, type_name, wanted};
use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::{Order, Page};
use pyheap_report::{TypeGroup, units};

const KEYS: [&str; 5] = ["retained", "allocated", "shallow", "count", "name"];

pub(crate) fn order(link: &Link) -> Order {
    match link.get("sort") {
        Some("allocated") => Order::Allocated,
        Some("shallow") => Order::Shallow,
        Some("count") => Order::Count,
        Some("name") => Order::Name,
        _ => Order::Retained,
    }
}

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Types)?;
    let (offset, limit) = wanted(link);
    let (part, module) = (link.get("part"), link.get("module"));
    let types = heap.engine.type_groups(part, module, order(link), Page { offset, limit }, &in_time())?;
    let most = types.types.iter().map(|row| row.share).fold(0.0, f64::max);
    let body = html! {
        div.crumbs {
            a href="/types" { "All types" }
            @if let Some(module) = module { " › in module " a.path href="/modules" { (text(module, 100)) } (drop_step(link, "module")) }
            @if let Some(part) = part { " › named like " b { (text(part, 100)) } (drop_step(link, "part")) }
        }
        h1 { (units::counted(types.types_total, "type")) }
        p.lede { (units::counted(types.objects, "object")) ", " (bytes(types.allocated_size)) " allocated. Retained: what would be freed if all of a row went; rows overlap." }
        form.filter action="/types" {
            @if let Some(module) = module { input type="hidden" name="module" value=(module); }
            label { "Part of the name " input name="part" maxlength="200" value=[part]; }
            button { "Filter" }
        }
        @if types.types.is_empty() { p.dim { "No type is called so." } } @else {
            table {
                thead { tr {
                    th { a href=(link.without("from").with("sort", "name").href()) { "Type" } }
                    (sorted_head(link, &KEYS, "count", "Objects"))
                    (sorted_head(link, &KEYS, "shallow", "Shallow"))
                    (sorted_head(link, &KEYS, "allocated", "Allocated"))
                    (sorted_head(link, &KEYS, "retained", "Retained"))
                    th { "Share" }
                    th { "All held by" }
                } }
                tbody { @for row in &types.types { tr {
                    td { (type_name(Some(&row.type_name))) }
                    td.n { (count(row.count)) }
                    td.n { (bytes(row.shallow_size)) }
                    td.n { (bytes(row.allocated_size)) }
                    td.n { (bytes(row.retained_size)) }
                    td { (share(row.share, most)) }
                    td { (held_by(row)) }
                } } }
            }
        }
        (pager(link, types.offset, types.types.len(), types.types_total, limit))
    };
    Ok(page::view(heap, link, "Types", body))
}

/// What holds all objects of a type, or that nothing does.
pub(crate) fn held_by(row: &TypeGroup) -> Markup {
    match &row.holder {
        Some(holder) => path(holder, row.holder_address.as_deref()),
        None => html! { span.dim { "many" } },
    }
}

/// Takes a step of the breadcrumb back.
pub(crate) fn drop_step(link: &Link, key: &str) -> Markup {
    html! { a.drop href=(link.without(key).without("from").href()) aria-label={ "without this step: " (key) } { "×" } }
}

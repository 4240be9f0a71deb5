//! Objects by the module that defines their type, as a tree of packages.

use crate::cells::{bytes, count, share, text};
use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::Page;
use pyheap_report::{ModuleRow, units};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Modules of a page at most: a package is opened by a click.
const MOST: usize = 300;

/// A package or module with those in it.
#[derive(Debug, Default)]
struct Package {
    own: Option<ModuleRow>,
    objects: u64,
    allocated: u64,
    /// Sums of what modules retain count what one holds of another twice.
    retained: u64,
    share: f64,
    inside: BTreeMap<String, Package>,
}

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Modules)?;
    let modules = heap.engine.module_sizes(Page::ALL, &in_time())?;
    let mut all = Package::default();
    for row in &modules.modules {
        all.add(&row.module, row);
    }
    let within = link.get("in").unwrap_or_default();
    let shown = within
        .split('.')
        .filter(|part| !part.is_empty())
        .try_fold(&all, |package, part| package.inside.get(part));
    let Some(shown) = shown else {
        return Err(Trouble::Missing("no type of the dump is defined there".into()));
    };
    let mut rows: Vec<(&String, &Package)> = shown.inside.iter().collect();
    rows.sort_by_key(|(_, package)| Reverse(package.retained));
    let most = rows.iter().map(|(_, package)| package.share).fold(0.0, f64::max);
    let body = html! {
        div.crumbs {
            a href="/modules" { "All modules" }
            @for (at, part) in within.split('.').enumerate().filter(|(_, part)| !part.is_empty()) {
                @let path: Vec<&str> = within.split('.').take(at + 1).collect();
                " › " a.path href=(Link::to("/modules").with("in", path.join(".")).href()) { (text(part, 60)) }
            }
        }
        h1 { (units::counted(modules.modules_total, "module")) " whose types have objects" }
        p.lede { "A package's figures are those of all its modules. Retained: what would be freed if all of the objects went; rows overlap." }
        table {
            thead { tr { th { "Module" } th.n { "Objects" } th.n { "Allocated" } th.n { "Retained ▾" } th { "Share" } th { "Types" } } }
            tbody {
                @if let Some(own) = &shown.own { tr {
                    td.path { (text(within, 100)) span.dim { " itself" } }
                    td.n { (count(own.count)) } td.n { (bytes(own.allocated_size)) } td.n { (bytes(own.retained_size)) }
                    td { (share(own.share, most)) } td {}
                } }
                @for (name, package) in rows.iter().take(MOST) { tr {
                    @let full = if within.is_empty() { (*name).clone() } else { format!("{within}.{name}") };
                    td {
                        @if package.inside.is_empty() { a.path href=(Link::to("/types").with("module", &full).href()) { (text(&full, 100)) } }
                        @else { a.path href=(Link::to("/modules").with("in", &full).href()) { (text(&full, 100)) } span.dim { " and " (units::counted(package.inside.len() as u64, "module")) } }
                    }
                    td.n { (count(package.objects)) }
                    td.n { (bytes(package.allocated)) }
                    td.n { (bytes(package.retained)) }
                    td { (share(package.share, most)) }
                    td { a href=(Link::to("/types").with("module", &full).href()) { "types" } }
                } }
                @if rows.len() > MOST { tr { td.dim colspan="6" { (rows.len() - MOST) " smaller modules are left out" } } }
            }
        }
    };
    Ok(page::view(heap, link, "Modules", body))
}

impl Package {
    fn add(&mut self, name: &str, row: &ModuleRow) {
        let mut package = self;
        for part in name.split('.').take(32) {
            package = package.inside.entry(part.to_owned()).or_default();
            package.objects += row.count;
            package.allocated += row.allocated_size;
            package.retained = package.retained.saturating_add(row.retained_size);
            package.share += row.share;
        }
        package.own = Some(row.clone());
    }
}

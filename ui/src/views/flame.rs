//! The dominator tree as a flame graph that hangs from its root.

use crate::cells::{bytes, path};
use crate::chart;
use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::FlameBy;

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Flame)?;
    let by_type = link.get("by") == Some("type");
    let by = if by_type { FlameBy::Type } else { FlameBy::Owner };
    let watch = &in_time();
    let top = match link.get("top") {
        None => None,
        Some(text) => {
            Some(Link::address(text).ok_or_else(|| Trouble::Wrong("top must be an address".into()))?)
        }
    };
    let (from_top, whole);
    let flame = match top {
        None => {
            whole = heap.flame(by, watch)?;
            whole
        }
        Some(_) => {
            heap.need(Part::Referrers)?;
            from_top = heap.flame_below(by, top, watch)?;
            &from_top
        }
    };
    let head = top.map(|address| heap.engine.object_head(address, watch)).transpose()?;
    let body = html! {
        div.crumbs {
            a href=(link.without("top").href()) { "Whole heap" }
            @if let Some(head) = &head {
                @let of: String = head.path.iter().map(|step| step.text.as_str()).collect();
                " › " (path(&of, Some(&head.address)))
            }
        }
        h1 { "Who keeps what alive" }
        p.lede {
            "Width is retained memory; below each block stands what only it keeps alive. Blocks of less than " (bytes(flame.least)) " are left out and counted."
        }
        div.tabs role="navigation" aria-label="Blocks" {
            a href=(link.without("by").href()) class=[(!by_type).then_some("here")] { "By owner" }
            a href=(link.with("by", "type").href()) class=[by_type.then_some("here")] { "By type" }
        }
        div.filter {
            label { "Highlight " input #highlight type="search" maxlength="200" autocomplete="off"; }
            button #zoom-out type="button" disabled { "Zoom out" }
            span #highlighted.dim role="status" {}
        }
        (chart::flame(flame, 64, by_type))
        p #flame-detail.detail role="status" { "Click zooms in; click again, or Shift and click, opens the objects." }
    };
    Ok(page::view(heap, link, "Flame graph", body))
}

//! The value of one object, as far as the dump holds it, piece by piece.

use super::object::address;
use crate::cells::{count, pager};
use crate::heap::{Heap, in_time};
use crate::link::{self, Link};
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_engine::Page;
use pyheap_report::{printable, units};

/// Characters of a page.
const PIECE: usize = 50_000;

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Referrers)?;
    let address = address(link)?;
    let from = link.number("from", 0);
    let found = heap.engine.object_text(address, Page { offset: from, limit: PIECE }, &in_time())?;
    let named = units::address(address);
    let body = html! {
        div.crumbs { a href=(link::object(&named).href()) { "object " (named) } " › value" }
        h1 { (count(found.total)) " characters" }
        p.lede { "As Python would write it; … stands for what the dump does not hold." }
        pre tabindex="0" { (printable(&found.text)) }
        (pager(link, found.offset, found.text.chars().count(), found.total, PIECE))
    };
    Ok(page::view(heap, link, "Value", body))
}

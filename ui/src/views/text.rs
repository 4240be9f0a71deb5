//! The value of one object, as far as the dump holds it, piece by piece.

use super::object::address;
use crate::cells::{count, pager};
use crate::heap::{Heap, in_time};
use crate::link::{self, Link};
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_report::printable;

/// Characters of a page.
const PIECE: usize = 50_000;

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Referrers)?;
    let head = heap.engine.object_head(address(link)?, &in_time())?;
    let from = link.number("from", 0);
    let total = head.repr.chars().count();
    let piece: String = head.repr.chars().skip(from).take(PIECE).collect();
    let body = html! {
        div.crumbs { a href=(link::object(&head.address).href()) { "object " (head.address) } " › value" }
        h1 { (count(total as u64)) " characters" }
        p.lede { "As Python would write it; … stands for what the dump does not hold." }
        pre { (printable(&piece)) }
        (pager(link, from as u64, piece.chars().count(), total as u64, PIECE))
    };
    Ok(page::view(heap, link, "Value", body))
}

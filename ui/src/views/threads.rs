//! Threads with their stacks and local variables.

use crate::cells::{bytes, mention, pager, text, type_name};
use crate::heap::{Heap, in_time};
use crate::link::Link;
use crate::page;
use crate::preparation::Part;
use crate::trouble::Trouble;
use maud::{Markup, html};
use pyheap_report::{Frame, Thread, units};

/// Threads of a page.
const THREADS: usize = 10;

/// Frames of a thread, and local variables of a frame, that are shown: a recursion may have thousands.
const FRAMES: usize = 40;
const LOCALS: usize = 20;

pub(crate) fn page(heap: &Heap, link: &Link) -> Result<Markup, Trouble> {
    heap.need(Part::Referrers)?;
    let threads = &heap.threads(&in_time())?.threads;
    let from = link.number("from", 0);
    let shown: Vec<&Thread> = threads.iter().skip(from).take(THREADS).collect();
    let body = html! {
        h1 { (units::counted(threads.len() as u64, "thread")) }
        p.lede { "Innermost frames first. Retained: what would be freed if the thread's stack went." }
        @for thread in &shown { (self::thread(heap, thread)) }
        (pager(link, from as u64, shown.len(), threads.len() as u64, THREADS))
    };
    Ok(page::view(heap, link, "Threads", body))
}

/// A thread with its frames.
pub(crate) fn thread(heap: &Heap, thread: &Thread) -> Markup {
    let traits = [(thread.daemon == Some(true), "daemon"), (!thread.alive, "not alive")];
    html! {
        section.thread {
            h2 {
                (text(thread.name.as_deref().unwrap_or("unnamed thread"), 100)) " "
                small {
                    (bytes(thread.retained_size)) " retained, ident " (units::address(thread.ident))
                    @if let Some(id) = thread.native_id { ", native id " (id) }
                }
                @for (_, name) in traits.iter().filter(|(holds, _)| *holds) { span.tag { (name) } }
            }
            @if thread.frames.is_empty() { p.dim { "It runs no Python code." } }
            @for frame in thread.frames.iter().take(FRAMES) { (self::frame(heap, frame)) }
            @if thread.frames.len() > FRAMES { p.dim { (units::count((thread.frames.len() - FRAMES) as u64)) " more frames further out" } }
        }
    }
}

fn frame(heap: &Heap, frame: &Frame) -> Markup {
    let retained = |address: &Option<String>| {
        let address = address.as_deref().and_then(Link::address)?;
        heap.engine.retained_size(address, &in_time()).ok()
    };
    html! {
        details open[!frame.locals.is_empty()] {
            summary.path { (place(frame)) @if frame.locals.is_empty() { span.dim { " no variables" } } }
            @if !frame.locals.is_empty() {
                table { tbody {
                    @for local in frame.locals.iter().take(LOCALS) { tr {
                        td.path.name { (text(&local.name, 60)) }
                        td { (mention(&local.value)) }
                        td { (type_name(local.value.type_name.as_deref())) }
                        td.n { @if let Some(size) = retained(&local.value.address) { (bytes(size)) } }
                    } }
                    @if frame.locals.len() > LOCALS { tr { td.dim colspan="4" { (frame.locals.len() - LOCALS) " more variables" } } }
                } }
            }
        }
    }
}

/// The function of a frame, and where it stands.
pub(crate) fn place(frame: &Frame) -> Markup {
    let file = frame.file.rsplit('/').next().unwrap_or(&frame.file);
    html! {
        b { (text(&frame.function, 80)) } " "
        span.hop title=(text(&frame.file, 300)) { (text(file, 60)) @if let Some(line) = frame.line { ":" (line) } }
    }
}

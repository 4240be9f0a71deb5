//! What all pages have: head, search box, menu; and pages that say why there is none.

use crate::cells::text;
use crate::heap::Heap;
use crate::link::Link;
use crate::trouble::Trouble;
use maud::{DOCTYPE, Markup, html};
use pyheap_report::{Info, units};

/// The files that pages refer to.
const ASSETS: [(&str, &str, &str); 4] = [
    ("/assets/pyheap.css", "text/css; charset=utf-8", include_str!("assets/pyheap.css")),
    ("/assets/keys.js", "text/javascript; charset=utf-8", include_str!("assets/keys.js")),
    ("/assets/flame.js", "text/javascript; charset=utf-8", include_str!("assets/flame.js")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// The styles, for a page that stands alone.
pub(crate) const STYLES: &str = include_str!("assets/pyheap.css");

/// Content type and text of a file.
pub(crate) fn asset(path: &str) -> Option<(&'static str, &'static str)> {
    ASSETS.iter().find(|(name, ..)| *name == path).map(|(_, kind, text)| (*kind, *text))
}

const MENU: [&[(&str, &str)]; 3] = [
    &[
        ("/", "Overview"),
        ("/flame", "Flame graph"),
        ("/holders", "Holders"),
        ("/objects", "Objects"),
        ("/types", "Types"),
        ("/modules", "Modules"),
        ("/threads", "Threads"),
    ],
    &[("/strings", "Strings"), ("/waste", "Waste"), ("/cycles", "Cycles"), ("/native", "Native references")],
    &[("/compare", "Compare"), ("/about", "About this dump")],
];

/// A page of a view.
pub(crate) fn view(heap: &Heap, link: &Link, title: &str, body: Markup) -> Markup {
    framed(Some(heap), link, title, false, body)
}

fn framed(heap: Option<&Heap>, link: &Link, title: &str, again: bool, body: Markup) -> Markup {
    let here =
        |path: &str| link.path() == path || (path == "/objects" && link.path().starts_with("/objects/"));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if again { meta http-equiv="refresh" content="1"; }
                title { (text(title, 80)) " – pyheap" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/pyheap.css";
                script src="/assets/keys.js" defer {}
                @if link.path() == "/flame" { script src="/assets/flame.js" defer {} }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    a.brand href="/" { "pyheap" }
                    @if let Some(heap) = heap { span.process { (text(&process(&heap.info), 160)) } }
                    @if heap.is_some_and(|heap| heap.engine.dump().is_concealed()) { span.tag.warn title="served with --redact" { "contents hidden" } }
                    form action="/search" role="search" {
                        input #search name="q" type="search" maxlength="500" autocomplete="off"
                            placeholder="Type, text or 0x address" aria-label="Search"
                            value=[(link.path() == "/search").then(|| link.get("q")).flatten()];
                        kbd title="/ goes to the search box, ? lists all keys" { "/" }
                    }
                }
                div.frame {
                    nav aria-label="Views" {
                        @for (group, entries) in MENU.iter().enumerate() {
                            @if group > 0 { hr; }
                            @for (path, name) in *entries {
                                a href=(path) class=[here(path).then_some("here")]
                                    aria-current=[here(path).then_some("page")] { (name) }
                            }
                        }
                    }
                    main #main { (body) }
                }
                (keys())
            }
        }
    }
}

fn keys() -> Markup {
    let keys = [
        ("/", "search"),
        ("↓ ↑", "next, previous row"),
        ("Enter", "open it"),
        ("← →", "previous, next page of a list"),
        ("Esc", "leave the search box, zoom out"),
        ("?", "these keys"),
    ];
    html! {
        dialog #keys aria-label="Keys" {
            h2 { "Keys" }
            table { tbody {
                @for (key, does) in keys { tr { td { kbd { (key) } } td { (does) } } }
            } }
            form method="dialog" { button { "Close" } }
        }
    }
}

/// The process in a line.
pub(crate) fn process(info: &Info) -> String {
    let mut parts = Vec::new();
    if let Some(name) = name(info) {
        parts.push(name);
    }
    if info.pid != 0 {
        parts.push(format!("pid {}", info.pid));
    }
    if !info.python.is_empty() {
        parts.push(format!("CPython {}", info.python));
    }
    if !info.created_at.is_empty() {
        parts.push(format!(
            "taken {}",
            units::to_the_second(&info.created_at).replace('T', " ").replace('Z', " UTC")
        ));
    }
    if let Some(pause) = info.pause_ms {
        parts.push(format!("process paused {}", units::milliseconds(pause)));
    }
    parts.join(" · ")
}

/// What a person calls the process: the script, or else the program.
fn name(info: &Info) -> Option<String> {
    let script = info.command_line.iter().skip(1).find(|argument| !argument.starts_with('-'));
    let path = script.or(info.command_line.first())?;
    path.rsplit('/').next().map(str::to_owned)
}

/// Why a view has no page.
pub(crate) fn trouble(heap: Option<&Heap>, link: &Link, trouble: &Trouble) -> Markup {
    let waits = matches!(trouble, Trouble::NotYet(_));
    let body = html! {
        h1 { (trouble.title()) }
        p.lede role="status" { (text(trouble.text(), 1000)) }
        @if waits {
            progress aria-label="Preparing" {}
            p.dim { "This page appears by itself as soon as that is done." }
        } @else {
            p { a href="/" { "Overview" } " · " a href="/objects" { "all objects" } " · " a href="/types" { "all types" } }
        }
    };
    framed(heap, link, trouble.title(), waits, body)
}

/// For those who are not let in: nothing of the dump stands there.
pub(crate) fn refusal(reason: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "pyheap" } }
            body { main { h1 { "No entry" } p { (reason) "." } } }
        }
    }
}

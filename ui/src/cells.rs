//! What stands in pages again and again: numbers with their exact value, names, bars, sorted heads, pages of lists.

use crate::link::{self, Link};
use maud::{Markup, html};
use pyheap_report::{Mention, Section, Unit, Value, printable, units};

/// Rows of a page of a list.
pub(crate) const ROWS: usize = 50;

/// Rows of a page that somebody may ask for.
pub(crate) const MOST_ROWS: usize = 200;

/// Characters of a value in a row.
const VALUE: usize = 140;

/// A text of the target in one line, cut to so many characters.
pub(crate) fn text(of: &str, most: usize) -> String {
    match of.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", printable(of.get(..end).unwrap_or_default())),
        None => printable(of).into_owned(),
    }
}

/// A size for people; its exact value on hover.
pub(crate) fn bytes(size: u64) -> Markup {
    html! { span title={ (units::count(size)) " bytes" } { (units::bytes(size)) } }
}

/// A change of a size.
pub(crate) fn signed_bytes(change: i64) -> Markup {
    let class = match change {
        ..0 => "shrank",
        0 => "same",
        1.. => "grew",
    };
    html! { span class=(class) title={ (units::signed_count(change)) " bytes" } { (units::signed_bytes(change)) } }
}

pub(crate) fn count(number: u64) -> String {
    units::count(number)
}

/// A share of a whole, from 0 to 1, as a bar and a number; the longest bar of a table is that of `most`.
pub(crate) fn share(share: f64, most: f64) -> Markup {
    let width = if most > 0.0 { (84.0 * share / most).clamp(0.0, 84.0) } else { 0.0 };
    html! {
        span.share {
            svg.bar width="84" height="8" aria-hidden="true" {
                rect.back width="84" height="8" rx="2" {}
                rect.front width={ (format!("{width:.1}")) } height="8" rx="2" {}
            }
            b { (units::percent(share)) }
        }
    }
}

/// An object as a link.
pub(crate) fn mention(of: &Mention) -> Markup {
    let shown = text(&of.repr, VALUE);
    match &of.address {
        Some(address) => {
            html! { a.path.line href=(link::object(address).href()) title=(text(&of.repr, 600)) { (shown) } }
        }
        None => html! { span.path.line { (shown) } },
    }
}

/// The type of an object as a link to all of its objects.
pub(crate) fn type_name(of: Option<&str>) -> Markup {
    match of {
        Some(name) => html! { a.path href=(link::instances(name).href()) { (text(name, 80)) } },
        None => html! { span.dim { "?" } },
    }
}

/// A path to an object, as a link where the object is known.
pub(crate) fn path(of: &str, address: Option<&str>) -> Markup {
    let shown = html! { (ends(of)) };
    match address {
        Some(address) => html! { a.path href=(link::object(address).href()) { (shown) } },
        None => html! { span.path { (shown) } },
    }
}

/// Of a long path the start and the end.
pub(crate) fn ends(path: &str) -> String {
    const PART: usize = 90;
    let characters: Vec<char> = path.chars().collect();
    if characters.len() <= 2 * PART {
        return text(path, 2 * PART);
    }
    let (start, end) = (&characters[..PART], &characters[characters.len() - PART..]);
    let whole = format!("{} … {}", start.iter().collect::<String>(), end.iter().collect::<String>());
    printable(&whole).into_owned()
}

/// The head of a column by which a list can be sorted; the first of the keys is the usual one.
pub(crate) fn sorted_head(link: &Link, keys: &[&str], key: &str, title: &str) -> Markup {
    let now = link.get("sort").filter(|now| keys.contains(now)).or(keys.first().copied());
    let is_now = now == Some(key);
    let target = link.without("from").with("sort", key);
    html! {
        th.n aria-sort=[is_now.then_some("descending")] {
            a href=(target.href()) { (title) @if is_now { " ▾" } }
        }
    }
}

/// Where in a list the page is, and its neighbours.
pub(crate) fn pager(link: &Link, offset: u64, shown: usize, total: u64, rows: usize) -> Markup {
    let end = offset + shown as u64;
    let rows = rows as u64;
    let at = |from: u64| match from {
        0 => link.without("from").href(),
        from => link.with("from", from.to_string()).href(),
    };
    let last = total.saturating_sub(1) / rows.max(1) * rows;
    html! {
        @if total > shown as u64 || offset > 0 {
            div.pager role="navigation" aria-label="Pages" {
                span {
                    @if shown == 0 { "nothing here: " (count(total)) " in all" }
                    @else { (count(offset + 1)) " – " (count(end)) " of " (count(total)) }
                }
                @if offset > 0 {
                    a href=(at(0)) { "first" }
                    a rel="prev" href=(at(offset.saturating_sub(rows).min(last))) { "← previous" }
                }
                @if end < total && shown > 0 {
                    a rel="next" href=(at(end)) { "next →" }
                    a href=(at(last)) { "last" }
                }
            }
        }
    }
}

/// Rows that are wanted, and where they begin.
pub(crate) fn wanted(link: &Link) -> (usize, usize) {
    (link.number("from", 0), link.number("rows", ROWS).clamp(1, MOST_ROWS))
}

/// A table of a report that has nothing but values.
pub(crate) fn plain_table(section: &Section) -> Markup {
    html! {
        table {
            thead { tr { @for column in &section.columns {
                th class=[column.unit.is_number().then_some("n")] { (column.title) }
            } } }
            tbody { @for row in &section.rows { tr {
                @for (column, value) in section.columns.iter().zip(row) {
                    td class=[column.unit.is_number().then_some("n")] { (cell(column.unit, value)) }
                }
            } } }
        }
    }
}

/// One value in its unit.
pub(crate) fn cell(unit: Unit, value: &Value) -> Markup {
    match (unit, value) {
        (_, Value::Nothing) => html! { span.dim { "–" } },
        (Unit::Address, Value::Text(address)) => {
            html! { a.path href=(link::object(address).href()) { (address) } }
        }
        (_, Value::Text(of)) => html! { (text(of, 400)) },
        (_, Value::Flag(flag)) => html! { (if *flag { "yes" } else { "no" }) },
        (Unit::Bytes, Value::Unsigned(size)) => bytes(*size),
        (_, Value::Unsigned(number)) => html! { (count(*number)) },
        (Unit::BytesChange, Value::Signed(change)) => signed_bytes(*change),
        (_, Value::Signed(change)) => html! { (units::signed_count(*change)) },
        (Unit::Milliseconds, Value::Real(duration)) => html! { (units::milliseconds(*duration)) },
        (_, Value::Real(ratio)) => html! { (units::percent(*ratio)) },
    }
}

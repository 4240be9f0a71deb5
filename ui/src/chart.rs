//! Charts: where the process's memory is, and the dominator tree as blocks.
//!
//! Both are SVG whose sizes are percentages: they fit any window without a script, and no style stands in the page.

use crate::cells::text;
use crate::link::{self, Link};
use maud::{Markup, html};
use pyheap_report::{Block, BlockKind, Flame, Info, units};

/// A part of the process's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemoryPart {
    /// Its style, which gives it its colour.
    pub(crate) class: &'static str,
    pub(crate) name: &'static str,
    pub(crate) size: u64,
    /// Where more is told of it.
    pub(crate) href: &'static str,
}

/// The parts that add up to what the process takes, or, where that is unknown or less than what it has, to what is
/// known; and what is to be said of that.
pub(crate) fn memory_parts(info: &Info) -> (Vec<MemoryPart>, Option<String>) {
    let part = |class, name, size, href| MemoryPart { class, name, size, href };
    let mut parts = vec![
        part("python", "Python objects", info.allocated_size, "/types"),
        part("free", "free in the interpreter's allocator", info.allocator_free, "/about"),
        part("file", "mapped files", info.process.mapped_files, "/about"),
    ];
    let known = parts.iter().map(|part| part.size).fold(0, u64::saturating_add);
    let rss = info.process.rss;
    let note = if rss == 0 {
        Some("How much the process took is not known of this dump.".to_owned())
    } else if rss >= known {
        parts.push(part("unknown", "not explained", rss - known, "/about"));
        None
    } else {
        let beyond = units::bytes(known - rss);
        Some(format!("{beyond} of these were not resident: swapped out, or never touched."))
    };
    parts.retain(|part| part.size > 0);
    (parts, note)
}

/// The parts as one bar with its legend.
pub(crate) fn memory_bar(parts: &[MemoryPart]) -> Markup {
    let whole: u64 = parts.iter().map(|part| part.size).sum::<u64>().max(1);
    let percent = |size: u64| size as f64 * 100.0 / whole as f64;
    let mut x = 0.0;
    let placed: Vec<(f64, &MemoryPart)> = parts
        .iter()
        .map(|part| {
            let start = x;
            x += percent(part.size);
            (start, part)
        })
        .collect();
    html! {
        svg.stack width="100%" height="30" role="img" aria-label={ "Where " (units::bytes(whole)) " are" } {
            @for (start, part) in placed {
                rect class={ "c-" (part.class) } x={ (format!("{start:.3}")) "%" } width={ (format!("{:.3}", percent(part.size))) "%" } height="30" {
                    title { (part.name) ": " (units::bytes(part.size)) " (" (units::count(part.size)) " bytes)" }
                }
            }
        }
        div.key { @for part in parts {
            a href=(part.href) title={ (units::count(part.size)) " bytes" } {
                svg.dot width="9" height="9" aria-hidden="true" { rect class={ "c-" (part.class) } width="9" height="9" rx="2" {} }
                (part.name) " " b { (units::bytes(part.size)) }
            }
        } }
    }
}

/// Height of a block, pixels.
const HEIGHT: u64 = 23;

/// Colours of blocks.
const COLOURS: usize = 8;

/// A block with its place, as parts of the whole width.
struct Placed<'a> {
    block: &'a Block,
    x: f64,
    width: f64,
    colour: usize,
    /// The nearest object that the block stands below.
    within: Option<&'a str>,
}

/// The blocks of a tree, at most so many levels of it; `by_type` colours them by type, otherwise by what they hang from.
pub(crate) fn flame(flame: &Flame, levels: u64, by_type: bool) -> Markup {
    let placed = place(flame, levels, by_type);
    let deepest = placed.iter().map(|placed| placed.block.depth).max().unwrap_or_default();
    html! {
        svg.flame width="100%" height=((deepest + 1) * HEIGHT) role="group" aria-label="Dominator tree" {
            @for placed in &placed { (block(placed, flame)) }
        }
    }
}

fn place<'a>(flame: &'a Flame, levels: u64, by_type: bool) -> Vec<Placed<'a>> {
    let whole = flame.blocks.first().map_or(1, |top| top.retained_size.max(1)) as f64;
    // For each level: where its next block starts, and what stands above it.
    let mut next = vec![0.0; levels as usize + 2];
    let mut within: Vec<Option<&str>> = vec![None; levels as usize + 2];
    let mut top_level = 0;
    let mut placed = Vec::new();
    for block in &flame.blocks {
        let depth = block.depth as usize;
        if block.depth == 1 {
            top_level += 1;
        }
        if block.depth > levels {
            continue;
        }
        let width = block.retained_size as f64 / whole;
        let x = next[depth];
        next[depth] += width;
        next[depth + 1] = x;
        let above = within[depth];
        within[depth + 1] = block.address.as_deref().or(above);
        let colour = match (&block.type_name, by_type) {
            (Some(name), true) => {
                name.bytes().fold(7, |all: usize, byte| all.wrapping_mul(31) ^ usize::from(byte))
            }
            _ => top_level,
        };
        placed.push(Placed { block, x, width, colour: colour % COLOURS, within: above });
    }
    placed
}

fn block(placed: &Placed<'_>, flame: &Flame) -> Markup {
    let Placed { block, x, width, colour, within } = placed;
    let class = match block.kind {
        BlockKind::Rest => "rest".to_owned(),
        BlockKind::Holder => "holder".to_owned(),
        _ => format!("f{colour}"),
    };
    let name = text(&block.name, 100);
    let share = units::percent(units::ratio(block.retained_size, flame.total_allocated_size));
    let told = format!("{name}, {} ({share} of the heap)", units::bytes(block.retained_size));
    let href = target(block, *within).map(|link| link.href());
    html! {
        a.block href=[href] aria-label=(told) data-depth=(block.depth) data-x=(format!("{x:.6}")) data-width=(format!("{width:.6}")) {
            svg x={ (format!("{:.4}", x * 100.0)) "%" } y=(block.depth * HEIGHT) width={ (format!("{:.4}", width * 100.0)) "%" } height=(HEIGHT - 1) {
                title { (told) }
                rect class=(class) width="100%" height=(HEIGHT - 1) {}
                @if *width > 0.004 { text x="5" y="15" { (name) } }
            }
        }
    }
}

/// The objects behind a block.
fn target(block: &Block, within: Option<&str>) -> Option<Link> {
    match (&block.kind, &block.address, &block.type_name) {
        (BlockKind::Object, Some(address), _) => Some(link::object(address)),
        (BlockKind::Type, _, Some(name)) => {
            let all = link::instances(name);
            Some(within.map_or(all.clone(), |holder| all.with("held", holder)))
        }
        (BlockKind::Rest, ..) => Some(match within {
            Some(holder) => link::object(holder).with("tab", "dominated"),
            None => Link::to("/objects"),
        }),
        (BlockKind::Holder, ..) => Some(Link::to("/threads")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(depth: u64, size: u64, address: Option<&str>) -> Block {
        Block {
            depth,
            kind: BlockKind::Object,
            name: String::new(),
            type_name: None,
            address: address.map(str::to_owned),
            count: 1,
            retained_size: size,
        }
    }

    #[test]
    fn blocks_stand_below_what_holds_them() {
        let blocks = vec![
            block(0, 100, None),
            block(1, 60, Some("0x1")),
            block(2, 30, Some("0x2")),
            block(2, 20, None),
            block(1, 40, None),
            block(2, 10, None),
        ];
        let flame = Flame { total_allocated_size: 100, least: 1, blocks };
        let placed = place(&flame, 2, false);
        let places: Vec<(f64, f64)> = placed.iter().map(|at| (at.x, at.width)).collect();
        assert_eq!(places, [(0.0, 1.0), (0.0, 0.6), (0.0, 0.3), (0.3, 0.2), (0.6, 0.4), (0.6, 0.1)]);
        assert_eq!(placed[3].within, Some("0x1"));
        assert_eq!(placed[5].within, None);
    }
}

//! The first sentence: where most of a process's memory is.

use crate::info::Info;
use crate::leaks::Suspect;
use crate::units;

/// Where most of the process is, and what holds most among its Python objects.
pub(crate) fn answer(info: &Info, first: Option<&Suspect>) -> String {
    let rss = info.process.rss;
    let holder = match first {
        Some(first) => format!("{} of them held by {}", units::bytes(first.retained_size), first.owner()),
        None => "and no single place holds much of them".to_owned(),
    };
    let objects = units::bytes(info.allocated_size);
    if rss == 0 {
        return format!("The Python objects take {objects}, {holder}.");
    }
    let known = [info.allocated_size, info.allocator_free, info.process.mapped_files];
    let rest = rss.saturating_sub(known.into_iter().fold(0, u64::saturating_add));
    let most = known.into_iter().chain([rest]).max().unwrap_or_default();
    let whole = units::bytes(rss);
    if most == info.allocated_size {
        let resident = if info.allocated_size > rss { " (not all of it resident)" } else { "" };
        return format!("The process takes {whole}, its Python objects {objects}{resident}, {holder}.");
    }
    let part = format!("{} ({})", units::bytes(most), units::percent(units::ratio(most, rss)));
    let place = if most == rest {
        "neither Python objects nor files: memory of native code, or freed memory that the C library keeps"
    } else if most == info.allocator_free {
        "free in Python's allocator, where the few objects that are left keep it from being given back"
    } else {
        "mapped files"
    };
    format!(
        "Of the {whole} that the process takes {part} are {place}. Its Python objects take {objects}, {holder}."
    )
}

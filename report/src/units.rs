//! Numbers as people read them.

use bytesize::ByteSize;

/// A size with a unit, such as `1.5 MiB`.
pub fn bytes(size: u64) -> String {
    ByteSize::b(size).display().iec().to_string()
}

/// A change of a size, such as `+1.5 MiB`.
pub fn signed_bytes(change: i64) -> String {
    format!("{}{}", sign(change), bytes(change.unsigned_abs()))
}

/// A count with its digits in groups, such as `1,600,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A change of a count, such as `+1,600`.
pub fn signed_count(change: i64) -> String {
    format!("{}{}", sign(change), count(change.unsigned_abs()))
}

fn sign(change: i64) -> &'static str {
    match change {
        ..0 => "-",
        0 => "",
        1.. => "+",
    }
}

/// A number of things that are called so in the singular: `1 object`, `1,600 objects`.
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// An address as Python's `hex(id(…))` writes it.
pub fn address(address: u64) -> String {
    format!("{address:#x}")
}

/// A part of a whole, from 0 to 1 in steps of a millionth; 0 where the whole is nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 1e6).round() / 1e6 }
}

/// A ratio in percent, such as `12.5 %`; what would round to nothing is `<0.1 %`.
pub fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if percent > 0.0 && percent < 0.05 { "<0.1 %".into() } else { format!("{percent:.1} %") }
}

/// A duration, such as `5.1 ms`.
pub fn milliseconds(duration: f64) -> String {
    format!("{duration:.1} ms")
}

/// A time stamp (RFC 3339) to the second: nobody reads its nanoseconds.
pub fn to_the_second(stamp: &str) -> String {
    match stamp.split_once('.') {
        Some((seconds, fraction)) => {
            let zone = fraction.trim_start_matches(|of: char| of.is_ascii_digit());
            format!("{seconds}{zone}")
        }
        None => stamp.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_600_000), "1,600,000");
        assert_eq!(counted(1, "object"), "1 object");
        assert_eq!(counted(1_600, "object"), "1,600 objects");
        assert_eq!(signed_count(-1_600), "-1,600");
        assert_eq!(signed_count(1), "+1");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1536 * 1024), "1.5 MiB");
        assert_eq!(signed_bytes(-2048), "-2.0 KiB");
        assert_eq!(signed_bytes(0), "0 B");
        assert_eq!(address(0x7F00), "0x7f00");
        assert_eq!(percent(ratio(1, 8)), "12.5 %");
        assert_eq!(percent(ratio(1, 10_000)), "<0.1 %");
        assert_eq!(percent(ratio(0, 0)), "0.0 %");
        assert_eq!(to_the_second("2026-11-25T01:02:03.123456789Z"), "2026-11-25T01:02:03Z");
        assert_eq!(to_the_second("2026-11-25T01:02:03Z"), "2026-11-25T01:02:03Z");
    }
}

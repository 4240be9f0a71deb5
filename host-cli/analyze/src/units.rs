//! Numbers as people read them.

use bytesize::ByteSize;

/// A size with a unit, such as `1.5 MiB`.
pub fn bytes(size: u64) -> String {
    ByteSize::b(size).display().iec().to_string()
}

/// A change of a size, such as `+1.5 MiB`.
pub fn signed_bytes(change: i64) -> String {
    let sign = if change < 0 { "-" } else { "+" };
    format!("{sign}{}", bytes(change.unsigned_abs()))
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

/// An address as Python's `hex(id(…))` writes it.
pub fn address(address: u64) -> String {
    format!("{address:#x}")
}

/// A share of a whole, such as `12.5 %`; empty where the whole is nothing.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 { String::new() } else { format!("{:.1} %", part as f64 / whole as f64 * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_600_000), "1,600,000");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1536 * 1024), "1.5 MiB");
        assert_eq!(address(0x7F00), "0x7f00");
        assert_eq!(signed_bytes(-2048), "-2.0 KiB");
        assert_eq!(share(1, 8), "12.5 %");
        assert_eq!(share(0, 0), "");
    }
}

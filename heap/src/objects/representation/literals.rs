//! Python's literals for the contents of previews.

use num_bigint::BigUint;
use pyheap_format::reader::Type;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Integers of more bytes are shown by their size: nobody reads that many digits, and finding them takes quadratic
/// time.
const INTEGER_BYTES: usize = 256;

/// `'…'` with Python's choice of quotes and escapes. `length` is the whole text's, in characters.
pub(super) fn text(data: &[u8], length: Option<u64>, limit: usize) -> String {
    let quote = quote(data);
    let mut out = String::from(quote);
    let (mut shown, mut rest) = (0, data);
    while !rest.is_empty() && shown < limit {
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => {
                std::str::from_utf8(rest.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
            }
        };
        for character in valid.chars().take(limit - shown) {
            push_character(&mut out, character, quote);
            shown += 1;
        }
        rest = rest.get(valid.len()..).unwrap_or_default();
        if shown >= limit {
            break;
        }
        rest = match *rest {
            // A lone surrogate, encoded as if it were a character.
            [0xED, high @ 0xA0..=0xBF, low @ 0x80..=0xBF, ref rest @ ..] => {
                let code = 0xD000 | u32::from(high & 0x3F) << 6 | u32::from(low & 0x3F);
                out.push_str(&format!("\\u{code:04x}"));
                shown += 1;
                rest
            }
            [byte, ref rest @ ..] => {
                out.push_str(&format!("\\x{byte:02x}"));
                shown += 1;
                rest
            }
            [] => &[],
        };
    }
    out.push(quote);
    if !rest.is_empty() || length.is_some_and(|length| length > shown as u64) {
        out.push('…');
    }
    out
}

/// `b'…'`. `length` is that of the whole object, in bytes.
pub(super) fn bytes(data: &[u8], length: Option<u64>, limit: usize) -> String {
    let quote = quote(data);
    let mut out = format!("b{quote}");
    let shown = data.get(..limit).unwrap_or(data);
    for &byte in shown {
        match byte {
            b'\t' | b'\n' | b'\r' | b'\\' => push_character(&mut out, char::from(byte), quote),
            b' '..=b'~' => push_character(&mut out, char::from(byte), quote),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    if length.unwrap_or(data.len() as u64) > shown.len() as u64 {
        out.push('…');
    }
    out
}

/// Single quotes, unless only they occur in the text.
fn quote(data: &[u8]) -> char {
    if data.contains(&b'\'') && !data.contains(&b'"') { '"' } else { '\'' }
}

fn push_character(out: &mut String, character: char, quote: char) {
    match character {
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\\' => out.push_str("\\\\"),
        _ if character == quote => {
            out.push('\\');
            out.push(quote);
        }
        _ if is_printable(character) => out.push(character),
        _ => {
            let code = u32::from(character);
            out.push_str(&match code {
                0..=0xFF => format!("\\x{code:02x}"),
                0x100..=0xFFFF => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            });
        }
    }
}

/// What `str.isprintable` answers for one character.
fn is_printable(character: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, SpaceSeparator, Surrogate, Unassigned,
    };
    character == ' '
        || !matches!(
            character.general_category(),
            Control
                | Format
                | LineSeparator
                | ParagraphSeparator
                | PrivateUse
                | SpaceSeparator
                | Surrogate
                | Unassigned
        )
}

/// Sign byte and little-endian magnitude, in decimal.
pub(super) fn integer(data: &[u8]) -> String {
    let Some((sign, magnitude)) = data.split_first() else { return "<int>".into() };
    let number = BigUint::from_bytes_le(magnitude);
    if magnitude.len() > INTEGER_BYTES {
        return format!("<int of {} bits>", number.bits());
    }
    format!("{}{number}", if *sign == 0 { "" } else { "-" })
}

pub(super) fn float_bytes(data: &[u8]) -> String {
    data.try_into().map_or_else(|_| "<float>".into(), |bytes| float(f64::from_le_bytes(bytes)))
}

/// The shortest digits that read back as the same number, with Python's exponents.
fn float(value: f64) -> String {
    let shortest = format!("{value:?}");
    match shortest.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None if value.is_nan() => "nan".into(),
        None => shortest,
    }
}

pub(super) fn complex(data: &[u8]) -> String {
    let Some((Ok(real), Ok(imaginary))) =
        data.split_at_checked(8).map(|(real, imaginary)| (real.try_into(), imaginary.try_into()))
    else {
        return "<complex>".into();
    };
    let (real, imaginary) = (f64::from_le_bytes(real), f64::from_le_bytes(imaginary));
    let part = |value: f64| {
        let text = float(value);
        text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
    };
    if real == 0.0 && real.is_sign_positive() {
        return format!("{}j", part(imaginary));
    }
    let plus = if imaginary.is_nan() || imaginary.is_sign_positive() { "+" } else { "" };
    format!("({}{plus}{}j)", part(real), part(imaginary))
}

/// `<code object q, file "f", line 1>`
pub(super) fn code(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.split('\0');
    let name = parts.next().unwrap_or_default();
    match (parts.next(), parts.next()) {
        (Some(file), Some(line)) => format!("<code object {name}, file \"{file}\", line {line}>"),
        _ => format!("<code object {name}>"),
    }
}

/// Functions, classes, modules, descriptors.
pub(super) fn named(class: &Type, is_class: bool, name: &str) -> String {
    let short = name.strip_prefix("builtins.").unwrap_or(name);
    match class.qualname.as_str() {
        _ if is_class => format!("<class '{short}'>"),
        "module" => format!("<module '{name}'>"),
        "builtin_function_or_method" => format!("<built-in function {short}>"),
        kind => format!("<{kind} {short}>"),
    }
}

/// Texts without a single character need no preview.
pub(super) fn empty(class: &Type, length: Option<u64>) -> Option<&'static str> {
    match (class.full_name().as_str(), length) {
        ("str", Some(0)) => Some("''"),
        ("bytes", Some(0)) => Some("b''"),
        ("bytearray", Some(0)) => Some("bytearray(b'')"),
        _ => None,
    }
}

/// Texts and integers whose content the dump does not hold.
pub(super) fn without_content(class: &Type, length: Option<u64>) -> Option<String> {
    match (class.full_name().as_str(), length) {
        (name @ ("str" | "bytes" | "bytearray"), Some(length)) => {
            Some(format!("<{name} of length {length}>"))
        }
        ("int", _) => Some("<large int>".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: what CPython 3.11 prints for `repr` of the same values.
    #[test]
    fn texts_are_as_python_writes_them() {
        let check = |text: &str, expected: &str| assert_eq!(super::text(text.as_bytes(), None, 99), expected);
        check("", "''");
        check("it's", "\"it's\"");
        check("it's \"so\"", "'it\\'s \"so\"'");
        check("a\tb\nc\r\\", "'a\\tb\\nc\\r\\\\'");
        check("\u{0}\u{7f}\u{a0}\u{ad}é", "'\\x00\\x7f\\xa0\\xadé'");
        check("\u{200b}\u{2028}\u{e000}e\u{301}", "'\\u200b\\u2028\\ue000e\u{301}'");
        check("🐍\u{10ffff}", "'🐍\\U0010ffff'");
    }

    #[test]
    fn lone_surrogates_are_escaped() {
        assert_eq!(text(b"a\xed\xa0\x80b\xed\xbf\xbf", Some(4), 99), "'a\\ud800b\\udfff'");
        assert_eq!(text(b"\xff", Some(1), 99), "'\\xff'");
    }

    #[test]
    fn what_is_cut_ends_with_an_ellipsis() {
        assert_eq!(text(b"abc", Some(10), 99), "'abc'…");
        assert_eq!(text(b"abc", Some(3), 99), "'abc'");
        assert_eq!(text(b"abc", Some(3), 2), "'ab'…");
        assert_eq!(bytes(b"abc", Some(4), 99), "b'abc'…");
        assert_eq!(bytes(b"a'\x00\xff", Some(4), 99), "b\"a'\\x00\\xff\"");
    }

    #[test]
    fn numbers_are_as_python_writes_them() {
        assert_eq!(integer(&[0]), "0");
        assert_eq!(integer(&[1, 0x15, 0xCD, 0x5B, 0x07]), "-123456789");
        assert_eq!(
            integer(&[&[0], [0xFF; 16].as_slice()].concat()),
            "340282366920938463463374607431768211455"
        );
        assert_eq!(integer(&[&[0], [0xFF; 300].as_slice()].concat()), "<int of 2400 bits>");
        let check = |value: f64, expected: &str| assert_eq!(float_bytes(&value.to_le_bytes()), expected);
        check(1.0, "1.0");
        check(-0.0, "-0.0");
        check(0.1 + 0.2, "0.30000000000000004");
        check(1e15, "1000000000000000.0");
        check(1e16, "1e+16");
        check(1.5e300, "1.5e+300");
        check(0.0001, "0.0001");
        check(0.00001, "1e-05");
        check(5e-324, "5e-324");
        check(f64::NEG_INFINITY, "-inf");
        check(f64::NAN, "nan");
        let check = |real: f64, imaginary: f64, expected: &str| {
            assert_eq!(complex(&[real.to_le_bytes(), imaginary.to_le_bytes()].concat()), expected);
        };
        check(0.0, 2.0, "2j");
        check(1.0, -2.5, "(1-2.5j)");
        check(-0.0, 1.0, "(-0+1j)");
        check(f64::NAN, f64::INFINITY, "(nan+infj)");
    }
}

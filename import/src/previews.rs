//! Representations of the legacy format as previews.

use num_bigint::{BigInt, Sign};
use pyheap_format::PreviewKind;

/// Makes previews of what `str` answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Previews {
    /// Characters that a representation was cut to, as far as the file shows.
    pub(crate) limit: usize,
}

impl Previews {
    pub(crate) fn new<'a>(representations: impl Iterator<Item = &'a [u8]>) -> Self {
        Self { limit: representations.map(characters).max().unwrap_or_default() }
    }

    /// Whether nothing of it was cut off. What has the length of the longest one may be cut.
    pub(crate) fn is_whole(self, representation: &[u8]) -> bool {
        characters(representation) < self.limit
    }

    /// `len()` of a str.
    pub(crate) fn length(self, representation: &[u8]) -> Option<u64> {
        self.is_whole(representation).then(|| characters(representation) as u64)
    }

    /// The preview of an object whose type has this name, if it is builtin. What has no preview of its own in the format is shown as
    /// it was written.
    pub(crate) fn preview(self, builtin: Option<&str>, representation: &[u8]) -> (PreviewKind, Vec<u8>) {
        let text = || std::str::from_utf8(representation).ok().filter(|_| self.is_whole(representation));
        let exact = match builtin {
            Some("str") => Some((PreviewKind::Text, representation.to_vec())),
            Some("bool") => Some((PreviewKind::Boolean, vec![u8::from(representation == b"True")])),
            Some("int") => text()
                .and_then(|text| text.parse().ok())
                .map(|number| (PreviewKind::Integer, integer(&number))),
            Some("float") => text()
                .and_then(|text| text.parse::<f64>().ok())
                .map(|number| (PreviewKind::Float, number.to_le_bytes().into())),
            _ => None,
        };
        exact.unwrap_or_else(|| (PreviewKind::Constant, representation.to_vec()))
    }
}

fn integer(number: &BigInt) -> Vec<u8> {
    let (sign, magnitude) = number.to_bytes_le();
    let mut bytes = vec![u8::from(sign == Sign::Minus)];
    if sign != Sign::NoSign {
        bytes.extend(magnitude);
    }
    bytes
}

/// Every byte but those that continue a character starts one.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

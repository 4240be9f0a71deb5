//! Steps through the CBOR items of a body without copying their contents.

use super::error::Malformed;
use ciborium_ll::{Decoder, Header, simple};
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::ops::Range;

/// The items of a record's body that have not been read yet.
pub(super) struct Items<'a> {
    body: &'a [u8],
    position: usize,
}

impl<'a> Items<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { body, position: 0 }
    }

    fn head(&mut self, expected: &'static str) -> Result<Header, Malformed> {
        let rest = self.body.get(self.position..).unwrap_or_default();
        let mut decoder = Decoder::from(rest);
        let header = decoder.pull().map_err(|_| Malformed::Item { offset: self.position, expected })?;
        self.position += decoder.offset();
        Ok(header)
    }

    fn wrong<T>(&self, expected: &'static str) -> Result<T, Malformed> {
        Err(Malformed::Item { offset: self.position, expected })
    }

    /// Number of elements of the array that starts here; they follow.
    pub(super) fn array(&mut self, at_least: usize, expected: &'static str) -> Result<usize, Malformed> {
        match self.head(expected)? {
            Header::Array(Some(count)) if count >= at_least => Ok(count),
            _ => self.wrong(expected),
        }
    }

    pub(super) fn unsigned(&mut self, expected: &'static str) -> Result<u64, Malformed> {
        match self.head(expected)? {
            Header::Positive(number) => Ok(number),
            _ => self.wrong(expected),
        }
    }

    pub(super) fn number(&mut self, expected: &'static str) -> Result<u32, Malformed> {
        let number = self.unsigned(expected)?;
        u32::try_from(number).or_else(|_| self.wrong(expected))
    }

    pub(super) fn optional_number(&mut self, expected: &'static str) -> Result<Option<u32>, Malformed> {
        match self.head(expected)? {
            Header::Simple(simple::NULL) => Ok(None),
            Header::Positive(number) => u32::try_from(number).map(Some).or_else(|_| self.wrong(expected)),
            _ => self.wrong(expected),
        }
    }

    /// Where in the body the content of the byte string that starts here stands.
    pub(super) fn bytes(&mut self, expected: &'static str) -> Result<Range<usize>, Malformed> {
        match self.head(expected)? {
            Header::Bytes(Some(length)) => self.content(length, expected),
            _ => self.wrong(expected),
        }
    }

    /// Where in the body the content of the typed array that starts here stands.
    pub(super) fn typed_array(
        &mut self,
        tag: u64,
        expected: &'static str,
    ) -> Result<Range<usize>, Malformed> {
        match self.head(expected)? {
            Header::Tag(found) if found == tag => self.bytes(expected),
            _ => self.wrong(expected),
        }
    }

    /// A text. The names of a damaged heap need not be UTF-8: what is not, is replaced.
    pub(super) fn text(&mut self, expected: &'static str) -> Result<Cow<'a, str>, Malformed> {
        match self.head(expected)? {
            Header::Text(Some(length)) => {
                let content = self.content(length, expected)?;
                Ok(String::from_utf8_lossy(self.body.get(content).unwrap_or_default()))
            }
            _ => self.wrong(expected),
        }
    }

    /// Skips `count` items: elements that a later minor version added.
    pub(super) fn skip(&mut self, count: usize) -> Result<(), Malformed> {
        for _ in 0..count {
            let mut rest = self.body.get(self.position..).unwrap_or_default();
            let before = rest.len();
            let _: IgnoredAny = ciborium::de::from_reader(&mut rest)
                .map_err(|_| Malformed::Item { offset: self.position, expected: "an item" })?;
            self.position += before - rest.len();
        }
        Ok(())
    }

    fn content(&mut self, length: usize, expected: &'static str) -> Result<Range<usize>, Malformed> {
        match self.position.checked_add(length) {
            Some(end) if end <= self.body.len() => {
                let start = self.position;
                self.position = end;
                Ok(start..end)
            }
            _ => self.wrong(expected),
        }
    }
}

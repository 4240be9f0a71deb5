//! Where a page is: its path and its query, which the next link changes in one place.

use std::borrow::Cow;

/// Characters of a value that are read; what is longer is cut there.
const LONGEST: usize = 1000;

/// A path with a query, in the order in which it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    path: String,
    query: Vec<(String, String)>,
}

impl Link {
    /// The place of a request.
    pub(crate) fn of_request(path: &str, query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let cut = |text: Cow<'_, str>| text.chars().take(LONGEST).collect::<String>();
        let pairs = pairs.take(32).map(|(key, value)| (cut(key), cut(value)));
        Self { path: path.to_owned(), query: pairs.filter(|(_, value)| !value.is_empty()).collect() }
    }

    pub(crate) fn to(path: &str) -> Self {
        Self { path: path.to_owned(), query: Vec::new() }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The same, with this value.
    pub(crate) fn with(&self, key: &str, value: impl Into<String>) -> Self {
        let mut link = self.clone();
        let value = value.into();
        match link.query.iter_mut().find(|(name, _)| name == key) {
            Some(pair) => pair.1 = value,
            None => link.query.push((key.to_owned(), value)),
        }
        link
    }

    pub(crate) fn without(&self, key: &str) -> Self {
        let mut link = self.clone();
        link.query.retain(|(name, _)| name != key);
        link
    }

    /// As it stands in a page.
    pub(crate) fn href(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        format!("{}?{}", self.path, query.finish())
    }

    /// A number, or the usual one where there is none that can be read.
    pub(crate) fn number(&self, key: &str, usual: usize) -> usize {
        self.get(key).and_then(|text| text.parse().ok()).unwrap_or(usual)
    }

    /// An address of the target: hexadecimal with 0x in front, or decimal.
    pub(crate) fn address(text: &str) -> Option<u64> {
        match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    }
}

/// The page of an object.
pub(crate) fn object(address: &str) -> Link {
    Link::to(&format!("/objects/{address}"))
}

/// The objects of a type.
pub(crate) fn instances(type_name: &str) -> Link {
    Link::to("/objects").with("type", type_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_changes_one_part_of_the_query() {
        let link = Link::of_request("/objects", "type=a%26b&sort=shallow&empty=");
        assert_eq!(link.get("type"), Some("a&b"));
        assert_eq!(link.get("empty"), None);
        assert_eq!(link.with("sort", "allocated").href(), "/objects?type=a%26b&sort=allocated");
        assert_eq!(link.without("type").with("from", "50").href(), "/objects?sort=shallow&from=50");
        assert_eq!(link.without("type").without("sort").href(), "/objects");
    }

    #[test]
    fn addresses_are_hexadecimal_or_decimal() {
        assert_eq!(Link::address("0x7f00"), Some(0x7F00));
        assert_eq!(Link::address("12"), Some(12));
        assert_eq!(Link::address("../etc/passwd"), None);
    }
}

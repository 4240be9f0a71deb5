//! Who may ask: whoever knows the token, from a page of this server or from no page at all.
//!
//! A server on the loopback interface is within reach of every page that the user's browser shows. A page of another
//! site can send requests here, and by a name of its own that it lets point here (DNS rebinding) it could read the
//! answers. So the host that is asked for must be one that no other site can have: an address, `localhost`, or the name
//! that the server was started with; and the token must be known.

use axum::http::{HeaderMap, Method, header};
use std::net::IpAddr;

/// Who is let in.
#[derive(Debug)]
pub(crate) struct Access {
    token: String,
    /// Cookies do not tell ports apart: each server has a name of its own for its cookie.
    cookie: String,
    /// The name that the server was started with.
    host: String,
}

/// What is done with a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It is answered.
    Open,
    /// It brought the token in its URL: from now on a cookie has it.
    Introduced,
    /// It is refused, with a reason.
    Refused(&'static str),
}

/// Bytes of a token.
const LENGTH: usize = 16;

impl Access {
    /// A token that nobody can guess, for a server that listens on this host.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(crate) fn new(host: &str) -> Result<Self, getrandom::Error> {
        let random = || {
            let mut bytes = [0; LENGTH];
            getrandom::fill(&mut bytes)?;
            Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        };
        let cookie = format!("pyheap-{}", random()?.get(..8).unwrap_or_default());
        Ok(Self { token: random()?, cookie, host: host.to_owned() })
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The header that gives the token to a browser.
    pub(crate) fn set_cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Lax", self.cookie, self.token)
    }

    /// Looks at a request; `given` is the token in its URL.
    pub(crate) fn check(&self, method: &Method, headers: &HeaderMap, given: Option<&str>) -> Entry {
        if method != Method::GET && method != Method::HEAD {
            return Entry::Refused("only GET and HEAD are answered");
        }
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        if !text(header::HOST).is_some_and(|host| self.is_own(host)) {
            return Entry::Refused(
                "the host name is not one of this server: use its address, or start it with --host NAME",
            );
        }
        let foreign = |origin: &str| {
            let host = origin.split_once("://").map_or(origin, |(_, host)| host);
            !self.is_own(host)
        };
        if text(header::ORIGIN).is_some_and(foreign) {
            return Entry::Refused("a page of another origin may not ask");
        }
        if given.is_some_and(|given| self.is_token(given)) {
            return Entry::Introduced;
        }
        let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let known = cookies.any(|(name, value)| name == self.cookie && self.is_token(value));
        if known || bearer.is_some_and(|bearer| self.is_token(bearer)) {
            return Entry::Open;
        }
        Entry::Refused(
            "open the URL that the program printed when it started: it holds the token that lets you in",
        )
    }

    /// In a time that does not depend on where the two differ.
    fn is_token(&self, given: &str) -> bool {
        let differing =
            given.bytes().zip(self.token.bytes()).fold(0, |all, (left, right)| all | (left ^ right));
        given.len() == self.token.len() && differing == 0
    }

    /// Whether a host, with or without a port, is one that no other site can have.
    fn is_own(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok()
            || (!self.host.is_empty() && name.eq_ignore_ascii_case(&self.host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(header::HeaderName, &str)], method: Method, token: Option<&str>) -> Entry {
        let access = Access { token: "abc".into(), cookie: "pyheap-1".into(), host: "box.example".into() };
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        access.check(&method, &headers.collect(), token)
    }

    #[test]
    fn the_token_lets_in_by_url_cookie_or_header() {
        let host = (header::HOST, "127.0.0.1:8080");
        assert_eq!(check(std::slice::from_ref(&host), Method::GET, Some("abc")), Entry::Introduced);
        let cookie = (header::COOKIE, "other=1; pyheap-1=abc");
        assert_eq!(check(&[host.clone(), cookie], Method::GET, None), Entry::Open);
        let bearer = (header::AUTHORIZATION, "Bearer abc");
        assert_eq!(check(&[host.clone(), bearer], Method::HEAD, None), Entry::Open);
        for cookie in ["pyheap-1=ab", "pyheap-1=abcd", "pyheap-2=abc", "abc"] {
            let refused = check(&[host.clone(), (header::COOKIE, cookie)], Method::GET, None);
            assert!(matches!(refused, Entry::Refused(_)), "{cookie}");
        }
    }

    #[test]
    fn names_that_another_site_can_have_are_refused() {
        for host in ["localhost", "LOCALHOST:1", "[::1]:8080", "10.1.2.3:80", "box.example:8080"] {
            assert_eq!(check(&[(header::HOST, host)], Method::GET, Some("abc")), Entry::Introduced, "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:8080", "localhost.evil.example", ""] {
            let refused = check(&[(header::HOST, host)], Method::GET, Some("abc"));
            assert!(matches!(refused, Entry::Refused(_)), "{host}");
        }
        assert!(matches!(check(&[], Method::GET, Some("abc")), Entry::Refused(_)));
    }

    #[test]
    fn other_origins_and_methods_are_refused() {
        let host = (header::HOST, "127.0.0.1:8080");
        for origin in ["https://evil.example", "null"] {
            let refused = check(&[host.clone(), (header::ORIGIN, origin)], Method::GET, Some("abc"));
            assert!(matches!(refused, Entry::Refused(_)), "{origin}");
        }
        let own = (header::ORIGIN, "http://127.0.0.1:8080");
        assert_eq!(check(&[host.clone(), own], Method::GET, Some("abc")), Entry::Introduced);
        assert!(matches!(check(&[host], Method::POST, Some("abc")), Entry::Refused(_)));
    }
}

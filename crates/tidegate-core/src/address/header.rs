//! Which forwarding header field is read.

use alloc::string::String;
use core::{fmt, str::FromStr};

/// The header field in which proxies name the client. Exactly one is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: client, proxy`, which has no standard: addresses with or without a
    /// port, separated by commas.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=client, for="[2001:db8::1]:80";proto=https`, of RFC 7239.
    Forwarded,
}

/// A name that is no [`ForwardedHeader`]'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError {
    /// The name.
    pub name: String,
}

impl ForwardedHeader {
    /// Every header field that can be read, the default first.
    pub const ALL: [Self; 2] = [Self::XForwardedFor, Self::Forwarded];

    /// The field's name in lower case, as HTTP/2, ASGI and the configuration spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

impl FromStr for ForwardedHeader {
    type Err = HeaderError;

    /// Finds the field of this name, in whatever case.
    fn from_str(name: &str) -> Result<Self, HeaderError> {
        Self::ALL
            .into_iter()
            .find(|header| header.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| HeaderError { name: name.into() })
    }
}

impl fmt::Display for ForwardedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = ForwardedHeader::ALL;
        write!(f, "{:?} is not a forwarding header; write {first} or {second}", self.name)
    }
}

impl core::error::Error for HeaderError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!("X-Forwarded-For".parse(), Ok(ForwardedHeader::XForwardedFor));
        assert_eq!("forwarded".parse(), Ok(ForwardedHeader::Forwarded));
    }

    #[test]
    fn another_name_is_answered_with_the_known_ones() {
        let error = "x-real-ip".parse::<ForwardedHeader>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"x-real-ip\" is not a forwarding header; write x-forwarded-for or forwarded"
        );
    }
}

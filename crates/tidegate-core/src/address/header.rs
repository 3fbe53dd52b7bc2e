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
    /// A field in which a provider's edge puts the one address of its client, and nothing else.
    Provider(Provider),
}

/// A field of one provider, by its name. See [`Provider::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Provider(&'static str);

/// A name that is no [`ForwardedHeader`]'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError {
    /// The name.
    pub name: String,
}

impl ForwardedHeader {
    /// Every header field that can be read, the default first.
    pub const ALL: [Self; 2 + Provider::ALL.len()] = {
        let mut all = [Self::XForwardedFor; 2 + Provider::ALL.len()];
        all[1] = Self::Forwarded;
        let mut at = 0;
        while at < Provider::ALL.len() {
            all[2 + at] = Self::Provider(Provider::ALL[at]);
            at += 1;
        }
        all
    };

    /// The field's name in lower case, as HTTP/2, ASGI and the configuration spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
            Self::Provider(Provider(name)) => name,
        }
    }
}

impl Provider {
    /// The fields of providers that are known: Cloudflare, Cloudflare and Akamai, nginx's usual
    /// name, Fly, Fastly, Azure, `DigitalOcean`, Envoy.
    pub const ALL: [Self; 8] = [
        Self("cf-connecting-ip"),
        Self("true-client-ip"),
        Self("x-real-ip"),
        Self("fly-client-ip"),
        Self("fastly-client-ip"),
        Self("x-azure-clientip"),
        Self("do-connecting-ip"),
        Self("x-envoy-external-address"),
    ];
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
        write!(f, "{:?} is not a forwarding header; write one of ", self.name)?;
        for (position, header) in ForwardedHeader::ALL.into_iter().enumerate() {
            write!(f, "{}{header}", if position == 0 { "" } else { ", " })?;
        }
        Ok(())
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
        let provider: ForwardedHeader = "CF-Connecting-IP".parse().unwrap();
        assert_eq!(provider.name(), "cf-connecting-ip");
    }

    #[test]
    fn another_name_is_answered_with_the_known_ones() {
        let error = "x-client".parse::<ForwardedHeader>().unwrap_err().to_string();
        assert!(error.starts_with("\"x-client\" is not a forwarding header; write one of x-"));
        assert!(error.ends_with(", x-envoy-external-address"), "{error}");
    }
}

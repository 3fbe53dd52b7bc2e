//! Whom a rule counts: the sources of a key, by name.

use std::{fmt, str::FromStr};

use crate::Error;

/// Whom a rule counts.
///
/// A request that lacks what a key asks for (a header field, a cookie, a parameter, a form
/// field, a user) counts by its address instead, apart from those that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// Everybody together.
    Global,
    /// The client's address; IPv6 by prefix.
    Ip,
    /// The user who is signed in, as [`Facts::user`](crate::Facts::user) tells.
    User,
    /// The path of the request.
    Path,
    /// The template of the route that serves the request, as [`Facts::route`](crate::Facts::route)
    /// tells. Requests that no route serves count together.
    Route,
    /// The method of the request.
    Method,
    /// The host that the request is for, in lower case and without the port.
    Host,
    /// The value of a header field.
    Header(String),
    /// The value of a cookie; of several of one name, the first.
    Cookie(String),
    /// A parameter of the query, decoded; of several of one name, the first.
    Query(String),
    /// A field of a form in the request's body, as [`Facts::form`](crate::Facts::form) tells.
    Form(String),
    /// What the caller gives as [`Facts::key`](crate::Facts::key).
    Custom,
    /// All of these together: nobody is counted with another who differs in one of them.
    Several(Vec<Key>),
}

type Make = fn(String) -> Key;

/// What a key with a name behind a colon can be.
const NAMED: [(&str, Make); 4] =
    [("header", Key::Header), ("cookie", Key::Cookie), ("query", Key::Query), ("form", Key::Form)];

impl Key {
    /// The keys that this one is made of, in order.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::Several(keys) => keys,
            key => std::slice::from_ref(key),
        }
    }

    /// How many answers the caller owes for it.
    #[must_use]
    pub fn customs(&self) -> usize {
        self.parts().iter().filter(|part| matches!(part, Self::Custom)).count()
    }

    /// Whether the client's address can be part of it.
    pub(crate) fn needs_client(&self) -> bool {
        let needs = |part: &Self| {
            matches!(
                part,
                Self::Ip
                    | Self::User
                    | Self::Header(_)
                    | Self::Cookie(_)
                    | Self::Query(_)
                    | Self::Form(_)
            )
        };
        self.parts().iter().any(needs)
    }
}

impl FromStr for Key {
    type Err = Error;

    /// `global`, `ip`, `user`, `path`, `route`, `method`, `host`, or `header`, `cookie`, `query`
    /// or `form` with a name behind a colon.
    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownKey { key: text.to_owned() };
        Ok(match text {
            "global" => Self::Global,
            "ip" => Self::Ip,
            "user" => Self::User,
            "path" => Self::Path,
            "route" => Self::Route,
            "method" => Self::Method,
            "host" => Self::Host,
            _ => {
                let (source, name) = text.split_once(':').ok_or_else(unknown)?;
                let (_, make) =
                    NAMED.into_iter().find(|(known, _)| *known == source).ok_or_else(unknown)?;
                match source {
                    "header" | "cookie" if !is_token(name) => return Err(unknown()),
                    "header" => make(name.to_ascii_lowercase()),
                    _ if name.is_empty() => return Err(unknown()),
                    _ => make(name.to_owned()),
                }
            }
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::Ip => f.write_str("ip"),
            Self::User => f.write_str("user"),
            Self::Path => f.write_str("path"),
            Self::Route => f.write_str("route"),
            Self::Method => f.write_str("method"),
            Self::Host => f.write_str("host"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Form(name) => write!(f, "form:{name}"),
            Self::Custom => f.write_str("a key of the caller's making"),
            Self::Several(keys) => {
                for (index, key) in keys.iter().enumerate() {
                    write!(f, "{}{key}", if index == 0 { "" } else { " and " })?;
                }
                Ok(())
            }
        }
    }
}

/// A token of RFC 9110 section 5.6.2, of which names of header fields and cookies are made.
fn is_token(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_sources_are_read_and_written_alike() {
        let plain = ["global", "ip", "user", "path", "route", "method", "host"];
        let named = ["header:x-api-key", "cookie:session", "query:q", "form:user name"];
        for text in plain.into_iter().chain(named) {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        assert_eq!("header:X-Api-Key".parse::<Key>().unwrap(), Key::Header("x-api-key".into()));
    }

    #[test]
    fn an_unknown_key_source_is_named() {
        for text in ["adress", "", "header:", "header:x y", "cookie:a=b", "form:", "IP", "env:X"] {
            let message = text.parse::<Key>().unwrap_err().to_string();
            assert!(message.contains(&format!("`{text}`")), "{message}");
        }
    }

    #[test]
    fn several_keys_know_their_parts() {
        let key = Key::Several(vec![Key::Ip, Key::Custom, Key::Custom]);
        assert_eq!((key.parts().len(), key.customs()), (3, 2));
        assert!(key.needs_client() && !Key::Several(vec![Key::Path]).needs_client());
        assert_eq!(Key::Several(vec![Key::Ip, Key::Form("u".into())]).to_string(), "ip and form:u");
    }
}

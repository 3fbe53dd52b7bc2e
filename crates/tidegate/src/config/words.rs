//! The words that fields are made of: each reads what the engine has a type for.

use std::time::Duration;

use tidegate_core::{
    Limit,
    address::{ForwardedHeader, Network, Trust},
    algorithm::Kind,
    fields::Profile,
    grammar::Limits,
};

use super::{decode::among, include::Comment, tree::shorten, word::Word};
use crate::{Key, Statuses};

/// A limit string. What it limits to is read once its rule's `algorithm` is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitWord;

impl Word for LimitWord {
    const NAME: &'static str = "Limit";
    const EXPECTED: &'static str = "a limit such as \"100/minute\" or \"10/second burst 20\"";
    const EXAMPLES: &'static [&'static str] = &["100/minute", "5/5m; 20/day", "20 concurrent"];

    fn read(text: &str) -> Result<Self, String> {
        text.parse::<Limits>().map(|_| Self).map_err(|error| error.to_string())
    }
}

impl Word for Kind {
    const NAME: &'static str = "Algorithm";
    const EXPECTED: &'static str = "the name of an algorithm such as sliding_window_log";
    const EXAMPLES: &'static [&'static str] = &[];
    const CHOICES: fn() -> Vec<&'static str> = || Self::ALL.map(Self::name).to_vec();

    fn read(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| {
            format!("`{}` is given; {}", shorten(text), among(text, &Self::CHOICES()))
        })
    }
}

impl Word for Key {
    const NAME: &'static str = "Key";
    const EXPECTED: &'static str = "ip, user, global, path, route, method, host, header:NAME, cookie:NAME, query:NAME or \
         form:NAME";
    const EXAMPLES: &'static [&'static str] = &["ip", "header:x-api-key", "form:username"];

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::Error| error.to_string())
    }
}

/// A length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time(pub(super) Duration);

impl Word for Time {
    const NAME: &'static str = "Duration";
    const EXPECTED: &'static str =
        "a length of time such as \"15m\", \"1h30m\" or a number of seconds";
    const EXAMPLES: &'static [&'static str] = &["15m", "1h30m", "500ms"];
    const TAKES_NUMBERS: bool = true;

    fn read(text: &str) -> Result<Self, String> {
        let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        // The grammar of limit strings is the one that knows what a length of time is.
        let limit = is_word.then(|| format!("1/{text}").parse::<Limit>().ok()).flatten();
        let time = limit.map(|limit| Self(limit.spec().window().into()));
        time.ok_or_else(|| format!("`{text}` is no length of time; expected {}", Self::EXPECTED))
    }
}

/// An address or a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkWord;

impl Word for NetworkWord {
    const NAME: &'static str = "Network";
    const EXPECTED: &'static str = "an address or a network such as \"10.0.0.0/8\"";
    const EXAMPLES: &'static [&'static str] = &["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"];

    fn read(text: &str) -> Result<Self, String> {
        text.parse::<Network>().map(|_| Self).map_err(|error| error.to_string())
    }
}

/// A key of a rule, as it is counted. What it has to be is known once its rule is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyWord;

impl Word for KeyWord {
    const NAME: &'static str = "CountedKey";
    const EXPECTED: &'static str = "a key as it is counted, such as \"partner-1\"";
    const EXAMPLES: &'static [&'static str] = &["partner-1", "192.0.2.1", "192.0.2.1|ana"];
    const COMMENT: Comment = Comment::BehindSpace;

    fn read(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("a key that is empty is not counted by itself".to_owned()),
            _ if text.contains(char::is_control) => {
                Err("write a control character in a key as \\x and two digits".to_owned())
            }
            _ => Ok(Self),
        }
    }
}

impl Word for Statuses {
    const NAME: &'static str = "Statuses";
    const EXPECTED: &'static str = "an HTTP status such as 401, \"4xx\" or \"400-403\"";
    const EXAMPLES: &'static [&'static str] = &["401", "4xx", "400-403"];
    const TAKES_NUMBERS: bool = true;

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::Error| error.to_string())
    }
}

impl Word for Profile {
    const NAME: &'static str = "HeaderProfile";
    const EXPECTED: &'static str = "x-ratelimit, draft, legacy or none";
    const EXAMPLES: &'static [&'static str] = &["x-ratelimit", "draft", "legacy", "none"];

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: tidegate_core::fields::ProfileError| error.to_string())
    }
}

/// A pattern, a method, a template: text that is checked once its rule is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern;

impl Word for Pattern {
    const NAME: &'static str = "Pattern";
    const EXPECTED: &'static str = "text";
    const EXAMPLES: &'static [&'static str] = &["/api/**", "POST", "*.example.com"];

    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains(char::is_control) {
            return Err("text that is empty, or has control characters, matches nothing".to_owned());
        }
        Ok(Self)
    }
}

/// Where a file is, or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath;

impl Word for FilePath {
    const NAME: &'static str = "Path";
    const EXPECTED: &'static str = "a path";
    const EXAMPLES: &'static [&'static str] = &["/run/app/tidegate.sock"];

    fn read(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("the path is empty".to_owned()),
            _ if text.contains('\0') => Err("a path has no NUL in it".to_owned()),
            _ => Ok(Self),
        }
    }
}

/// A rule's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name;

impl Word for Name {
    const NAME: &'static str = "Name";
    const EXPECTED: &'static str = "a name of 1 to 128 bytes";
    const EXAMPLES: &'static [&'static str] = &["login", "api"];

    fn read(text: &str) -> Result<Self, String> {
        match text.len() {
            1..=128 if !text.contains(char::is_control) => Ok(Self),
            1..=128 => Err("a rule's name has no control characters".to_owned()),
            length => Err(format!("a rule's name must have 1 to 128 bytes, got {length}")),
        }
    }
}

/// Proxies that are believed, or how many stand in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyWord;

impl Word for ProxyWord {
    const NAME: &'static str = "TrustedProxy";
    const EXPECTED: &'static str =
        "a network such as \"10.0.0.0/8\", loopback, private, unix, or a number of proxies";
    const EXAMPLES: &'static [&'static str] = &["10.0.0.0/8", "loopback", "private", "unix"];
    const TAKES_NUMBERS: bool = true;

    fn read(text: &str) -> Result<Self, String> {
        text.parse::<Trust>().map(|_| Self).map_err(|error| error.to_string())
    }
}

/// The header field that proxies write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderWord(pub(super) ForwardedHeader);

impl Word for HeaderWord {
    const NAME: &'static str = "ForwardedHeader";
    const EXPECTED: &'static str = "x-forwarded-for, forwarded or a provider's own header field";
    const EXAMPLES: &'static [&'static str] = &["x-forwarded-for", "forwarded", "cf-connecting-ip"];

    fn read(text: &str) -> Result<Self, String> {
        let read = text.parse::<ForwardedHeader>().map(Self);
        read.map_err(|error| error.to_string())
    }
}

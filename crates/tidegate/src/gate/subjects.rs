//! From a rule's key and a request to the bytes that are counted by.

use std::borrow::Cow;

use tidegate_core::address::{self, Client as Found, Resolver};

use super::Facts;
use crate::{
    Error, Key,
    matching::host_name,
    subject::{Subject, Text},
};

/// Between the parts of a key of several. A part that has one itself has it doubled.
const SEPARATOR: u8 = b'|';
/// Before the address of a request that lacks what a key asks for. A part that begins with one
/// itself has it doubled.
const MARK: u8 = 0;

/// One request, as keys are asked about it.
pub(super) struct Subjects<'a, 'f> {
    pub(super) facts: &'f dyn Facts,
    pub(super) client: Option<&'a Found<'f>>,
    pub(super) resolver: &'a Resolver,
}

impl<'f> Subjects<'_, 'f> {
    /// Whom the rule `name` counts by `key`, whose answers by the caller are numbered from
    /// `number`.
    pub(super) fn of(&self, name: &str, key: &Key, number: usize) -> Result<Subject<'f>, Error> {
        let Key::Several(parts) = key else { return self.part(name, key, number) };
        let (mut text, mut number) = (Text::default(), number);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                text.push(&[SEPARATOR]);
            }
            let subject = self.part(name, part, number)?;
            for (index, piece) in subject.as_bytes().split(|&byte| byte == SEPARATOR).enumerate() {
                if index > 0 {
                    text.push(&[SEPARATOR, SEPARATOR]);
                }
                text.push(piece);
            }
            number += part.customs();
        }
        Ok(Subject::Written(text))
    }

    fn part(&self, rule: &str, key: &Key, number: usize) -> Result<Subject<'f>, Error> {
        let given = match key {
            Key::Global => Cow::Borrowed(&b""[..]),
            Key::Custom => {
                let missing = || Error::MissingKey { rule: rule.to_owned() };
                return Ok(Subject::Given(self.facts.key(number).ok_or_else(missing)?));
            }
            Key::Ip if self.client.is_some() => return Ok(self.address(false)),
            _ if !self.facts.is_request() => {
                return Err(Error::OutsideRequest { rule: rule.to_owned(), key: key.to_string() });
            }
            Key::Ip => return Ok(self.address(false)),
            Key::Path => self.facts.path(),
            Key::Method => Cow::Borrowed(self.facts.method().as_bytes()),
            Key::Route => bytes(self.facts.route()).unwrap_or_default(),
            Key::Host => Cow::Owned(host_name(&self.field("host").unwrap_or_default())),
            Key::User => return Ok(self.given_or_address(self.facts.user())),
            Key::Header(name) => return Ok(self.given_or_address(self.field(name))),
            Key::Cookie(name) => return Ok(self.given_or_address(self.cookie(name))),
            Key::Query(name) => return Ok(self.given_or_address(self.parameter(name))),
            Key::Form(name) => return Ok(self.given_or_address(self.facts.form(name))),
            Key::Several(_) => return Err(Error::KeyList { rule: rule.to_owned() }),
        };
        Ok(Subject::Given(given))
    }

    fn given_or_address(&self, given: Option<Cow<'f, [u8]>>) -> Subject<'f> {
        match given {
            None => self.address(true),
            Some(given) if given.first() == Some(&MARK) => {
                Subject::Given(Cow::Owned([&[MARK], &*given].concat()))
            }
            Some(given) => Subject::Given(given),
        }
    }

    fn address(&self, is_instead: bool) -> Subject<'f> {
        let mut text = Text::default();
        if is_instead {
            text.push(&[MARK]);
        }
        match self.client.map(|client| client.subject(self.resolver)) {
            Some(address::Subject::Network(network)) => text.push_network(network),
            Some(subject) => text.push(subject.to_string().as_bytes()),
            None => {}
        }
        Subject::Written(text)
    }

    fn field(&self, name: &str) -> Option<Cow<'f, [u8]>> {
        let mut lines = self.facts.header(name);
        match lines.len() {
            0 => None,
            1 => Some(lines.swap_remove(0)),
            // A field sent several times means its values joined by commas.
            _ => Some(Cow::Owned(lines.join(&b", "[..]))),
        }
    }

    fn cookie(&self, name: &str) -> Option<Cow<'f, [u8]>> {
        self.facts.header("cookie").iter().find_map(|line| {
            line.split(|&byte| byte == b';').find_map(|pair| {
                let pair = pair.trim_ascii();
                let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
                Some(Cow::Owned(value.to_vec()))
            })
        })
    }

    fn parameter(&self, name: &str) -> Option<Cow<'f, [u8]>> {
        let query = self.facts.query();
        let found = form_urlencoded::parse(&query).find(|(key, _)| key == name);
        found.map(|(_, value)| Cow::Owned(value.into_owned().into_bytes()))
    }
}

fn bytes(text: Option<Cow<'_, str>>) -> Option<Cow<'_, [u8]>> {
    text.map(|text| match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

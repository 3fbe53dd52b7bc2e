//! The lists of a configuration: of addresses for all rules, of keys for one.

use tidegate_core::address::{Client, ClientAddress, Network, Resolver, Source, Subject};

use super::{
    build::{Builder, key},
    include::{Item, Listing, path_of, read_file},
    schema::RuleConfig,
    tree::Path,
    word::Word,
    words::KeyWord,
};
use crate::{Key, subject_typed};

/// Between the parts of a key of several.
const SEPARATOR: char = '|';

impl Builder<'_> {
    /// The words of a list of addresses, those in its files too.
    pub(super) fn addresses<T: Word>(&mut self, list: &Listing<T>, name: &str) -> Vec<String> {
        let read = |word: &str| T::read(word).map(|_| word.to_owned());
        self.listing(list, &Path::default().key(name), &read)
    }

    /// The keys that a rule leaves alone, and those that it refuses.
    pub(super) fn keys(
        &mut self,
        given: &RuleConfig,
        path: &Path,
        resolver: &Resolver,
    ) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let counts = key(&given.key);
        let mut read = |list: &Listing<KeyWord>, name: &str| {
            let path = path.key(name);
            if !list.is_empty() && counts == Key::Global {
                self.wrong(&path, "the rule counts everybody together, so there is no key to list");
                return Vec::new();
            }
            self.listing(list, &path, &|word: &str| counted(word, &counts, resolver))
        };
        (read(&given.exempt, "exempt"), read(&given.deny, "deny"))
    }

    /// What `read` makes of the words of a list, those in its files too.
    fn listing<T: Word, R>(
        &mut self,
        list: &Listing<T>,
        path: &Path,
        read: &impl Fn(&str) -> Result<R, String>,
    ) -> Vec<R> {
        let mut all = Vec::new();
        for (index, item) in list.as_slice().iter().enumerate() {
            let path = path.index(index);
            let file = match item {
                Item::Word(word) => {
                    match read(word.text()) {
                        Ok(one) => all.push(one),
                        Err(message) => self.wrong(&path, message),
                    }
                    continue;
                }
                Item::File(file) => path_of(self.folder, file),
            };
            match read_file(&file, T::COMMENT, read) {
                Ok(more) => all.extend(more),
                // What cannot be read at all is the configuration's mistake, the rest the list's.
                Err(problems) if problems.iter().all(|problem| problem.line == 0) => {
                    for problem in problems {
                        let message = format!("{}: {}", problem.file, problem.message);
                        self.wrong(&path.key("file"), message);
                    }
                }
                Err(problems) => self.problems.extend(problems),
            }
            self.files.push(file);
        }
        all
    }
}

/// The bytes that a rule of this key counts by, from a word of a list.
fn counted(word: &str, key: &Key, resolver: &Resolver) -> Result<Vec<u8>, String> {
    KeyWord::read(word)?;
    let parts = match key {
        Key::Ip => return Ok(address(word, resolver)?.into_bytes()),
        Key::Several(parts) => parts,
        _ => return Ok(subject_typed(word)),
    };
    if word.matches(SEPARATOR).count() + 1 < parts.len() {
        let parts: Vec<_> = parts.iter().map(ToString::to_string).collect();
        return Err(format!(
            "the rule counts by {} parts; expected a key of the form {}",
            parts.len(),
            parts.join("|")
        ));
    }
    // An address has no separator in it, so where it stands first it is known where it ends.
    match (&parts[0], word.split_once(SEPARATOR)) {
        (Key::Ip, Some((first, rest))) => {
            let first = address(first, resolver)?;
            Ok([first.as_bytes(), b"|", &subject_typed(rest)].concat())
        }
        _ => Ok(subject_typed(word)),
    }
}

/// The text by which an address is counted: of IPv6, its network's.
fn address(word: &str, resolver: &Resolver) -> Result<String, String> {
    let given = word
        .parse::<Network>()
        .map_err(|error| format!("the rule counts addresses, and {error}"))?;
    let address = ClientAddress::Ip(given.first());
    let client = Client { address, source: Source::Peer, ignored: false };
    let subject = client.subject(resolver);
    if word.contains('/') && subject != Subject::Network(given) {
        return Err(format!(
            "no address is counted by this network, but for instance by {subject}; `allow` and \
             `deny` outside of the rules take networks of any size"
        ));
    }
    Ok(subject.to_string())
}

//! A store's URL as text: its options, and what of it may be shown.
//!
//! What the URL means is the engine's business.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;

/// A store's URL, which may have a password in it.
#[derive(Clone)]
pub(crate) struct StoreUrl(String);

impl StoreUrl {
    pub(crate) fn new(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// The whole URL, for opening the store.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// What stands before `://`; empty when nothing does.
    pub(crate) fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// Whether the store lives in a server.
    pub(crate) fn is_remote(&self) -> bool {
        !matches!(self.scheme(), "memory" | "shared" | "")
    }

    /// Whether that server is PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.scheme(), "postgresql" | "postgres")
    }

    /// The value of an option, decoded; of several of one name the last, which is the one that
    /// counts.
    pub(crate) fn option(&self, name: &str) -> Option<String> {
        let value = self.raw_option(name)?;
        Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
    }

    /// The same as it was written.
    pub(crate) fn raw_option(&self, name: &str) -> Option<&str> {
        let (_, query) = self.0.split_once('?')?;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.rev().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The same without what would change anything by being opened.
    pub(crate) fn with_no_side_effects(&self) -> Self {
        match self.scheme() {
            "shared" => self.with("replace", "false"),
            "postgresql" | "postgres" => self.with("auto_migrate", "false"),
            _ => self.clone(),
        }
    }

    /// The same with an option that wins over any of the same name.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let joint = if self.0.contains('?') { '&' } else { '?' };
        Self(format!("{}{joint}{name}={value}", self.0))
    }

    /// The URL without its options.
    pub(crate) fn without_options(&self) -> &str {
        self.0.split_once('?').map_or(self.0.as_str(), |(before, _)| before)
    }

    /// The file of a shared table.
    pub(crate) fn shared_file(&self) -> Option<PathBuf> {
        let place = self.without_options().strip_prefix("shared://")?;
        if place.starts_with('/') {
            return Some(place.into());
        }
        Some(Path::new("/dev/shm").join(format!("tidegate-{place}")))
    }

    /// The URL with users and passwords masked.
    pub(crate) fn masked(&self) -> String {
        let place = self.without_options();
        let start = place.find("://").map_or(0, |at| at + 3);
        let mut text = match place[start..].rfind('@') {
            Some(at) => format!("{}***{}", &place[..start], &place[start + at..]),
            None => place.to_owned(),
        };
        let Some((_, query)) = self.0.split_once('?') else { return text };
        for (index, pair) in query.split('&').enumerate() {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_secret = ["pass", "user"].iter().any(|word| name.contains(word));
            let value = if is_secret { "***" } else { value };
            let joint = if index == 0 { '?' } else { '&' };
            let _ = write!(text, "{joint}{name}={value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_is_added_wins() {
        let url = StoreUrl::new("postgresql://h/app?schema=a%20b&timeout=1s").with("timeout", "9s");
        assert_eq!(url.option("timeout").as_deref(), Some("9s"));
        assert_eq!(url.option("schema").as_deref(), Some("a b"));
        assert_eq!(url.option("pool"), None);
        assert_eq!(StoreUrl::new("redis://h").with("pool", "1").secret(), "redis://h?pool=1");
    }

    #[test]
    fn no_password_is_shown_wherever_it_stands() {
        for (url, expected) in [
            ("redis://:hunter2@h:6379/0", "redis://***@h:6379/0"),
            ("redis://u:p@ss@h/0", "redis://***@h/0"),
            ("unix:///run/r.sock?pass=hunter2&db=1", "unix:///run/r.sock?pass=***&db=1"),
            ("postgresql://h/a?user=u&password=hunter2", "postgresql://h/a?user=***&password=***"),
            ("memory://", "memory://"),
        ] {
            assert_eq!(StoreUrl::new(url).masked(), expected);
        }
    }

    #[test]
    fn the_file_of_a_shared_table_is_where_the_engine_puts_it() {
        let name = format!("cli-url-{}", std::process::id());
        let url = StoreUrl::new(&format!("shared://{name}?capacity=8"));
        let path = url.shared_file().unwrap();
        assert!(!path.exists());

        drop(tidegate::open_store(url.secret()).unwrap());

        assert!(path.is_file(), "{}", path.display());
        std::fs::remove_file(path).unwrap();
        let file = StoreUrl::new("shared:///run/app/limits?capacity=8").shared_file();
        assert_eq!(file.as_deref(), Some(Path::new("/run/app/limits")));
    }
}

//! A store's URL as text: its options, and what of it may be shown.
//!
//! What the URL means is the engine's business.

use std::path::{Path, PathBuf};

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
        tidegate::masked_store_url(&self.0)
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

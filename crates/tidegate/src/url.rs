//! From a store's URL to the store.

use std::sync::Arc;

use tidegate_memory::MemoryStore;

use crate::{Error, Store};

/// The most keys that `?capacity=` may ask for: a billion, 16 GB.
const MAX_CAPACITY: u64 = 1_000_000_000;

/// Opens the store that `url` names.
///
/// | URL | store |
/// |---|---|
/// | `memory://` | counts in this process |
/// | `memory://?capacity=1M` | the same, with room for so many keys (`k`, `M` accepted) |
///
/// # Errors
///
/// [`Error::UnknownStore`], [`Error::StoreOption`]. Passwords in the URL are not repeated.
pub fn open_store(url: &str) -> Result<Arc<dyn Store>, Error> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(unknown(url));
    };
    if scheme != "memory" {
        return Err(unknown(url));
    }
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    if !place.is_empty() {
        let option = format!("name `{place}`");
        return Err(Error::StoreOption { option, expected: "no name after memory://" });
    }
    let mut capacity = MemoryStore::DEFAULT_CAPACITY;
    for pair in options.split('&').filter(|pair| !pair.is_empty()) {
        let Some(("capacity", value)) = pair.split_once('=') else {
            let option = format!("option `{pair}`");
            return Err(Error::StoreOption { option, expected: "capacity=KEYS" });
        };
        capacity = parse_capacity(value)?;
    }
    let store = MemoryStore::with_capacity(capacity, MemoryStore::DEFAULT_LOG_BYTES);
    Ok(Arc::new(store.map_err(|source| Error::NoMemory { keys: capacity, source })?))
}

fn parse_capacity(value: &str) -> Result<usize, Error> {
    let (digits, factor) = match value.as_bytes().last() {
        Some(b'k' | b'K') => (&value[..value.len() - 1], 1_000),
        Some(b'm' | b'M') => (&value[..value.len() - 1], 1_000_000),
        _ => (value, 1),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|keys| keys.checked_mul(factor))
        .filter(|keys| (1..=MAX_CAPACITY).contains(keys))
        .and_then(|keys| usize::try_from(keys).ok())
        .ok_or_else(|| Error::StoreOption {
            option: format!("capacity `{value}`"),
            expected: "a number of keys from 1 to 1000M, such as 1M or 250k",
        })
}

fn unknown(url: &str) -> Error {
    Error::UnknownStore { url: without_secrets(url) }
}

/// `url` with what stands before an `@` masked, as a user's password may.
fn without_secrets(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    match url[start..].rfind('@') {
        Some(at) => format!("{}***{}", &url[..start], &url[start + at..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(url: &str) -> String {
        open_store(url).map(|store| store.name()).unwrap_err().to_string()
    }

    #[test]
    fn a_memory_url_opens_a_memory_store() {
        for url in ["memory://", "memory://?capacity=1M", "memory://?capacity=250k"] {
            assert_eq!(open_store(url).unwrap().name(), "memory");
        }
    }

    #[test]
    fn an_unknown_store_is_named_without_its_password() {
        let text = message("redis://user:hunter2@localhost/0");

        assert!(text.contains("redis://***@localhost/0"), "{text}");
        assert!(text.contains("memory://"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_wrong_option_says_what_would_be_right() {
        assert!(message("memory://?capacity=lots").contains("capacity `lots`"));
        assert!(message("memory://?capacity=0").contains("from 1 to 1000M"));
        assert!(message("memory://?size=3").contains("capacity=KEYS"));
        assert!(message("memory://table").contains("no name after memory://"));
    }
}

//! From a store's URL to the store.

use std::sync::Arc;

use tidegate_memory::MemoryStore;
use tidegate_remote::{Backend, Listener, Remote, Settings};

use crate::{Error, Store};

/// The most keys that `?capacity=` may ask for: a billion, 16 GB.
const MAX_CAPACITY: u64 = 1_000_000_000;

/// The stores that there are, for messages.
pub(crate) const KNOWN: &str = match (cfg!(feature = "redis"), cfg!(feature = "postgres")) {
    (true, true) => "memory://, shared://NAME, redis://HOST or postgresql://HOST/DATABASE",
    (true, false) => "memory://, shared://NAME or redis://HOST; this build has no PostgreSQL",
    (false, true) => {
        "memory://, shared://NAME or postgresql://HOST/DATABASE; this build has no Redis"
    }
    (false, false) => "memory:// or shared://NAME; this build has no other stores",
};

/// Opens the store that `url` names.
///
/// | URL | store |
/// |---|---|
/// | `memory://` | counts in this process |
/// | `shared://NAME` | counts in the file `/dev/shm/tidegate-NAME`, for all processes of the host |
/// | `shared:///path/to/file` | the same in a file of choice |
/// | `redis://HOST`, `rediss://HOST`, `unix:///path`, `redis+sentinel://…`, `redis+cluster://…` | counts in Redis, or what speaks like it; with the feature `redis` |
/// | `postgresql://HOST/DATABASE` | counts in PostgreSQL; with the feature `postgres` |
///
/// The first three take `?capacity=1M`, the number of keys to make room for (`k`, `M` accepted).
/// A shared store also takes `replace=true`, which puts a new file in the place of one that
/// does not fit. Every remote store takes:
///
/// | option | meaning |
/// |---|---|
/// | `timeout=50ms` | the longest that a check waits for the server |
/// | `pool=4` | connections for those who wait; those who await share one more |
/// | `queue=4096` | checks that may wait for a connection |
/// | `recheck=1s` | how long a denial is believed without asking again; `0s` asks every time |
/// | `failures=3` | failures in a row after which the server is left alone |
/// | `pause=500ms` | for how long |
/// | `local_share=1` | this process's share of a limit while the server is away |
///
/// A remote store is not connected to before the first check. `listener` hears when a server
/// goes away, and when it is back.
///
/// # Errors
///
/// [`Error::UnknownStore`], [`Error::StoreOption`], [`Error::Shared`]. Passwords in the URL are
/// not repeated.
pub fn open_store_with(url: &str, listener: Listener) -> Result<Arc<dyn Store>, Error> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| unknown(url))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    match scheme {
        "memory" => open_memory(place, query),
        #[cfg(unix)]
        "shared" => open_shared(place, query),
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "unix" | "redis+sentinel" | "rediss+sentinel" | "redis+cluster"
        | "rediss+cluster" | "valkey" | "valkeys" | "valkey+sentinel" | "valkeys+sentinel"
        | "valkey+cluster" | "valkeys+cluster" => {
            let mut url = tidegate_redis::RedisUrl::parse(url)?;
            url.refuse_unknown()?;
            let others = std::mem::take(&mut url.other);
            open_remote(tidegate_redis::RedisBackend::new(url)?, &others, listener)
        }
        #[cfg(feature = "postgres")]
        "postgresql" | "postgres" => {
            let mut url: tidegate_postgres::PostgresUrl = url.parse()?;
            url.refuse_unknown()?;
            let others = std::mem::take(&mut url.other);
            open_remote(tidegate_postgres::PostgresBackend::new(url), &others, listener)
        }
        _ => {
            drop(listener);
            Err(unknown(url))
        }
    }
}

/// The SQL that makes a store's schema in PostgreSQL, for those who have `auto_migrate=false` in
/// its URL. It may be run again.
///
/// # Errors
///
/// [`Error::Remote`] when `schema` cannot be the name of one.
#[cfg(feature = "postgres")]
pub fn postgres_schema(schema: &str, unlogged: bool) -> Result<String, Error> {
    Ok(tidegate_postgres::PostgresBackend::migration_sql(schema, unlogged)?)
}

/// Opens the store that `url` names, as [`open_store_with`] does, with nobody to hear of
/// outages.
///
/// # Errors
///
/// As there.
pub fn open_store(url: &str) -> Result<Arc<dyn Store>, Error> {
    open_store_with(url, Arc::new(|_| ()))
}

/// Finds what is wrong with a store's URL, and neither connects nor makes a file.
///
/// # Errors
///
/// As [`open_store_with`], but for what only the store itself can tell.
#[cfg(feature = "config")]
pub(crate) fn check(url: &str) -> Result<(), Error> {
    #[cfg(unix)]
    if let Some(rest) = url.strip_prefix("shared://") {
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        return shared_options(place, query).map(drop);
    }
    // A table in memory is only addresses until it is used, and a server is not asked yet.
    open_store(url).map(drop)
}

#[cfg_attr(
    not(any(feature = "redis", feature = "postgres")),
    expect(dead_code, reason = "this build has no remote store")
)]
fn open_remote<B: Backend>(
    backend: B,
    options: &[(String, String)],
    listener: Listener,
) -> Result<Arc<dyn Store>, Error> {
    let settings = Settings::from_options(options)?;
    Ok(Arc::new(Remote::new(backend, settings, listener)))
}

fn open_memory(place: &str, query: &str) -> Result<Arc<dyn Store>, Error> {
    if !place.is_empty() {
        let option = format!("name `{place}`");
        let expected = "no name after memory://; for a table that processes share, shared://NAME";
        return Err(Error::StoreOption { option, expected });
    }
    let mut capacity = MemoryStore::DEFAULT_CAPACITY;
    for (name, value) in options(query) {
        match name {
            "capacity" => capacity = parse_capacity(value)?,
            _ => return Err(unknown_option(name, value, "capacity=KEYS")),
        }
    }
    let store = MemoryStore::with_capacity(capacity, MemoryStore::DEFAULT_LOG_BYTES);
    Ok(Arc::new(store.map_err(|source| Error::NoMemory { keys: capacity, source })?))
}

#[cfg(unix)]
fn open_shared(place: &str, query: &str) -> Result<Arc<dyn Store>, Error> {
    let (path, shared) = shared_options(place, query)?;
    Ok(Arc::new(tidegate_memory::SharedStore::open(&path, shared)?))
}

#[cfg(unix)]
fn shared_options(
    place: &str,
    query: &str,
) -> Result<(std::path::PathBuf, tidegate_memory::SharedOptions), Error> {
    let path = shared_path(place)?;
    let mut shared = tidegate_memory::SharedOptions { capacity: None, replace: false };
    for (name, value) in options(query) {
        match (name, value) {
            ("capacity", _) => shared.capacity = Some(parse_capacity(value)?),
            ("replace", "true") => shared.replace = true,
            ("replace", "false") => shared.replace = false,
            _ => return Err(unknown_option(name, value, "capacity=KEYS or replace=true")),
        }
    }
    Ok((path, shared))
}

/// The file of a shared table: an absolute path as it is, a name below `/dev/shm`.
#[cfg(unix)]
fn shared_path(place: &str) -> Result<std::path::PathBuf, Error> {
    let expected = "a name of 1 to 100 letters, digits, `-`, `_` and `.`, as in shared://myapp, or an absolute path, as in shared:///run/myapp/limits";
    if place.starts_with('/') && !place.ends_with('/') {
        return Ok(place.into());
    }
    let spelled = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if !(1..=100).contains(&place.len()) || !place.bytes().all(spelled) {
        return Err(Error::StoreOption { option: format!("name `{place}`"), expected });
    }
    Ok(std::path::Path::new("/dev/shm").join(format!("tidegate-{place}")))
}

/// The names and values of a query; a name without a value has an empty one.
fn options(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
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

fn unknown_option(name: &str, value: &str, expected: &'static str) -> Error {
    let option = match value {
        "" => format!("option `{name}`"),
        _ => format!("option `{name}={value}`"),
    };
    Error::StoreOption { option, expected }
}

fn unknown(url: &str) -> Error {
    Error::UnknownStore { url: masked_store_url(url) }
}

/// A store's URL without what nobody is to read: what stands before an `@`, and what options about
/// users and passwords say.
#[must_use]
pub fn masked_store_url(url: &str) -> String {
    const SECRET: [&str; 2] = ["pass", "user"];
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let start = place.find("://").map_or(0, |at| at + 3);
    let mut masked = match place[start..].rfind('@') {
        Some(at) => format!("{}***{}", &place[..start], &place[start + at..]),
        None => place.to_owned(),
    };
    for (index, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        masked.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if SECRET.iter().any(|word| name.contains(word)) => {
                masked.push_str(name);
                masked.push_str("=***");
            }
            _ => masked.push_str(pair),
        }
    }
    masked
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
        let text = message("mysql://user:hunter2@localhost/0");

        assert!(text.contains("mysql://***@localhost/0"), "{text}");
        assert!(text.contains("memory://"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn no_password_is_shown_wherever_it_stands() {
        for (url, expected) in [
            ("redis://:hunter2@h:6379/0", "redis://***@h:6379/0"),
            ("redis://u:p@ss@h/0", "redis://***@h/0"),
            ("unix:///run/r.sock?pass=hunter2&db=1", "unix:///run/r.sock?pass=***&db=1"),
            ("postgresql://h/a?user=u&password=hunter2", "postgresql://h/a?user=***&password=***"),
            ("redis://h?sentinel_password=a@b&tls", "redis://h?sentinel_password=***&tls"),
            ("memory://", "memory://"),
        ] {
            assert_eq!(masked_store_url(url), expected);
        }
    }

    #[test]
    fn a_wrong_option_says_what_would_be_right() {
        assert!(message("memory://?capacity=lots").contains("capacity `lots`"));
        assert!(message("memory://?capacity=0").contains("from 1 to 1000M"));
        assert!(message("memory://?size=3").contains("capacity=KEYS"));
        assert!(message("memory://table").contains("shared://NAME"));
    }

    #[cfg(all(feature = "redis", feature = "postgres"))]
    #[test]
    fn an_unknown_option_of_a_server_is_told_with_those_that_there_are() {
        for (url, meant, others) in [
            ("redis://h?tiemout=50ms", "`timeout`", "`prefix`, `timeout`, `pool`"),
            ("redis://h?timeout=9ms&prefx=a", "`prefix`", "`prefix`, `timeout`"),
            ("rediss://h?cret=a", "`cert`", "`prefix`, `ca`, `cert`, `key`"),
            ("redis+sentinel://h/m?sentinel_pasword=a", "`sentinel_password`", "`sentinel_user`"),
            ("postgresql://h/app?shcema=a", "`schema`", "`schema`, `unlogged`"),
        ] {
            let text = message(url);
            assert!(text.contains(&format!("did you mean {meant}?")), "{text}");
            assert!(text.contains(others) && text.contains("`local_share`"), "{text}");
        }
        let text = message("redis://h?colour=red");
        assert!(text.contains("no option `colour`; there are `prefix`, `timeout`"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn a_shared_table_has_a_name_or_a_path() {
        let path = |place| shared_path(place).ok().map(|path| path.display().to_string());

        assert_eq!(path("my-app.1").as_deref(), Some("/dev/shm/tidegate-my-app.1"));
        assert_eq!(path("/run/app/limits").as_deref(), Some("/run/app/limits"));
        for place in ["", "a/b", "..%2f", "ü", "/run/app/"] {
            assert_eq!(path(place), None, "{place}");
        }
        assert!(message("shared://a?replace=maybe").contains("replace=true"));
        assert!(message("shared://").contains("shared://myapp"));
    }
}

//! From a URL to a server: `postgresql://user:password@host:port/database?option=value`.

use std::{fmt, str::FromStr};

use tidegate_remote::{RemoteError, Settings, unknown_option};
use tokio_postgres::{Config, config::Host};

use crate::{
    error::setup,
    options::{OPTIONS, Options},
    percent::{decode, split_query},
    schema::SchemaName,
    tls::{TlsFiles, Trust},
};

/// A PostgreSQL server, and how tidegate is to use it.
///
/// The options of libpq that make sense here, and these:
///
/// | option | default | meaning |
/// |---|---|---|
/// | `schema` | `tidegate` | where tables and functions are |
/// | `unlogged` | `true` | whether a new table is `UNLOGGED`: faster, and empty after a crash |
/// | `auto_migrate` | `true` | whether to make and update the schema |
/// | `prepare` | `true` | `false` for a pooler in transaction mode, such as `PgBouncer` |
/// | `ca` | | file with the authorities to trust; `sslrootcert` is the same |
///
/// With `prepare=false` no setting of the session is touched, since a pooler would hand it on
/// to others: statements run as long as the server or the pooler lets them, and a logged table
/// waits for the disk, unless the database or the role says otherwise.
///
/// Neither `Debug` nor `Display` shows user or password.
///
/// # Examples
///
/// ```
/// use tidegate_postgres::PostgresUrl;
///
/// let url: PostgresUrl =
///     "postgresql://ana:secret@db.example/app?schema=limits&pool=4".parse().unwrap();
///
/// assert_eq!(url.schema(), "limits");
/// assert_eq!(url.other, [("pool".to_owned(), "4".to_owned())]);
/// assert_eq!(url.to_string(), "postgresql://***@db.example:5432/app");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresUrl {
    /// Options that are neither libpq's nor this crate's, in order: for the caller to know or
    /// to refuse.
    pub other: Vec<(String, String)>,
    pub(crate) config: Config,
    /// The same, for hosts whose addresses are known to be added.
    pub(crate) without_hosts: Config,
    pub(crate) schema: SchemaName,
    pub(crate) unlogged: bool,
    pub(crate) auto_migrate: bool,
    pub(crate) prepare: bool,
    pub(crate) trust: Option<Trust>,
    pub(crate) files: TlsFiles,
}

impl PostgresUrl {
    /// The schema that holds tables and functions.
    #[must_use]
    pub fn schema(&self) -> &str {
        self.schema.as_str()
    }

    /// Whether a new table is `UNLOGGED`.
    #[must_use]
    pub const fn unlogged(&self) -> bool {
        self.unlogged
    }

    /// Refuses an option that is neither this URL's nor one of every remote store's.
    ///
    /// # Errors
    ///
    /// [`RemoteError::Setup`], which tells the options that there are, and which one was most
    /// likely meant.
    pub fn refuse_unknown(&self) -> Result<(), RemoteError> {
        let mut names = self.other.iter().map(|(name, _)| name.as_str());
        match names.find(|name| !Settings::OPTIONS.contains(name)) {
            Some(name) => Err(unknown_option("a PostgreSQL", name, &OPTIONS)),
            None => Ok(()),
        }
    }

    /// True when every host is a Unix socket.
    pub(crate) fn is_local(&self) -> bool {
        self.config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_)))
    }
}

impl FromStr for PostgresUrl {
    type Err = RemoteError;

    /// # Errors
    ///
    /// [`RemoteError::Setup`], which names the part that is wrong and what would be right.
    fn from_str(url: &str) -> Result<Self, RemoteError> {
        let rest = url
            .strip_prefix("postgresql://")
            .or_else(|| url.strip_prefix("postgres://"))
            .ok_or_else(|| {
                setup(
                    "a PostgreSQL URL begins with postgresql://, as in postgresql://localhost/app",
                )
            })?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let mut options = Options::default();
        if let Some(login) = login {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            options.user = non_empty(decode("the user", user)?);
            options.password = non_empty(decode("the password", password)?);
        }
        for host in hosts.split(',').filter(|host| !host.is_empty()) {
            let (host, port) = split_port(host)?;
            options.hosts.push(decode("the host", host)?);
            options.ports.push(port);
        }
        options.database = non_empty(decode("the database", database)?);
        for (name, value) in split_query(query) {
            if name.contains('@') || value.contains('@') {
                return Err(setup(
                    "the PostgreSQL URL has an `@` where none belongs; in a user's name, a password or an option write `%40` for `@`, `%2F` for `/`, `%3F` for `?`",
                ));
            }
            let (name, value) = (decode("an option", name)?, decode("an option", value)?);
            options.set(name, value)?;
        }
        options.build()
    }
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// `host:port`, `[::1]:port`, or either without the port.
fn split_port(text: &str) -> Result<(&str, Option<u16>), RemoteError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(|| {
                setup("the host has a `[` without a `]`; an IPv6 address is written [::1]")
            })?;
            (host, port.strip_prefix(':').unwrap_or(port))
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    match port {
        "" => Ok((host, None)),
        // Not repeated: a URL without its host has the password here.
        _ => crate::options::port_number(port).map(|port| (host, Some(port))).ok_or_else(|| {
            setup("the PostgreSQL URL has a port that is not a number from 1 to 65535, as in postgresql://localhost:5432/app")
        }),
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgresql://")?;
        if self.config.get_user().is_some() || self.config.get_password().is_some() {
            f.write_str("***@")?;
        }
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let ports = self.config.get_ports();
            let port = ports.get(index).or_else(|| ports.first()).copied().unwrap_or(5432);
            let comma = if index > 0 { "," } else { "" };
            match host {
                Host::Tcp(name) if name.contains(':') => write!(f, "{comma}[{name}]:{port}")?,
                Host::Tcp(name) => write!(f, "{comma}{name}:{port}")?,
                #[cfg(unix)]
                Host::Unix(path) => write!(f, "{comma}{}:{port}", path.display())?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresUrl")
            .field("server", &self.to_string())
            .field("schema", &self.schema())
            .field("unlogged", &self.unlogged)
            .field("auto_migrate", &self.auto_migrate)
            .field("prepare", &self.prepare)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> PostgresUrl {
        text.parse().unwrap()
    }

    fn message(text: &str) -> String {
        text.parse::<PostgresUrl>().unwrap_err().to_string()
    }

    #[test]
    fn a_url_names_server_database_and_schema() {
        for (text, shown) in [
            ("postgres://localhost/app", "postgresql://localhost:5432/app"),
            ("postgresql://ana@[::1]:7/app", "postgresql://***@[::1]:7/app"),
            ("postgresql:///app?host=/run/pg&port=7", "postgresql:///run/pg:7/app"),
            ("postgresql://%2Frun%2Fpg/app", "postgresql:///run/pg:5432/app"),
            ("postgresql://a:1,b:2/app", "postgresql://a:1,b:2/app"),
            ("postgresql://", "postgresql://localhost:5432/"),
        ] {
            assert_eq!(parse(text).to_string(), shown, "{text}");
        }
        let url = parse("postgresql://localhost/app?schema=My%20%22limits%22");
        assert_eq!(url.schema(), "My \"limits\"");
        assert!(parse("postgresql:///app?host=/run/pg").is_local());
        assert!(!parse("postgresql:///app").is_local());
    }

    #[test]
    fn user_and_password_are_shown_nowhere() {
        let url = parse("postgresql://ana:hunter%402@db/app?password=hunter%403&user=bob");
        assert_eq!(url.config.get_password(), Some(b"hunter@3".as_slice()));
        for text in [url.to_string(), format!("{url:?}")] {
            assert!(!text.contains("hunter") && !text.contains("ana") && !text.contains("bob"));
        }
        for wrong in ["port=x", "schema=", "sslmode=allow", "unlogged=maybe", "ca=%zz"] {
            let text = message(&format!("postgresql://ana:hunter2@db/app?{wrong}"));
            assert!(!text.contains("hunter") && !text.contains("ana"), "{text}");
        }
        // Written without its percent signs, or without a host.
        for url in ["ana:1?hunter2@db/app", "ana:hunter2/app"] {
            let text = message(&format!("postgresql://{url}"));
            assert!(!text.contains("hunter") && !text.contains("ana"), "{text}");
        }
    }

    #[test]
    fn a_wrong_part_is_named_with_what_would_be_right() {
        for (text, named, right) in [
            ("mysql://db/app", "begins with postgresql://", "postgresql://localhost/app"),
            ("postgresql://db:port/app", "has a port", "1 to 65535"),
            ("postgresql://db/app?port=x", "port `x`", "1 to 65535"),
            ("postgresql://db/app?sslmode=allow", "sslmode `allow`", "verify-full"),
            ("postgresql://db/app?prepare=no", "prepare `no`", "true or false"),
            ("postgresql://db/app?connect_timeout=soon", "connect_timeout `soon`", "seconds"),
            ("postgresql://db/app?schema=", "schema", "1 to 63 bytes"),
            ("postgresql://db/app?channel_binding=require", "channel_binding", "sslmode"),
        ] {
            let message = message(text);
            assert!(message.contains(named) && message.contains(right), "{text}: {message}");
        }
    }

    #[test]
    fn unknown_options_are_handed_back() {
        let url = parse("postgresql://db/app?timeout=50ms&sslmode=disable&pool=8&x");
        let other: Vec<_> = url.other.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(other, [("timeout", "50ms"), ("pool", "8"), ("x", "")]);
    }
}

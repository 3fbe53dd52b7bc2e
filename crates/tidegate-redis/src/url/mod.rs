//! Where a server is, how to log in, and what its keys begin with: all of it in a URL.

mod parse;
#[cfg(test)]
mod tests;

use std::{fmt, path::PathBuf};

use tidegate_remote::{RemoteError, Settings, unknown_option};

/// A store's URL, taken apart.
///
/// | URL | connects to |
/// |---|---|
/// | `redis://[[user]:password@]host[:port][/database]` | one server; `rediss://` by TLS |
/// | `unix:///path/to.sock[?db=N&user=…&pass=…]` | one server, by a Unix socket |
/// | `redis+sentinel://[…@]host:port,…/master[/database]` | the master that sentinels name; `rediss+sentinel://` by TLS |
/// | `redis+cluster://[…@]host:port,…` | a cluster, by any of its nodes; `rediss+cluster://` by TLS |
///
/// `valkey` may stand for `redis` in all of them. Users, passwords and options may be percent
/// encoded, and must be where they hold one of `/?#@&=%`.
///
/// | option | meaning |
/// |---|---|
/// | `prefix` | what every key begins with; `tidegate:` by default |
/// | `ca` | file of the certificates to trust instead of the system's (PEM) |
/// | `cert`, `key` | files of the certificate and key to show to the server (PEM) |
/// | `insecure=true` | by TLS, believe any certificate: for tests |
/// | `sentinel_user`, `sentinel_password` | how to log in at the sentinels |
///
/// Neither `Debug` nor `Display` shows a user or a password.
#[derive(Clone)]
pub struct RedisUrl {
    scheme: &'static str,
    pub(crate) place: Place,
    pub(crate) login: Login,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) prefix: String,
    /// Options that are not the store's, by name and value, in order: for the caller to read
    /// or to refuse.
    pub other: Vec<(String, String)>,
}

/// What to connect to.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Server(Host),
    Socket(PathBuf),
    Sentinel { sentinels: Vec<Host>, master: String, login: Login },
    Cluster(Vec<Host>),
}

/// A server's name or address, and its port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// Who to be, and in which database.
#[derive(Clone, Default)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: u32,
}

/// How to encrypt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encryption {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) insecure: bool,
}

impl RedisUrl {
    /// What every key begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The error for an option that nobody knows: it tells those of such a URL, and which one
    /// was most likely meant.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidegate_redis::RedisUrl;
    ///
    /// let url = RedisUrl::parse("redis://localhost?prefixx=a").unwrap();
    /// let error = url.unknown_option(&url.other[0].0).to_string();
    /// assert!(error.contains("`prefixx`") && error.contains("`prefix`"), "{error}");
    /// ```
    #[must_use]
    pub fn unknown_option(&self, name: &str) -> RemoteError {
        unknown_option(&format!("a {}", self.scheme), name, parse::options(self.scheme))
    }
}

impl RedisUrl {
    /// Refuses an option that is neither this URL's nor one of every remote store's.
    ///
    /// # Errors
    ///
    /// See [`unknown_option`](Self::unknown_option).
    pub fn refuse_unknown(&self) -> Result<(), RemoteError> {
        let mut names = self.other.iter().map(|(name, _)| name.as_str());
        match names.find(|name| !Settings::OPTIONS.contains(name)) {
            Some(name) => Err(self.unknown_option(name)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = if self.login.password.is_some() { "***@" } else { "" };
        write!(f, "{}://{login}", self.scheme)?;
        match &self.place {
            Place::Server(host) => write!(f, "{host}/{}", self.login.database),
            Place::Socket(path) => write!(f, "{}", path.display()),
            Place::Cluster(hosts) => write_hosts(f, hosts),
            Place::Sentinel { sentinels, master, .. } => {
                write_hosts(f, sentinels)?;
                write!(f, "/{master}/{}", self.login.database)
            }
        }
    }
}

fn write_hosts(f: &mut fmt::Formatter<'_>, hosts: &[Host]) -> fmt::Result {
    for (index, host) in hosts.iter().enumerate() {
        write!(f, "{}{host}", if index == 0 { "" } else { "," })?;
    }
    Ok(())
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of other options are not known to be harmless.
        let other: Vec<_> = self.other.iter().map(|(name, _)| name).collect();
        f.debug_struct("RedisUrl")
            .field("url", &self.to_string())
            .field("prefix", &self.prefix)
            .field("encryption", &self.encryption)
            .field("other", &other)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("database", &self.database).finish_non_exhaustive()
    }
}

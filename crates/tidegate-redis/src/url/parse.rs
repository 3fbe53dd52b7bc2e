//! Taking a URL apart.
//!
//! No message repeats anything of the URL but the names of known options: where a password is
//! written without its percent signs, any part may hold a piece of it.

use std::path::PathBuf;

use tidegate_remote::RemoteError;

use super::{Encryption, Host, Login, Place, RedisUrl};

const DEFAULT_PREFIX: &str = "tidegate:";
const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;

/// Schemes: as it may be written, as it is told, and whether it is encrypted.
const SCHEMES: [(&str, &str, bool); 12] = [
    ("redis", "redis", false),
    ("valkey", "redis", false),
    ("rediss", "rediss", true),
    ("valkeys", "rediss", true),
    ("unix", "unix", false),
    ("redis+unix", "unix", false),
    ("redis+sentinel", "redis+sentinel", false),
    ("valkey+sentinel", "redis+sentinel", false),
    ("rediss+sentinel", "rediss+sentinel", true),
    ("redis+cluster", "redis+cluster", false),
    ("valkey+cluster", "redis+cluster", false),
    ("rediss+cluster", "rediss+cluster", true),
];

/// The options of a kind of URL.
pub(super) fn options(scheme: &str) -> &'static [&'static str] {
    match scheme {
        "unix" => &["prefix", "db", "user", "pass"],
        "redis+sentinel" => &["prefix", "sentinel_user", "sentinel_password"],
        "rediss+sentinel" => {
            &["prefix", "sentinel_user", "sentinel_password", "ca", "cert", "key", "insecure"]
        }
        "rediss" | "rediss+cluster" => &["prefix", "ca", "cert", "key", "insecure"],
        _ => &["prefix"],
    }
}

impl RedisUrl {
    /// Takes a URL apart. Looks at no file and connects to nothing.
    ///
    /// # Errors
    ///
    /// [`RemoteError::Setup`], which names the part that is wrong and what would be right.
    pub fn parse(url: &str) -> Result<Self, RemoteError> {
        let (written, rest) = url.split_once("://").unwrap_or((url, ""));
        let (_, scheme, encrypted) = SCHEMES.into_iter().find(|(name, ..)| *name == written).ok_or_else(|| {
            setup("the URL's scheme is unknown; there are redis, rediss, unix, redis+sentinel, rediss+sentinel, redis+cluster and rediss+cluster, each followed by ://")
        })?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut found = Found { encrypted, ..Found::default() };
        let (place, mut login) = match scheme {
            "unix" => (Place::Socket(socket(rest)?), Login::default()),
            _ => network(scheme, rest)?,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            found.option(scheme, pair)?;
        }
        let sentinel =
            Login { user: found.sentinel_user, password: found.sentinel_password, database: 0 };
        complete(&sentinel, "`sentinel_user` and `sentinel_password`")?;
        let place = match place {
            Place::Sentinel { sentinels, master, .. } => {
                Place::Sentinel { sentinels, master, login: sentinel }
            }
            place => place,
        };
        if scheme == "unix" {
            login = Login { user: found.user, password: found.password, database: found.database };
        }
        complete(&login, "user and password")?;
        let encryption = encrypted.then_some(found.encryption);
        if encryption.as_ref().is_some_and(|files| files.cert.is_some() != files.key.is_some()) {
            return Err(setup("the options `cert` and `key` go together; give both or neither"));
        }
        let prefix = found.prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
        Ok(Self { scheme, place, login, encryption, prefix, other: found.other })
    }
}

/// What the options say.
#[derive(Default)]
struct Found {
    encrypted: bool,
    prefix: Option<String>,
    user: Option<String>,
    password: Option<String>,
    database: u32,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
    encryption: Encryption,
    other: Vec<(String, String)>,
}

impl Found {
    fn option(&mut self, scheme: &str, pair: &str) -> Result<(), RemoteError> {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if pair.contains('@') {
            return Err(unencoded());
        }
        let value = decode(value)?;
        let by_socket = scheme == "unix";
        let by_sentinel = scheme.ends_with("sentinel");
        match name {
            "prefix" => self.prefix = Some(prefix(value)?),
            "db" if by_socket => self.database = database(&value)?,
            "user" if by_socket => self.user = Some(value),
            "pass" | "password" if by_socket => self.password = Some(value),
            "sentinel_user" if by_sentinel => self.sentinel_user = Some(value),
            "sentinel_password" if by_sentinel => self.sentinel_password = Some(value),
            "ca" | "cert" | "key" | "insecure" if self.encrypted => self.encrypt(name, value)?,
            "ca" | "cert" | "key" | "insecure" => {
                return Err(setup(format!(
                    "the option `{name}` is about TLS, which this URL does not ask for; write rediss:// for redis://"
                )));
            }
            _ => self.other.push((name.to_owned(), value)),
        }
        Ok(())
    }

    fn encrypt(&mut self, name: &str, value: String) -> Result<(), RemoteError> {
        if name == "insecure" {
            self.encryption.insecure = match value.as_str() {
                "true" => true,
                "false" => false,
                _ => return Err(setup("the option `insecure` is neither true nor false")),
            };
            return Ok(());
        }
        if value.is_empty() {
            return Err(setup(format!(
                "the option `{name}` is empty; give the path of a PEM file"
            )));
        }
        let path = Some(PathBuf::from(value));
        match name {
            "ca" => self.encryption.ca = path,
            "cert" => self.encryption.cert = path,
            _ => self.encryption.key = path,
        }
        Ok(())
    }
}

/// Hosts, path and login of a URL that names hosts.
fn network(scheme: &str, rest: &str) -> Result<(Place, Login), RemoteError> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if path.contains('@') || rest.contains('#') {
        return Err(unencoded());
    }
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (self::login(login)?, hosts),
        None => (Login::default(), authority),
    };
    let port = if scheme.ends_with("sentinel") { SENTINEL_PORT } else { REDIS_PORT };
    let hosts = hosts.split(',').map(|text| host(text, port));
    let mut hosts = hosts.collect::<Result<Vec<_>, _>>()?;
    match scheme {
        "redis+cluster" | "rediss+cluster" => match path {
            "" | "0" => Ok((Place::Cluster(hosts), login)),
            _ => Err(setup("a cluster has no databases; leave out what follows the hosts")),
        },
        "redis+sentinel" | "rediss+sentinel" => {
            let (master, number) = path.split_once('/').unwrap_or((path, ""));
            let master = decode(master)?;
            if master.is_empty() {
                return Err(setup(
                    "the master's name is missing; write it after the sentinels, as in redis+sentinel://host:26379/mymaster",
                ));
            }
            let place = Place::Sentinel { sentinels: hosts, master, login: Login::default() };
            Ok((place, Login { database: database(number)?, ..login }))
        }
        _ => match (hosts.pop(), hosts.is_empty()) {
            (Some(host), true) => {
                Ok((Place::Server(host), Login { database: database(path)?, ..login }))
            }
            _ => Err(setup(
                "there is more than one host; write redis+cluster:// or redis+sentinel:// for several",
            )),
        },
    }
}

fn login(text: &str) -> Result<Login, RemoteError> {
    if text.contains('@') {
        return Err(unencoded());
    }
    let Some((user, password)) = text.split_once(':') else {
        return Err(setup(
            "the URL has a user without a password; write user:password@ or :password@ before the host",
        ));
    };
    let user = Some(decode(user)?).filter(|user| !user.is_empty());
    let password = Some(decode(password)?).filter(|password| !password.is_empty());
    Ok(Login { user, password, database: 0 })
}

fn complete(login: &Login, what: &str) -> Result<(), RemoteError> {
    if login.user.is_some() && login.password.is_none() {
        return Err(setup(format!("{what}: there is a user without a password")));
    }
    Ok(())
}

fn host(text: &str, default_port: u16) -> Result<Host, RemoteError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let closed = rest.split_once(']');
            let (name, rest) =
                closed.ok_or_else(|| setup("an IPv6 address in the URL lacks its `]`"))?;
            (name, rest.strip_prefix(':').unwrap_or(rest))
        }
        None if text.matches(':').count() > 1 => {
            return Err(setup(
                "a host has more than one colon; an IPv6 address stands in brackets, as in redis://[::1]:6379",
            ));
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    if name.is_empty() {
        return Err(setup(
            "a host is missing; write its name or address, as in redis://localhost:6379",
        ));
    }
    let port = match port {
        "" => default_port,
        port => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
            setup("a port is not a number from 1 to 65535, as in redis://localhost:6379")
        })?,
    };
    Ok(Host { name: decode(name)?, port })
}

fn socket(path: &str) -> Result<PathBuf, RemoteError> {
    if !path.starts_with('/') || path.ends_with('/') {
        return Err(setup(
            "the socket's path is not absolute; write it with three slashes, as in unix:///run/redis.sock",
        ));
    }
    Ok(PathBuf::from(decode(path)?))
}

fn database(text: &str) -> Result<u32, RemoteError> {
    if text.is_empty() {
        return Ok(0);
    }
    let wrong = || setup("the database is not a number, as in redis://localhost/0");
    // A sign would parse, and be nobody's intention.
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| wrong())
    } else {
        Err(wrong())
    }
}

fn prefix(value: String) -> Result<String, RemoteError> {
    if value.contains(['{', '}']) {
        return Err(setup(
            "the option `prefix` holds a brace, which would decide on the node of a cluster; leave braces out",
        ));
    }
    Ok(value)
}

/// Text with its percent signs resolved.
fn decode(text: &str) -> Result<String, RemoteError> {
    let wrong = || {
        setup(
            "a `%` in the URL is not followed by two hexadecimal digits that make UTF-8; write `%25` for the sign itself",
        )
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let digits = tail.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits =
            digits.and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

fn unencoded() -> RemoteError {
    setup(
        "the URL has an `@`, or a `#`, where none belongs; in a user's name or password write `%40` for `@`, `%2F` for `/`, `%3F` for `?`, `%23` for `#`",
    )
}

fn setup(reason: impl Into<String>) -> RemoteError {
    RemoteError::Setup { reason: reason.into() }
}

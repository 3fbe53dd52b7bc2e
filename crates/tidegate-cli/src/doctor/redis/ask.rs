//! Asking Redis servers, by the login and the encryption of a store's URL.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use redis::{
    Client, ClientTlsConfig, Connection, FromRedisValue, IntoConnectionInfo as _, RedisResult,
    TlsCertificates,
};

use crate::store::StoreUrl;

const PATIENCE: Duration = Duration::from_secs(10);

/// How to come to the servers of a store.
pub(super) struct Access<'u> {
    url: &'u StoreUrl,
    scheme: String,
}

/// A server's place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Host(pub(super) String);

impl Host {
    pub(super) fn new(name: &str, port: i64) -> Self {
        let is_ipv6 = name.contains(':');
        Self(if is_ipv6 { format!("[{name}]:{port}") } else { format!("{name}:{port}") })
    }

    /// As it stands in a URL.
    fn given(text: &str, port: u16) -> Self {
        let has_port = text.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        Self(if has_port { text.to_owned() } else { format!("{text}:{port}") })
    }
}

impl<'u> Access<'u> {
    pub(super) fn new(url: &'u StoreUrl) -> Self {
        Self { url, scheme: url.scheme().replace("valkey", "redis") }
    }

    /// `sentinel`, `cluster`, or nothing for a single server.
    pub(super) fn kind(&self) -> &str {
        self.scheme.split_once('+').map_or("", |(_, kind)| kind)
    }

    /// The one server of the URL.
    pub(super) fn the_server(&self) -> RedisResult<Client> {
        if self.scheme != "unix" && self.kind() != "unix" {
            return self.open(self.place());
        }
        let names = ["db", "user", "pass"];
        let options = names.into_iter().filter_map(|name| {
            let value = self.url.raw_option(name)?;
            Some(format!("{name}={value}"))
        });
        let options = options.collect::<Vec<_>>().join("&");
        Client::open(format!("unix://{}?{options}", self.place()))
    }

    /// Those that the URL names, with this port where it names none.
    pub(super) fn hosts(&self, port: u16) -> Vec<Host> {
        let (_, hosts) = self.parts();
        hosts.split(',').map(|text| Host::given(text, port)).collect()
    }

    /// What stands behind the hosts: a master's name, a database.
    pub(super) fn path(&self) -> &str {
        self.place().split_once('/').map_or("", |(_, path)| path)
    }

    /// A server that keeps counts.
    pub(super) fn server(&self, host: &Host) -> RedisResult<Client> {
        match self.parts() {
            ("", _) => self.open(&host.0),
            (login, _) => self.open(&format!("{login}@{}", host.0)),
        }
    }

    /// A sentinel, which has a login of its own.
    pub(super) fn sentinel(&self, host: &Host) -> RedisResult<Client> {
        let option = |name: &str| self.url.raw_option(name);
        match (option("sentinel_user"), option("sentinel_password")) {
            (_, None) => self.open(&host.0),
            (user, Some(password)) => {
                self.open(&format!("{}:{password}@{}", user.unwrap_or_default(), host.0))
            }
        }
    }

    fn place(&self) -> &str {
        self.url.without_options().split_once("://").map_or("", |(_, place)| place)
    }

    /// The login, and the hosts.
    fn parts(&self) -> (&str, &str) {
        let authority = self.place().split_once('/').map_or(self.place(), |(before, _)| before);
        authority.rsplit_once('@').unwrap_or(("", authority))
    }

    fn open(&self, place: &str) -> RedisResult<Client> {
        if !self.scheme.starts_with("rediss") {
            return Client::open(format!("redis://{place}"));
        }
        let read = |name: &str| self.url.option(name).map(fs::read).transpose();
        let client_tls = match (read("cert")?, read("key")?) {
            (Some(client_cert), Some(client_key)) => {
                Some(ClientTlsConfig { client_cert, client_key })
            }
            _ => None,
        };
        let certificates = TlsCertificates { client_tls, root_cert: read("ca")? };
        Client::build_with_tls(format!("rediss://{place}").into_connection_info()?, certificates)
    }
}

/// What a server answers to a command of these words.
pub(super) fn ask<T: FromRedisValue>(client: &Client, words: &[&str]) -> RedisResult<T> {
    query(&mut connect(client)?, words)
}

/// What a server says of its memory and its role.
pub(super) fn info(client: &Client) -> RedisResult<String> {
    let connection = &mut connect(client)?;
    let memory: String = query(connection, &["INFO", "memory"])?;
    Ok(memory + &query::<String>(connection, &["INFO", "replication"])?)
}

/// By how many seconds a server's clock is ahead of ours; off by half a trip at the most.
pub(super) fn clock_ahead(client: &Client) -> RedisResult<f64> {
    let connection = &mut connect(client)?;
    let before = SystemTime::now();
    let (seconds, micros): (u64, u32) = query(connection, &["TIME"])?;
    let half = before.elapsed().unwrap_or_default() / 2;
    let ours = before.duration_since(UNIX_EPOCH).unwrap_or_default() + half;
    let theirs = Duration::from_secs(seconds) + Duration::from_micros(micros.into());
    Ok(theirs.as_secs_f64() - ours.as_secs_f64())
}

fn connect(client: &Client) -> RedisResult<Connection> {
    let connection = client.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    Ok(connection)
}

fn query<T: FromRedisValue>(connection: &mut Connection, words: &[&str]) -> RedisResult<T> {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command.query(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = StoreUrl::new("rediss+sentinel://u:p%40@a,[::1]:7,b:8/tide/3?timeout=1s");
        let access = Access::new(&url);
        let hosts: Vec<_> = access.hosts(26379).into_iter().map(|host| host.0).collect();
        assert_eq!((access.kind(), access.path()), ("sentinel", "tide/3"));
        assert_eq!(hosts, ["a:26379", "[::1]:7", "b:8"]);
        assert_eq!(Host::new("::1", 5).0, "[::1]:5");
        assert_eq!(Host::given("[::1]", 5).0, "[::1]:5");
    }

    #[test]
    fn servers_and_sentinels_have_logins_of_their_own() {
        let url = StoreUrl::new(
            "redis+sentinel://ana:p%40@a,b/tide?sentinel_user=eve&sentinel_password=%2Fs",
        );
        let (access, host) = (Access::new(&url), Host::new("c", 7));
        let login = |client: RedisResult<Client>| {
            let client = client.unwrap();
            let settings = client.get_connection_info().redis_settings();
            (settings.username().unwrap().to_owned(), settings.password().unwrap().to_owned())
        };
        assert_eq!(login(access.server(&host)), ("ana".to_owned(), "p@".to_owned()));
        assert_eq!(login(access.sentinel(&host)), ("eve".to_owned(), "/s".to_owned()));
    }

    #[test]
    fn a_single_server_is_named_by_any_url() {
        for url in ["redis://u:p@h:1/2?timeout=1s", "valkeys://h", "unix:///a/b.sock?db=3"] {
            let url = StoreUrl::new(url);
            let access = Access::new(&url);
            assert!(access.kind().is_empty() && access.the_server().is_ok());
        }
        for (url, kind) in
            [("valkey+cluster://a", "cluster"), ("rediss+sentinel://a/m", "sentinel")]
        {
            assert_eq!(Access::new(&StoreUrl::new(url)).kind(), kind);
        }
    }
}

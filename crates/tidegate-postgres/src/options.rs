//! The options of a URL, one by one, and what they come to.

use std::time::Duration;

use tidegate_remote::RemoteError;
use tokio_postgres::{
    Config,
    config::{LoadBalanceHosts, SslMode, TargetSessionAttrs},
};

use crate::{
    PostgresUrl,
    error::setup,
    schema::SchemaName,
    tls::{TlsFiles, Trust},
};

/// The options that a URL may have, besides those of every remote store.
pub(crate) const OPTIONS: [&str; 24] = [
    "schema",
    "unlogged",
    "auto_migrate",
    "prepare",
    "sslmode",
    "sslrootcert",
    "ca",
    "sslcert",
    "sslkey",
    "user",
    "password",
    "dbname",
    "host",
    "port",
    "application_name",
    "options",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "target_session_attrs",
    "load_balance_hosts",
];

/// What a URL says, part by part. A later option wins over an earlier one, and over the part
/// of the URL that says the same.
pub(crate) struct Options {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) ports: Vec<Option<u16>>,
    pub(crate) database: Option<String>,
    config: Config,
    schema: String,
    unlogged: bool,
    auto_migrate: bool,
    prepare: bool,
    ssl: (SslMode, Option<Trust>),
    files: TlsFiles,
    other: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        let mut config = Config::new();
        config.application_name("tidegate");
        Self {
            user: None,
            password: None,
            hosts: Vec::new(),
            ports: Vec::new(),
            database: None,
            config,
            schema: "tidegate".into(),
            unlogged: true,
            auto_migrate: true,
            prepare: true,
            ssl: (SslMode::Prefer, Some(Trust::Anyone)),
            files: TlsFiles::default(),
            other: Vec::new(),
        }
    }
}

impl Options {
    /// # Errors
    ///
    /// [`RemoteError::Setup`] for a value that makes no sense.
    pub(crate) fn set(&mut self, name: String, value: String) -> Result<(), RemoteError> {
        match name.as_str() {
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "host" => self.hosts = value.split(',').map(str::to_owned).collect(),
            "port" => {
                let ports = value.split(',').map(|port| parse_port(port).map(Some));
                self.ports = ports.collect::<Result<_, _>>()?;
            }
            "schema" => self.schema = value,
            "unlogged" => self.unlogged = parse_bool(&name, &value)?,
            "auto_migrate" => self.auto_migrate = parse_bool(&name, &value)?,
            "prepare" => self.prepare = parse_bool(&name, &value)?,
            "ca" | "sslrootcert" => self.files.ca = Some(value),
            "sslcert" => self.files.certificate = Some(value),
            "sslkey" => self.files.key = Some(value),
            "sslmode" => self.ssl = parse_ssl_mode(&value)?,
            _ => return self.set_libpq(name, value),
        }
        Ok(())
    }

    fn set_libpq(&mut self, name: String, value: String) -> Result<(), RemoteError> {
        let config = &mut self.config;
        match name.as_str() {
            "application_name" => config.application_name(value),
            "options" => config.options(value),
            "connect_timeout" => config.connect_timeout(parse_seconds(&name, &value)?),
            "tcp_user_timeout" => {
                let millis = parse_number(&name, &value, "a whole number of milliseconds")?;
                config.tcp_user_timeout(Duration::from_millis(millis))
            }
            "keepalives" => config.keepalives(value != "0"),
            "keepalives_idle" => config.keepalives_idle(parse_seconds(&name, &value)?),
            "keepalives_interval" => config.keepalives_interval(parse_seconds(&name, &value)?),
            "keepalives_count" | "keepalives_retries" => {
                let count = parse_number(&name, &value, "a whole number")?;
                config.keepalives_retries(u32::try_from(count).unwrap_or(u32::MAX))
            }
            "target_session_attrs" => config.target_session_attrs(match value.as_str() {
                "any" => TargetSessionAttrs::Any,
                "read-write" | "primary" => TargetSessionAttrs::ReadWrite,
                _ => return Err(wrong(&name, &value, "any or read-write; tidegate has to write")),
            }),
            "load_balance_hosts" => config.load_balance_hosts(match value.as_str() {
                "disable" => LoadBalanceHosts::Disable,
                "random" => LoadBalanceHosts::Random,
                _ => return Err(wrong(&name, &value, "disable or random")),
            }),
            "channel_binding" if value == "prefer" || value == "disable" => config,
            "channel_binding" => {
                let right = "prefer or disable; sslmode=verify-full keeps impostors out as well";
                return Err(wrong(&name, &value, right));
            }
            _ => {
                self.other.push((name, value));
                return Ok(());
            }
        };
        Ok(())
    }

    /// # Errors
    ///
    /// [`RemoteError::Setup`] for parts that do not go together.
    pub(crate) fn build(mut self) -> Result<PostgresUrl, RemoteError> {
        let schema = SchemaName::new(self.schema)?;
        let config = &mut self.config;
        if let Some(user) = self.user {
            config.user(user);
        }
        if let Some(password) = self.password {
            config.password(password);
        }
        if let Some(database) = self.database {
            config.dbname(database);
        }
        config.ssl_mode(self.ssl.0);
        let without_hosts = config.clone();
        if self.hosts.is_empty() {
            self.hosts.push("localhost".into());
        }
        // One port is for all hosts.
        if self.ports.len() != self.hosts.len() && self.ports.len() > 1 {
            let (hosts, ports) = (self.hosts.len(), self.ports.len());
            return Err(setup(format!(
                "the PostgreSQL URL has {hosts} hosts and {ports} ports; give one port, or one for each host"
            )));
        }
        for (index, host) in self.hosts.iter().enumerate() {
            config.host(host);
            let port = self.ports.get(index).or_else(|| self.ports.first());
            config.port(port.copied().flatten().unwrap_or(5432));
        }
        Ok(PostgresUrl {
            other: self.other,
            config: self.config,
            without_hosts,
            schema,
            unlogged: self.unlogged,
            auto_migrate: self.auto_migrate,
            prepare: self.prepare,
            trust: self.ssl.1,
            files: self.files,
        })
    }
}

fn wrong(name: &str, value: &str, right: &str) -> RemoteError {
    setup(format!("the PostgreSQL URL has {name} `{value}`; give {right}"))
}

pub(crate) fn parse_port(text: &str) -> Result<u16, RemoteError> {
    port_number(text).ok_or_else(|| wrong("port", text, "1 to 65535"))
}

pub(crate) fn port_number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

fn parse_bool(name: &str, value: &str) -> Result<bool, RemoteError> {
    value.parse().map_err(|_| wrong(name, value, "true or false"))
}

fn parse_number(name: &str, value: &str, right: &str) -> Result<u64, RemoteError> {
    value.parse().map_err(|_| wrong(name, value, right))
}

fn parse_seconds(name: &str, value: &str) -> Result<Duration, RemoteError> {
    parse_number(name, value, "a whole number of seconds").map(Duration::from_secs)
}

fn parse_ssl_mode(value: &str) -> Result<(SslMode, Option<Trust>), RemoteError> {
    Ok(match value {
        "disable" => (SslMode::Disable, None),
        "prefer" => (SslMode::Prefer, Some(Trust::Anyone)),
        "require" => (SslMode::Require, Some(Trust::Anyone)),
        "verify-ca" => (SslMode::Require, Some(Trust::Authority)),
        "verify-full" => (SslMode::Require, Some(Trust::Name)),
        _ => {
            let right = "disable, prefer, require, verify-ca or verify-full";
            return Err(wrong("sslmode", value, right));
        }
    })
}

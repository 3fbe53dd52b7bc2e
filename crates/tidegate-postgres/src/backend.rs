//! A server, and how to connect to it.

use std::{str::FromStr, sync::OnceLock, time::Instant};

use tidegate_core::{Limit, Program};
use tidegate_remote::{Backend, Lookup, RemoteError};

use crate::{
    PostgresLink, PostgresUrl, address,
    connection::Connection,
    error::{STORE, setup},
    program::Numbers,
    schema::{self, SchemaName},
    setup::prepare_session,
    tls::Connector,
};

/// A PostgreSQL server as a store. Connects when asked to, and not before.
///
/// # Examples
///
/// ```
/// use tidegate_postgres::{PostgresBackend, PostgresUrl};
/// use tidegate_remote::Backend as _;
///
/// let url: PostgresUrl = "postgresql://ana:secret@localhost/app".parse().unwrap();
/// let backend = PostgresBackend::new(url);
///
/// assert_eq!(backend.name(), "postgres");
/// assert!(!format!("{backend:?}").contains("secret"));
/// ```
#[derive(Debug)]
pub struct PostgresBackend {
    url: PostgresUrl,
    /// Read from files at the first connection; what went wrong is tried again.
    tls: OnceLock<Connector>,
    lookup: Lookup,
}

impl PostgresBackend {
    /// The server that `url` names. Does not look at [`PostgresUrl::other`].
    #[must_use]
    pub fn new(url: PostgresUrl) -> Self {
        Self::with_lookup(url, Lookup::default())
    }

    /// The server that `url` names, whose address `lookup` finds.
    #[must_use]
    pub const fn with_lookup(url: PostgresUrl, lookup: Lookup) -> Self {
        Self { url, tls: OnceLock::new(), lookup }
    }

    /// The statements that make the schema, as a script for `psql`; it may be run again.
    ///
    /// For those who do not let tidegate do it itself (`auto_migrate=false`). The user that
    /// limits run as then needs `USAGE` on the schema, `SELECT` on the table `migration`, and
    /// `SELECT`, `INSERT`, `UPDATE`, `DELETE` on the table `counter`.
    ///
    /// # Errors
    ///
    /// [`RemoteError::Setup`] when `schema` can't be the name of one.
    pub fn migration_sql(schema: &str, unlogged: bool) -> Result<String, RemoteError> {
        Ok(schema::script(&SchemaName::new(schema.into())?, unlogged))
    }

    fn connector(&self) -> Result<Option<Connector>, RemoteError> {
        let Some(trust) = self.url.trust.filter(|_| !self.url.is_local()) else {
            return Ok(None);
        };
        if let Some(connector) = self.tls.get() {
            return Ok(Some(connector.clone()));
        }
        let connector = Connector::new(trust, &self.url.files)?;
        Ok(Some(self.tls.get_or_init(|| connector).clone()))
    }
}

impl FromStr for PostgresBackend {
    type Err = RemoteError;

    /// # Errors
    ///
    /// As [`PostgresUrl`], and for an option that it does not know.
    fn from_str(url: &str) -> Result<Self, RemoteError> {
        let url: PostgresUrl = url.parse()?;
        url.refuse_unknown()?;
        match url.other.first() {
            None => Ok(Self::new(url)),
            Some((name, _)) => {
                Err(setup(format!("the option `{name}` is for whoever opens a whole store")))
            }
        }
    }
}

impl Backend for PostgresBackend {
    type Link = PostgresLink;

    fn name(&self) -> &'static str {
        STORE
    }

    fn program(&self, limit: &Limit) -> Result<Program, String> {
        let program = limit.program();
        if *program != Program::DenyAll {
            Numbers::new(program)?;
        }
        Ok(program.clone())
    }

    fn connect(&self, deadline: Instant) -> Result<PostgresLink, RemoteError> {
        let connector = self.connector()?;
        let config = address::resolve(&self.url, &self.lookup, deadline)?;
        let mut connection = Connection::open(&config, connector, deadline)?;
        let functions = prepare_session(&mut connection, &self.url, deadline)?;
        Ok(PostgresLink::new(connection, functions))
    }
}

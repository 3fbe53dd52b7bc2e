//! What happens on a new connection before it is asked anything.

use std::{sync::Arc, time::Instant};

use tidegate_remote::RemoteError;
use tokio_postgres::{
    Client, Row, Statement,
    types::{ToSql, Type},
};

use crate::{
    PostgresUrl,
    connection::Connection,
    error::{failed, setup, unavailable},
    schema::{self, SchemaName, VERSION},
};

/// Settings of a session that is ours alone: not behind a pooler in transaction mode, which
/// would lend them to others. A statement whose asker has gone does not linger, and nobody
/// waits for the disk.
const SETTINGS: &[(&str, &str)] = &[
    ("statement_timeout", "2s"),
    ("lock_timeout", "1s"),
    ("idle_in_transaction_session_timeout", "2s"),
    ("synchronous_commit", "off"),
    ("default_transaction_isolation", "read committed"),
];

/// A statement, by name on the server or as text each time.
#[derive(Clone)]
pub(crate) enum Call {
    Prepared(Statement),
    Text { sql: Arc<str>, types: &'static [Type] },
}

impl Call {
    pub(crate) async fn query(
        &self,
        client: &Client,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        match self {
            Self::Prepared(statement) => client.query(statement, values).await,
            Self::Text { sql, types } => {
                let typed: Vec<_> = values.iter().copied().zip(types.iter().cloned()).collect();
                client.query_typed(sql, &typed).await
            }
        }
    }
}

/// The functions in the database, ready to be called.
#[derive(Clone)]
pub(crate) struct Functions {
    pub(crate) decide: Call,
    pub(crate) adjust: Call,
    pub(crate) sweep: Call,
    pub(crate) clock: Call,
    pub(crate) list: Call,
}

const CALLS: [(&str, &[Type]); 5] = [
    ("SELECT {schema}.decide($1, $2)", &[Type::TEXT_ARRAY, Type::INT8_ARRAY]),
    ("SELECT {schema}.adjust($1, $2)", &[Type::TEXT_ARRAY, Type::INT8_ARRAY]),
    ("SELECT place, deleted FROM {schema}.sweep($1, $2)", &[Type::TEXT, Type::INT4]),
    ("SELECT {schema}.clock()", &[]),
    (
        "SELECT t.name, t.expires_at > (SELECT {schema}.clock()) FROM {schema}.counter t \
         WHERE t.name > $1 ORDER BY t.name LIMIT $2",
        &[Type::TEXT, Type::INT8],
    ),
];

/// Sees that the server can write and has the schema, makes that if it may, and prepares.
pub(crate) fn prepare_session(
    connection: &mut Connection,
    url: &PostgresUrl,
    deadline: Instant,
) -> Result<Functions, RemoteError> {
    let found = connection.run(deadline, |client| inspect(client, url.schema.clone()))?;
    if found.standby {
        return Err(unavailable("it is a standby, where nothing can be written"));
    }
    let schema = url.schema.as_str();
    match found.version {
        Some(version) if version > VERSION => {
            return Err(setup(format!(
                "the schema `{schema}` in PostgreSQL has version {version}, and this tidegate knows versions up to {VERSION}; update tidegate, or give another schema="
            )));
        }
        Some(VERSION) => {}
        _ if url.auto_migrate => migrate(connection, url, deadline)?,
        found => {
            let what = match found {
                Some(version) => format!("has version {version}, and {VERSION} is needed"),
                None => "is missing".into(),
            };
            return Err(setup(format!(
                "the schema `{schema}` in PostgreSQL {what}; run the SQL that `tidegate.stores.postgres_schema()` returns (in Rust `postgres_schema`), or leave out auto_migrate=false"
            )));
        }
    }
    let prepare = url.prepare;
    let options = url.config.get_options().unwrap_or_default().to_owned();
    let name = url.schema.clone();
    let calls = connection.run(deadline, |client| async move {
        if prepare {
            client.batch_execute(&session_settings(&options)).await?;
        }
        let mut calls = Vec::with_capacity(CALLS.len());
        for (sql, types) in CALLS {
            let sql = name.fill(sql);
            calls.push(if prepare {
                Call::Prepared(client.prepare_typed(&sql, types).await?)
            } else {
                Call::Text { sql: sql.into(), types }
            });
        }
        Ok(calls)
    })?;
    let calls: [Call; CALLS.len()] = calls.try_into().map_err(|_| failed("statements got lost"))?;
    let [decide, adjust, sweep, clock, list] = calls;
    Ok(Functions { decide, adjust, sweep, clock, list })
}

/// Sets all that the URL's own options leave open.
fn session_settings(options: &str) -> String {
    let mut script = String::new();
    for (name, value) in SETTINGS.iter().filter(|(name, _)| !options.contains(name)) {
        for part in ["SET ", name, " = '", value, "';"] {
            script.push_str(part);
        }
    }
    // Since PostgreSQL 14: notices when whoever asked has gone.
    script.push_str(
        "SELECT set_config('client_connection_check_interval', '200ms', false) \
         WHERE current_setting('client_connection_check_interval', true) = '0';",
    );
    script
}

struct Found {
    standby: bool,
    version: Option<i32>,
}

async fn inspect(client: Arc<Client>, schema: SchemaName) -> Result<Found, tokio_postgres::Error> {
    let rows = client.query_typed("SELECT pg_is_in_recovery()", &[]).await?;
    let standby = rows.first().map_or(Ok(false), |row| row.try_get(0))?;
    Ok(Found { standby, version: version(&client, &schema).await? })
}

/// The version of the schema; `None` when there is none.
///
/// Reads the catalogue as a table: functions such as `to_regclass` answer from a cache, which
/// in the middle of a transaction does not know what another starter has just made.
async fn version(
    client: &Client,
    schema: &SchemaName,
) -> Result<Option<i32>, tokio_postgres::Error> {
    let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables
        WHERE schemaname = $1 AND tablename = 'migration')";
    let rows = client.query_typed(sql, &[(&schema.as_str(), Type::TEXT)]).await?;
    if !rows.first().map_or(Ok(false), |row| row.try_get(0))? {
        return Ok(None);
    }
    let sql = schema.fill("SELECT max(version) FROM {schema}.migration");
    let rows = client.query_typed(&sql, &[]).await?;
    rows.first().map_or(Ok(None), |row| row.try_get(0))
}

/// Makes the schema, unless another starter was faster.
fn migrate(
    connection: &mut Connection,
    url: &PostgresUrl,
    deadline: Instant,
) -> Result<(), RemoteError> {
    let (schema, unlogged) = (url.schema.clone(), url.unlogged);
    connection.run(deadline, |client| async move {
        client.batch_execute(&format!("BEGIN;{}", schema::lock(&schema))).await?;
        if version(&client, &schema).await? < Some(VERSION) {
            client.batch_execute(&schema::migrations(&schema, unlogged)).await?;
        }
        client.batch_execute("COMMIT").await
    })
}

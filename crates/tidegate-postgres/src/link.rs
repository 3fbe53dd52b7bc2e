//! One connection, as `tidegate-remote` uses it.

use std::{sync::Arc, time::Instant};

use futures_util::future::join_all;
use tidegate_core::Nanos;
use tidegate_remote::{Ask, Fix, Link, Listed, Name, Page, RemoteError, Reply};
use tokio_postgres::{Client, Row};

use crate::{
    answer,
    batch::{self, Batch},
    connection::Connection,
    error::{STORE, failed, is_undone, setup},
    fixes::Fixes,
    program::unsigned,
    setup::{Call, Functions},
    sweep::Sweeper,
};

/// The most rows that one page looks at.
const LONGEST_PAGE: u32 = 10_000;
/// How many rows a page looks at, at least, when only those of one rule are wanted.
const SEARCHED: u32 = 1_000;

/// One connection to a PostgreSQL server.
pub struct PostgresLink {
    connection: Connection,
    functions: Functions,
    sweeper: Sweeper,
}

impl PostgresLink {
    pub(crate) fn new(connection: Connection, functions: Functions) -> Self {
        let sweeper = Sweeper::new(functions.sweep.clone());
        Self { connection, functions, sweeper }
    }
}

impl std::fmt::Debug for PostgresLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresLink").finish_non_exhaustive()
    }
}

impl Link for PostgresLink {
    fn exchange(
        &mut self,
        asks: &[Ask],
        replies: &mut Vec<Result<Reply, RemoteError>>,
        deadline: Instant,
    ) -> Result<(), RemoteError> {
        let mut known = vec![None; asks.len()];
        let batches = batch::plan(asks, &mut known);
        let decide = self.functions.decide.clone();
        let sweeper = Some(self.sweeper.clone()).filter(Sweeper::begin);
        let answers = self.connection.run(deadline, |client| async move {
            if let Some(sweeper) = sweeper {
                tokio::spawn(sweeper.run(Arc::clone(&client)));
            }
            // Polled in order, and so sent in order, before any answer is waited for.
            let calls = batches.iter().map(|batch| call(&decide, &client, batch));
            let answers = join_all(calls).await.into_iter().collect::<Result<_, _>>()?;
            Ok((batches, answers))
        });
        let (batches, answers): (Vec<Batch<'_>>, Vec<Vec<i64>>) = answers?;
        for (batch, answers) in batches.iter().zip(&answers) {
            answer::read(answers, batch, asks, &mut known)?;
        }
        for reply in known {
            replies.push(reply.unwrap_or_else(|| Err(failed("it left out an answer"))));
        }
        Ok(())
    }

    fn adjust(&mut self, fixes: &[Fix], deadline: Instant) -> Result<(), RemoteError> {
        let encoded = Fixes::new(fixes).map_err(setup)?;
        if encoded.names.is_empty() {
            return Ok(());
        }
        let adjust = self.functions.adjust.clone();
        let (names, numbers) = (&encoded.names, &encoded.numbers);
        let foreign: i32 = self.connection.run(deadline, |client| async move {
            loop {
                match adjust.query(&client, &[names, numbers]).await {
                    Err(error) if is_undone(&error) => {}
                    rows => return first_value(&rows?),
                }
            }
        })?;
        let position = usize::try_from(foreign).ok().and_then(|place| place.checked_sub(1));
        match position.and_then(|place| encoded.names.get(place)) {
            None => Ok(()),
            Some(name) => Err(RemoteError::Foreign {
                store: STORE,
                name: (*name).to_owned(),
                reason: "a row of another kind".into(),
            }),
        }
    }

    fn time(&mut self, deadline: Instant) -> Result<Nanos, RemoteError> {
        let clock = self.functions.clock.clone();
        let now: i64 = self.connection.run(deadline, |client| async move {
            first_value(&clock.query(&client, &[]).await?)
        })?;
        unsigned(now).map(Nanos).ok_or_else(|| failed("its clock shows a time before 1970"))
    }

    fn list(&mut self, page: &Page, deadline: Instant) -> Result<Listed, RemoteError> {
        let size = page.size.clamp(1, LONGEST_PAGE);
        let rows = if page.rule.is_some() { size.max(SEARCHED) } else { size };
        let rows_after = self.functions.list.clone();
        // Names are in the order of their bytes: those that begin alike stand together.
        let after = page.after.clone().unwrap_or_else(|| page.prefix.clone());
        let found = self.connection.run(deadline, |client| async move {
            let rows = rows_after.query(&client, &[&after, &i64::from(rows)]).await?;
            rows.iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                .collect::<Result<Vec<(String, bool)>, _>>()
        })?;
        let mut listed = Listed::default();
        let mut last = None;
        let more = found.len() == rows as usize;
        for (name, lives) in found {
            if listed.counters.len() == size as usize {
                listed.next = last;
                return Ok(listed);
            }
            if !name.starts_with(&page.prefix) {
                return Ok(listed);
            }
            if let Some((rule, tag, subject)) = Name::parse(&name).filter(|_| lives)
                && page.rule.as_deref().is_none_or(|wanted| wanted == rule)
            {
                listed.counters.push((rule.to_owned(), tag, subject));
            }
            last = Some(name);
        }
        listed.next = last.filter(|_| more);
        Ok(listed)
    }
}

/// Puts `batch` to the server, again if that undid it for another's sake.
async fn call(
    decide: &Call,
    client: &Client,
    batch: &Batch<'_>,
) -> Result<Vec<i64>, tokio_postgres::Error> {
    loop {
        match decide.query(client, &[&batch.names, &batch.numbers]).await {
            Err(error) if is_undone(&error) => {}
            rows => return first_value(&rows?),
        }
    }
}

/// The one value of an answer.
fn first_value<'a, T: tokio_postgres::types::FromSql<'a> + Default>(
    rows: &'a [Row],
) -> Result<T, tokio_postgres::Error> {
    rows.first().map_or_else(|| Ok(T::default()), |row| row.try_get(0))
}

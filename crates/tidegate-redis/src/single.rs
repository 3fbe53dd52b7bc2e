//! Asking one server.

use redis::{ServerError, Value};
use tidegate_core::Nanos;
use tidegate_remote::{Ask, Fix, Listed, Page, RemoteError, Reply};

use crate::{
    STORE, decode,
    due::Due,
    encode,
    error::{is_about_the_request, is_demoted, nonsense, refused},
    list,
    packer::Packer,
    script::By,
    wire::Wire,
};

/// The most asks that one call decides: a script holds the server up while it runs.
pub(crate) const PER_CALL: usize = 64;

/// A connection to one server.
pub(crate) struct SingleLink {
    wire: Wire,
    prefix: String,
    /// Whether there are sentinels who know better when the server turns out to be a replica.
    watched: bool,
    packer: Packer,
}

/// What became of one call.
pub(crate) enum Outcome {
    /// One answer for each ask.
    Decided(Vec<Result<Reply, RemoteError>>),
    /// Nothing was decided.
    Refused(ServerError),
}

impl SingleLink {
    pub(crate) fn new(wire: Wire, prefix: &str, watched: bool) -> Self {
        Self { wire, prefix: prefix.to_owned(), watched, packer: Packer::default() }
    }

    pub(crate) fn exchange(
        &mut self,
        asks: &[Ask],
        replies: &mut Vec<Result<Reply, RemoteError>>,
        due: &Due,
    ) -> Result<(), RemoteError> {
        self.packer.clear();
        for asks in asks.chunks(PER_CALL) {
            encode::check(&mut self.packer, By::Digest, &self.prefix, asks.iter());
        }
        self.wire.send(&self.packer, due)?;
        // From the first call whose script the server does not know, in the order of asks.
        let mut later = Vec::new();
        for asks in asks.chunks(PER_CALL) {
            let outcome = receive(&mut self.wire, asks.iter(), due)?;
            match outcome {
                Outcome::Refused(error) if error.code() == "NOSCRIPT" => later.push((asks, None)),
                outcome if later.is_empty() => self.push(outcome, asks.len(), replies)?,
                outcome => later.push((asks, Some(outcome))),
            }
        }
        if later.is_empty() { Ok(()) } else { self.teach(later, replies, due) }
    }

    /// Asks again what was not decided for want of the script, which comes along now.
    fn teach(
        &mut self,
        calls: Vec<(&[Ask], Option<Outcome>)>,
        replies: &mut Vec<Result<Reply, RemoteError>>,
        due: &Due,
    ) -> Result<(), RemoteError> {
        self.packer.clear();
        let mut by = By::Source;
        for (asks, _) in calls.iter().filter(|(_, outcome)| outcome.is_none()) {
            encode::check(&mut self.packer, by, &self.prefix, asks.iter());
            by = By::Digest;
        }
        self.wire.send(&self.packer, due)?;
        for (asks, outcome) in calls {
            let outcome = match outcome {
                Some(outcome) => outcome,
                None => receive(&mut self.wire, asks.iter(), due)?,
            };
            self.push(outcome, asks.len(), replies)?;
        }
        Ok(())
    }

    fn push(
        &self,
        outcome: Outcome,
        asks: usize,
        replies: &mut Vec<Result<Reply, RemoteError>>,
    ) -> Result<(), RemoteError> {
        match outcome {
            Outcome::Decided(decided) => replies.extend(decided),
            Outcome::Refused(error) => {
                let error = self.judge(refused(&error))?;
                replies.extend(std::iter::repeat_n(Err(error), asks));
            }
        }
        Ok(())
    }

    /// The error of one request; or of the connection, in which case it is the `Err`.
    fn judge(&self, error: RemoteError) -> Result<RemoteError, RemoteError> {
        match error {
            RemoteError::ReadOnly { reason, .. } if self.watched && reason.contains("READONLY") => {
                let reason = format!("{} is not the master any more", self.wire.place());
                Err(RemoteError::Unavailable { store: STORE, reason })
            }
            error if is_demoted(&error) || !is_about_the_request(&error) => Err(error),
            error => Ok(error),
        }
    }

    pub(crate) fn adjust(&mut self, fixes: &[Fix], due: &Due) -> Result<(), RemoteError> {
        let asked: Vec<_> = fixes.iter().collect();
        let unknown = self.adjust_by(By::Digest, &asked, due)?;
        if !unknown.is_empty() {
            self.adjust_by(By::Source, &unknown, due)?;
        }
        Ok(())
    }

    /// Makes all `fixes`, and returns those for which the server lacked the script.
    fn adjust_by<'a>(
        &mut self,
        by: By,
        fixes: &[&'a Fix],
        due: &Due,
    ) -> Result<Vec<&'a Fix>, RemoteError> {
        self.packer.clear();
        let mut sent = Vec::with_capacity(fixes.len());
        for &fix in fixes {
            if encode::adjust(&mut self.packer, by, &self.prefix, fix) {
                sent.push(fix);
            }
        }
        if sent.is_empty() {
            return Ok(sent);
        }
        self.wire.send(&self.packer, due)?;
        let mut unknown = Vec::new();
        let mut wrong = None;
        for fix in sent {
            match adjusted(self.wire.receive(due)?, fix) {
                Ok(true) => {}
                Ok(false) => unknown.push(fix),
                Err(error) => wrong = wrong.or(Some(self.judge(error).unwrap_or_else(|e| e))),
            }
        }
        wrong.map_or(Ok(unknown), Err)
    }

    pub(crate) fn time(&mut self, due: &Due) -> Result<Nanos, RemoteError> {
        decode::clock(&self.wire.ask_list(&[b"TIME"], due)?)
    }

    pub(crate) fn list(&mut self, page: &Page, due: &Due) -> Result<Listed, RemoteError> {
        let cursor = list::cursor(page.after.as_deref().unwrap_or("0"))?;
        let (counters, cursor) = list::scan(&mut self.wire, &self.prefix, page, cursor, due)?;
        Ok(Listed { counters, next: (cursor != 0).then(|| cursor.to_string()) })
    }
}

/// Reads the answer to one call.
pub(crate) fn receive<'a>(
    wire: &mut Wire,
    asks: impl Iterator<Item = &'a Ask>,
    due: &Due,
) -> Result<Outcome, RemoteError> {
    match wire.receive(due)? {
        Value::Array(list) => decode::replies(&list, asks).map(Outcome::Decided),
        Value::ServerError(error) => Ok(Outcome::Refused(error)),
        _ => Err(nonsense("a list")),
    }
}

/// Whether `fix` was made, or else waits for the script.
pub(crate) fn adjusted(answer: Value, fix: &Fix) -> Result<bool, RemoteError> {
    match answer {
        Value::ServerError(error) if error.code() == "NOSCRIPT" => Ok(false),
        Value::ServerError(error) => Err(refused(&error)),
        Value::BulkString(reason) => {
            Err(decode::foreign(&fix.name, &fix.program, &String::from_utf8_lossy(&reason)))
        }
        _ => Ok(true),
    }
}

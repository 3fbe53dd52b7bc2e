//! One connection to one server: commands out, answers in, neither for longer than allowed.

use std::{io::Write as _, path::PathBuf, sync::Arc};

use redis::{Parser, Value};
use rustls::StreamOwned;
use tidegate_remote::{Lookup, RemoteError};

use crate::{
    due::Due,
    error::{broken, nonsense, refused},
    packer::Packer,
    stream::{Stream, Timed},
    tls::Tls,
    url::{Host, Login},
};

/// A connection that is authenticated and has its database chosen.
pub(crate) struct Wire {
    stream: Stream,
    parser: Parser,
    /// Where it leads, for messages.
    place: String,
}

/// How servers are reached, whichever they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Net {
    /// What to encrypt with, unless everything is to be seen.
    pub(crate) tls: Option<Tls>,
    pub(crate) lookup: Arc<Lookup>,
}

/// Where a server is.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Host(Host),
    Socket(PathBuf),
}

impl Wire {
    /// Connects to `address` and logs in.
    pub(crate) fn open(
        address: &Address,
        login: &Login,
        net: &Net,
        due: &Due,
    ) -> Result<Self, RemoteError> {
        let place = match address {
            Address::Host(host) => host.to_string(),
            Address::Socket(path) => path.display().to_string(),
        };
        let stream = match address {
            Address::Host(host) => Timed::tcp(host, &net.lookup, due),
            Address::Socket(path) => Timed::unix(path, due),
        };
        let stream = stream.map_err(|e| broken(&e.into(), due, &format!("connecting to {place}")));
        let stream = match (stream?, address, &net.tls) {
            (stream, Address::Host(host), Some(tls)) => {
                Stream::Tls(Box::new(StreamOwned::new(tls.begin(&host.name)?, stream)))
            }
            (stream, ..) => Stream::Plain(stream),
        };
        let mut wire = Self { stream, parser: Parser::new(), place };
        wire.log_in(login, due)?;
        Ok(wire)
    }

    fn log_in(&mut self, login: &Login, due: &Due) -> Result<(), RemoteError> {
        let mut packer = Packer::default();
        match (&login.user, &login.password) {
            (Some(user), Some(password)) => {
                packer.command(&[b"AUTH", user.as_bytes(), password.as_bytes()]);
            }
            (None, Some(password)) => packer.command(&[b"AUTH", password.as_bytes()]),
            (_, None) => {}
        }
        if login.database != 0 {
            packer.command(&[b"SELECT", login.database.to_string().as_bytes()]);
        }
        packer.command(&[b"CLIENT", b"SETNAME", b"tidegate"]);
        self.send(&packer, due)?;
        if login.password.is_some() {
            self.accepted(due)?;
        }
        if login.database != 0 {
            self.accepted(due)?;
        }
        // A connection without a name does as well; one that may do nothing does not.
        match self.receive(due)? {
            Value::ServerError(error) if error.code() == "NOAUTH" => Err(refused(&error)),
            _ => Ok(()),
        }
    }

    fn accepted(&mut self, due: &Due) -> Result<(), RemoteError> {
        match self.receive(due)? {
            Value::ServerError(error) => match refused(&error) {
                RemoteError::Failed { reason, .. } => Err(RemoteError::Setup { reason }),
                other => Err(other),
            },
            _ => Ok(()),
        }
    }

    /// Sends all that was packed.
    pub(crate) fn send(&mut self, packer: &Packer, due: &Due) -> Result<(), RemoteError> {
        self.stream.set_deadline(due);
        let sent = self.stream.write_all(packer.bytes()).and_then(|()| self.stream.flush());
        sent.map_err(|error| self.broken(&error.into(), due))
    }

    /// Waits for the next answer. An error that the server answers with is a value.
    pub(crate) fn receive(&mut self, due: &Due) -> Result<Value, RemoteError> {
        self.stream.set_deadline(due);
        self.parser.parse_value(&mut self.stream).map_err(|error| self.broken(&error, due))
    }

    /// Sends one command and waits for its answer, an error of the server's included.
    pub(crate) fn ask(&mut self, words: &[&[u8]], due: &Due) -> Result<Value, RemoteError> {
        let mut packer = Packer::default();
        packer.command(words);
        self.send(&packer, due)?;
        match self.receive(due)? {
            Value::ServerError(error) => Err(refused(&error)),
            value => Ok(value),
        }
    }

    /// As [`ask`](Self::ask), for a command that answers with a list.
    pub(crate) fn ask_list(
        &mut self,
        words: &[&[u8]],
        due: &Due,
    ) -> Result<Vec<Value>, RemoteError> {
        match self.ask(words, due)? {
            Value::Array(list) => Ok(list),
            _ => Err(nonsense("a list")),
        }
    }

    /// Where the connection leads: a host and a port, or a path.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    fn broken(&self, error: &redis::RedisError, due: &Due) -> RemoteError {
        broken(error, due, &format!("talking to {}", self.place))
    }
}

//! One connection to one server: commands out, answers in, neither for longer than allowed.

use std::time::Duration;

use redis::{
    Connection, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo, RedisResult, Value,
    io::tcp::TcpSettings,
};
use tidegate_remote::RemoteError;

use crate::{
    due::Due,
    error::{broken, nonsense, refused},
    packer::Packer,
    tls::Tls,
    url::Login,
};

/// A connection that is authenticated and has its database chosen.
pub(crate) struct Wire {
    connection: Connection,
    /// Where it leads, for messages.
    place: String,
    /// What the socket's timeouts are set to.
    timeout: Duration,
}

impl Wire {
    /// Connects to `address` and logs in.
    pub(crate) fn open(
        address: &ConnectionAddr,
        login: &Login,
        tls: Option<&Tls>,
        due: &Due,
    ) -> Result<Self, RemoteError> {
        let place = address.to_string();
        let doing = format!("connecting to {place}");
        let left = due.left()?;
        let connection =
            connect(address.clone(), tls, left).map_err(|e| broken(&e, due, &doing))?;
        let mut wire = Self { connection, place, timeout: Duration::ZERO };
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
        self.set_timeout(due)?;
        let sent = self.connection.send_packed_command(packer.bytes());
        sent.map_err(|error| self.broken(&error, due))
    }

    /// Waits for the next answer. An error that the server answers with is a value.
    pub(crate) fn receive(&mut self, due: &Due) -> Result<Value, RemoteError> {
        self.set_timeout(due)?;
        self.connection.recv_response().map_err(|error| self.broken(&error, due))
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

    /// Gives the socket the time that is left, in whole milliseconds, rounded up: so that a
    /// call that is given the same time as the one before need not tell the system again.
    fn set_timeout(&mut self, due: &Due) -> Result<(), RemoteError> {
        let millis = due.left()?.as_nanos().div_ceil(1_000_000);
        let timeout = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        if timeout != self.timeout {
            let set = self.connection.set_read_timeout(Some(timeout));
            let set = set.and_then(|()| self.connection.set_write_timeout(Some(timeout)));
            set.map_err(|error| self.broken(&error, due))?;
            self.timeout = timeout;
        }
        Ok(())
    }
}

fn connect(address: ConnectionAddr, tls: Option<&Tls>, left: Duration) -> RedisResult<Connection> {
    // Logging in is done here, where errors keep the server's words and the deadline holds.
    let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    let info = address
        .into_connection_info()?
        .set_tcp_settings(TcpSettings::default().set_nodelay(true))
        .set_redis_settings(settings);
    let client = match tls {
        Some(tls) => redis::Client::build_with_tls(info, tls.certificates.clone())?,
        None => redis::Client::open(info)?,
    };
    client.get_connection_with_timeout(left)
}

//! One Redis server.

use std::{path::PathBuf, process::Command};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Answer, Certificates, Resp, port::Port, process::Process, wait_until};

/// How to start a server.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    password: Option<String>,
    tls: bool,
    certificates: Option<Certificates>,
    more: Vec<String>,
}

impl RedisOptions {
    /// Demands a password of the default user.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Speaks TLS at its port, and asks clients for a certificate.
    #[must_use]
    pub const fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// As [`tls`](Self::tls), with certificates that other servers have too; towards them it
    /// speaks TLS as well.
    #[must_use]
    pub fn tls_of(self, certificates: &Certificates) -> Self {
        let all = Self { certificates: Some(certificates.clone()), ..self.tls() };
        all.args(["--tls-replication", "yes"])
    }

    /// Adds words to the command line, for instance `["--maxmemory", "2mb"]`.
    #[must_use]
    pub fn args<const N: usize>(mut self, words: [&str; N]) -> Self {
        self.more.extend(words.map(str::to_owned));
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Panics
    ///
    /// When `redis-server` is missing or does not start.
    #[must_use]
    pub fn start(self) -> RedisServer {
        let home =
            tempfile::Builder::new().prefix("redis").tempdir().expect("a temporary directory");
        let own = || self.tls.then(|| Certificates::make(home.path()));
        let certificates = self.certificates.clone().or_else(own);
        let socket = home.path().join("s");
        let mut server = RedisServer {
            options: self,
            port: Port::take(),
            socket,
            home,
            certificates,
            process: None,
        };
        server.restart();
        server
    }
}

/// A server with a port of its own, a Unix socket, and nothing kept on disk.
#[derive(Debug)]
pub struct RedisServer {
    // Before the directory, so that it is gone when the directory goes.
    process: Option<Process>,
    options: RedisOptions,
    port: Port,
    socket: PathBuf,
    certificates: Option<Certificates>,
    home: TempDir,
}

impl RedisServer {
    /// Starts a server with nothing special.
    ///
    /// # Panics
    ///
    /// When `redis-server` is missing or does not start.
    #[must_use]
    pub fn start() -> Self {
        RedisOptions::default().start()
    }

    /// Where it is, without a login.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where its Unix socket is, without a login.
    #[must_use]
    pub fn socket_url(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Its TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its certificates, when it speaks TLS.
    #[must_use]
    pub const fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// Puts one command to it by a connection of its own, past TLS and with the password.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    #[must_use]
    pub fn ask(&self, words: &[&str]) -> Answer {
        let mut resp = self.connect().expect("the server answers");
        resp.ask(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// A field of INFO, for instance `role`; empty when there is none, or when the server cuts
    /// the connection, as it does when it becomes a replica.
    #[must_use]
    pub fn info(&self, name: &str) -> String {
        let asked = self.connect().and_then(|mut resp| resp.ask(&["INFO", "everything"]));
        let info = asked.map(|answer| answer.text()).unwrap_or_default();
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value.to_owned())
            .unwrap_or_default()
    }

    /// Whether it was started and not stopped since.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Ends it as a power cut would.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Makes it stand still: it accepts connections and answers nothing.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn freeze(&self) {
        self.process.as_ref().expect("the server runs").signal(Signal::STOP);
    }

    /// Lets it go on.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn thaw(&self) {
        self.process.as_ref().expect("the server runs").signal(Signal::CONT);
    }

    /// Starts it again, empty, at the same place.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        let log = self.home.path().join("log");
        let mut process = Process::start(&mut self.command(), "redis-server", &log);
        wait_until("redis-server answers", 10, || {
            let log = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(process.is_running(), "redis-server has ended: {}", log());
            let answer = self.connect().and_then(|mut resp| resp.ask(&["PING"]));
            matches!(answer, Ok(Answer::Text(text)) if text == "PONG")
        });
        self.process = Some(process);
    }

    fn connect(&self) -> std::io::Result<Resp> {
        let mut resp = Resp::connect(&self.socket)?;
        if let Some(password) = &self.options.password {
            resp.ask(&["AUTH", password])?;
        }
        Ok(resp)
    }

    fn command(&self) -> Command {
        let port = self.port.to_string();
        let (plain, tls) =
            if self.options.tls { ("0", port.as_str()) } else { (port.as_str(), "0") };
        let mut command = Command::new("redis-server");
        command.args(["--port", plain, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--unixsocket").arg(&self.socket).arg("--dir").arg(self.home.path());
        // Replicas are in sync at once, and not after the default of five seconds.
        command.args(["--repl-diskless-sync-delay", "0", "--daemonize", "no"]);
        if let Some(certificates) = &self.certificates {
            command.args(["--tls-port", tls, "--tls-auth-clients", "yes"]);
            command.arg("--tls-ca-cert-file").arg(&certificates.ca);
            command.arg("--tls-cert-file").arg(&certificates.server_cert);
            command.arg("--tls-key-file").arg(&certificates.server_key);
        }
        if let Some(password) = &self.options.password {
            command.args(["--requirepass", password]);
        }
        command.args(&self.options.more);
        command
    }
}

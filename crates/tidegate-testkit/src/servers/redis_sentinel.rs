//! A Redis master, its replica, and sentinels that watch them.

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

use super::{
    Answer, Certificates, RedisOptions, RedisServer, Resp, port::Port, process::Process, wait_until,
};

/// The name by which the sentinels know the master.
const MASTER: &str = "tide";

/// A master, a replica, and two sentinels, of which one is enough to decide.
#[derive(Debug)]
pub struct RedisSentinel {
    sentinels: Vec<Sentinel>,
    /// The server that is the master at first.
    pub master: RedisServer,
    /// The server that replicates it.
    pub replica: RedisServer,
    tls: Option<Certificates>,
    _home: TempDir,
}

#[derive(Debug)]
struct Sentinel {
    _process: Process,
    port: Port,
    socket: PathBuf,
}

impl RedisSentinel {
    /// Starts all of them and waits until the sentinels know the replica.
    ///
    /// # Panics
    ///
    /// When `redis-server` is missing or anything does not come up.
    #[must_use]
    pub fn start() -> Self {
        Self::with(false)
    }

    /// The same, with TLS between all of them, which call themselves `localhost`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_tls() -> Self {
        Self::with(true)
    }

    fn with(tls: bool) -> Self {
        let home =
            tempfile::Builder::new().prefix("sentinel").tempdir().expect("a temporary directory");
        let tls = tls.then(|| Certificates::make(home.path()));
        let (host, options) = match &tls {
            Some(certificates) => ("localhost", RedisOptions::default().tls_of(certificates)),
            None => ("127.0.0.1", RedisOptions::default()),
        };
        let options = options.args(["--replica-announce-ip", host]);
        let master = options.clone().start();
        let port = master.port().to_string();
        let replica = options.args(["--replicaof", host, &port]).start();
        wait_until("the replica is in sync", 10, || replica.info("master_link_status") == "up");
        let start = |index| Sentinel::start(&home, index, (host, master.port()), tls.as_ref());
        let sentinels = (0..2).map(start).collect();
        let all = Self { sentinels, master, replica, tls, _home: home };
        for sentinel in &all.sentinels {
            wait_until("a sentinel knows the replica", 15, || {
                let known = sentinel.ask(&["SENTINEL", "replicas", MASTER]);
                known.list().iter().any(|replica| {
                    let fields: Vec<_> = replica.list().iter().map(Answer::text).collect();
                    fields.chunks(2).any(|pair| pair == ["master-link-status", "ok"])
                })
            });
        }
        all
    }

    /// Where the sentinels are, and the master's name.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<_> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
        format!("redis+sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// Where the sentinels are by TLS, and what to trust and to show.
    ///
    /// # Panics
    ///
    /// When they do not speak TLS.
    #[must_use]
    pub fn tls_url(&self) -> String {
        let certificates = self.tls.as_ref().expect("they speak TLS");
        let plain = self.url().replace("redis+", "rediss+").replace("127.0.0.1", "localhost");
        format!("{plain}?{}", certificates.options())
    }

    /// Makes the replica the master and the master a replica, both of them running.
    ///
    /// # Panics
    ///
    /// When they have not changed places after a while.
    pub fn change_places(&self) {
        let answer = self.sentinels[0].ask(&["SENTINEL", "failover", MASTER]);
        assert_eq!(answer.text(), "OK");
        wait_until("the master is a replica", 20, || self.master.info("role") == "slave");
        self.wait_for_replica();
    }

    /// Waits until every sentinel names the replica as the master.
    ///
    /// # Panics
    ///
    /// When one does not after a while.
    pub fn wait_for_replica(&self) {
        let port = self.replica.port().to_string();
        for sentinel in &self.sentinels {
            wait_until("a sentinel names the new master", 20, || {
                let named = sentinel.ask(&["SENTINEL", "get-master-addr-by-name", MASTER]);
                named.list().last().map(Answer::text).as_deref() == Some(&port)
            });
        }
        wait_until("the replica is the master", 20, || self.replica.info("role") == "master");
    }
}

impl Sentinel {
    fn start(
        home: &TempDir,
        index: usize,
        (host, master): (&str, u16),
        tls: Option<&Certificates>,
    ) -> Self {
        let port = Port::take();
        let socket = home.path().join(format!("s{index}"));
        let config = home.path().join(format!("{index}.conf"));
        let listens = tls.map_or_else(|| format!("port {port}\n"), |tls| by_tls(&port, tls));
        let lines = format!(
            "{listens}bind 127.0.0.1\nunixsocket {}\ndir {}\n\
             sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\n\
             sentinel monitor {MASTER} {host} {master} 1\n\
             sentinel down-after-milliseconds {MASTER} 500\n\
             sentinel failover-timeout {MASTER} 3000\n",
            socket.display(),
            home.path().display(),
        );
        fs::write(&config, lines).expect("the directory is writable");
        let log = home.path().join(format!("{index}.log"));
        let mut command = Command::new("redis-server");
        command.arg(&config).arg("--sentinel");
        let process = Process::start(&mut command, "redis-server", &log);
        let sentinel = Self { _process: process, port, socket };
        wait_until("a sentinel answers", 10, || {
            Resp::connect(&sentinel.socket).and_then(|mut resp| resp.ask(&["PING"])).is_ok()
        });
        sentinel
    }

    fn ask(&self, words: &[&str]) -> Answer {
        let answer = Resp::connect(&self.socket).and_then(|mut resp| resp.ask(words));
        answer.unwrap_or_else(|error| panic!("sentinel, {words:?}: {error}"))
    }
}

/// The lines of a sentinel that listens by TLS, and so speaks to the servers.
fn by_tls(port: &Port, tls: &Certificates) -> String {
    format!(
        "port 0\ntls-port {port}\ntls-replication yes\ntls-auth-clients yes\n\
         tls-ca-cert-file {}\ntls-cert-file {}\ntls-key-file {}\n",
        tls.ca.display(),
        tls.server_cert.display(),
        tls.server_key.display(),
    )
}

//! A private PostgreSQL server.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{
    pg_certificates,
    pg_process::{family, free_port, id_of, signal},
};

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at whether it has.
const PAUSE: Duration = Duration::from_millis(20);

/// What is special about a server.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// Whether it speaks TLS, over TCP, with a certificate for `localhost`.
    pub tls: bool,
    /// The password that users must give over TCP; nobody must over the Unix socket.
    pub password: Option<String>,
    /// Settings, as `name=value`.
    pub settings: Vec<String>,
}

/// A PostgreSQL server of its own, in a temporary folder, on a Unix socket and a free port of
/// 127.0.0.1. Its superuser is `postgres`. It never waits for the disk.
///
/// Runs as the user `postgres` when the tests run as root, because it refuses to run as root.
#[derive(Debug)]
pub struct PostgresServer {
    folder: TempDir,
    port: u16,
    owner: Option<(u32, u32)>,
    options: PostgresOptions,
    process: Option<Child>,
}

impl PostgresServer {
    /// Starts a server with nothing special.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(PostgresOptions::default())
    }

    /// Starts a server.
    #[must_use]
    pub fn start_with(options: PostgresOptions) -> Self {
        // Not below TMPDIR: the path of a socket is short, and the server's user must get there.
        let folder = tempfile::Builder::new().prefix("tidegate-pg-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let owner = rustix::process::geteuid().is_root().then(|| (id_of("-u"), id_of("-g")));
        let mut server = Self { folder, port: free_port(), owner, options, process: None };
        for part in ["data", "run"] {
            fs::create_dir(server.path(part)).unwrap();
            server.give_away(&server.path(part));
        }
        server.init();
        server.launch();
        server
    }

    /// The server that the tests of this process share; gone with the last who holds it.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// The port, on 127.0.0.1 and in the socket's name.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the Unix socket.
    #[must_use]
    pub fn socket_folder(&self) -> PathBuf {
        self.path("run")
    }

    /// A URL over the Unix socket, with a query to which `&option=value` may be added.
    #[must_use]
    pub fn url(&self) -> String {
        let (run, port) = (self.socket_folder(), self.port);
        format!("postgresql:///postgres?host={}&port={port}&user=postgres", run.display())
    }

    /// A URL over TCP, with `user:password@` as given, and a query as in [`url`](Self::url).
    #[must_use]
    pub fn tcp_url(&self, login: &str) -> String {
        format!("postgresql://{login}@localhost:{}/postgres?", self.port)
    }

    /// The authority that signed the server's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// What `psql` prints for `sql`: a line for each row, with `|` between columns.
    #[must_use]
    pub fn psql(&self, sql: &str) -> String {
        let output = self.ask(sql);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "psql failed for `{sql}`: {said}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Stops the server, and does not wait for anybody who is connected.
    pub fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        for pid in family(process.id()) {
            signal(pid, Signal::CONT);
        }
        signal(process.id(), Signal::INT);
        let end = Instant::now() + PATIENCE;
        while process.try_wait().is_ok_and(|status| status.is_none()) {
            if Instant::now() > end {
                let _ = process.kill();
                let _ = process.wait();
            }
            thread::sleep(PAUSE);
        }
    }

    /// Starts the server again, with what it knew.
    pub fn restart(&mut self) {
        self.stop();
        self.launch();
    }

    /// Starts the server again as a standby of nobody: it can be read, and not written.
    pub fn become_standby(&mut self) {
        self.stop();
        fs::write(self.path("data/standby.signal"), "").unwrap();
        self.launch();
    }

    /// Stops the clock for the server and all its processes: connections stay open, and nobody
    /// answers.
    pub fn freeze(&self) {
        // Twice, for those that were born while the first ones were stopped.
        for _ in 0..2 {
            self.signal_all(Signal::STOP);
        }
    }

    /// Ends [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    fn signal_all(&self, kind: Signal) {
        for pid in self.process.iter().flat_map(|process| family(process.id())) {
            signal(pid, kind);
        }
    }

    fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }

    fn give_away(&self, path: &Path) {
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    /// `name` of the server's programs, to be run as its user.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(programs().join(name));
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn init(&self) {
        let mut initdb = self.command("initdb");
        initdb.args(["--no-sync", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        let output = initdb.arg("-D").arg(self.path("data")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb failed: {said}");
        let over_tcp = if self.options.password.is_some() { "scram-sha-256" } else { "trust" };
        let access = format!(
            "local all all trust\nhost all all 127.0.0.1/32 {over_tcp}\nhost all all ::1/128 {over_tcp}\n"
        );
        fs::write(self.path("data/pg_hba.conf"), access).unwrap();
        if self.options.tls {
            let made = pg_certificates::make("localhost");
            fs::write(self.authority(), made.authority).unwrap();
            for (name, text) in [("server.pem", made.certificate), ("server.key", made.key)] {
                fs::write(self.path(name), text).unwrap();
                fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
                self.give_away(&self.path(name));
            }
        }
    }

    fn launch(&mut self) {
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.path("data")).arg("-k").arg(self.socket_folder());
        server.args(["-p", &self.port.to_string(), "-h", "localhost", "-F"]);
        let mut settings =
            vec!["shared_buffers=64MB".to_owned(), "full_page_writes=off".to_owned()];
        if self.options.tls {
            settings.push("ssl=on".into());
            settings.push(format!("ssl_cert_file={}", self.path("server.pem").display()));
            settings.push(format!("ssl_key_file={}", self.path("server.key").display()));
        }
        settings.extend(self.options.settings.iter().cloned());
        for setting in settings {
            server.args(["-c", &setting]);
        }
        let log = fs::File::create(self.path("log")).unwrap();
        self.process = Some(server.stderr(log).stdout(Stdio::null()).spawn().unwrap());
        self.wait_until_ready();
        if let Some(password) = &self.options.password {
            let _ = self.psql(&format!("ALTER USER postgres PASSWORD '{password}'"));
        }
    }

    fn wait_until_ready(&mut self) {
        let end = Instant::now() + PATIENCE;
        while !self.ask("SELECT 1").status.success() {
            let gone =
                self.process.as_mut().is_none_or(|process| !matches!(process.try_wait(), Ok(None)));
            let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(!gone && Instant::now() < end, "PostgreSQL did not start: {}", log());
            thread::sleep(PAUSE);
        }
    }

    fn ask(&self, sql: &str) -> Output {
        let mut psql = self.command("psql");
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]);
        psql.args(["-d", "postgres", "-p", &self.port.to_string(), "-c", sql]);
        psql.arg("-h").arg(self.socket_folder()).output().unwrap()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the server's programs are: Debian keeps them off `PATH`.
fn programs() -> PathBuf {
    let output = Command::new("pg_config").arg("--bindir").output();
    let folder = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let given = folder.map(|folder| PathBuf::from(folder.trim()));
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places = given.into_iter().chain(debian.map(|version| version.path().join("bin")));
    places
        .find(|place| place.join("initdb").exists())
        .expect("PostgreSQL is missing; run: apt-get install postgresql")
}

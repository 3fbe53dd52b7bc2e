//! A private PostgreSQL server.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{
    Certificates,
    port::Port,
    process::{Process, postgres_if_root},
    wait_until,
};

/// How long a server may take to start or to stop, in seconds.
const PATIENCE: u64 = 30;

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
    // Before the folder, so that it is gone when the folder goes.
    process: Option<Process>,
    folder: TempDir,
    port: Port,
    owner: Option<(u32, u32)>,
    options: PostgresOptions,
    certificates: Option<Certificates>,
}

impl PostgresServer {
    /// Starts a server with nothing special.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is missing or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(PostgresOptions::default())
    }

    /// Starts a server.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is missing or does not start.
    #[must_use]
    pub fn start_with(options: PostgresOptions) -> Self {
        let folder = folder_for_all("tidegate-pg-");
        let certificates = options.tls.then(|| Certificates::make(folder.path()));
        let owner = postgres_if_root();
        let port = Port::take();
        let mut server = Self { process: None, folder, port, owner, options, certificates };
        for part in ["data", "run"] {
            fs::create_dir(server.path(part)).expect("the folder is writable");
            server.give_away(&server.path(part));
        }
        server.init();
        server.launch();
        server
    }

    /// The server that the tests of this process share; gone with the last who holds it.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is missing or does not start.
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
        self.port.number()
    }

    /// The folder of the Unix socket.
    #[must_use]
    pub fn socket_folder(&self) -> PathBuf {
        self.path("run")
    }

    /// A URL over the Unix socket, with a query to which `&option=value` may be added.
    #[must_use]
    pub fn url(&self) -> String {
        let (run, port) = (self.socket_folder(), &self.port);
        format!("postgresql:///postgres?host={}&port={port}&user=postgres", run.display())
    }

    /// A URL over TCP, with `user:password@` as given, and a query as in [`url`](Self::url).
    #[must_use]
    pub fn tcp_url(&self, login: &str) -> String {
        format!("postgresql://{login}@localhost:{}/postgres?", self.port)
    }

    /// Its certificates, when it speaks TLS.
    #[must_use]
    pub const fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// What `psql` prints for `sql`: a line for each row, with `|` between columns.
    ///
    /// # Panics
    ///
    /// When the statement fails.
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
        process.signal_family(Signal::CONT);
        process.end(Signal::INT, Duration::from_secs(PATIENCE));
    }

    /// Starts the server again, with what it knew.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is missing or does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.launch();
    }

    /// Starts the server again as a standby of nobody: it can be read, and not written.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is missing or does not start.
    pub fn become_standby(&mut self) {
        self.stop();
        fs::write(self.path("data/standby.signal"), "").expect("the folder is writable");
        self.launch();
    }

    /// Stops the clock for the server and all its processes: connections stay open, and nobody
    /// answers.
    pub fn freeze(&self) {
        if let Some(process) = &self.process {
            process.freeze_family();
        }
    }

    /// Ends [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        if let Some(process) = &self.process {
            process.signal_family(Signal::CONT);
        }
    }

    fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }

    fn give_away(&self, path: &Path) {
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group)).expect("root may give files away");
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
        let output = initdb.arg("-D").arg(self.path("data")).output().expect("initdb runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb failed: {said}");
        let over_tcp = if self.options.password.is_some() { "scram-sha-256" } else { "trust" };
        let access = format!(
            "local all all trust\nhost all all 127.0.0.1/32 {over_tcp}\nhost all all ::1/128 {over_tcp}\n"
        );
        fs::write(self.path("data/pg_hba.conf"), access).expect("initdb made the folder");
        if let Some(Certificates { server_key, .. }) = &self.certificates {
            // The server refuses a key that others may read.
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(server_key, private).expect("the key was just made");
            self.give_away(server_key);
        }
    }

    fn launch(&mut self) {
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.path("data")).arg("-k").arg(self.socket_folder());
        server.args(["-p", &self.port.to_string(), "-h", "localhost", "-F"]);
        let mut settings =
            vec!["shared_buffers=64MB".to_owned(), "full_page_writes=off".to_owned()];
        if let Some(Certificates { server_cert, server_key, .. }) = &self.certificates {
            settings.push("ssl=on".into());
            settings.push(format!("ssl_cert_file={}", server_cert.display()));
            settings.push(format!("ssl_key_file={}", server_key.display()));
        }
        settings.extend(self.options.settings.iter().cloned());
        for setting in settings {
            server.args(["-c", &setting]);
        }
        let log = self.path("log");
        let mut process = Process::start(&mut server, "postgresql", &log);
        wait_until("PostgreSQL answers", PATIENCE, || {
            let log = || fs::read_to_string(&log).unwrap_or_default();
            assert!(process.is_running(), "PostgreSQL has ended: {}", log());
            self.ask("SELECT 1").status.success()
        });
        self.process = Some(process);
        if let Some(password) = &self.options.password {
            let _ = self.psql(&format!("ALTER USER postgres PASSWORD '{password}'"));
        }
    }

    fn ask(&self, sql: &str) -> Output {
        let mut psql = self.command("psql");
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]);
        psql.args(["-d", "postgres", "-p", &self.port.to_string(), "-c", sql]);
        psql.arg("-h").arg(self.socket_folder()).output().expect("psql runs")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A temporary folder that other users can look into. Not below TMPDIR: the path of a socket is
/// short, and the server's user must get there.
pub(super) fn folder_for_all(prefix: &str) -> TempDir {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir_in("/tmp");
    let folder = folder.expect("/tmp is writable");
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), open).expect("the folder is ours");
    folder
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

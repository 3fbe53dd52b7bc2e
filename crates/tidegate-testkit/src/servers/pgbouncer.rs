//! A private `PgBouncer` before a private PostgreSQL server.

use std::{
    fs,
    net::TcpStream,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{
    pg_process::{free_port, id_of, signal},
    postgres::PostgresServer,
};

/// A pooler in transaction mode, with two connections to the server for all its clients.
#[derive(Debug)]
pub struct PgBouncer {
    _folder: TempDir,
    port: u16,
    process: Child,
}

impl PgBouncer {
    /// Starts one before `server`.
    #[must_use]
    pub fn start(server: &PostgresServer) -> Self {
        let folder = tempfile::Builder::new().prefix("tidegate-pool-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let port = free_port();
        let config = format!(
            "[databases]\n* = host={} port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = 2\n",
            server.socket_folder().display(),
            server.port(),
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, config).unwrap();
        // Debian keeps it where only root's PATH looks.
        let found = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
        let program = found.iter().find(|path| fs::exists(path).unwrap_or(false));
        let mut command =
            Command::new(program.expect("PgBouncer is missing; run: apt-get install pgbouncer"));
        if rustix::process::geteuid().is_root() {
            command.uid(id_of("-u")).gid(id_of("-g"));
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        command.arg("-q").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = command.spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < end, "PgBouncer did not start: {}", log());
            thread::sleep(Duration::from_millis(10));
        }
        Self { _folder: folder, port, process }
    }

    /// A URL through it, with a query to which `&option=value` may be added.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres?", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        signal(self.process.id(), Signal::QUIT);
        let _ = self.process.wait();
    }
}

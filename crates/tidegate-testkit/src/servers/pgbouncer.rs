//! A private `PgBouncer` before a private PostgreSQL server.

use std::{
    fs, net::TcpStream, os::unix::process::CommandExt as _, process::Command, time::Duration,
};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{
    port::Port,
    postgres::{PostgresServer, folder_for_all},
    process::{Process, postgres_if_root},
    wait_until,
};

/// A pooler in transaction mode, with two connections to the server for all its clients.
#[derive(Debug)]
pub struct PgBouncer {
    // Before the folder, so that it is gone when the folder goes.
    process: Process,
    _folder: TempDir,
    port: Port,
}

impl PgBouncer {
    /// Starts one before `server`.
    ///
    /// # Panics
    ///
    /// When `pgbouncer` is missing or does not start.
    #[must_use]
    pub fn start(server: &PostgresServer) -> Self {
        let folder = folder_for_all("tidegate-pool-");
        let port = Port::take();
        let config = format!(
            "[databases]\n* = host={} port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = 2\n",
            server.socket_folder().display(),
            server.port(),
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, config).expect("the folder is writable");
        // Debian keeps it where only root's PATH looks.
        let found = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
        let program = found.iter().find(|path| fs::exists(path).unwrap_or(false));
        let mut command =
            Command::new(program.expect("PgBouncer is missing; run: apt-get install pgbouncer"));
        if let Some((user, group)) = postgres_if_root() {
            command.uid(user).gid(group);
        }
        let log = folder.path().join("log");
        let mut process = Process::start(command.arg("-q").arg(&file), "pgbouncer", &log);
        wait_until("PgBouncer accepts connections", 10, || {
            let log = || fs::read_to_string(&log).unwrap_or_default();
            assert!(process.is_running(), "PgBouncer has ended: {}", log());
            TcpStream::connect(("127.0.0.1", port.number())).is_ok()
        });
        Self { process, _folder: folder, port }
    }

    /// A URL through it, with a query to which `&option=value` may be added.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres?", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.process.end(Signal::QUIT, Duration::from_secs(5));
    }
}

//! A server's process.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    /// Starts `command`, whose output goes to a file.
    pub(super) fn start(command: &mut Command, package: &str, log: &Path) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        let output = File::create(log).expect("the server's directory is there");
        let errors = output.try_clone().expect("an open file can be opened again");
        match command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn() {
            Ok(child) => Self(child),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                panic!("`{program}` is missing; install it, on Debian: apt-get install {package}")
            }
            Err(error) => panic!("`{program}` does not start: {error}"),
        }
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Ends the process as a power cut would, and waits until it has ended.
    pub(super) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Sends a signal by its name, for instance `STOP`.
    pub(super) fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name} {id} failed");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

//! Processes and users, as every server's set-up needs them.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::wait_until;

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

    /// Asks the process to end, and kills it if it has not after `patience`.
    pub(super) fn end(&mut self, by: Signal, patience: Duration) {
        self.signal(by);
        let end = Instant::now() + patience;
        while self.is_running() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        self.kill();
    }

    pub(super) fn signal(&self, kind: Signal) {
        signal(self.0.id(), kind);
    }

    /// Stops the process and its children: none of them runs any more when this returns.
    pub(super) fn freeze_family(&self) {
        // The parent first: what it is about to fork at this moment is there once it stands still.
        let parent = self.0.id();
        freeze(parent);
        family(parent).into_iter().for_each(freeze);
    }

    /// Sends a signal to the process and its children.
    pub(super) fn signal_family(&self, kind: Signal) {
        for pid in family(self.0.id()) {
            signal(pid, kind);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The numbers of the user `postgres` and its group; `None` for anybody but root, who can't be
/// another user.
pub(super) fn postgres_if_root() -> Option<(u32, u32)> {
    let id_of = |what: &str| -> u32 {
        let output = Command::new("id").args([what, "postgres"]).output().expect("`id` runs");
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse().expect("there is no user postgres; apt-get install postgresql makes it")
    };
    rustix::process::geteuid().is_root().then(|| (id_of("-u"), id_of("-g")))
}

/// A process and its children.
fn family(parent: u32) -> Vec<u32> {
    let mut pids = vec![parent];
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if stat(pid, 1).and_then(|text| text.parse().ok()) == Some(parent) {
            pids.push(pid);
        }
    }
    pids
}

/// A field of what the system tells of a process: its state at 0, its parent at 1.
fn stat(pid: u32, field: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name in parentheses.
    let (_, after) = stat.rsplit_once(") ")?;
    after.split(' ').nth(field).map(str::to_owned)
}

/// Stops a process, and waits until it stands still: a signal is there before it is heeded.
fn freeze(pid: u32) {
    signal(pid, Signal::STOP);
    wait_until("a process stands still", 5, || {
        stat(pid, 0).is_none_or(|state| ["T", "Z", "X"].contains(&state.as_str()))
    });
}

fn signal(pid: u32, kind: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that has ended meanwhile is fine.
    let _ = pid.map(|pid| kill_process(pid, kind));
}

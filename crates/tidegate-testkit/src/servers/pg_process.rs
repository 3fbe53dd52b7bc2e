//! Processes, ports and users, as every server's set-up needs them.

use std::{fs, net::TcpListener, process::Command};

use rustix::process::{Pid, Signal, kill_process};

/// A port of 127.0.0.1 that was free a moment ago.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// User or group number of `postgres`.
pub(super) fn id_of(what: &str) -> u32 {
    let output = Command::new("id").args([what, "postgres"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().expect("there is no user postgres; apt-get install postgresql makes it")
}

/// A process and its children.
pub(super) fn family(parent: u32) -> Vec<u32> {
    let mut pids = vec![parent];
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // After the name in parentheses: state, then the parent.
        let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        if after.split(' ').nth(1).and_then(|text| text.parse().ok()) == Some(parent) {
            pids.push(pid);
        }
    }
    pids
}

pub(super) fn signal(pid: u32, kind: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that has ended meanwhile is fine.
    let _ = pid.map(|pid| kill_process(pid, kind));
}

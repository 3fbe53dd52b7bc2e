//! What the operating system tells about this process: processor time, cores, memory.

use std::{fs, time::Duration};

use rustix::{
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

/// Processor time of this thread, which does not run while another process has the core.
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Keeps this thread on the `index`-th last of the cores that the process may use; the first
/// ones serve most interrupts.
pub fn pin(index: usize) {
    let Ok(usable) = sched_getaffinity(None) else { return };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| usable.is_set(*core)).collect();
    let Some(core) = cores.iter().rev().cycle().nth(index) else { return };
    let mut one = CpuSet::new();
    one.set(*core);
    // Refused in some containers; the figures are noisier then, not wrong.
    let _ = sched_setaffinity(None, &one);
}

/// Bytes of this process that are in memory.
pub fn resident_bytes() -> Result<u64, String> {
    let status = fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
        .map(|kilobytes: u64| kilobytes * 1024)
        .ok_or_else(|| "/proc/self/status has no VmRSS in kB".to_owned())
}

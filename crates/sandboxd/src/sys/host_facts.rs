//! Facts of this host: those that a snapshot depends on, and what its kernel has to give.

use std::fs;
use std::path::Path;

use ring::digest::{digest, SHA256};
use thaw_snapshot::hex;

/// The kernel's smallest default.
const PIDS_DEFAULT: u64 = 32_768;

/// Programs choose code paths by CPU features at start: a snapshot restores only where it finds the same.
pub fn cpu_fingerprint() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut flags: Vec<&str> = text
        .lines()
        .find_map(|line| line.strip_prefix("flags").and_then(|rest| rest.split_once(':')))
        .map(|(_, flags)| flags.split_whitespace().collect())
        .unwrap_or_default();
    flags.sort_unstable();
    hex::encode(&digest(&SHA256, flags.join(" ").as_bytes()).as_ref()[..8])
}

/// Hash of a program that is part of snapshots: a clone goes on in the same file, or not at all. Null where it can't be
/// read.
pub fn build_of(program: &Path) -> Option<String> {
    let bytes = fs::read(program).ok()?;
    Some(hex::encode(&digest(&SHA256, &bytes).as_ref()[..8]))
}

pub fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_string()
}

/// Number of processes and threads that the kernel can have at a time.
pub fn pids_of_host() -> u64 {
    let read = |name: &str| {
        let text = fs::read_to_string(Path::new("/proc/sys/kernel").join(name));
        text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(PIDS_DEFAULT)
    };
    read("pid_max").min(read("threads-max"))
}

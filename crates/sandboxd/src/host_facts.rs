//! What of this host a snapshot depends on.

use std::fs;

use sha2::{Digest, Sha256};

/// Programs choose code paths by CPU features at start: a snapshot restores only where it finds the same.
pub fn cpu_fingerprint() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut flags: Vec<&str> = text
        .lines()
        .find_map(|line| line.strip_prefix("flags").and_then(|rest| rest.split_once(':')))
        .map(|(_, flags)| flags.split_whitespace().collect())
        .unwrap_or_default();
    flags.sort_unstable();
    let digest = Sha256::digest(flags.join(" ").as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_string()
}

//! Values that tell a sandbox from its siblings, written before anything of the function runs in it. Programs that a
//! snapshot brings along find here what their memory can't tell them.
//!
//! ```text
//!  /run/thaw/generation      one page: u32 counter, u32 zero, u64 id, zeros. Mapped by a program, it shows each clone's own numbers
//!  /dev/sysgenid             the same page, under the name that AWS-LC looks for
//!  /run/thaw/snapshot.json   which snapshot this is a clone of, and of when
//!  /run/etc/boot_id          shown as /proc/sys/kernel/random/boot_id
//!  /run/etc/machine-id       shown as /etc/machine-id
//! ```

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use nix::mount::{mount, MsFlags};

use super::messages::SnapshotFacts;
use crate::sys;

const PAGE_SIZE_BYTES: usize = 4096;
const SNAPSHOT_FILE: &str = "run/thaw/snapshot.json";
const NO_SNAPSHOT: &str = "{\"snapshotId\":null,\"takenAtMs\":null,\"restoredAtMs\":null}\n";

/// `/run` and `/proc` are mounted.
pub fn write(base: &Path) -> io::Result<()> {
    let mut noise = [0u8; 44];
    File::open("/dev/urandom")?.read_exact(&mut noise)?;
    fs::create_dir(base.join("run/thaw"))?;
    let mut page = vec![0u8; PAGE_SIZE_BYTES];
    page[..4].copy_from_slice(&noise[..4]);
    page[8..16].copy_from_slice(&noise[4..12]);
    fs::write(base.join("run/thaw/generation"), page)?;
    fs::write(base.join(SNAPSHOT_FILE), NO_SNAPSHOT)?;
    let hex: String = noise[12..28].iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(base.join("run/etc/machine-id"), format!("{hex}\n"))?;
    let boot_id = base.join("run/etc/boot_id");
    fs::write(&boot_id, format!("{}\n", uuid(&noise[28..44])))?;
    let shown = base.join("proc/sys/kernel/random/boot_id");
    mount(Some(&boot_id), &shown, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    Ok(())
}

/// A random UUID, version 4, as the kernel writes it.
fn uuid(noise: &[u8]) -> String {
    let mut bytes: Vec<u8> = noise.to_vec();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..4], &hex[4..6], &hex[6..8], &hex[8..10], &hex[10..]].map(|part| part.concat()).join("-")
}

/// Tells a clone of which snapshot it is one.
pub fn write_snapshot(facts: &SnapshotFacts) -> io::Result<()> {
    let text = serde_json::json!({
        "snapshotId": facts.snapshot,
        "takenAtMs": facts.taken_at_ms,
        "restoredAtMs": sys::clock_ns(libc::CLOCK_REALTIME) / 1_000_000,
    });
    fs::write(Path::new("/").join(SNAPSHOT_FILE), format!("{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn a_boot_id_is_a_random_uuid() {
        assert_eq!(uuid(&[0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(&[0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}

//! The network of sandboxes: one veth pair each, NAT outward, nothing inward, no way to the host or to other sandboxes.
//!
//! Inside, every sandbox has the same address (so that sockets of a snapshot can be bound again in each clone) and
//! translates it to one of its own on the way out:
//! ```text
//!  sandbox: 169.254.76.1 ──masquerade──► eth0 100.66.x.y/30 ──veth──► host ──masquerade──► outside
//! ```

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use nix::sched::{setns, CloneFlags};
use thaw_locked::Locked;

/// Several sandboxds on one host take a block each.
const BLOCKS: u32 = 16;
const SLOTS_PER_BLOCK: u32 = 1024;
const LOCK_MODE: u32 = 0o600;
const INNER_ADDRESS: &str = "169.254.76.1";

/// Link-local (most clouds' metadata), sandboxes, loopback; then metadata and wire servers outside of it: Alibaba,
/// Azure, Oracle.
const UNREACHABLE: &str = "169.254.0.0/16, 100.66.0.0/16, 127.0.0.0/8, 100.100.100.200, 168.63.129.16, 192.0.0.192";

pub struct Network {
    block: u32,
    used: Locked<Vec<bool>>,
    /// Outward NAT works; else sandboxes have only their loopback.
    pub has_nat: bool,
    _lock: Flock<File>,
}

pub struct Slot {
    number: u32,
}

fn address(block: u32, slot: u32, host: u32) -> String {
    let offset = block * SLOTS_PER_BLOCK * 4 + slot * 4 + host;
    format!("100.66.{}.{}", offset >> 8 & 0xff, offset & 0xff)
}

impl Network {
    pub fn open(lock_dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(lock_dir)?;
        for block in 0..BLOCKS {
            if let Some(lock) = lock_block(lock_dir, block)? {
                let mut network = Network {
                    block,
                    used: Locked::new(vec![false; SLOTS_PER_BLOCK as usize]),
                    has_nat: false,
                    _lock: lock,
                };
                network.has_nat = network.install_rules().is_ok();
                delete_devices(block);
                sweep_free_blocks(lock_dir)?;
                return Ok(network);
            }
        }
        Err(io::Error::other("every block of sandbox addresses is taken by another sandboxd"))
    }

    fn device(&self, slot: u32) -> String {
        format!("{}{slot}", device_prefix(self.block))
    }

    fn install_rules(&self) -> io::Result<()> {
        let table = table(self.block);
        let devices = format!("\"{}*\"", device_prefix(self.block));
        let subnet = format!("{}/20", address(self.block, 0, 0));
        let rules = format!(
            "table inet {table} {{}}\ndelete table inet {table}\n\
             table inet {table} {{\n\
             chain input {{ type filter hook input priority -10; policy accept; iifname {devices} drop; }}\n\
             chain forward {{ type filter hook forward priority -10; policy accept;\n\
               iifname {devices} ip daddr {{ {UNREACHABLE} }} drop;\n\
               iifname {devices} meta nfproto ipv6 drop;\n\
               oifname {devices} ct state established,related accept;\n\
               oifname {devices} drop; }}\n\
             chain postrouting {{ type nat hook postrouting priority srcnat; policy accept;\n\
               ip saddr {subnet} oifname != {devices} masquerade; }}\n}}\n"
        );
        pipe_to(Command::new("nft").args(["-f", "-"]), &rules)?;
        fs::write("/proc/sys/net/ipv4/ip_forward", "1")
    }

    pub fn take(&self) -> io::Result<Slot> {
        let mut used = self.used.lock();
        let number =
            used.iter().position(|used| !used).ok_or_else(|| io::Error::other("no sandbox address is free"))?;
        used[number] = true;
        Ok(Slot { number: number as u32 })
    }

    /// Frees the slot. Its device goes with its namespace, but some time after it: the number is free only when the
    /// device is.
    pub fn release(&self, slot: &Slot) {
        if self.has_nat {
            delete_device(&self.device(slot.number));
        }
        self.used.lock()[slot.number as usize] = false;
    }

    /// Gives the network namespace of `pid` its devices.
    pub fn connect(&self, slot: &Slot, pid: i32) -> io::Result<()> {
        let inside = if self.has_nat { self.inner_script(slot.number) } else { "link set lo up\n".to_string() };
        if self.has_nat {
            let device = self.device(slot.number);
            let outside = format!(
                "link add {device} type veth peer name eth0 netns {pid}\naddr add {}/30 dev {device}\nlink set {device} up\n",
                address(self.block, slot.number, 1)
            );
            pipe_to(Command::new("ip").args(["-batch", "-"]), &outside)?;
        }
        pipe_to(in_network_of(Command::new("ip").args(["-batch", "-"]), pid)?, &inside)?;
        if self.has_nat {
            let rules = "table ip nat {\n chain post {\n type nat hook postrouting priority 100\n oifname \"eth0\" masquerade\n }\n}\n";
            pipe_to(in_network_of(Command::new("nft").args(["-f", "-"]), pid)?, rules)?;
        }
        Ok(())
    }

    /// Names the host's end, where sandboxes have a network.
    pub fn device_of(&self, slot: &Slot) -> Option<String> {
        self.has_nat.then(|| self.device(slot.number))
    }

    fn inner_script(&self, slot: u32) -> String {
        format!(
            "link set lo up\naddr add {INNER_ADDRESS}/32 dev lo\naddr add {}/30 dev eth0\nlink set eth0 up\n\
             route add default via {} src {INNER_ADDRESS}\n",
            address(self.block, slot, 2),
            address(self.block, slot, 1)
        )
    }

    pub fn close(&self) {
        if self.has_nat {
            delete_table(self.block);
        }
    }
}

fn table(block: u32) -> String {
    format!("thaw{block}")
}

fn device_prefix(block: u32) -> String {
    format!("thw{block}-")
}

/// Locks a block; none where another sandboxd has it. A file that other users could open is closed to them: any of
/// them could hold its lock, and with all of them held no sandbox would have a network.
fn lock_block(lock_dir: &Path, block: u32) -> io::Result<Option<Flock<File>>> {
    let path = lock_dir.join(format!("net-{block}.lock"));
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(LOCK_MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(LOCK_MODE))?;
    Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock).ok())
}

/// Sweeps what killed sandboxds left in their blocks, which may stay free for a long time.
fn sweep_free_blocks(lock_dir: &Path) -> io::Result<()> {
    let listed = Command::new("nft").args(["list", "tables"]).stderr(Stdio::null()).output();
    let tables = listed.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
    for block in 0..BLOCKS {
        let line = format!("table inet {}", table(block));
        if !tables.lines().any(|each| each == line) {
            continue;
        }
        if let Some(_lock) = lock_block(lock_dir, block)? {
            delete_devices(block);
            delete_table(block);
        }
    }
    Ok(())
}

fn delete_table(block: u32) {
    let _ = Command::new("nft").args(["delete", "table", "inet", &table(block)]).stderr(Stdio::null()).status();
}

/// Deletes the devices of a killed sandboxd that had this block: the kernel takes its time over an empty namespace.
fn delete_devices(block: u32) {
    let prefix = device_prefix(block);
    for entry in fs::read_dir("/sys/class/net").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&prefix) {
            delete_device(&name);
        }
    }
}

/// Deletes a device, which may have gone by itself.
fn delete_device(name: &str) {
    let _ = Command::new("ip").args(["link", "delete", name]).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn in_network_of(command: &mut Command, pid: i32) -> io::Result<&mut Command> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    // SAFETY: only a system call between fork and exec.
    unsafe {
        command.pre_exec(move || {
            setns(&namespace, CloneFlags::CLONE_NEWNET)?;
            Ok(())
        });
    }
    Ok(command)
}

fn pipe_to(command: &mut Command, input: &str) -> io::Result<()> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().expect("stdin is piped").write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_string()))
}

#[cfg(test)]
mod tests {
    use super::{address, lock_block};
    use crate::sys::testing::TestDirectory;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn other_users_can_not_hold_the_lock_of_a_block() {
        let dir = TestDirectory::new();
        let path = dir.0.join("net-0.lock");
        let mode = || fs::metadata(&path).expect("is there").permissions().mode() & 0o777;
        assert!(lock_block(&dir.0, 0).expect("can be opened").is_some());
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("is ours");
        assert!(lock_block(&dir.0, 0).expect("can be opened").is_some());
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn addresses_of_blocks_and_slots_do_not_meet() {
        assert_eq!(address(0, 0, 1), "100.66.0.1");
        assert_eq!(address(0, 1023, 3), "100.66.15.255");
        assert_eq!(address(1, 0, 0), "100.66.16.0");
        assert_eq!(address(15, 1023, 3), "100.66.255.255");
    }
}

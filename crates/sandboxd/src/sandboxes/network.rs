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
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sched::{setns, CloneFlags};
use serde::Serialize;
use thaw_locked::Locked;

use super::reach::{HostPorts, HOST_ADDRESS};
use super::rules::{connections_max, delete_table, host_addresses, list_tables, other_devices, Rules};
use crate::names::HostPort;

/// Several sandboxds on one host take a block each.
const BLOCKS: u32 = 16;
const SLOTS_PER_BLOCK: u32 = 1024;
const LOCK_MODE: u32 = 0o600;
const INNER_ADDRESS: &str = "169.254.76.1";
const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
/// Says that the host did not forward before: the devices that it had, a line each.
const UNFORWARDED: &str = "net-forwarding.lock";
/// Held while tables come and go.
const TURN: &str = "net-turn.lock";
/// Where sandboxds of this host keep their locks.
pub const LOCK_DIR: &str = "/run/thaw";
/// How often the rules are looked at.
const LOOK: Duration = Duration::from_secs(3);

pub struct Network {
    block: u32,
    lock_dir: PathBuf,
    used: Locked<Vec<bool>>,
    /// Outward NAT works; else sandboxes have only their loopback.
    pub has_nat: bool,
    walls: Locked<Walls>,
    _lock: Flock<File>,
}

/// The rules on the host, and what became of them.
struct Walls {
    rules: Rules,
    /// The table as it was when it was put in place.
    listed: Option<String>,
    restored: u64,
    problem: Option<String>,
    /// Ends the look; none: nobody looks, or the network is closed.
    look: Option<Sender<()>>,
    is_closed: bool,
}

/// What operators are told.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct NetworkState {
    /// How often the rules were gone or changed, and have been put back.
    pub rules_restored: u64,
    /// Why they could not be put back: no sandbox is given a network then.
    pub problem: Option<String>,
}

pub struct Slot {
    number: u32,
}

fn address(block: u32, slot: u32, host: u32) -> String {
    let offset = block * SLOTS_PER_BLOCK * 4 + slot * 4 + host;
    format!("100.66.{}.{}", offset >> 8 & 0xff, offset & 0xff)
}

impl Network {
    /// Takes a block of addresses. `denied`: networks that no sandbox may reach; `host_ports`: of the host's, those
    /// that they may.
    pub fn open(lock_dir: &Path, denied: Vec<String>, host_ports: HostPorts) -> io::Result<Arc<Self>> {
        host_ports.check(&host_addresses())?;
        fs::create_dir_all(lock_dir)?;
        let _turn = take_turn(lock_dir)?;
        for block in 0..BLOCKS {
            if let Some(lock) = lock_block(lock_dir, block)? {
                let rules = Rules {
                    table: table(block),
                    devices: device_prefix(block),
                    subnet: format!("{}/20", address(block, 0, 0)),
                    denied,
                    host_ports,
                    unforwarded: note_forwarding(lock_dir)?,
                    has_timeouts: true,
                    has_refusals: true,
                    connections_max: connections_max(),
                };
                let walls = Walls { rules, listed: None, restored: 0, problem: None, look: None, is_closed: false };
                let mut network = Network {
                    block,
                    lock_dir: lock_dir.to_path_buf(),
                    used: Locked::new(vec![false; SLOTS_PER_BLOCK as usize]),
                    has_nat: false,
                    walls: Locked::new(walls),
                    _lock: lock,
                };
                let installed = network.walls.lock().install().and_then(|()| fs::write(FORWARDING, "1"));
                network.has_nat = installed.is_ok();
                if let Err(error) = installed {
                    thaw_stderr::tell!("sandboxd: no network: {error}");
                    // The table may be there all the same, unless there is no nft. close() deletes none without NAT.
                    if error.kind() != io::ErrorKind::NotFound {
                        delete_table(&table(block));
                    }
                }
                delete_devices(block);
                sweep_free_blocks(lock_dir).inspect_err(|_| delete_table(&table(block)))?;
                let network = Arc::new(network);
                if network.has_nat {
                    let look = start_looking(&network).inspect_err(|_| delete_table(&table(block)))?;
                    network.walls.lock().look = Some(look);
                }
                return Ok(network);
            }
        }
        Err(io::Error::other("every block of sandbox addresses is taken by another sandboxd"))
    }

    pub fn state(&self) -> NetworkState {
        let walls = self.walls.lock();
        NetworkState { rules_restored: walls.restored, problem: walls.problem.clone() }
    }

    fn device(&self, slot: u32) -> String {
        format!("{}{slot}", device_prefix(self.block))
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
            self.walls.lock().revoke(&self.device(slot.number));
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
            if self.walls.lock().rules.host_ports.has_loopback() {
                fs::write(format!("/proc/sys/net/ipv4/conf/{device}/route_localnet"), "1")?;
            }
        }
        pipe_to(in_network_of(Command::new("ip").args(["-batch", "-"]), pid)?, &inside)?;
        if self.has_nat {
            let rules = self.rules()?;
            rules.install_inside(pid)?;
        }
        Ok(())
    }

    /// Lets a sandbox reach these ports of the host, and the server's services where `services` says so. Throws where
    /// the operator has not named one of the ports for functions, and where no services were opened.
    pub fn grant(&self, slot: &Slot, ports: &[HostPort], services: bool) -> io::Result<()> {
        self.rules()?;
        let mut walls = self.walls.lock();
        let Rules { table, host_ports, .. } = &mut walls.rules;
        if let Some(HostPort { address, port }) = ports.iter().find(|each| !host_ports.grantable.contains(each)) {
            return Err(io::Error::other(format!("{address}:{port} was not named for functions")));
        }
        if services && host_ports.services.is_none() {
            return Err(io::Error::other("the server has opened no services for functions"));
        }
        if self.has_nat {
            host_ports.grant(table, &self.device(slot.number), ports, services)
        } else {
            Ok(())
        }
    }

    /// Lets all sandboxes that are made from now on reach the server's service door, which listens on that port of the
    /// host's loopback; and those to which it is granted the server's services on another one.
    pub fn open_door(&self, port: u16, services: Option<u16>) -> io::Result<()> {
        let mut walls = self.walls.lock();
        walls.rules.host_ports.door = Some(port);
        walls.rules.host_ports.services = services;
        if self.has_nat && !walls.is_closed {
            walls.install()?;
        }
        Ok(())
    }

    /// Throws where the host's rules are gone: no sandbox gets a network without them.
    fn rules(&self) -> io::Result<Rules> {
        let mut walls = self.walls.lock();
        if walls.problem.is_some() {
            walls.look();
        }
        match &walls.problem {
            Some(problem) => Err(io::Error::other(format!("its rules on the host are gone: {problem}"))),
            None => Ok(walls.rules.clone()),
        }
    }

    /// Names the host's end, where sandboxes have a network.
    pub fn device_of(&self, slot: &Slot) -> Option<String> {
        self.has_nat.then(|| self.device(slot.number))
    }

    fn inner_script(&self, slot: u32) -> String {
        // Refused at once: nobody waits for an answer that can't come.
        let closed = if self.walls.lock().rules.host_ports.is_empty() {
            format!("route add unreachable {HOST_ADDRESS}/32\n")
        } else {
            String::new()
        };
        format!(
            "link set lo up\naddr add {INNER_ADDRESS}/32 dev lo\naddr add {}/30 dev eth0\nlink set eth0 up\n\
             route add default via {} src {INNER_ADDRESS}\n{closed}",
            address(self.block, slot, 2),
            address(self.block, slot, 1)
        )
    }

    /// Safe to call twice. The host forwards as it did before once the last sandboxd has closed.
    pub fn close(&self) {
        let turn = take_turn(&self.lock_dir);
        let mut walls = self.walls.lock();
        if std::mem::replace(&mut walls.is_closed, true) {
            return;
        }
        walls.look = None;
        if self.has_nat {
            delete_table(&table(self.block));
            if turn.is_ok() && !others_are_open(&self.lock_dir, self.block) {
                put_forwarding_back(&self.lock_dir);
            }
        }
    }
}

impl Walls {
    fn install(&mut self) -> io::Result<()> {
        self.rules.install()?;
        self.listed = self.rules.list()?;
        Ok(())
    }

    /// Takes back what a sandbox was granted. Where that fails the rules are put in place anew, without it, before
    /// another sandbox has a network.
    fn revoke(&mut self, device: &str) {
        let Rules { table, host_ports, .. } = &mut self.rules;
        if let Err(error) = host_ports.revoke(table, device) {
            self.problem = Some(error.to_string());
            self.look();
        }
    }

    /// Puts the rules back where they are not as they were: somebody may have flushed all rules of the host.
    fn look(&mut self) {
        if self.is_closed {
            return;
        }
        if self.problem.is_none() {
            // Not asked, on a host that is short of processes for one: the next look may tell.
            let Ok(listed) = self.rules.list() else { return };
            if listed.is_some() && listed == self.listed {
                return;
            }
        }
        match self.install() {
            Ok(()) => {
                self.restored += 1;
                self.problem = None;
                thaw_stderr::tell!(
                    "sandboxd: the nftables table {} was gone or changed; it has been put back",
                    self.rules.table
                );
            }
            Err(error) => {
                thaw_stderr::tell!("sandboxd: the nftables table {} can't be put back: {error}", self.rules.table);
                self.problem = Some(error.to_string());
            }
        }
    }
}

/// Starts to look at the rules, until the sender is dropped.
fn start_looking(network: &Arc<Network>) -> io::Result<Sender<()>> {
    let (look, ended) = mpsc::channel();
    let network: Weak<Network> = Arc::downgrade(network);
    thread::Builder::new().name("network-look".into()).stack_size(256 * 1024).spawn(move || {
        while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            let Some(network) = network.upgrade() else { return };
            network.walls.lock().look();
        }
    })?;
    Ok(look)
}

/// Waits for the turn to change the host's tables: what is swept is never what another has just made.
fn take_turn(lock_dir: &Path) -> io::Result<Flock<File>> {
    let file = open_lock(&lock_dir.join(TURN))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error.into())
}

/// Notes which devices there are where the host does not forward yet. Lists those between which it is not to forward.
fn note_forwarding(lock_dir: &Path) -> io::Result<Vec<String>> {
    let note = lock_dir.join(UNFORWARDED);
    if fs::read_to_string(FORWARDING).is_ok_and(|text| text.trim() == "0") {
        let mut file = open_lock(&note)?;
        file.set_len(0)?;
        file.write_all(other_devices().join("\n").as_bytes())?;
    }
    Ok(fs::read_to_string(note).unwrap_or_default().lines().map(str::to_string).collect())
}

fn put_forwarding_back(lock_dir: &Path) {
    let note = lock_dir.join(UNFORWARDED);
    if note.exists() && fs::write(FORWARDING, "0").is_ok() {
        let _ = fs::remove_file(note);
    }
}

fn others_are_open(lock_dir: &Path, own: u32) -> bool {
    (0..BLOCKS).any(|block| block != own && !matches!(lock_block(lock_dir, block), Ok(Some(_))))
}

/// Removes what killed sandboxds left of their networks.
pub fn sweep(lock_dir: &Path) -> io::Result<()> {
    let _turn = take_turn(lock_dir)?;
    sweep_free_blocks(lock_dir)?;
    if !others_are_open(lock_dir, BLOCKS) {
        put_forwarding_back(lock_dir);
    }
    Ok(())
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
    let file = open_lock(&lock_dir.join(format!("net-{block}.lock")))?;
    Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock).ok())
}

fn open_lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(LOCK_MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(LOCK_MODE))?;
    Ok(file)
}

/// Sweeps what killed sandboxds left in their blocks, which may stay free for a long time.
fn sweep_free_blocks(lock_dir: &Path) -> io::Result<()> {
    let tables = list_tables();
    for block in 0..BLOCKS {
        let line = format!("table inet {}", table(block));
        if !tables.lines().any(|each| each == line) {
            continue;
        }
        if let Some(_lock) = lock_block(lock_dir, block)? {
            delete_devices(block);
            delete_table(&table(block));
        }
    }
    Ok(())
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

pub fn in_network_of(command: &mut Command, pid: i32) -> io::Result<&mut Command> {
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

pub fn pipe_to(command: &mut Command, input: &str) -> io::Result<()> {
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

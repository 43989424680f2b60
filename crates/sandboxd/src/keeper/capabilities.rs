//! What root keeps of its rights inside a sandbox. Each of its programs there has no more than it was seen to need:
//! `tests/engines/capabilities.ts` takes them away one by one, and `docs/reference/isolation.md` has the reasons.

use std::io;

use nix::sys::prctl;

/// Numbers of `linux/capability.h`, which `libc` does not have.
const CHOWN: u32 = 0;
const DAC_OVERRIDE: u32 = 1;
const DAC_READ_SEARCH: u32 = 2;
const FOWNER: u32 = 3;
const FSETID: u32 = 4;
const KILL: u32 = 5;
const SETGID: u32 = 6;
const SETUID: u32 = 7;
const SETPCAP: u32 = 8;
const NET_ADMIN: u32 = 12;
const NET_RAW: u32 = 13;
const SYS_CHROOT: u32 = 18;
const SYS_PTRACE: u32 = 19;
const SYS_ADMIN: u32 = 21;
const SYS_RESOURCE: u32 = 24;
const SYS_TIME: u32 = 25;
const CHECKPOINT_RESTORE: u32 = 40;
const LAST: u32 = 63;
const VERSION_3: u32 = 0x2008_0522;

/// A program of root's in a sandbox.
#[derive(Clone, Copy)]
pub enum Program {
    /// Pid 1 once the root file system is built, and the starter. All that they start has their set at most.
    Keeper,
    /// Pid 1 of a clone: it ends what is left, and is never asked for anything else.
    KeeperOfClone,
    /// CRIU, for a dump.
    Dump,
    /// CRIU, for a restore.
    Restore,
    /// It ends its clone.
    Relay,
}

/// All of a dump and of a restore; KILL to end what is left, SYS_TIME for the clocks of a time namespace.
const OF_KEEPER: [u32; 17] = [
    CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_ADMIN, NET_RAW,
    SYS_CHROOT, SYS_PTRACE, SYS_ADMIN, SYS_RESOURCE, SYS_TIME, CHECKPOINT_RESTORE,
];
const OF_DUMP: [u32; 5] = [DAC_OVERRIDE, DAC_READ_SEARCH, NET_ADMIN, SYS_PTRACE, SYS_ADMIN];
const OF_RESTORE: [u32; 12] = [
    CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID, SETPCAP, NET_ADMIN, NET_RAW, SYS_CHROOT, SYS_PTRACE,
    CHECKPOINT_RESTORE,
];
const ONLY_KILL: [u32; 1] = [KILL];

impl Program {
    fn set(self) -> io::Result<Vec<u32>> {
        let mut set = match self {
            Program::Keeper => OF_KEEPER.to_vec(),
            Program::Dump => OF_DUMP.to_vec(),
            Program::Restore => OF_RESTORE.to_vec(),
            // Tests take snapshots of clones.
            Program::KeeperOfClone if cfg!(feature = "bench") => OF_KEEPER.to_vec(),
            Program::KeeperOfClone | Program::Relay => ONLY_KILL.to_vec(),
        };
        if matches!(self, Program::Restore) {
            // The kernel counts pipes for root, who makes those of all clones. Beyond `fs.pipe-user-pages-soft` it
            // leaves them their size where it sees one of these two; not every host gives its root the smaller one.
            set.push(if holds(SYS_RESOURCE)? { SYS_RESOURCE } else { SYS_ADMIN });
        }
        #[cfg(feature = "bench")]
        set.retain(|number| !self.is_taken(*number));
        Ok(set)
    }

    /// Whether a measurement takes it away: `THAW_WITHOUT=dump:21,restore:24`.
    #[cfg(feature = "bench")]
    fn is_taken(self, number: u32) -> bool {
        let name = match self {
            Program::Keeper => "keeper",
            Program::KeeperOfClone => "clone",
            Program::Dump => "dump",
            Program::Restore => "restore",
            Program::Relay => "relay",
        };
        std::env::var(WITHOUT).is_ok_and(|taken| taken.split(',').any(|each| each == format!("{name}:{number}")))
    }
}

/// Names what a measurement takes away.
#[cfg(feature = "bench")]
pub const WITHOUT: &str = "THAW_WITHOUT";

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Set {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Gives up all capabilities but this program's, for good: a program that is started as root gets no more.
pub fn become_program(program: Program) -> io::Result<()> {
    keep_only(&program.set()?)
}

/// Gives up all capabilities but these, for good.
pub fn keep_only(kept: &[u32]) -> io::Result<()> {
    drop_bounding(kept);
    let mut sets = own_sets()?;
    for (half, set) in sets.iter_mut().enumerate() {
        let of_half = kept.iter().filter(|number| **number / 32 == half as u32);
        let mask = of_half.fold(0u32, |mask, number| mask | 1 << (number % 32)) & set.permitted;
        *set = Set { effective: mask, permitted: mask, inheritable: 0 };
    }
    let header = Header { version: VERSION_3, pid: 0 };
    // SAFETY: version 3 has two sets, and the kernel reads no more.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) })
}

fn own_sets() -> io::Result<[Set; 2]> {
    let header = Header { version: VERSION_3, pid: 0 };
    let mut sets = [Set::default(); 2];
    // SAFETY: version 3 has two sets, and the kernel writes no more.
    check(unsafe { libc::syscall(libc::SYS_capget, &raw const header, sets.as_mut_ptr()) })?;
    Ok(sets)
}

fn holds(number: u32) -> io::Result<bool> {
    Ok(own_sets()?[number as usize / 32].permitted & 1 << (number % 32) != 0)
}

/// Limits what a program that is started can have.
pub fn drop_bounding(kept: &[u32]) {
    for number in (0..=LAST).filter(|number| !kept.contains(number)) {
        // SAFETY: plain numbers; fails with EINVAL past the last capability this kernel knows.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) };
    }
}

/// Leaves the relay with what it needs: no program can give it more.
pub fn become_relay() -> io::Result<()> {
    become_program(Program::Relay)?;
    Ok(prctl::set_no_new_privs()?)
}

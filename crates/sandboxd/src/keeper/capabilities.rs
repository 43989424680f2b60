//! What root keeps of its rights inside a sandbox. The keeper has no more than it needs once the root file system is
//! built, and so has all that it starts: CRIU, whose parser reads what a function made, and the relay.

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
const NET_BIND_SERVICE: u32 = 10;
const NET_ADMIN: u32 = 12;
const NET_RAW: u32 = 13;
const IPC_LOCK: u32 = 14;
const SYS_CHROOT: u32 = 18;
const SYS_PTRACE: u32 = 19;
const SYS_ADMIN: u32 = 21;
const SYS_RESOURCE: u32 = 24;
const SYS_TIME: u32 = 25;
const LEASE: u32 = 28;
const CHECKPOINT_RESTORE: u32 = 40;
const LAST: u32 = 63;
const VERSION_3: u32 = 0x2008_0522;

/// The keeper's, and so CRIU's: it takes over and makes foreign processes (SYS_PTRACE, SYS_ADMIN, CHECKPOINT_RESTORE,
/// SETPCAP, SYS_RESOURCE), opens and owns their files, repairs their TCP connections (NET_ADMIN; NET_RAW for those
/// that were being closed), sets the clocks of their time namespace (SYS_TIME), and kills them.
pub const OF_KEEPER: [u32; 20] = [
    CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_ADMIN,
    NET_RAW, IPC_LOCK, SYS_CHROOT, SYS_PTRACE, SYS_ADMIN, SYS_RESOURCE, SYS_TIME, LEASE, CHECKPOINT_RESTORE,
];
/// The relay's: it ends its clone.
pub const OF_RELAY: [u32; 1] = [KILL];

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

/// Gives up all capabilities but these, for good: a program that is started as root gets no more.
pub fn keep_only(kept: &[u32]) -> io::Result<()> {
    drop_bounding(kept);
    let header = Header { version: VERSION_3, pid: 0 };
    let mut sets = [Set::default(); 2];
    // SAFETY: version 3 has two sets, and the kernel writes no more.
    check(unsafe { libc::syscall(libc::SYS_capget, &raw const header, sets.as_mut_ptr()) })?;
    for (half, set) in sets.iter_mut().enumerate() {
        let of_half = kept.iter().filter(|number| **number / 32 == half as u32);
        let mask = of_half.fold(0u32, |mask, number| mask | 1 << (number % 32)) & set.permitted;
        *set = Set { effective: mask, permitted: mask, inheritable: 0 };
    }
    // SAFETY: as above, and it reads only.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) })
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
    keep_only(&OF_RELAY)?;
    Ok(prctl::set_no_new_privs()?)
}

//! The starter: a process of a waiting sandbox that is in its control groups already. It becomes what starts a
//! function, or CRIU.
//!
//! To move a process into another control group the kernel waits for a grace period of RCU, in every hierarchy anew:
//! with the four of version 1 some 15 ms, a third of a cold invoke. So it is done while the sandbox waits in the pool.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{socketpair, AddressFamily, SockFlag, SockType};
use nix::unistd::{fork, ForkResult, Pid};
use serde::{Deserialize, Serialize};
use thaw_snapshot::messages::{receive_message, send_message};

use super::messages::{Memory, TimeOffsets};
use super::programs::{self, CriuFds};
use crate::sys;

#[derive(Serialize, Deserialize)]
pub enum Job {
    /// The supervisor, as the only child of the starter.
    Start { uid: u32, server_uid: u32 },
    /// Descriptors: criu, images directory, work directory.
    Restore { offsets: TimeOffsets, memory: Memory },
}

pub struct Starter {
    pub pid: Pid,
    socket: OwnedFd,
}

impl Starter {
    /// Forks the starter. `procs`: descriptors of `cgroup.procs`; writing "0" moves the writer.
    pub fn fork(procs: Vec<File>) -> io::Result<Self> {
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        // SAFETY: pid 1 has one thread.
        match unsafe { fork()? } {
            ForkResult::Parent { child } => Ok(Starter { pid: child, socket: ours }),
            ForkResult::Child => programs::exit_with(serve(procs, &theirs)),
        }
    }

    /// Gives it its job. Its exit code says how the job ended.
    pub fn give(&self, job: &Job, fds: &[BorrowedFd]) -> io::Result<()> {
        send_message(self.socket.as_fd(), &serde_json::to_vec(job)?, fds)
    }
}

fn serve(procs: Vec<File>, socket: &OwnedFd) -> io::Result<()> {
    let mut kept: Vec<i32> = procs.iter().map(AsRawFd::as_raw_fd).collect();
    kept.push(socket.as_raw_fd());
    sys::close_fds_except(3, &kept);
    for mut each in procs {
        each.write_all(b"0")?;
    }
    // /proc/self/cgroup shows the groups from here on: not whose they are, nor where on the host.
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWCGROUP)?;
    // Pid 1 has ended, and with it the sandbox.
    let Some((bytes, fds)) = receive_message(socket.as_fd())? else { return Ok(()) };
    match serde_json::from_slice(&bytes)? {
        Job::Start { uid, server_uid } => programs::start_supervisor(uid, server_uid),
        Job::Restore { offsets, memory } => programs::run_restore(offsets, memory, &CriuFds::of(&fds)?),
    }
}

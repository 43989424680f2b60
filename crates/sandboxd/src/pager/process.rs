//! The pager's process: started with its socket and the directory of chunks, killed where it does not answer.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::Weak;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use thaw_locked::Locked;
use thaw_snapshot::pager_messages::Command;

use crate::sys::{self, kill_pid};

const PING_INTERVAL: Duration = Duration::from_secs(1);
/// A pager that does not answer for so long is killed: its clones end, and the next restore has a new one.
const PONG_TIMEOUT: Duration = Duration::from_secs(5);

pub struct PagerOptions {
    pub program: PathBuf,
    pub uid: u32,
    pub gid: u32,
    pub memory_mib: usize,
}

pub fn has_hung_up(socket: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    poll(&mut polled, PollTimeout::ZERO).is_ok()
        && polled[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP))
}

/// Kills a pager that is there but does not answer. Takes no lock that a sender to it may hold. Ends with its reader.
pub fn watch(socket: &OwnedFd, pager: &OwnedFd, answered: &Weak<Locked<Instant>>) {
    let ping = serde_json::to_vec(&Command::Ping).expect("plain data");
    loop {
        // SAFETY: the buffer is as long as we say. A full socket says that the pager does not read.
        unsafe {
            libc::send(socket.as_raw_fd(), ping.as_ptr().cast(), ping.len(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
        };
        thread::sleep(PING_INTERVAL);
        let Some(answered) = answered.upgrade() else { return };
        if answered.lock().elapsed() > PONG_TIMEOUT {
            thaw_stderr::tell!("sandboxd: the pager does not answer; it is killed");
            kill_pid(pager);
            return;
        }
    }
}

pub fn spawn(options: &PagerOptions, socket: BorrowedFd, chunks: BorrowedFd) -> io::Result<Child> {
    let (socket, chunks) = (socket.as_raw_fd(), chunks.as_raw_fd());
    let mut command = Process::new(&options.program);
    command
        .args(["--memory-mib", &options.memory_mib.to_string()])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    command.uid(options.uid).gid(options.gid);
    #[cfg(feature = "fault-points")]
    command.envs(std::env::var_os("THAW_FAULTS").map(|dir| ("THAW_FAULTS", dir)));
    // SAFETY: only system calls between fork and exec.
    unsafe {
        command.pre_exec(move || {
            // First above all targets, so that none of them is overwritten before it is copied.
            let high = [libc::fcntl(socket, libc::F_DUPFD, 10), libc::fcntl(chunks, libc::F_DUPFD, 10)];
            if high.contains(&-1) || libc::dup2(high[0], 3) < 0 || libc::dup2(high[1], 4) < 0 {
                return Err(io::Error::last_os_error());
            }
            sys::close_fds_except(5, &[]);
            // It ends with its control socket, and so with sandboxd.
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            Ok(())
        });
    }
    command.spawn()
}

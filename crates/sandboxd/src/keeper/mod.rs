//! The keeper: the part of sandboxd that lives inside one sandbox.
//!
//! ```text
//!  sandboxd ──fork+exec──► shim (waits)  ──fork──► pid 1 of the sandbox ──fork──► starter ► supervisor, criu
//!           ◄─────────── SEQPACKET, JSON + descriptors ───────────►
//! ```
//! The shim makes the namespaces and waits for pid 1, so that its own end means: no process of the sandbox is left.
//! Both die with sandboxd (PR_SET_PDEATHSIG). Pid 1 builds the root file system, then obeys sandboxd one command at a
//! time: it is already inside every namespace, so starting or restoring a function is a fork, not a walk through
//! `setns`. It is never in a snapshot.

mod capabilities;
mod commands;
mod identity;
mod ipc;
mod messages;
mod programs;
mod relay;
mod root;
mod seccomp;
mod shown;
mod sockets;
mod starter;
#[cfg(any(test, feature = "bench"))]
mod stock;
mod system_calls;
mod tmp_disk;

#[cfg(feature = "bench")]
pub use capabilities::WITHOUT;
pub use messages::{Command, Event, KeeperConfig, Memory, MountPoint, Reply, SnapshotFacts, TimeOffsets};
pub use programs::ACTION_SCRIPT;
pub use relay::LISTENER_NAME;
pub use seccomp::filter_bytes;

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sched::{unshare, CloneFlags};
use nix::sys::prctl;
use nix::sys::resource::{setrlimit, Resource};
use nix::sys::signal::{kill, SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{waitpid, WaitPidFlag, WaitStatus};
use nix::unistd::{fork, ForkResult, Pid};

use crate::sys::{self, host_facts::pids_of_host};
use thaw_snapshot::messages::{receive_message, send_message};

/// Processes of a sandbox go first where the host is out of memory, whatever the service's own value is.
pub const OOM_SCORE_ADJ: i32 = 500;

/// Runs in a fresh process (`thaw-sandboxd keeper`); the socket to sandboxd is descriptor 3, the configuration its
/// first message.
pub fn main() -> ! {
    // SAFETY: sandboxd starts a keeper with its socket as descriptor 3 and nothing else above 2.
    let socket: OwnedFd = unsafe { std::os::fd::FromRawFd::from_raw_fd(3) };
    let code = match run_shim(&socket) {
        Ok(()) => 0,
        Err(error) => {
            report(socket.as_fd(), &Event::Failed { message: error.to_string() });
            1
        }
    };
    std::process::exit(code)
}

fn report(socket: BorrowedFd, event: &Event) {
    if let Ok(bytes) = serde_json::to_vec(event) {
        let _ = send_message(socket, &bytes, &[]);
    }
}

fn run_shim(socket: &OwnedFd) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    let (bytes, _) = receive_message(socket.as_fd())?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let config: KeeperConfig = serde_json::from_slice(&bytes)?;
    // Before the sandbox's own /proc: all of it inherits this, and nobody in it can go below.
    fs::write("/proc/self/oom_score_adj", OOM_SCORE_ADJ.to_string())?;
    // Counted by the kernel for the function's user, over all of its sandboxes: half of what all functions have.
    let own_pids = pids_of_host() / 4;
    setrlimit(Resource::RLIMIT_NPROC, own_pids, own_pids)?;
    unshare(
        CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS,
    )?;
    let (teller, told) = turn()?;
    // SAFETY: this process has one thread.
    match unsafe { fork()? } {
        ForkResult::Child => {
            drop(teller);
            let code = i32::from(run_init(socket, &config, told).is_err());
            std::process::exit(code)
        }
        ForkResult::Parent { child } => {
            report(socket.as_fd(), &Event::Init { pid: child.as_raw() });
            drop(teller);
            sys::close_fds_except(3, &[]);
            // It waits, and nothing else.
            capabilities::keep_only(&[])?;
            let _ = waitpid(child, None);
            std::process::exit(0)
        }
    }
}

/// Whose pid it is comes first: on a busy machine a child is ready before its parent has had its turn.
struct Told(OwnedFd);

impl Told {
    /// Waits until the teller is dropped, or its process has gone.
    fn wait(self) {
        while nix::unistd::read(&self.0, &mut [0]) == Err(nix::errno::Errno::EINTR) {}
    }
}

fn turn() -> io::Result<(OwnedFd, Told)> {
    let (told, teller) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    Ok((teller, Told(told)))
}

fn run_init(socket: &OwnedFd, config: &KeeperConfig, told: Told) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.thread_block()?;
    let children = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let built = root::build(config).and_then(|()| capabilities::become_program(capabilities::Program::Keeper));
    told.wait();
    if let Err(error) = built {
        report(socket.as_fd(), &Event::Failed { message: format!("root file system: {error}") });
        return Err(error);
    }
    let mut init = Init {
        socket,
        children,
        starter: None,
        uid: None,
        supervisor: None,
        relay: None,
        is_clone: false,
        expects_exit: false,
    };
    report(socket.as_fd(), &Event::Ready);
    init.serve()
}

/// Pid 1 of the sandbox.
struct Init<'a> {
    socket: &'a OwnedFd,
    children: SignalFd,
    starter: Option<starter::Starter>,
    /// The function's, once the sandbox is taken.
    uid: Option<u32>,
    supervisor: Option<Pid>,
    /// Holds the clone's userfaultfds: without it the clone's missing pages would be zeros.
    relay: Option<Pid>,
    is_clone: bool,
    /// A dump ends the supervisor: that is no event.
    expects_exit: bool,
}

impl Init<'_> {
    fn serve(&mut self) -> io::Result<()> {
        loop {
            let mut fds = [
                PollFd::new(self.socket.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.children.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other?,
            };
            let has_message = fds[0].revents().is_some_and(|events| !events.is_empty());
            let has_child = fds[1].revents().is_some_and(|events| !events.is_empty());
            if has_child {
                while let Ok(Some(_)) = self.children.read_signal() {}
                self.reap();
            }
            if has_message {
                match receive_message(self.socket.as_fd())? {
                    None => return Ok(()),
                    Some((bytes, fds)) => self.answer(&bytes, fds)?,
                }
            }
        }
    }

    fn answer(&mut self, bytes: &[u8], fds: Vec<OwnedFd>) -> io::Result<()> {
        let reply = match serde_json::from_slice::<Command>(bytes) {
            Err(error) => Reply::Error { message: format!("unreadable command: {error}") },
            Ok(command) => match self.obey(command, fds) {
                Ok(reply) => reply,
                Err(error) => Reply::Error { message: error.to_string() },
            },
        };
        let bytes = serde_json::to_vec(&Event::Reply(reply))?;
        send_message(self.socket.as_fd(), &bytes, &[])
    }

    fn reap(&mut self) {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            match status {
                WaitStatus::StillAlive => break,
                other => self.note_exit(other),
            }
        }
    }

    fn note_exit(&mut self, status: WaitStatus) {
        let pid = status.pid();
        if pid.is_some() && pid == self.relay {
            self.relay = None;
            if !matches!(status, WaitStatus::Exited(_, 0)) {
                // All of the sandbox but this process.
                let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
            }
        }
        if pid.is_some() && pid == self.supervisor {
            self.supervisor = None;
            if !self.expects_exit {
                report(self.socket.as_fd(), &Event::Exited);
            }
        }
    }

    /// Ends all processes of the sandbox but this one, and waits for their ends.
    fn end_all(&mut self) -> io::Result<()> {
        loop {
            // Again after each end: one that was being forked is met the next time.
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
            match waitpid(None, None) {
                Err(nix::errno::Errno::ECHILD) => return Ok(()),
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(status) => self.note_exit(status),
            }
        }
    }

    /// Waits for one child while reaping all others. Returns its exit code, or 128 + signal.
    fn wait_for(&mut self, child: Pid) -> io::Result<i32> {
        loop {
            match waitpid(None, None) {
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(WaitStatus::Exited(pid, code)) if pid == child => return Ok(code),
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => return Ok(128 + signal as i32),
                Ok(status) => self.note_exit(status),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_waits_for_the_teller() {
        let (teller, told) = turn().expect("a pipe");
        let waiting = std::thread::spawn(move || told.wait());
        for _ in 0..10_000 {
            std::thread::yield_now();
            assert!(!waiting.is_finished(), "it did not wait");
        }
        drop(teller);
        waiting.join().expect("ends");
    }
}

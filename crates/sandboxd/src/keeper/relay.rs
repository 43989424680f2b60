//! The relay: a process of the sandbox between CRIU and the pager. It holds a copy of every userfaultfd of the clone.
//!
//! While a copy is open, a missing page keeps its reader waiting: it never comes as zeros because the pager died. When
//! the pager's end of the socket closes, the relay kills the whole clone. When the sandbox itself is killed, the kernel
//! has sent SIGKILL to all of its processes before the relay's copies can go.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{kill, Signal};
use nix::unistd::{fork, ForkResult, Pid};
use thaw_snapshot::messages::{receive_message, receive_up_to, send_message};
use thaw_snapshot::relay::{has_process, FromRelay, ToRelay};

use super::{capabilities, seccomp};
use crate::sys;

/// Where CRIU looks for it, in its work directory.
pub const LISTENER_NAME: &str = "lazy-pages.socket";
/// CRIU's LAZY_PAGES_RESTORE_FINISHED.
const RESTORE_FINISHED: i32 = 0x5253_5446;
/// Descriptors of processes that have ended, at most.
const HELD_DEAD_MAX: usize = 64;

/// Returns at once; the relay ends with the clone, or when the pager says that it is not needed any more: with 0 only
/// then. Where it ends otherwise pid 1 must kill the clone: what was forked meanwhile has escaped the relay.
pub fn start(listener: BorrowedFd, pager: BorrowedFd) -> io::Result<Pid> {
    // SAFETY: pid 1 has one thread.
    match unsafe { fork()? } {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            sys::close_fds_except(3, &[listener.as_raw_fd(), pager.as_raw_fd()]);
            let confined = capabilities::become_relay()
                .and_then(|()| seccomp::apply(&seccomp::relay_filter()?).map_err(io::Error::other));
            let is_released = confined.and_then(|()| serve(listener, pager)).unwrap_or(false);
            if !is_released {
                // All of the sandbox but this process and pid 1.
                let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
            }
            std::process::exit(i32::from(!is_released))
        }
    }
}

/// True where the pager let the clone go.
fn serve(listener: BorrowedFd, pager: BorrowedFd) -> io::Result<bool> {
    let mut held = Vec::new();
    let mut keep_at = HELD_DEAD_MAX;
    let mut criu = accept(listener, pager)?;
    loop {
        let mut fds = vec![PollFd::new(pager, PollFlags::POLLIN)];
        if let Some(criu) = &criu {
            fds.push(PollFd::new(criu.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut fds, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            other => other?,
        };
        let is_ready: Vec<bool> = fds.iter().map(|fd| fd.revents().is_some_and(|events| !events.is_empty())).collect();
        if is_ready[0] {
            let Some((bytes, mut fds)) = receive_message(pager)? else { return Ok(false) };
            match ToRelay::decode(&bytes) {
                Some(ToRelay::Hold) => {
                    held.append(&mut fds);
                    if held.len() >= keep_at {
                        // A function may fork for each of its events: the dead are let go.
                        held.retain(|uffd: &OwnedFd| has_process(uffd.as_fd()));
                        keep_at = held.len() + HELD_DEAD_MAX;
                    }
                }
                Some(ToRelay::Release) => return Ok(true),
                None => return Ok(false),
            }
        }
        if is_ready.get(1) == Some(&true) {
            let stream = criu.take().expect("it was polled");
            if forward(stream.as_fd(), pager, &mut held)? {
                criu = Some(stream);
            }
        }
    }
}

fn accept(listener: BorrowedFd, pager: BorrowedFd) -> io::Result<Option<OwnedFd>> {
    loop {
        let mut fds = [PollFd::new(listener, PollFlags::POLLIN), PollFd::new(pager, PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            other => other?,
        };
        if fds[0].revents().is_some_and(|events| !events.is_empty()) {
            let fd = nix::sys::socket::accept(listener.as_raw_fd())?;
            // SAFETY: the kernel has just given this descriptor to us alone.
            return Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) }));
        }
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
}

/// One message of CRIU: a process with its userfaultfd, or the end. False after the end, or where CRIU has hung up.
fn forward(criu: BorrowedFd, pager: BorrowedFd, held: &mut Vec<OwnedFd>) -> io::Result<bool> {
    let mut number = Vec::new();
    while number.len() < 4 {
        match receive_up_to(criu, 4 - number.len())? {
            Some((part, _)) => number.extend_from_slice(&part),
            None => return Ok(false),
        }
    }
    let number = i32::from_le_bytes(number.try_into().expect("four bytes"));
    if number == RESTORE_FINISHED {
        send_message(pager, &FromRelay::Restored.encode(), &[])?;
        return Ok(false);
    }
    if number < 0 {
        // A zombie has no memory.
        return Ok(true);
    }
    let Some((_, fds)) = receive_up_to(criu, 1)? else { return Ok(false) };
    let [uffd] = &fds[..] else { return Err(io::ErrorKind::InvalidData.into()) };
    send_message(pager, &FromRelay::Process { pid: number as u32 }.encode(), &[uffd.as_fd()])?;
    held.extend(fds);
    Ok(true)
}

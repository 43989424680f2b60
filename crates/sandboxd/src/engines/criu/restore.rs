//! A restore with CRIU: the keeper runs it in the sandbox, and the relay there hands the clone's memory to the pager.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use super::work_directory::WorkDirectory;
use super::CriuEngine;
use crate::engines::Clone;
use crate::error::{Code, Error, Result};
use crate::keeper::{Command, Reply, TimeOffsets, LISTENER_NAME};
use crate::sys;

/// CRIU's part of a restore: as long as AWS gives to all of it.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(10);

pub fn restore(engine: &CriuEngine, clone: &Clone) -> Result<()> {
    let work = WorkDirectory::new(&engine.work, clone.sandbox)?;
    let offsets = TimeOffsets {
        monotonic_ns: clone.clocks.monotonic_ns - sys::clock_ns(libc::CLOCK_MONOTONIC),
        boottime_ns: clone.clocks.boottime_ns - sys::clock_ns(libc::CLOCK_BOOTTIME),
    };
    let command = Command::Restore { supervisor_pid: clone.supervisor_pid, offsets, memory: engine.memory };
    let mut fds: Vec<BorrowedFd> = vec![engine.program.file.as_fd(), clone.images.as_fd(), work.fd.as_fd()];
    let listener = match clone.pages {
        Some(pages) => Some((UnixListener::bind(work.path.join(LISTENER_NAME))?, pages)),
        None => None,
    };
    if let Some((listener, pages)) = &listener {
        fds.push(listener.as_fd());
        fds.push(pages.as_fd());
    }
    match clone.keeper.ask_within(RESTORE_TIMEOUT, &command, &fds)? {
        Reply::CriuFailed { code } => {
            let log = work.log_tail("restore.log");
            Err(Error::new(Code::RestoreFailed, format!("criu exited with {code}: {log}")))
        }
        _ => Ok(()),
    }
}

//! A clone: a ready sandbox, a snapshot made ready, CRIU, and pages from the pager while it already runs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use thaw_faults::fault_point;
use thaw_snapshot::envelope::DataKey;

use crate::error::{Code, Error, Result};
use crate::keeper::{Command, Reply, TimeOffsets, LISTENER_NAME};
use crate::pager::Pager;
use crate::sandboxes::{bad, check_name, Made, Sandboxes, Spec, Stopwatch, WorkDirectory};
use crate::sys;

/// CRIU's part of a restore: as long as AWS gives to all of it.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(10);

pub struct RestoreRequest<'a> {
    pub snapshot: &'a str,
    pub fingerprint: &'a str,
    pub key: &'a DataKey,
}

impl Sandboxes {
    pub fn restore(
        &self,
        sandbox: &str,
        spec: &Spec,
        request: &RestoreRequest,
        on_exit: impl FnOnce() + Send + 'static,
    ) -> Result<Made> {
        let criu = self.criu()?;
        check_name("snapshot", request.snapshot)?;
        let _cold = self.pool.cold_start();
        let mut watch = Stopwatch::start();
        let is_eager = self.memory.needs_all_pages();
        // On a host that has neither, the sandbox is made while the snapshot's files come.
        let (made_ready, keeper) = thread::scope(|scope| {
            let taking = scope.spawn(|| self.take_keeper(sandbox, spec));
            let made_ready = self.prepared.get(&self.snapshots, request.snapshot, request.key, is_eager);
            watch.lap("prepare");
            (made_ready, taking.join().expect("making a sandbox does not panic"))
        });
        let ((prepared, files), keeper) = (made_ready?, keeper?);
        watch.lap("sandbox");
        if prepared.header.fingerprint != request.fingerprint {
            return Err(Error::new(
                Code::RestoreFailed,
                format!("snapshot {} was made for another runtime or host", request.snapshot),
            ));
        }
        if prepared.header.uid != spec.uid() {
            return Err(bad("the snapshot belongs to another user"));
        }
        fault_point!("restore.prepared");
        let mut entry = self.prepare(sandbox, spec, keeper, Some(&prepared))?;
        watch.lap("mount");
        fault_point!("restore.sandbox-taken");
        let images = prepared.open_images()?;
        let work = WorkDirectory::new(&self.directories.private, sandbox)?;
        let offsets = TimeOffsets {
            monotonic_ns: prepared.clocks.monotonic_ns - sys::clock_ns(libc::CLOCK_MONOTONIC),
            boottime_ns: prepared.clocks.boottime_ns - sys::clock_ns(libc::CLOCK_BOOTTIME),
        };
        let command = Command::Restore { supervisor_pid: prepared.supervisor_pid, offsets, memory: self.memory };
        let mut pager_fds: Vec<OwnedFd> = Vec::new();
        if let Some(pager) = &self.pager {
            pager_fds.push(UnixListener::bind(work.path.join(LISTENER_NAME))?.into());
            pager_fds.push(pager.begin(sandbox, &prepared, &files)?);
            entry.session = Some((sandbox.to_string(), Arc::clone(pager)));
        }
        fault_point!("restore.session-begun");
        let mut fds: Vec<BorrowedFd> = vec![criu.program.as_fd(), images.as_fd(), work.fd.as_fd()];
        fds.extend(pager_fds.iter().map(AsFd::as_fd));
        let reply =
            entry.keeper.ask_within(RESTORE_TIMEOUT, &command, &fds).map_err(|error| self.explain(sandbox, error))?;
        if let Reply::CriuFailed { code } = reply {
            let error =
                Error::new(Code::RestoreFailed, format!("criu exited with {code}: {}", work.log_tail("restore.log")));
            return Err(self.explain(sandbox, error));
        }
        drop(pager_fds);
        entry.keeper.on_exit(on_exit);
        watch.lap("criu");
        fault_point!("restore.criu-done");
        let made = self.made(&entry, watch);
        self.enlist(sandbox, Arc::new(entry))?;
        Ok(made)
    }

    /// Where the pager could not give the clone its pages, that is the reason of the failure.
    fn explain(&self, sandbox: &str, error: Error) -> Error {
        match self.pager.as_ref().and_then(|pager: &Arc<Pager>| pager.loss(sandbox)) {
            Some(loss) => Error::new(loss.code, loss.message),
            None => error,
        }
    }

    /// Clones go on when their snapshot is removed: what they have not read yet stays until they have gone.
    pub fn collect_chunks(&self) -> Result<usize> {
        self.snapshots.collect()
    }

    pub fn remove_snapshot(&self, snapshot: &str) -> Result<()> {
        check_name("snapshot", snapshot)?;
        fault_point!("remove.asked");
        self.snapshots.remove(snapshot)?;
        self.prepared.forget(snapshot);
        if let Some(pager) = &self.pager {
            pager.forget(snapshot);
        }
        Ok(())
    }
}

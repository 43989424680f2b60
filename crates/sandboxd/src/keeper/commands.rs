//! The commands of a keeper: take the sandbox for a function, start its supervisor, dump it, restore one.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::unistd::{fork, ForkResult, Pid};

use super::capabilities::{self, Program};
use super::messages::{Command, Memory, MountPoint, Reply, SnapshotFacts, TimeOffsets};
use super::programs::{self, invalid, CriuFds, ACTION_SCRIPT};
use super::shown::Shown;
use super::starter::{Job, Starter};
#[cfg(feature = "bench")]
use super::stock;
use super::{identity, ipc, relay, root, sockets, tmp_disk, Init};
use crate::sys;

/// In place of CRIU's exit code.
const RELAY_ENDED: i32 = 255;

impl Init<'_> {
    pub fn obey(&mut self, command: Command, fds: Vec<OwnedFd>) -> io::Result<Reply> {
        match command {
            Command::Wait => {
                self.starter = Some(Starter::fork(fds.into_iter().map(File::from).collect())?);
                Ok(Reply::Done)
            }
            Command::Take { mounts, uid, snapshot, certificate } => {
                root::write_certificate(&certificate)?;
                self.take(&mounts, uid, snapshot.as_ref(), fds)
            }
            Command::Start { server_uid } => self.start(server_uid),
            Command::Dump { ghost_limit_bytes } => self.dump(ghost_limit_bytes, &CriuFds::of(&fds)?),
            Command::Restore { supervisor_pid, offsets, memory } => {
                let (criu, rest) = fds.split_at_checked(3).ok_or_else(|| invalid("too few descriptors"))?;
                match (memory, rest) {
                    (Memory::Eager, []) => {}
                    (Memory::Lazy, [listener, pager]) => {
                        self.relay = Some(relay::start(listener.as_fd(), pager.as_fd())?)
                    }
                    #[cfg(feature = "bench")]
                    (Memory::StockEager, []) => {}
                    #[cfg(feature = "bench")]
                    (Memory::StockLazy, []) => stock::start_lazy_daemon(&CriuFds::of(criu)?)?,
                    _ => return Err(invalid("the descriptors do not fit the kind of memory")),
                }
                self.restore(supervisor_pid, offsets, memory, criu)
            }
        }
    }

    fn take(
        &mut self,
        mounts: &[MountPoint],
        uid: u32,
        snapshot: Option<&SnapshotFacts>,
        fds: Vec<OwnedFd>,
    ) -> io::Result<Reply> {
        if self.uid.is_some() || fds.len() != mounts.len() {
            return Err(invalid("the sandbox is taken already"));
        }
        for (_, tree) in mounts.iter().zip(&fds).filter(|(mount, _)| matches!(mount, MountPoint::Root)) {
            sys::restrict_tree(tree.as_fd(), true)?;
            root::enter_image(tree.as_fd())?;
        }
        let file_systems: Vec<&str> = mounts.iter().filter_map(MountPoint::file_system).collect();
        root::make_mount_points(&file_systems)?;
        let shown = Shown::new(Path::new(tmp_disk::PRIVATE))?;
        let mut tmp = tmp_disk::Origin::Disk;
        for (mount, tree) in mounts.iter().zip(&fds) {
            let (target, read_only) = match mount {
                MountPoint::Root => continue,
                MountPoint::Task => ("/var/task".to_string(), true),
                MountPoint::Opt => ("/opt".to_string(), true),
                MountPoint::Control => ("/run/ctl".to_string(), false),
                MountPoint::TmpLower => {
                    tmp = tmp_disk::Origin::Lower;
                    ("/run/.thaw/lower".to_string(), true)
                }
                MountPoint::TmpDisk => {
                    tmp = tmp_disk::Origin::Copy;
                    tmp_disk::attach_copy(tree.as_fd())?;
                    continue;
                }
                MountPoint::FileSystem { name } => (format!("/mnt/{name}"), false),
            };
            sys::restrict_tree(tree.as_fd(), read_only)?;
            if matches!(mount, MountPoint::Task | MountPoint::Opt) {
                shown.show_tree(tree.as_fd(), Path::new(&target))?;
            } else {
                sys::attach_tree(tree.as_fd(), Path::new(&target))?;
            }
        }
        tmp_disk::mount_tmp(uid, tmp)?;
        root::write_users(uid)?;
        if let Some(facts) = snapshot {
            identity::write_snapshot(facts)?;
        }
        self.uid = Some(uid);
        Ok(Reply::Done)
    }

    fn uid(&self) -> io::Result<u32> {
        self.uid.ok_or_else(|| invalid("the sandbox is not taken"))
    }

    /// Gives it the one job it can do. Returns its exit code.
    fn run_starter(&mut self, job: &Job, fds: &[OwnedFd]) -> io::Result<i32> {
        let starter = self.starter.take().ok_or_else(|| invalid("the sandbox has no starter"))?;
        let fds: Vec<BorrowedFd> = fds.iter().map(AsFd::as_fd).collect();
        starter.give(job, &fds)?;
        self.wait_for(starter.pid)
    }

    fn start(&mut self, server_uid: u32) -> io::Result<Reply> {
        let uid = self.uid()?;
        // Nothing else forks in this namespace yet.
        let supervisor = root::reserve_low_pids()?;
        if self.run_starter(&Job::Start { uid, server_uid }, &[])? != 0 {
            return Err(io::Error::other("the supervisor could not be started"));
        }
        self.supervisor = Some(supervisor);
        Ok(Reply::Started { pid: supervisor.as_raw() })
    }

    fn dump(&mut self, ghost_limit_bytes: u64, criu: &CriuFds) -> io::Result<Reply> {
        let supervisor = self.supervisor.ok_or_else(|| invalid("there is no supervisor"))?;
        let uid = self.uid()?;
        if self.is_clone && !cfg!(feature = "bench") {
            return Err(invalid("a clone can't be saved: its keeper has given up the rights for that"));
        }
        if let Some(what) = ipc::find_objects()? {
            return Ok(Reply::Refused { what });
        }
        let cut_connections = sockets::cut_outside_connections()?;
        let offsets = programs::offsets_of(supervisor)?;
        let log_args = ["dump", "-t", &supervisor.to_string(), "--ghost-limit", &ghost_limit_bytes.to_string()]
            .map(str::to_string)
            .to_vec();
        let mut args = log_args;
        // Where a watched file has no handle by which its path could be found. All of it is bounded by the function.
        let scanned = ["/tmp", "/var/task", "/opt"].into_iter().filter(|path| Path::new(path).is_dir());
        args.extend(scanned.flat_map(|path| ["--irmap-scan-path", path].map(str::to_string)));
        args.extend(
            ["--stream", "--action-script", ACTION_SCRIPT, "--network-lock", "skip", "--link-remap", "-o", "dump.log"]
                .map(str::to_string),
        );
        self.expects_exit = true;
        // SAFETY: pid 1 has one thread.
        let child = match unsafe { fork()? } {
            ForkResult::Parent { child } => child,
            ForkResult::Child => programs::exit_with(
                programs::enter_namespaces(supervisor)
                    .and_then(|()| programs::become_dumper(uid))
                    .and_then(|()| programs::exec_criu(criu, Program::Dump, &args, false)),
            ),
        };
        match self.wait_for(child)? {
            0 => {
                // What may have escaped CRIU must not be there while /tmp is read.
                self.end_all()?;
                // After the last moment that any process of it has seen: the clocks of a clone never go back.
                let clocks = programs::clocks_with(offsets);
                Ok(Reply::Dumped { supervisor_pid: supervisor.as_raw(), clocks, cut_connections })
            }
            code => Ok(Reply::CriuFailed { code }),
        }
    }

    fn restore(
        &mut self,
        supervisor_pid: i32,
        offsets: TimeOffsets,
        memory: Memory,
        criu: &[OwnedFd],
    ) -> io::Result<Reply> {
        self.uid()?;
        self.is_clone = true;
        // CRIU could change this process: it has nothing more to give.
        capabilities::become_program(Program::KeeperOfClone)?;
        let code = self.run_starter(&Job::Restore { offsets, memory }, criu)?;
        // A relay that ended meanwhile is seen before its listener is closed, and with it the userfaultfds that nobody
        // took.
        self.reap();
        if memory == Memory::Lazy && self.relay.is_none() {
            return Ok(Reply::CriuFailed { code: RELAY_ENDED });
        }
        match code {
            0 => {
                self.supervisor = Some(Pid::from_raw(supervisor_pid));
                Ok(Reply::Started { pid: supervisor_pid })
            }
            code => Ok(Reply::CriuFailed { code }),
        }
    }
}

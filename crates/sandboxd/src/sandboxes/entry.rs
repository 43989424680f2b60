//! A sandbox in use: its keeper, the function's part of its specification, and what it was restored from.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::host::Keeper;
use crate::error::{Code, Error, Result};
use crate::keeper::OOM_SCORE_ADJ;
use crate::observe::recorder::Recorder;
use crate::pager::Session;
use crate::snapshots::prepared::{Prepared, Tmp};
use crate::sys::loop_device::has_loop_devices;

const OOM_PASSES: u32 = 100;

pub struct Entry {
    pub keeper: Arc<Keeper>,
    pub uid: u32,
    pub tmp_mib: u64,
    /// The directory of the control socket.
    pub control: PathBuf,
    /// The snapshot that a clone was restored from: its `/tmp` may lie below the clone's.
    pub prepared: Option<Arc<Prepared>>,
    /// Absent where the sandbox is no clone, or had its memory before it ran.
    pub session: Option<Session>,
    pub recorder: Option<Recorder>,
}

impl Entry {
    /// Gives all processes of a clone the value that a fresh sandbox has: a restore gives them that of the snapshot,
    /// which may have been taken under another service.
    pub fn raise_oom_score(&self) -> Result<()> {
        // A process that was forked meanwhile has its parent's value: until all have the right one.
        for _ in 0..OOM_PASSES {
            let mut was_right = true;
            for pid in self.keeper.cgroup.lock().pids()? {
                was_right &= has_raised(pid);
            }
            if was_right {
                return Ok(());
            }
        }
        Err(Error::new(Code::Failed, "the processes of the clone fork too fast to be made the first to go"))
    }

    /// True where all of `/tmp` is on one file system, whose inode numbers can be had again.
    pub fn has_tmp_on_one_disk(&self) -> bool {
        let shares_files = self.prepared.as_ref().is_some_and(|prepared| matches!(prepared.tmp, Tmp::Layer(_)));
        has_loop_devices() && !shares_files
    }

    pub fn freeze(&self, on: bool) -> Result<()> {
        self.keeper.cgroup.lock().freeze(on)?;
        // Lost while it was being frozen: it must be able to die.
        if on && self.session.as_ref().is_some_and(|session| session.loss().is_some()) {
            self.keeper.cgroup.lock().freeze(false)?;
        }
        Ok(())
    }
}

/// Raises one; true where there was nothing to raise, or it has ended.
fn has_raised(pid: i32) -> bool {
    let path = format!("/proc/{pid}/oom_score_adj");
    let Ok(text) = fs::read_to_string(&path) else { return true };
    if text.trim().parse().is_ok_and(|value: i32| value >= OOM_SCORE_ADJ) {
        return true;
    }
    fs::write(path, OOM_SCORE_ADJ.to_string()).is_err()
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.keeper.destroy();
        let _ = fs::remove_dir_all(&self.control);
    }
}

//! A sandbox in use: its keeper, the function's part of its specification, and what it was restored from.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::host::Keeper;
use crate::error::Result;
use crate::observe::recorder::Recorder;
use crate::pager::Session;
use crate::snapshots::prepared::Prepared;

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
    pub fn freeze(&self, on: bool) -> Result<()> {
        self.keeper.cgroup.lock().freeze(on)?;
        // Lost while it was being frozen: it must be able to die.
        if on && self.session.as_ref().is_some_and(|session| session.loss().is_some()) {
            self.keeper.cgroup.lock().freeze(false)?;
        }
        Ok(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.keeper.destroy();
        let _ = fs::remove_dir_all(&self.control);
    }
}

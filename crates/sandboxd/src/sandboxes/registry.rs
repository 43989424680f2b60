//! The sandboxes in use, by name.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use thaw_faults::fault_point;
use thaw_locked::Locked;

use super::cgroup::Usage;
use super::entry::Entry;
use crate::error::{Code, Error, Result};
use crate::names::check_name;

#[derive(Default)]
pub struct Registry {
    live: Locked<HashMap<String, Arc<Entry>>>,
}

fn exists(sandbox: &str) -> Error {
    Error::new(Code::Exists, format!("sandbox {sandbox} is there already"))
}

impl Registry {
    pub fn entry(&self, sandbox: &str) -> Result<Arc<Entry>> {
        let live = self.live.lock();
        live.get(sandbox).cloned().ok_or_else(|| Error::new(Code::Unknown, format!("there is no sandbox {sandbox}")))
    }

    /// Lists what `make` makes under a name that is free. Throws `Exists` where it is not, before or after.
    pub fn add<T>(&self, sandbox: &str, make: impl FnOnce() -> Result<(Entry, T)>) -> Result<T> {
        check_name("sandbox", sandbox)?;
        if self.live.lock().contains_key(sandbox) {
            return Err(exists(sandbox));
        }
        let (entry, made) = make()?;
        let mut live = self.live.lock();
        if live.contains_key(sandbox) {
            drop(live);
            return Err(exists(sandbox));
        }
        live.insert(sandbox.to_string(), Arc::new(entry));
        Ok(made)
    }

    /// Takes a sandbox off the list. Its last owner ends it.
    pub fn remove(&self, sandbox: &str) -> Result<Arc<Entry>> {
        let entry = self.entry(sandbox)?;
        self.live.lock().remove(sandbox);
        Ok(entry)
    }

    pub fn freeze(&self, sandbox: &str) -> Result<()> {
        let entry = self.entry(sandbox)?;
        fault_point!("freeze.asked");
        entry.freeze(true)
    }

    pub fn thaw(&self, sandbox: &str) -> Result<()> {
        let entry = self.entry(sandbox)?;
        fault_point!("thaw.asked");
        entry.freeze(false)
    }

    /// Thaws a sandbox without waiting for anything. False where it is not done.
    pub fn thaw_at_once(&self, sandbox: &str) -> bool {
        let Ok(entry) = self.entry(sandbox) else { return false };
        let cgroup = entry.keeper.cgroup.try_lock();
        cgroup.is_some_and(|cgroup| cgroup.freeze_at_once(false).is_ok_and(|is_done| is_done))
    }

    /// The same as `usage`. Null where others hold the group, or there is none.
    pub fn usage_at_once(&self, sandbox: &str, reset: bool) -> Option<Usage> {
        Some(self.entry(sandbox).ok()?.keeper.cgroup.try_lock()?.usage(reset))
    }

    pub fn boost(&self, sandbox: &str, on: bool) -> Result<()> {
        Ok(self.entry(sandbox)?.keeper.cgroup.lock().boost(on)?)
    }

    pub fn usage(&self, sandbox: &str, reset: bool) -> Result<Usage> {
        Ok(self.entry(sandbox)?.keeper.cgroup.lock().usage(reset))
    }

    /// Thaws the clones that have lost their pager: version 1 of control groups does not let a frozen process die.
    pub fn thaw_lost(&self, sessions: &[String]) {
        let entries: Vec<_> = self.live.lock().values().cloned().collect();
        for entry in entries {
            let is_lost = entry.session.as_ref().is_some_and(|session| sessions.contains(&session.name));
            if is_lost {
                let _ = entry.keeper.cgroup.lock().freeze(false);
            }
        }
    }

    /// Does nothing where there is no such sandbox.
    pub fn destroy(&self, sandbox: &str) {
        let entry = self.live.lock().remove(sandbox);
        if let Some(entry) = entry {
            entry.keeper.destroy();
        }
    }

    /// Destroys all of them at once: each takes a while to die.
    pub fn destroy_all(&self) {
        let entries: Vec<_> = self.live.lock().drain().map(|(_, entry)| entry).collect();
        thread::scope(|scope| {
            for entry in &entries {
                let destroying = thread::Builder::new().spawn_scoped(scope, || entry.keeper.destroy());
                if destroying.is_err() {
                    // One after the other, where there is no thread for each.
                    entry.keeper.destroy();
                }
            }
        });
    }
}

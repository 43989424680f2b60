//! The sandboxes in use, by name.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread;

use thaw_faults::fault_point;
use thaw_locked::Locked;

use super::cgroup::{Cgroup, Usage};
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

    /// Thaws a sandbox without waiting for anything. False where that is begun at most: `thaw` waits for the rest.
    pub fn thaw_at_once(&self, sandbox: &str) -> Result<bool> {
        let entry = self.entry(sandbox)?;
        // Here, and not in `thaw`: this is what every release takes, in the thread that reads requests.
        fault_point!("thaw.asked");
        let is_done = thaw_at_once(&entry.keeper.cgroup);
        let_go(entry);
        Ok(is_done?)
    }

    /// Thaws what `thaw_at_once` has not.
    pub fn thaw(&self, sandbox: &str) -> Result<()> {
        self.entry(sandbox)?.freeze(false)
    }

    /// The same as `usage`. Null where others hold the group.
    pub fn usage_at_once(&self, sandbox: &str, reset: bool) -> Result<Option<Usage>> {
        let entry = self.entry(sandbox)?;
        let usage = entry.keeper.cgroup.try_lock().map(|cgroup| cgroup.usage(reset));
        let_go(entry);
        Ok(usage)
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

/// False where others hold the group, or its processes do not all run yet.
fn thaw_at_once(cgroup: &Locked<Cgroup>) -> io::Result<bool> {
    match cgroup.try_lock() {
        Some(cgroup) => cgroup.freeze_at_once(false),
        None => Ok(false),
    }
}

/// Gives up a share of something whose end takes a while. Where it is the last one, another thread ends it.
fn let_go<T: Send + Sync + 'static>(shared: Arc<T>) {
    if let Some(last) = Arc::into_inner(shared) {
        // Where there is no thread, it ends here.
        let _ = thread::Builder::new().name("ending".into()).spawn(move || drop(last));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::{self, Sender};
    use std::thread::ThreadId;

    use super::*;
    use crate::sys::testing::TestDirectory;

    struct TellsWhere(Sender<ThreadId>);

    impl Drop for TellsWhere {
        fn drop(&mut self) {
            let _ = self.0.send(thread::current().id());
        }
    }

    #[test]
    fn the_last_share_ends_in_another_thread() {
        let (ended, where_ended) = mpsc::channel();
        let share = Arc::new(TellsWhere(ended));
        let_go(Arc::clone(&share));
        assert!(where_ended.try_recv().is_err());
        let_go(share);
        assert_ne!(where_ended.recv(), Ok(thread::current().id()));
    }

    /// What the freezer of a group was asked for, and what came of trying, while others hold it or not.
    fn thaw(events: &str, is_held: bool) -> (String, io::Result<bool>) {
        let directory = TestDirectory::new();
        let group = Locked::new(Cgroup::of_files(&directory.0, events));
        let held = is_held.then(|| group.lock());
        let result = thaw_at_once(&group);
        drop(held);
        (fs::read_to_string(directory.0.join("cgroup.freeze")).unwrap(), result)
    }

    #[test]
    fn a_group_is_thawed_at_once_where_nobody_holds_it() {
        let (asked, result) = thaw("frozen 0\n", false);
        assert!(result.unwrap());
        assert_eq!(asked, "0");
    }

    #[test]
    fn a_group_that_somebody_holds_is_left_to_a_thread_that_may_wait() {
        let (asked, result) = thaw("frozen 0\n", true);
        assert!(!result.unwrap());
        assert_eq!(asked, "");
    }

    #[test]
    fn a_group_that_is_not_thawed_yet_is_left_to_a_thread_that_may_wait() {
        let (asked, result) = thaw("frozen 1\n", false);
        assert!(!result.unwrap());
        assert_eq!(asked, "0");
    }

    #[test]
    fn a_group_that_is_gone_is_an_error() {
        let directory = TestDirectory::new();
        let group = Locked::new(Cgroup::of_files(&directory.0, ""));
        fs::remove_file(directory.0.join("cgroup.freeze")).unwrap();
        assert!(thaw_at_once(&group).is_err());
    }

    #[test]
    fn a_sandbox_that_is_not_there_is_unknown() {
        let registry = Registry::default();
        assert!(matches!(registry.thaw_at_once("gone").map_err(|error| error.code), Err(Code::Unknown)));
        assert!(matches!(registry.usage_at_once("gone", false).map_err(|error| error.code), Err(Code::Unknown)));
    }
}

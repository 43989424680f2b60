//! Users, rights, filters and namespaces of the processes in CRIU's images.

use super::images::{all, inventory, only, Core, Creds, Filter, Ids, Process, Seccomp, Thread};
use super::{Judged, Refusal};
use crate::keeper;

/// CRIU's images of today: all begin with the same magic number.
const IMAGES_VERSION: u32 = 2;
const MACHINE_X86_64: i32 = 1;
/// A process that has ended and was not waited for: nothing of it runs.
const STATE_DEAD: u32 = 2;
const SECCOMP_MODE_FILTER: i32 = 2;
/// The filter is put on all threads of a process at once: CRIU's way where they have the same.
const FLAG_TSYNC: u32 = 1;

/// Gives the ids of what CRIU itself was in when it dumped: the sandbox.
pub fn read_inventory(image: &[u8]) -> Judged<Ids> {
    let inventory = inventory(image)?;
    if inventory.version != IMAGES_VERSION {
        return Err(format!("its images have version {}", inventory.version));
    }
    inventory.root_ids.ok_or_else(|| "it does not say which namespaces are the sandbox's".into())
}

pub struct Filters {
    filters: Vec<Filter>,
    own: Vec<u8>,
}

impl Filters {
    pub fn read(image: &[u8]) -> Judged<Self> {
        Ok(Filters { filters: only::<Seccomp>(image)?.filters, own: keeper::filter_bytes()? })
    }

    /// A function may add filters. All hold, and the strictest answer counts: it is enough that the sandbox's is there.
    /// Gives true where CRIU gives it to the other threads, too.
    fn judge(&self, first: u32) -> Judged<bool> {
        let mut at = first;
        for _ in 0..self.filters.len() {
            let Some(filter) = self.filters.get(at as usize) else { break };
            let flags = filter.flags.unwrap_or(0);
            if filter.program == self.own && flags & !FLAG_TSYNC == 0 {
                return Ok(flags == FLAG_TSYNC);
            }
            let Some(previous) = filter.previous else { break };
            at = previous;
        }
        Err("a thread has not the sandbox's filter of system calls".into())
    }
}

/// Judges all processes with their threads. `read` gives the image of one, by its number.
pub fn judge_tree<E: From<Refusal>>(
    image: &[u8],
    judge: &Judge,
    mut read: impl FnMut(u32) -> std::result::Result<Vec<u8>, E>,
) -> std::result::Result<(), E> {
    for process in all::<Process>(image)? {
        let explain = |tid: u32, why: Refusal| E::from(format!("core-{tid}.img: {why}"));
        let Some(is_synced) = judge.leader(&read(process.pid)?).map_err(|why| explain(process.pid, why))? else {
            continue;
        };
        for tid in process.threads.iter().filter(|tid| **tid != process.pid) {
            judge.thread(&read(*tid)?, is_synced).map_err(|why| explain(*tid, why))?;
        }
    }
    Ok(())
}

/// What a process is measured by.
pub struct Judge<'a> {
    pub uid: u32,
    pub filters: &'a Filters,
    /// The sandbox's namespaces.
    pub root: &'a Ids,
}

impl Judge<'_> {
    /// The first thread of a process. Gives whether its filters are put on all threads; none where the process is dead.
    fn leader(&self, image: &[u8]) -> Judged<Option<bool>> {
        let core = self.read(image)?;
        if core.task.is_some_and(|task| task.state == STATE_DEAD) {
            return Ok(None);
        }
        let thread = self.rights(core.thread)?;
        if thread.seccomp_mode != Some(SECCOMP_MODE_FILTER) {
            return Err("a process has no filter of system calls".into());
        }
        Ok(Some(self.filters.judge(thread.seccomp_filter.unwrap_or(0))?))
    }

    fn thread(&self, image: &[u8], is_synced: bool) -> Judged {
        let thread = self.rights(self.read(image)?.thread)?;
        match thread.seccomp_mode {
            None | Some(0) if is_synced => Ok(()),
            Some(SECCOMP_MODE_FILTER) => self.filters.judge(thread.seccomp_filter.unwrap_or(0)).map(drop),
            _ => Err("a thread has no filter of system calls".into()),
        }
    }

    fn read(&self, image: &[u8]) -> Judged<Core> {
        let core: Core = only(image)?;
        if core.machine != MACHINE_X86_64 {
            return Err("it is of another kind of processor".into());
        }
        if let Some(ids) = &core.ids {
            judge_namespaces(ids, self.root)?;
        }
        Ok(core)
    }

    fn rights(&self, thread: Option<Thread>) -> Judged<Thread> {
        let thread = thread.ok_or("a thread says nothing of its rights")?;
        judge_creds(thread.creds.as_ref().ok_or("a thread says nothing of its rights")?, self.uid)?;
        Ok(thread)
    }
}

fn judge_creds(creds: &Creds, uid: u32) -> Judged {
    let users = [creds.uid, creds.euid, creds.suid, creds.fsuid];
    let groups = [creds.gid, creds.egid, creds.sgid, creds.fsgid];
    if let Some(other) = users.iter().chain(&groups).chain(&creds.groups).find(|id| **id != uid) {
        return Err(format!("a thread runs as user or group {other}, the function as {uid}"));
    }
    let sets = [&creds.inheritable, &creds.permitted, &creds.effective, &creds.bounding, &creds.ambient];
    if sets.iter().any(|set| set.iter().any(|word| *word != 0)) {
        return Err("a thread has capabilities".into());
    }
    if creds.securebits != 0 || creds.no_new_privs != Some(1) {
        return Err("a thread could gain rights".into());
    }
    let is_set = |profile: &Option<Vec<u8>>| profile.as_ref().is_some_and(|text| !text.is_empty());
    if is_set(&creds.lsm_profile) || is_set(&creds.lsm_sockcreate) || is_set(&creds.apparmor) {
        return Err("a thread has a profile of a security module".into());
    }
    Ok(())
}

pub fn judge_ids(image: &[u8], root: &Ids) -> Judged {
    judge_namespaces(&only(image)?, root)
}

fn judge_namespaces(ids: &Ids, root: &Ids) -> Judged {
    // CRIU takes a number that is left out for zero.
    let all = |ids: &Ids| {
        [ids.pid, ids.net, ids.ipc, ids.uts, ids.mnt, ids.user, ids.cgroup, ids.time].map(|id| id.unwrap_or(0))
    };
    if all(ids) == all(root) {
        Ok(())
    } else {
        Err("a process has namespaces of its own".into())
    }
}

//! Makes sandboxes for functions: takes one that is ready from the pool, and hangs the function's directories into it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{chown, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cgroup::Limits;
use super::entry::Entry;
use super::host::Keeper;
use super::pool::Pool;
use super::spec::{FileSystem, Spec};
use crate::error::{Code, Error, Result};
use crate::keeper::{Command, KeeperConfig, MountPoint, Reply, SnapshotFacts};
use crate::observe::recorder::Recorder;
use crate::snapshots::prepared::{Prepared, TmpTree};
use crate::sys;
use crate::sys::data_directory::DataDirectory;
use thaw_locked::Locked;
use thaw_snapshot::beneath;

/// In the directory of runtime clients.
const PRELOAD: &str = "unique/libthaw-unique.so";

/// In a sandbox's root: the upper layer of its `/tmp`, which only root reaches, and no process of a function yet.
const TMP_UPPER: &str = "run/.thaw/disk/upper";

/// What a clone is made of.
pub struct Origin<'a> {
    pub snapshot: &'a Arc<Prepared>,
    /// Makes its `/tmp`: a mount, or what lies below the path by then, on the clone's own disk.
    pub make_tmp: &'a dyn Fn(&Path) -> Result<Option<TmpTree>>,
}

/// Fixed when sandboxd starts.
pub struct Directories {
    pub runtimes: PathBuf,
    pub clients: PathBuf,
    pub run: PathBuf,
    /// The second layer of what sandboxes show: `empty` in the data directory. By its path, since a layer is a mount of
    /// the keeper's own namespace; each keeper looks whether it is root's own and empty.
    pub empty: PathBuf,
    pub supervisor: PathBuf,
    pub file_systems: HashMap<String, PathBuf>,
}

pub struct Maker {
    directories: Directories,
    pub server_uid: u32,
    pub pool: Arc<Pool>,
    /// The kernel facts that CRIU has cached; null without CRIU.
    kdat: Option<PathBuf>,
    code: OwnedFd,
    opt: OwnedFd,
    /// Of the server's service door, for programs in sandboxes to trust; empty: there is no door.
    certificate: Locked<String>,
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Maker {
    pub fn new(
        directories: Directories,
        data: &DataDirectory,
        pool: Arc<Pool>,
        kdat: Option<PathBuf>,
    ) -> io::Result<Self> {
        let server_uid = data.owner;
        let code = data.open_for_server("code")?;
        let opt = data.open_for_server("opt")?;
        data.open_private("empty")?;
        Ok(Maker { directories, server_uid, pool, kdat, code, opt, certificate: Locked::default() })
    }

    /// Shows a certificate in all sandboxes that are taken from now on.
    pub fn trust(&self, certificate: String) {
        *self.certificate.lock() = certificate;
    }

    fn keeper_config(&self, spec: &Spec) -> Result<KeeperConfig> {
        let runtime = |name: &str| -> Result<String> {
            let path = self.directories.runtimes.join(name);
            if !path.is_dir() {
                return Err(Error::new(Code::Unknown, format!("runtime directory {name} is not installed")));
            }
            Ok(text(&path))
        };
        let client = |name: &str| -> Result<String> {
            let path = self.directories.clients.join(name);
            if !path.is_dir() {
                return Err(Error::new(Code::Unknown, format!("runtime client {name} is not there")));
            }
            Ok(text(&path))
        };
        let preload = self.directories.clients.join(PRELOAD);
        Ok(KeeperConfig {
            root: match spec.root.as_str() {
                "image" => None,
                "host" => Some("/".to_string()),
                name => Some(runtime(name)?),
            },
            lang: spec.lang.as_deref().map(runtime).transpose()?,
            programs: spec.programs.clone(),
            client: spec.client.as_deref().map(client).transpose()?,
            supervisor: text(&self.directories.supervisor),
            preload: preload.is_file().then(|| text(&preload)),
            mount_point: text(&self.directories.run.join("root")),
            empty: text(&self.directories.empty),
            kdat: self.kdat.as_deref().map_or_else(String::new, text),
            tmp_mib: spec.tmp_mib,
            tmp_image: None,
        })
    }

    /// Takes a ready sandbox, with nothing of the function in it.
    pub fn take_keeper(&self, spec: &Spec) -> Result<Arc<Keeper>> {
        spec.check()?;
        self.pool.take(&self.keeper_config(spec)?)
    }

    /// Hangs the function's directories into a sandbox. `origin`: the snapshot that it is to be a clone of.
    pub fn furnish(&self, sandbox: &str, spec: &Spec, keeper: Arc<Keeper>, origin: Option<&Origin>) -> Result<Entry> {
        let control = self.directories.run.join("sb").join(sandbox);
        let recorder = if spec.records_sent { start_recorder(&keeper, sandbox) } else { None };
        let entry = Entry {
            keeper,
            uid: spec.uid,
            tmp_mib: spec.tmp_mib,
            control,
            prepared: origin.map(|origin| Arc::clone(origin.snapshot)),
            session: None,
            recorder,
        };
        fs::create_dir(&entry.control)?;
        fs::set_permissions(&entry.control, fs::Permissions::from_mode(0o755))?;
        // A restored control socket is bound by CRIU, as root; a fresh one by the supervisor.
        if origin.is_none() {
            chown(&entry.control, Some(spec.uid), Some(spec.uid))?;
        }
        if !spec.hosts.is_empty() || spec.services {
            entry.keeper.grant(&spec.host_ports()?, spec.services)?;
        }
        let limits = Limits { memory_mib: spec.memory_mib, pids_max: spec.pids_max };
        entry.keeper.cgroup.lock().set_limits(limits)?;
        self.mount(&entry, spec, origin)?;
        Ok(entry)
    }

    fn mount(&self, entry: &Entry, spec: &Spec, origin: Option<&Origin>) -> Result<()> {
        let code = if spec.is_image() { MountPoint::Root } else { MountPoint::Task };
        let mut mounts = vec![code, MountPoint::Control];
        let task = beneath::open_dir(&self.code, &spec.task)
            .map_err(|error| Error::new(Code::Unknown, format!("code {}: {error}", spec.task)))?;
        let mut trees = vec![sys::open_tree_clone_fd(task.as_fd())?, sys::open_tree_clone(&entry.control)?];
        if let Some(opt) = &spec.opt {
            let opt = beneath::open_dir(&self.opt, opt)?;
            mounts.push(MountPoint::Opt);
            trees.push(sys::open_tree_clone_fd(opt.as_fd())?);
        }
        let upper = entry.keeper.root_path().join(TMP_UPPER);
        if let Some(tree) = origin.map(|origin| (origin.make_tmp)(&upper)).transpose()?.flatten() {
            let (mount, tree) = match tree {
                TmpTree::Lower(tree) => (MountPoint::TmpLower, tree),
                TmpTree::Disk(tree) => (MountPoint::TmpDisk, tree),
            };
            mounts.push(mount);
            trees.push(tree);
        }
        for FileSystem { name, mount } in &spec.file_systems {
            let path = self.directories.file_systems.get(name);
            let path = path.ok_or_else(|| Error::new(Code::Unknown, format!("file system {name} is not mapped")))?;
            mounts.push(MountPoint::FileSystem { name: mount.clone() });
            trees.push(sys::open_tree_clone(path)?);
        }
        let fds: Vec<BorrowedFd> = trees.iter().map(AsFd::as_fd).collect();
        let facts = origin.map(|Origin { snapshot, .. }| SnapshotFacts {
            snapshot: snapshot.name.clone(),
            taken_at_ms: snapshot.header.created_at_ms as i64,
        });
        let certificate = self.certificate.lock().clone();
        match entry.keeper.ask(&Command::Take { mounts, uid: spec.uid, snapshot: facts, certificate }, &fds)? {
            Reply::Done => Ok(()),
            _ => Err(Error::new(Code::Failed, "the sandbox could not be prepared")),
        }
    }
}

/// Starts a recorder; null where the host does not allow it: a check goes on without, and says so.
fn start_recorder(keeper: &Keeper, sandbox: &str) -> Option<Recorder> {
    let device = keeper.host_device()?;
    Recorder::start(&device)
        .inspect_err(|error| thaw_stderr::tell!("sandboxd: what {sandbox} sends can't be read: {error}"))
        .ok()
}

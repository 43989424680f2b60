//! Sandboxes by name, and what can be done to them. Each operation answers when it is done; several run at once.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{chown, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use thaw_faults::fault_point;

use crate::cgroup::{Limits, Usage};
use crate::criu::Criu;
use crate::error::{Code, Error, Result};
use crate::far::FarChunks;
use crate::host::{has_loop_devices, Keeper};
use crate::keeper::{Command, KeeperConfig, Memory, MountPoint, Reply, SnapshotFacts};
use crate::names::is_name;
use crate::pager::Pager;
use crate::pool::Pool;
use crate::prepared::{Prepared, PreparedSnapshots};
use crate::recorder::Recorder;
use crate::snapshots::Snapshots;
use crate::sys;

const UID_MIN: u32 = 100_000;
const UID_MAX: u32 = 165_535;
const CONTROL_SOCKET: &str = "ctl.sock";
/// In the directory of runtime clients.
const PRELOAD: &str = "unique/libthaw-unique.so";
const SUPERVISOR_TIMEOUT: Duration = Duration::from_secs(10);
const LOG_TAIL_BYTES: usize = 2000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    root: String,
    lang: Option<String>,
    client: String,
    task: String,
    opt: Option<String>,
    uid: u32,
    memory_mib: u64,
    tmp_mib: u64,
    #[serde(default = "default_pids_max")]
    pids_max: u64,
    #[serde(default)]
    file_systems: Vec<FileSystem>,
    /// Of a check: what it sends is kept for `observe`.
    #[serde(default)]
    records_sent: bool,
}

/// A directory of the host that the operator named, read-write at `/mnt/MOUNT`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileSystem {
    name: String,
    mount: String,
}

impl Spec {
    pub fn uid(&self) -> u32 {
        self.uid
    }
}

/// As AWS Lambda: 1,024 processes and threads.
fn default_pids_max() -> u64 {
    1024
}

/// Milliseconds by step, in order of work.
pub type Phases = Vec<(&'static str, f64)>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    control_socket: String,
    phases: Phases,
}

/// Fixed when sandboxd starts.
pub struct Directories {
    pub data: PathBuf,
    pub runtimes: PathBuf,
    pub clients: PathBuf,
    pub run: PathBuf,
    pub supervisor: PathBuf,
    /// A tmpfs that only this process and its children see.
    pub private: PathBuf,
    pub file_systems: HashMap<String, PathBuf>,
}

pub struct Sandboxes {
    pub directories: Directories,
    pub server_uid: u32,
    pub criu: std::result::Result<Criu, String>,
    pub snapshots: Snapshots,
    pub prepared: PreparedSnapshots,
    pub far: Arc<FarChunks>,
    /// Absent where memory does not come on demand.
    pub pager: Option<Arc<Pager>>,
    pub memory: Memory,
    pub pool: Arc<Pool>,
    code: OwnedFd,
    opt: OwnedFd,
    live: Mutex<HashMap<String, Arc<Entry>>>,
}

pub struct Entry {
    pub keeper: Arc<Keeper>,
    pub uid: u32,
    pub tmp_mib: u64,
    pub control: PathBuf,
    /// What a clone was restored from: its `/tmp` lies over it.
    pub prepared: Option<Arc<Prepared>>,
    /// Name of the session with the pager.
    pub session: Option<(String, Arc<Pager>)>,
    pub recorder: Option<Recorder>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.keeper.destroy();
        if let Some((session, pager)) = &self.session {
            pager.end(session);
        }
        let _ = fs::remove_dir_all(&self.control);
    }
}

pub struct Stopwatch {
    last: Instant,
    pub phases: Phases,
}

impl Stopwatch {
    pub fn start() -> Self {
        Stopwatch { last: Instant::now(), phases: Phases::new() }
    }

    pub fn lap(&mut self, name: &'static str) {
        let now = Instant::now();
        self.phases.push((name, (now - self.last).as_secs_f64() * 1e3));
        self.last = now;
    }
}

pub fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}

pub fn check_name(what: &str, name: &str) -> Result<()> {
    if is_name(name) {
        Ok(())
    } else {
        Err(bad(format!("{what}: not a name")))
    }
}

fn check_spec(spec: &Spec) -> Result<()> {
    check_name("root", &spec.root)?;
    check_name("client", &spec.client)?;
    check_name("task", &spec.task)?;
    for (what, name) in [("lang", &spec.lang), ("opt", &spec.opt)] {
        if let Some(name) = name {
            check_name(what, name)?;
        }
    }
    for FileSystem { name, mount } in &spec.file_systems {
        check_name("fileSystems.name", name)?;
        check_name("fileSystems.mount", mount)?;
    }
    let in_range = (UID_MIN..=UID_MAX).contains(&spec.uid)
        && (128..=10_240).contains(&spec.memory_mib)
        && (64..=10_240).contains(&spec.tmp_mib)
        && (16..=4096).contains(&spec.pids_max);
    if in_range {
        Ok(())
    } else {
        Err(bad("a number of the specification is out of range"))
    }
}

fn open_subdir(data: &Path, name: &str) -> io::Result<OwnedFd> {
    let path = data.join(name);
    fs::create_dir_all(&path)?;
    Ok(File::open(path)?.into())
}

impl Sandboxes {
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        directories: Directories,
        server_uid: u32,
        criu: std::result::Result<Criu, String>,
        pool: Arc<Pool>,
        snapshots: Snapshots,
        far: Arc<FarChunks>,
        pager: Option<Arc<Pager>>,
        memory: Memory,
    ) -> io::Result<Self> {
        let code = open_subdir(&directories.data, "code")?;
        let opt = open_subdir(&directories.data, "opt")?;
        for dir in [&code, &opt] {
            chown(sys::self_fd_path(dir.as_fd()), Some(server_uid), Some(server_uid))?;
        }
        let prepared = PreparedSnapshots::new(directories.private.join("prepared"), Arc::clone(&far), pager.clone());
        Ok(Sandboxes {
            directories,
            server_uid,
            criu,
            snapshots,
            prepared,
            far,
            pager,
            memory,
            pool,
            code,
            opt,
            live: Mutex::default(),
        })
    }

    fn keeper_config(&self, spec: &Spec) -> Result<KeeperConfig> {
        let runtime = |name: &str| -> Result<String> {
            let path = self.directories.runtimes.join(name);
            if !path.is_dir() {
                return Err(Error::new(Code::Unknown, format!("runtime directory {name} is not installed")));
            }
            Ok(path.to_string_lossy().into_owned())
        };
        let client = self.directories.clients.join(&spec.client);
        if !client.is_dir() {
            return Err(Error::new(Code::Unknown, format!("runtime client {} is not there", spec.client)));
        }
        let path = |name: &str| self.directories.run.join(name).to_string_lossy().into_owned();
        Ok(KeeperConfig {
            root: if spec.root == "host" { "/".to_string() } else { runtime(&spec.root)? },
            lang: spec.lang.as_deref().map(runtime).transpose()?,
            client: client.to_string_lossy().into_owned(),
            supervisor: self.directories.supervisor.to_string_lossy().into_owned(),
            preload: Some(self.directories.clients.join(PRELOAD))
                .filter(|path| path.is_file())
                .map(|path| path.to_string_lossy().into_owned()),
            mount_point: path("root"),
            kdat: if self.criu.is_ok() { path("criu.kdat") } else { String::new() },
            tmp_mib: spec.tmp_mib,
            tmp_image: None,
        })
    }

    pub fn entry(&self, sandbox: &str) -> Result<Arc<Entry>> {
        let live = self.live.lock().expect("no holder panics");
        live.get(sandbox).cloned().ok_or_else(|| Error::new(Code::Unknown, format!("there is no sandbox {sandbox}")))
    }

    /// A ready sandbox, with nothing of the function in it.
    pub fn take_keeper(&self, sandbox: &str, spec: &Spec) -> Result<Arc<Keeper>> {
        check_name("sandbox", sandbox)?;
        check_spec(spec)?;
        if self.live.lock().expect("no holder panics").contains_key(sandbox) {
            return Err(Error::new(Code::Exists, format!("sandbox {sandbox} is there already")));
        }
        self.pool.take(&self.keeper_config(spec)?)
    }

    /// Hangs the function's directories into a sandbox.
    pub fn prepare(
        &self,
        sandbox: &str,
        spec: &Spec,
        keeper: Arc<Keeper>,
        snapshot: Option<&Arc<Prepared>>,
    ) -> Result<Entry> {
        let control = self.directories.run.join("sb").join(sandbox);
        let recorder = if spec.records_sent { start_recorder(&keeper, sandbox) } else { None };
        let entry = Entry {
            keeper,
            uid: spec.uid,
            tmp_mib: spec.tmp_mib,
            control,
            prepared: snapshot.cloned(),
            session: None,
            recorder,
        };
        fs::create_dir(&entry.control)?;
        fs::set_permissions(&entry.control, fs::Permissions::from_mode(0o755))?;
        // A restored control socket is bound by CRIU, as root; a fresh one by the supervisor.
        if snapshot.is_none() {
            chown(&entry.control, Some(spec.uid), Some(spec.uid))?;
        }
        entry
            .keeper
            .cgroup
            .lock()
            .expect("no holder panics")
            .set_limits(Limits { memory_mib: spec.memory_mib, pids_max: spec.pids_max })?;
        self.mount(&entry, spec, snapshot)?;
        Ok(entry)
    }

    fn mount(&self, entry: &Entry, spec: &Spec, snapshot: Option<&Arc<Prepared>>) -> Result<()> {
        let mut mounts = vec![MountPoint::Task, MountPoint::Control];
        let task = sys::open_dir_beneath(self.code.as_fd(), &spec.task)
            .map_err(|error| Error::new(Code::Unknown, format!("code {}: {error}", spec.task)))?;
        let mut trees = vec![sys::open_tree_clone_fd(task.as_fd())?, sys::open_tree_clone(&entry.control)?];
        if let Some(opt) = &spec.opt {
            let opt = sys::open_dir_beneath(self.opt.as_fd(), opt)?;
            mounts.push(MountPoint::Opt);
            trees.push(sys::open_tree_clone_fd(opt.as_fd())?);
        }
        if let Some(snapshot) = snapshot {
            mounts.push(MountPoint::TmpLower);
            trees.push(snapshot.clone_tmp_tree()?);
        }
        for FileSystem { name, mount } in &spec.file_systems {
            let path = self.directories.file_systems.get(name);
            let path = path.ok_or_else(|| Error::new(Code::Unknown, format!("file system {name} is not mapped")))?;
            mounts.push(MountPoint::FileSystem { name: mount.clone() });
            trees.push(sys::open_tree_clone(path)?);
        }
        let fds: Vec<BorrowedFd> = trees.iter().map(AsFd::as_fd).collect();
        let facts = snapshot.map(|prepared| SnapshotFacts {
            snapshot: prepared.name.clone(),
            taken_at_ms: prepared.header.created_at_ms as i64,
        });
        match entry.keeper.ask(&Command::Take { mounts, uid: spec.uid, snapshot: facts }, &fds)? {
            Reply::Done => Ok(()),
            _ => Err(Error::new(Code::Failed, "the sandbox could not be prepared")),
        }
    }

    pub fn enlist(&self, sandbox: &str, entry: Arc<Entry>) -> Result<()> {
        let mut live = self.live.lock().expect("no holder panics");
        if live.contains_key(sandbox) {
            return Err(Error::new(Code::Exists, format!("sandbox {sandbox} is there already")));
        }
        live.insert(sandbox.to_string(), entry);
        Ok(())
    }

    pub fn made(&self, entry: &Entry, watch: Stopwatch) -> Made {
        Made { control_socket: entry.control.join(CONTROL_SOCKET).to_string_lossy().into_owned(), phases: watch.phases }
    }

    pub fn create(&self, sandbox: &str, spec: &Spec, on_exit: impl FnOnce() + Send + 'static) -> Result<Made> {
        let _cold = self.pool.cold_start();
        let mut watch = Stopwatch::start();
        let keeper = self.take_keeper(sandbox, spec)?;
        watch.lap("sandbox");
        let entry = Arc::new(self.prepare(sandbox, spec, keeper, None)?);
        watch.lap("mount");
        fault_point!("create.sandbox-taken");
        entry.keeper.on_exit(on_exit);
        entry.keeper.ask(&Command::Start { server_uid: self.server_uid }, &[])?;
        wait_for_socket(&entry.control.join(CONTROL_SOCKET))?;
        // The function must not fill the host's /run through this directory.
        chown(&entry.control, Some(0), Some(0))?;
        watch.lap("supervisor");
        fault_point!("create.started");
        let made = self.made(&entry, watch);
        self.enlist(sandbox, entry)?;
        Ok(made)
    }

    pub fn criu(&self) -> Result<&Criu> {
        self.criu.as_ref().map_err(|problem| Error::new(Code::NoCriu, problem.clone()))
    }

    pub fn freeze(&self, sandbox: &str, on: bool) -> Result<()> {
        let entry = self.entry(sandbox)?;
        if on {
            fault_point!("freeze.asked");
        } else {
            fault_point!("thaw.asked");
        }
        entry.keeper.cgroup.lock().expect("no holder panics").freeze(on)?;
        if let Some((session, pager)) = &entry.session {
            // Lost while it was being frozen: it must be able to die.
            if on && pager.loss(session).is_some() {
                entry.keeper.cgroup.lock().expect("no holder panics").freeze(false)?;
            }
        }
        Ok(())
    }

    pub fn boost(&self, sandbox: &str, on: bool) -> Result<()> {
        Ok(self.entry(sandbox)?.keeper.cgroup.lock().expect("no holder panics").boost(on)?)
    }

    pub fn usage(&self, sandbox: &str, reset: bool) -> Result<Usage> {
        Ok(self.entry(sandbox)?.keeper.cgroup.lock().expect("no holder panics").usage(reset))
    }

    /// Takes a sandbox off the list; its last owner ends it.
    pub fn delist(&self, sandbox: &str) {
        self.live.lock().expect("no holder panics").remove(sandbox);
    }

    /// Version 1 of control groups does not let a frozen process die: those that have lost their pager are thawed.
    pub fn thaw_lost(&self, sessions: &[String]) {
        let entries: Vec<_> = self.live.lock().expect("no holder panics").values().cloned().collect();
        for entry in entries {
            let is_lost = entry.session.as_ref().is_some_and(|(session, _)| sessions.contains(session));
            if is_lost {
                let _ = entry.keeper.cgroup.lock().expect("no holder panics").freeze(false);
            }
        }
    }

    /// True where the sandbox's clone lost its pages because a chunk is damaged.
    pub fn is_damaged(&self, sandbox: &str) -> bool {
        self.pager
            .as_ref()
            .and_then(|pager| pager.known_loss(sandbox))
            .is_some_and(|loss| loss.code == Code::SnapshotDamaged)
    }

    pub fn destroy(&self, sandbox: &str) {
        let entry = self.live.lock().expect("no holder panics").remove(sandbox);
        if let Some(entry) = entry {
            entry.keeper.destroy();
        }
    }

    pub fn list(&self) -> Vec<String> {
        let mut names: Vec<String> = self.live.lock().expect("no holder panics").keys().cloned().collect();
        names.sort();
        names
    }

    /// All at once: each takes a while to die.
    pub fn destroy_all(&self) {
        let entries: Vec<_> = self.live.lock().expect("no holder panics").drain().map(|(_, entry)| entry).collect();
        thread::scope(|scope| {
            for entry in &entries {
                scope.spawn(|| entry.keeper.destroy());
            }
        });
    }

    pub fn tmp_quota(&self) -> &'static str {
        if has_loop_devices() {
            "loop"
        } else {
            "tmpfs"
        }
    }
}

/// A check goes on without it, and says so.
fn start_recorder(keeper: &Keeper, sandbox: &str) -> Option<Recorder> {
    let device = keeper.host_device()?;
    Recorder::start(&device)
        .inspect_err(|error| eprintln!("sandboxd: what {sandbox} sends can't be read: {error}"))
        .ok()
}

fn wait_for_socket(path: &Path) -> Result<()> {
    let deadline = Instant::now() + SUPERVISOR_TIMEOUT;
    loop {
        // The supervisor opens its socket to all once it listens.
        if fs::symlink_metadata(path)
            .is_ok_and(|meta| meta.file_type().is_socket() && meta.permissions().mode() & 0o777 == 0o777)
        {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Error::new(Code::Failed, "the supervisor did not start"));
        }
        thread::sleep(Duration::from_micros(200));
    }
}

/// Where CRIU puts its log and its sockets; in memory, removed with the value.
pub struct WorkDirectory {
    pub path: PathBuf,
    pub fd: OwnedFd,
}

impl WorkDirectory {
    pub fn new(private: &Path, name: &str) -> io::Result<Self> {
        let path = private.join("work").join(name);
        fs::create_dir_all(&path)?;
        let fd = File::open(&path)?.into();
        Ok(WorkDirectory { path, fd })
    }

    pub fn log_tail(&self, name: &str) -> String {
        let bytes = fs::read(self.path.join(name)).unwrap_or_default();
        let start = bytes.len().saturating_sub(LOG_TAIL_BYTES);
        String::from_utf8_lossy(&bytes[start..]).trim().to_string()
    }
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

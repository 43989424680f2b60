//! Control groups of one sandbox: memory, CPU, process count, freezing. Version 1 (one hierarchy a controller) and
//! version 2.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use serde::Serialize;

use crate::sys::host_facts::pids_of_host;

const ROOT: &str = "/sys/fs/cgroup";
/// 1,769 MiB of memory is one vCPU (AWS Lambda's documentation of memory and computing power).
const MEMORY_MIB_PER_CPU: u64 = 1769;
const CPU_PERIOD_US: u64 = 100_000;
/// For the supervisor and kernel memory of the sandbox: not the function's to pay.
const OVERHEAD_MIB: u64 = 16;
const EMPTY_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two looks whether all processes are frozen, each twice as long as the one before: on a busy host they need
/// processors to get there, which looks would take from them.
const FREEZE_PAUSE_MIN: Duration = Duration::from_micros(50);
const FREEZE_PAUSE_MAX: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    V1,
    V2,
}

#[derive(Clone, Copy)]
pub struct Limits {
    pub memory_mib: u64,
    pub pids_max: u64,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub memory_bytes: u64,
    pub memory_max_bytes: u64,
    pub oom_kills: u64,
    pub pids: u64,
}

/// Where the groups of this sandboxd live.
pub struct Hierarchy {
    pub version: Version,
    parent: String,
}

pub struct Cgroup {
    version: Version,
    name: PathBuf,
    memory_mib: u64,
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes()).map_err(|error| annotate(path, &error))
}

fn annotate(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn read_u64(path: &Path) -> u64 {
    fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn read_key(path: &Path, key: &str) -> u64 {
    value_of(&fs::read_to_string(path).unwrap_or_default(), key)
}

fn value_of(text: &str, key: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix(key).and_then(|rest| rest.trim().parse().ok())).unwrap_or(0)
}

/// The page cache of a group. The file is read once: the kernel adds up all counters of the group for each reader.
fn file_bytes(memory: &Path) -> u64 {
    let stat = fs::read_to_string(memory.join("memory.stat")).unwrap_or_default();
    value_of(&stat, "inactive_file ") + value_of(&stat, "active_file ")
}

/// The name of a state of version 1's freezer.
fn state_of(is_frozen: bool) -> &'static str {
    if is_frozen {
        "FROZEN"
    } else {
        "THAWED"
    }
}

const V1_CONTROLLERS: [&str; 4] = ["memory", "cpu", "pids", "freezer"];

impl Hierarchy {
    /// Finds the version and makes the parent group. `instance` separates several sandboxds on one host.
    pub fn open(instance: &str) -> io::Result<Self> {
        let hierarchy = if Path::new(ROOT).join("cgroup.controllers").exists() {
            Hierarchy { version: Version::V2, parent: v2_parent(instance)? }
        } else {
            Hierarchy { version: Version::V1, parent: format!("thaw/{instance}") }
        };
        hierarchy.sweep_dead_instances();
        for dir in hierarchy.dirs() {
            fs::create_dir_all(&dir).map_err(|error| annotate(&dir, &error))?;
        }
        hierarchy.limit_pids();
        if hierarchy.version == Version::V2 {
            let control = Path::new(ROOT).join(&hierarchy.parent).join("cgroup.subtree_control");
            write(&control, "+memory +cpu +pids")?;
        }
        Ok(hierarchy)
    }

    fn dirs(&self) -> Vec<PathBuf> {
        dirs_of(self.version, Path::new(&self.parent))
    }

    /// Limits the processes and threads of all sandboxes together: half of what the kernel has is left to the host.
    fn limit_pids(&self) {
        let controller = if self.version == Version::V1 { "pids" } else { "" };
        let path = Path::new(ROOT).join(controller).join(&self.parent).join("pids.max");
        if let Err(error) = write(&path, &pids_of_host().div_euclid(2).to_string()) {
            thaw_stderr::tell!("sandboxd: processes of all sandboxes together have no limit: {error}");
        }
    }

    pub fn create(&self, sandbox: &str, limits: Limits) -> io::Result<Cgroup> {
        let cgroup = Cgroup {
            version: self.version,
            name: Path::new(&self.parent).join(sandbox),
            memory_mib: limits.memory_mib,
        };
        for dir in dirs_of(self.version, &cgroup.name) {
            fs::create_dir(&dir).map_err(|error| annotate(&dir, &error))?;
        }
        cgroup.apply(limits)?;
        Ok(cgroup)
    }

    /// Ends the sandboxes of a sandboxd that was killed a moment ago; a next one does it when it starts. Under version
    /// 2 nothing is left to end.
    pub fn end_dead_instances() {
        if !Path::new(ROOT).join("cgroup.controllers").exists() {
            Hierarchy { version: Version::V1, parent: "thaw/none".to_string() }.sweep_dead_instances();
        }
    }

    /// Groups of a sandboxd that was killed, named by its pid. Its sandboxes died with it, but for those that were
    /// frozen: under version 1 a frozen process takes no signal, SIGKILL neither, before it is thawed.
    fn sweep_dead_instances(&self) {
        let dead = self.dead_instances();
        let groups: Vec<PathBuf> = dead
            .iter()
            .flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten())
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        for group in &groups {
            end_processes(group);
        }
        for dir in groups.iter().chain(&dead) {
            if let Err(error) = remove_when_empty(dir) {
                thaw_stderr::tell!("sandboxd: {error}");
            }
        }
    }

    fn dead_instances(&self) -> Vec<PathBuf> {
        let mut dead = Vec::new();
        for dir in self.dirs() {
            let Some(parent) = dir.parent() else { continue };
            for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let pid = if self.version == Version::V2 { name.strip_prefix("thaw-") } else { Some(name.as_str()) };
                let is_dead = pid.is_some_and(|pid| pid.parse::<u32>().is_ok() && !is_sandboxd(pid));
                if is_dead {
                    dead.push(entry.path());
                }
            }
        }
        dead
    }

    /// Removes groups that an earlier sandboxd of this instance left; their processes died with it.
    pub fn sweep(&self) {
        for dir in self.dirs() {
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    let _ = fs::remove_dir(entry.path());
                }
            }
        }
    }

    pub fn remove(&self) {
        self.sweep();
        for dir in self.dirs() {
            let _ = fs::remove_dir(&dir);
            if let (Version::V1, Some(parent)) = (self.version, dir.parent()) {
                let _ = fs::remove_dir(parent);
            }
        }
    }
}

/// Under version 2 a group with processes can't have controllers for children: sandboxd moves itself into a leaf of its
/// own.
fn v2_parent(instance: &str) -> io::Result<String> {
    let text = fs::read_to_string("/proc/self/cgroup")?;
    let own = text.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/").trim_matches('/').to_string();
    let own = own.strip_suffix("/sandboxd").map_or(own.clone(), str::to_string);
    let leaf = Path::new(ROOT).join(&own).join("sandboxd");
    if !own.is_empty() {
        fs::create_dir_all(&leaf).map_err(|error| annotate(&leaf, &error))?;
        write(&leaf.join("cgroup.procs"), "0")?;
    }
    write(&Path::new(ROOT).join(&own).join("cgroup.subtree_control"), "+memory +cpu +pids")?;
    Ok(Path::new(&own).join(format!("thaw-{instance}")).to_string_lossy().into_owned())
}

fn dirs_of(version: Version, name: &Path) -> Vec<PathBuf> {
    match version {
        Version::V1 => V1_CONTROLLERS.iter().map(|controller| Path::new(ROOT).join(controller).join(name)).collect(),
        Version::V2 => vec![Path::new(ROOT).join(name)],
    }
}

impl Cgroup {
    /// A group of version 2 that is a directory of files, whose processes are what `events` says.
    #[cfg(test)]
    pub fn of_files(directory: &Path, events: &str) -> Self {
        let _ = fs::write(directory.join("cgroup.freeze"), "");
        let _ = fs::write(directory.join("cgroup.events"), events);
        Cgroup { version: Version::V2, name: directory.to_path_buf(), memory_mib: 128 }
    }

    fn dir(&self, controller: &str) -> PathBuf {
        match self.version {
            Version::V1 => Path::new(ROOT).join(controller).join(&self.name),
            Version::V2 => Path::new(ROOT).join(&self.name),
        }
    }

    fn apply(&self, limits: Limits) -> io::Result<()> {
        let bytes = (limits.memory_mib + OVERHEAD_MIB) * 1024 * 1024;
        let memory = self.dir("memory");
        match self.version {
            Version::V1 => {
                // The limit may never be above the one that includes swap: lift that first.
                let _ = write(&memory.join("memory.memsw.limit_in_bytes"), "-1");
                write(&memory.join("memory.limit_in_bytes"), &bytes.to_string())?;
                // Swap would make "out of memory" a matter of the host's configuration; absent where swap is not
                // accounted.
                let _ = write(&memory.join("memory.memsw.limit_in_bytes"), &bytes.to_string());
            }
            Version::V2 => {
                write(&memory.join("memory.max"), &bytes.to_string())?;
                let _ = write(&memory.join("memory.swap.max"), "0");
                let _ = write(&memory.join("memory.oom.group"), "0");
            }
        }
        write(&self.dir("pids").join("pids.max"), &limits.pids_max.to_string())
    }

    /// Changes the limits of a group made ahead of its use.
    pub fn set_limits(&mut self, limits: Limits) -> io::Result<()> {
        self.memory_mib = limits.memory_mib;
        self.apply(limits)
    }

    /// Lists the processes, in no order; one may have ended since.
    pub fn pids(&self) -> io::Result<Vec<i32>> {
        let text = fs::read_to_string(self.dir("pids").join("cgroup.procs"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Files that move the process writing "0" to them into this group; they work from inside the sandbox.
    pub fn open_procs(&self) -> io::Result<Vec<File>> {
        dirs_of(self.version, &self.name)
            .iter()
            .map(|dir| OpenOptions::new().write(true).open(dir.join("cgroup.procs")))
            .collect()
    }

    pub fn boost(&self, on: bool) -> io::Result<()> {
        let quota_us = (CPU_PERIOD_US * self.memory_mib / MEMORY_MIB_PER_CPU).max(1000);
        let dir = self.dir("cpu");
        match (self.version, on) {
            (Version::V1, true) => write(&dir.join("cpu.cfs_quota_us"), "-1"),
            (Version::V1, false) => write(&dir.join("cpu.cfs_quota_us"), &quota_us.to_string()),
            (Version::V2, true) => write(&dir.join("cpu.max"), &format!("max {CPU_PERIOD_US}")),
            (Version::V2, false) => write(&dir.join("cpu.max"), &format!("{quota_us} {CPU_PERIOD_US}")),
        }
    }

    /// Returns when all processes are frozen, or running again.
    pub fn freeze(&self, on: bool) -> io::Result<()> {
        let deadline = Instant::now() + EMPTY_TIMEOUT;
        let mut pause = FREEZE_PAUSE_MIN;
        let mut is_done = self.freeze_at_once(on)?;
        while !is_done {
            if Instant::now() > deadline {
                // Not half: they would freeze later, when nobody expects it.
                self.ask_freezer(false)?;
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the processes did not freeze"));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(FREEZE_PAUSE_MAX);
            is_done = self.is_done(on)?;
        }
        Ok(())
    }

    /// Begins to freeze all processes, or to let them run again. True where that is done already.
    pub fn freeze_at_once(&self, on: bool) -> io::Result<bool> {
        self.ask_freezer(on)?;
        self.is_done(on)
    }

    fn ask_freezer(&self, on: bool) -> io::Result<()> {
        let dir = self.dir("freezer");
        match self.version {
            Version::V1 => write(&dir.join("freezer.state"), state_of(on)),
            Version::V2 => write(&dir.join("cgroup.freeze"), if on { "1" } else { "0" }),
        }
    }

    /// Between the two is a state in which some processes are frozen.
    fn is_done(&self, on: bool) -> io::Result<bool> {
        let dir = self.dir("freezer");
        match self.version {
            Version::V1 => Ok(fs::read_to_string(dir.join("freezer.state"))?.trim() == state_of(on)),
            Version::V2 => Ok(read_key(&dir.join("cgroup.events"), "frozen ") == u64::from(on)),
        }
    }

    pub fn usage(&self, reset: bool) -> Usage {
        let memory = self.dir("memory");
        let pids = read_u64(&self.dir("pids").join("pids.current"));
        match self.version {
            Version::V1 => {
                let file = file_bytes(&memory);
                let now = read_u64(&memory.join("memory.usage_in_bytes")).saturating_sub(file);
                let peak = read_u64(&memory.join("memory.max_usage_in_bytes")).saturating_sub(file);
                if reset {
                    let _ = write(&memory.join("memory.max_usage_in_bytes"), "0");
                }
                let oom_kills = read_key(&memory.join("memory.oom_control"), "oom_kill ");
                Usage { memory_bytes: now, memory_max_bytes: peak.max(now), oom_kills, pids }
            }
            Version::V2 => {
                let file = file_bytes(&memory);
                let now = read_u64(&memory.join("memory.current")).saturating_sub(file);
                let peak = read_u64(&memory.join("memory.peak")).saturating_sub(file);
                let oom_kills = read_key(&memory.join("memory.events"), "oom_kill ");
                Usage { memory_bytes: now, memory_max_bytes: peak.max(now), oom_kills, pids }
            }
        }
    }

    /// Removes the groups; the last processes may still be on their way out.
    pub fn remove(&self) -> io::Result<()> {
        dirs_of(self.version, &self.name).iter().try_for_each(|dir| remove_when_empty(dir))
    }
}

/// A number may have gone to another process since; one that has ended and was not waited for has no command line.
fn is_sandboxd(pid: &str) -> bool {
    fs::read_to_string(Path::new("/proc").join(pid).join("cmdline")).is_ok_and(|command| command.contains("sandboxd"))
}

fn remove_when_empty(dir: &Path) -> io::Result<()> {
    let deadline = Instant::now() + EMPTY_TIMEOUT;
    loop {
        match fs::remove_dir(dir) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(annotate(dir, &error)),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Sends SIGKILL to all that is in a group, then thaws it, so that they take it.
fn end_processes(dir: &Path) {
    for line in fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default().lines() {
        // 0 is a process that this namespace does not show; as an argument of kill it would mean ourselves.
        if let Some(pid) = line.trim().parse().ok().filter(|pid| *pid > 0) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    let _ = write(&dir.join("freezer.state"), "THAWED");
}

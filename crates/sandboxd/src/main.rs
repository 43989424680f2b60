//! sandboxd: the only privileged process of Thaw. Makes sandboxes, freezes and ends them, and runs CRIU in them.
//!
//! `thaw-sandboxd sweep` ends what a killed one left frozen.
//! `thaw-sandboxd serve --run DIR --data DIR --runtimes DIR --clients DIR --supervisor FILE --server-uid N [--criu FILE] [--pool N] [--cpu-latency low|default]
//!  [--pager FILE] [--pager-uid N] [--pager-memory-mib N] [--memory lazy|eager|stock-eager|stock-lazy] [--file-systems 'NAME=DIR…']`

mod bind;
mod capture;
mod cgroup;
mod chunk_cache;
mod chunk_store;
mod count;
mod cpu_latency;
mod criu;
mod criu_images;
mod cutter;
mod disk;
mod error;
mod far;
mod host;
mod host_facts;
mod inspect;
mod keeper;
mod names;
mod network;
mod observe;
mod pager;
mod pool;
mod prepared;
mod recorder;
mod restore;
mod sandboxes;
mod secrets;
mod sent;
mod server;
mod snapshots;
mod sys;
mod take;
#[cfg(test)]
mod testing;
mod working_sets;
mod xattr;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::{chown, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use nix::mount::{mount, MsFlags};
use nix::sys::resource::{getrlimit, setrlimit, Resource};
use nix::sys::signal::{SigSet, Signal};

const POOL_SIZE_DEFAULT: usize = 3;
const PAGER_MEMORY_MIB_DEFAULT: u32 = 256;
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);
/// The last sandboxes may take so long to end, and are looked for so often.
const END_TIMEOUT: Duration = Duration::from_secs(10);
const END_STEP: Duration = Duration::from_millis(50);

fn main() {
    let mut args = std::env::args();
    let name = args.next();
    let result = match args.next().as_deref() {
        None if name.as_deref() == Some(keeper::ACTION_SCRIPT) => capture::run_action_script(),
        Some("keeper") => keeper::main(),
        Some("sweep") => {
            cgroup::Hierarchy::end_dead_instances();
            Ok(())
        }
        Some("bind") => {
            // In the launcher's place: its words, and its status for a wrong setting.
            let message = bind::run(&args.collect::<Vec<_>>()).err().unwrap_or_default();
            eprintln!("thaw: {message}");
            std::process::exit(2)
        }
        Some("serve") => parse(args).and_then(|options| serve(&options)),
        _ => Err("usage: thaw-sandboxd serve --run DIR --data DIR --runtimes DIR --clients DIR --supervisor FILE --server-uid N [--criu FILE] [--pool N] [--file-systems 'NAME=DIR…']".into()),
    };
    if let Err(message) = result {
        eprintln!("sandboxd: {message}");
        std::process::exit(1);
    }
}

fn parse(args: impl Iterator<Item = String>) -> Result<HashMap<String, String>, String> {
    let args: Vec<String> = args.collect();
    let mut options = HashMap::new();
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
        let name = name.strip_prefix("--").ok_or_else(|| format!("unknown argument {name}"))?;
        options.insert(name.to_string(), value.clone());
    }
    Ok(options)
}

fn path_option(options: &HashMap<String, String>, name: &str) -> Result<PathBuf, String> {
    let text = options.get(name).ok_or_else(|| format!("--{name} is missing"))?;
    fs::canonicalize(text).map_err(|error| format!("--{name} {text}: {error}"))
}

/// Lines `NAME=DIR`.
fn file_systems_option(text: &str) -> Result<HashMap<String, PathBuf>, String> {
    let mut mapped = HashMap::new();
    for line in text.lines() {
        let (name, dir) = line.split_once('=').ok_or_else(|| format!("--file-systems {line}: expected NAME=DIR"))?;
        if !names::is_name(name) {
            return Err(format!("--file-systems {line}: not a name"));
        }
        let path = fs::canonicalize(dir).map_err(|error| format!("--file-systems {dir}: {error}"))?;
        mapped.insert(name.to_string(), path);
    }
    Ok(mapped)
}

/// As many as we are given, for the pager and CRIU as well: CRIU holds one for each shared mapping that it restores.
fn raise_open_files() -> nix::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)
}

fn serve(options: &HashMap<String, String>) -> Result<(), String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("must run as root".into());
    }
    let signals = block_ending_signals().map_err(|error| format!("signals: {error}"))?;
    raise_open_files().map_err(|error| format!("limit of open files: {error}"))?;
    let server_uid: u32 = options
        .get("server-uid")
        .and_then(|text| text.parse().ok())
        .ok_or("--server-uid is missing or not a number")?;
    let pool_size = match options.get("pool") {
        None => POOL_SIZE_DEFAULT,
        Some(text) => text.parse().map_err(|_| "--pool is not a number")?,
    };
    let directories = sandboxes::Directories {
        data: path_option(options, "data")?,
        runtimes: path_option(options, "runtimes")?,
        clients: path_option(options, "clients")?,
        run: path_option(options, "run")?,
        supervisor: path_option(options, "supervisor")?,
        private: make_private(&path_option(options, "run")?).map_err(|error| format!("private tmpfs: {error}"))?,
        file_systems: file_systems_option(options.get("file-systems").map_or("", String::as_str))?,
    };
    let memory = match options.get("memory").map_or("lazy", String::as_str) {
        "lazy" => keeper::Memory::Lazy,
        "eager" => keeper::Memory::Eager,
        "stock-eager" => keeper::Memory::StockEager,
        "stock-lazy" => keeper::Memory::StockLazy,
        other => return Err(format!("--memory {other}: expected lazy, eager, stock-eager or stock-lazy")),
    };
    let cpu_latency = match options.get("cpu-latency").map_or("low", String::as_str) {
        // Stock CRIU is measured as it is.
        "low" if !memory.is_stock() => cpu_latency::CpuLatency::open(Path::new(cpu_latency::DEVICE)),
        "low" | "default" => None,
        other => return Err(format!("--cpu-latency {other}: expected low or default")),
    };
    let pool = pool::PoolOptions { size: pool_size, cpu_latency };
    let pager = if memory == keeper::Memory::Lazy { Some(pager_options(options, server_uid)?) } else { None };
    let criu_path = options.get("criu").map_or("", String::as_str);
    run(signals, directories, server_uid, criu_path, pool, memory, pager).map_err(|error| error.to_string())
}

fn pager_options(options: &HashMap<String, String>, server_uid: u32) -> Result<pager::PagerOptions, String> {
    let number = |name: &str, default: u32| match options.get(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("--{name} is not a number")),
    };
    Ok(pager::PagerOptions {
        program: path_option(options, "pager")?,
        uid: number("pager-uid", server_uid + 1)?,
        gid: server_uid,
        memory_mib: number("pager-memory-mib", PAGER_MEMORY_MIB_DEFAULT)? as usize,
    })
}

/// What is decrypted of a snapshot is never on a disk: a tmpfs in a mount namespace of this process's own, gone when it ends.
fn make_private(run: &Path) -> io::Result<PathBuf> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS)?;
    let flags = MsFlags::MS_REC | MsFlags::MS_SLAVE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)?;
    let path = run.join("private");
    fs::create_dir_all(&path)?;
    mount(Some("thaw"), &path, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=700"))?;
    for name in ["work", "prepared"] {
        fs::create_dir(path.join(name))?;
    }
    Ok(path)
}

fn run(
    signals: SigSet,
    directories: sandboxes::Directories,
    server_uid: u32,
    criu_path: &str,
    pool: pool::PoolOptions,
    memory: keeper::Memory,
    pager: Option<pager::PagerOptions>,
) -> io::Result<()> {
    let run_dir = directories.run.clone();
    let instance = format!("{}", std::process::id());
    // Held until this process ends: what lies in the directory is cleaned up by its one owner.
    let _owned = own_data_directory(&directories.data)?;
    let scratch = prepare_directories(&directories, server_uid)?;
    let criu_path = PathBuf::from(criu_path);
    let probe = thread::spawn(move || {
        if criu_path.as_os_str().is_empty() {
            Err("no CRIU was named (--criu)".to_string())
        } else {
            criu::Criu::open(&criu_path)
        }
    });
    let hierarchy = cgroup::Hierarchy::open(&instance)?;
    let version = hierarchy.version;
    let network = network::Network::open(Path::new("/run/thaw"))?;
    let has_nat = network.has_nat;
    let host = Arc::new(host::Host::new(hierarchy, network, scratch));
    let criu = probe.join().map_err(|_| io::Error::other("probing CRIU failed"))?;
    if let Ok(criu) = &criu {
        fs::write(run_dir.join("criu.kdat"), &criu.kdat)?;
    }
    let pool = pool::Pool::new(Arc::clone(&host), pool);
    let chunks = directories.data.join("chunks");
    let snapshots = snapshots::Snapshots::open(&directories.data.join("snapshots"), &chunks, server_uid)?;
    snapshots.sweep()?;
    let far = Arc::new(far::FarChunks::default());
    let pager = pager
        .map(|options| pager::Pager::start(options, fs::File::open(&chunks)?.into(), Arc::clone(&far)))
        .transpose()?;
    let sandboxes = sandboxes::Sandboxes::new(
        directories,
        server_uid,
        criu,
        Arc::clone(&pool),
        snapshots,
        far,
        pager.clone(),
        memory,
    )?;
    let all = Arc::new(sandboxes);
    if let Some(pager) = &pager {
        let all = Arc::downgrade(&all);
        pager.on_lost(move |sessions| {
            if let Some(all) = all.upgrade() {
                all.thaw_lost(sessions);
            }
        });
    }
    let listener = listen(&run_dir, server_uid)?;
    let current = Arc::new(server::Current::default());
    thread::spawn({
        let (all, current) = (Arc::clone(&all), Arc::clone(&current));
        move || server::serve(&listener, &all, &current, version, has_nat)
    });
    println!("sandboxd ready");
    signals.wait().map_err(io::Error::from)?;
    current.hang_up();
    end_sandboxes(&host, &all, &pool);
    if let Some(pager) = &pager {
        pager.close();
    }
    host.hierarchy.remove();
    host.network.close();
    let _ = fs::remove_file(run_dir.join("sandboxd.sock"));
    std::process::exit(0)
}

/// Those too that other threads are making or ending: their control groups and network devices would outlive this process.
fn end_sandboxes(host: &host::Host, all: &sandboxes::Sandboxes, pool: &pool::Pool) {
    let deadline = Instant::now() + END_TIMEOUT;
    pool.close();
    while Instant::now() < deadline {
        all.destroy_all();
        if host.sandboxes.is_none_within(END_STEP) {
            return;
        }
    }
    eprintln!("sandboxd: some sandboxes did not end in time");
}

/// Before the first thread: one that does not block them would take a signal that this process waits for, and end it at once.
fn block_ending_signals() -> io::Result<SigSet> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    Ok(signals)
}

fn own_data_directory(data: &Path) -> io::Result<Flock<fs::File>> {
    let path = data.join("sandboxd.lock");
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            // A killed one may be on its way out.
            Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            Err(_) => return Err(io::Error::other(format!("{} is in use by another thaw serve", data.display()))),
        }
    }
}

/// Only the server may pass through RUN/sb to the control sockets.
fn prepare_directories(directories: &sandboxes::Directories, server_uid: u32) -> io::Result<PathBuf> {
    for name in ["sb", "root"] {
        let path = directories.run.join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750))?;
    }
    chown(directories.run.join("sb"), Some(0), Some(server_uid))?;
    let scratch = directories.data.join("scratch");
    fs::create_dir_all(&scratch)?;
    fs::set_permissions(&scratch, fs::Permissions::from_mode(0o700))?;
    // Images of sandboxes that a crash caught before their mount.
    for entry in fs::read_dir(&scratch)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("sb-") {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(scratch)
}

fn listen(run: &Path, server_uid: u32) -> io::Result<UnixListener> {
    let path = run.join("sandboxd.sock");
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    chown(&path, Some(server_uid), Some(server_uid))?;
    Ok(listener)
}

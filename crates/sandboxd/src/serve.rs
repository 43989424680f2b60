//! `thaw-sandboxd serve`: puts the parts together, serves until it is told to end, and leaves nothing behind.

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

use crate::engines::criu::{CriuEngine, Program};
use crate::engines::Engines;
use crate::operations::prepare::PreparedSnapshots;
use crate::options::ServeOptions;
use crate::pager::Pager;
use crate::protocol::server::{self, Current, Parts};
use crate::sandboxes::cgroup::Hierarchy;
use crate::sandboxes::host::Host;
use crate::sandboxes::maker::{Directories, Maker};
use crate::sandboxes::network::{Network, LOCK_DIR};
use crate::sandboxes::pool::{Pool, PoolOptions};
use crate::sandboxes::reach::HostPorts;
use crate::sandboxes::registry::Registry;
use crate::snapshots::far::FarChunks;
use crate::snapshots::room::FILE_SIZE_BYTES;
use crate::snapshots::store::SnapshotStore;
use crate::snapshots::tmp_disks::TmpDisks;
use crate::sys::cpu_latency::{self, CpuLatency};
use crate::sys::data_directory::DataDirectory;
use crate::sys::host_facts;

/// Size of the file system for CRIU's logs and sockets.
const WORK_MIB: u64 = 64;
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);
/// The last sandboxes may take so long to end, and are looked for so often.
const END_TIMEOUT: Duration = Duration::from_secs(10);
const END_STEP: Duration = Duration::from_millis(50);

/// Returns only where sandboxd could not start.
pub fn serve(args: impl Iterator<Item = String>) -> Result<(), String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("must run as root".into());
    }
    let signals = block_ending_signals().map_err(|error| format!("signals: {error}"))?;
    raise_open_files().map_err(|error| format!("limit of open files: {error}"))?;
    let options = ServeOptions::parse(args)?;
    keep_out_of_dumps().map_err(|error| format!("core dumps: {error}"))?;
    let private =
        make_private(&options.run, options.prepared_mib).map_err(|error| format!("private tmpfs: {error}"))?;
    run(&signals, options, private).map_err(|error| error.to_string())
}

/// Raises the limit to its maximum, for the pager and CRIU as well: CRIU holds one for each shared mapping that it
/// restores.
fn raise_open_files() -> nix::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)
}

/// Keeps keys and pages of functions out of core dumps, which may go to a disk: of this process, and of all that it
/// starts, which inherit the limit and the empty list of what a dump holds.
fn keep_out_of_dumps() -> io::Result<()> {
    // Only for now: a host may not let us raise it again for functions, whose dumps stay in their sandbox.
    let (_, most) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, most)?;
    fs::write("/proc/self/coredump_filter", "0")?;
    Ok(nix::sys::prctl::set_dumpable(false)?)
}

/// Makes the place for decrypted parts of snapshots, which are never on a disk: a tmpfs in a mount namespace of this
/// process's own, gone when it ends.
fn make_private(run: &Path, prepared_mib: u64) -> io::Result<PathBuf> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS)?;
    let flags = MsFlags::MS_REC | MsFlags::MS_SLAVE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)?;
    let path = run.join("private");
    fs::create_dir_all(&path)?;
    // What is prepared is counted before it is laid out: the limit is for what the count would miss.
    mount_private(&path, prepared_mib)?;
    fs::create_dir(path.join("prepared"))?;
    // CRIU's logs have the length that a function gives them: they must not take the place of what is prepared.
    let work = path.join("work");
    fs::create_dir(&work)?;
    mount_private(&work, WORK_MIB)?;
    Ok(path)
}

fn mount_private(path: &Path, size_mib: u64) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let options = format!("mode=700,size={size_mib}m,nr_inodes={}", size_mib * (1024 * 1024 / FILE_SIZE_BYTES));
    let unswapped = format!("{options},noswap");
    // Linux has `noswap` from 6.4 on. On an older one swap has to be off, or encrypted: docs/reference/isolation.md.
    mount(Some("thaw"), path, Some("tmpfs"), flags, Some(unswapped.as_str()))
        .or_else(|_| mount(Some("thaw"), path, Some("tmpfs"), flags, Some(options.as_str())))?;
    Ok(())
}

fn run(signals: &SigSet, options: ServeOptions, private: PathBuf) -> io::Result<()> {
    let run_dir = options.run.clone();
    // Held until this process ends: the directory's one owner cleans up what lies in it.
    let data = DataDirectory::open(&options.data, options.server_uid)?;
    let _owned = own_data_directory(&data, &options.data)?;
    let disks = Arc::new(TmpDisks::open(data.open_private("scratch")?)?);
    prepare_directories(&options)?;
    let hierarchy = Hierarchy::open(&std::process::id().to_string())?;
    let host_ports = HostPorts {
        allowed: options.hosts_allowed.clone(),
        grantable: options.hosts_grantable.clone(),
        ..HostPorts::default()
    };
    let network = Network::open(Path::new(LOCK_DIR), options.network_denied.clone(), host_ports)
        .inspect_err(|_| hierarchy.remove())?;
    let host = Host::new(hierarchy, network, Arc::clone(&disks)).map(Arc::new)?;
    let parts = compose(options, private, (data, disks), &host).inspect_err(|_| close(&host))?;
    let listener = listen(&run_dir, parts.server_uid).inspect_err(|_| close(&host))?;
    if let Some(pager) = &parts.pager {
        let parts = Arc::downgrade(&parts);
        pager.on_lost(move |sessions| {
            if let Some(parts) = parts.upgrade() {
                parts.registry.thaw_lost(sessions);
            }
        });
    }
    let current = Arc::new(Current::default());
    let serving = {
        let (parts, current) = (Arc::clone(&parts), Arc::clone(&current));
        move || server::serve(&listener, &parts, &current)
    };
    thread::Builder::new().name("server".into()).spawn(serving).inspect_err(|_| close(&host))?;
    println!("sandboxd ready");
    signals.wait().map_err(io::Error::from)?;
    current.hang_up();
    end_sandboxes(&host, &parts.registry, &parts.maker.pool);
    if let Some(pager) = &parts.pager {
        pager.close();
    }
    close(&host);
    let _ = fs::remove_file(run_dir.join("sandboxd.sock"));
    std::process::exit(0)
}

/// Leaves nothing behind that would outlive this process.
fn close(host: &Host) {
    host.hierarchy.remove();
    host.network.close();
}

fn compose(
    options: ServeOptions,
    private: PathBuf,
    (data, disks): (DataDirectory, Arc<TmpDisks>),
    host: &Arc<Host>,
) -> io::Result<Arc<Parts>> {
    let criu_path = options.criu.clone();
    let cgroup_version = host.hierarchy.version;
    let has_nat = host.network.has_nat;
    let program = match criu_path {
        None => Err("no CRIU was named (--criu)".to_string()),
        Some(path) => Program::open(&path),
    };
    let kdat = program.is_ok().then(|| options.run.join("criu.kdat"));
    if let (Ok(program), Some(kdat)) = (&program, &kdat) {
        fs::write(kdat, &program.kdat)?;
    }
    let (memory, server_uid) = (options.memory, options.server_uid);
    let work = private.join("work");
    let engines = Engines::new(program.map(|program| CriuEngine { program, memory, work }));
    let far = Arc::new(FarChunks::default());
    let store = SnapshotStore::open(&data, Arc::clone(&far))?;
    store.sweep()?;
    let store = Arc::new(store);
    let start_pager = |options| Pager::start(options, data.open_for_server("chunks")?, Arc::clone(&far));
    let pager = options.pager.map(start_pager).transpose()?;
    let prepared_directory = private.join("prepared");
    let prepared_bytes = options.prepared_mib << 20;
    let prepared =
        PreparedSnapshots::new(prepared_directory, prepared_bytes, (Arc::clone(&store), disks), pager.clone());
    let cpu_latency = options.keeps_awake.then(|| CpuLatency::open(Path::new(cpu_latency::DEVICE))).flatten();
    let pool = Pool::new(Arc::clone(host), PoolOptions { size: options.pool_size, cpu_latency })?;
    let directories = Directories {
        runtimes: options.runtimes,
        clients: options.clients,
        run: options.run,
        empty: options.data.join("empty"),
        supervisor: options.supervisor,
        file_systems: options.file_systems,
    };
    let supervisor_build = host_facts::build_of(&directories.supervisor);
    let maker = Maker::new(directories, &data, pool, kdat)?;
    let registry = Registry::default();
    let parts = Parts {
        server_uid,
        cgroup_version,
        has_nat,
        host: Arc::clone(host),
        supervisor_build,
        registry,
        maker,
        store,
        far,
        prepared,
        pager,
        engines,
    };
    Ok(Arc::new(parts))
}

/// Ends all sandboxes, also those that other threads are making or ending: their control groups and network devices
/// would outlive this process.
fn end_sandboxes(host: &Host, registry: &Registry, pool: &Pool) {
    let deadline = Instant::now() + END_TIMEOUT;
    pool.close();
    while Instant::now() < deadline {
        registry.destroy_all();
        if host.sandboxes.is_none_within(END_STEP) {
            return;
        }
    }
    thaw_stderr::tell!("sandboxd: some sandboxes did not end in time");
}

/// Blocks them before the first thread: one that does not would take a signal that this process waits for, and end it
/// at once.
fn block_ending_signals() -> io::Result<SigSet> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    Ok(signals)
}

fn own_data_directory(data: &DataDirectory, path: &Path) -> io::Result<Flock<fs::File>> {
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        let file = data.open_own_file("sandboxd.lock")?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            // A killed one may be on its way out.
            Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            Err(_) => return Err(io::Error::other(format!("{} is in use by another thaw serve", path.display()))),
        }
    }
}

/// Makes the directories anew. Only the server may pass through RUN/sb to the control sockets.
fn prepare_directories(options: &ServeOptions) -> io::Result<()> {
    for name in ["sb", "root"] {
        let path = options.run.join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750))?;
    }
    chown(options.run.join("sb"), Some(0), Some(options.server_uid))?;
    Ok(())
}

fn listen(run: &Path, server_uid: u32) -> io::Result<UnixListener> {
    let path = run.join("sandboxd.sock");
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    chown(&path, Some(server_uid), Some(server_uid))?;
    Ok(listener)
}

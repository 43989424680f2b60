//! The host side of keepers: starts them, speaks to them, and clears up after them.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::socket::{socketpair, AddressFamily, SockFlag, SockType};
use thaw_locked::Locked;

use crate::error::{Code, Error, Result};
use crate::keeper::{Command, Event, KeeperConfig, Reply};
use crate::names::HostPort;
use crate::sandboxes::cgroup::{Cgroup, Hierarchy, Limits};
use crate::sandboxes::network::{Network, Slot};
use crate::snapshots::tmp_disks::TmpDisks;
use crate::sys::count::{Count, Counted};
use crate::sys::loop_device::has_loop_devices;
use crate::sys::{self, kill_pid, open_pid};
use thaw_snapshot::messages::{receive_message, send_message};

/// Longer than any restore or dump may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
const START_TIMEOUT: Duration = Duration::from_secs(30);

type OnExit = Arc<Locked<Option<Box<dyn FnOnce() + Send>>>>;

/// The parts that all sandboxes of this sandboxd share.
pub struct Host {
    pub hierarchy: Hierarchy,
    pub network: Arc<Network>,
    disks: Arc<TmpDisks>,
    /// Sandboxes that are there, are made or are on their way out.
    pub sandboxes: Arc<Count>,
    spawner: Sender<SpawnJob>,
}

struct SpawnJob {
    socket: OwnedFd,
    answer: Sender<io::Result<Child>>,
}

/// One sandbox, from empty to gone.
pub struct Keeper {
    shim: Locked<Option<(Child, Counted)>>,
    socket: Arc<OwnedFd>,
    init: OwnedFd,
    pub init_pid: i32,
    answers: Locked<Receiver<Event>>,
    pub cgroup: Locked<Cgroup>,
    slot: Slot,
    host: Arc<Host>,
    /// Called once, when the supervisor ended or the sandbox died by itself.
    on_exit: OnExit,
}

/// The processes of a new sandbox, and what is needed to speak to them.
struct Started {
    shim: Child,
    socket: Arc<OwnedFd>,
    init_pid: i32,
    init: OwnedFd,
    answers: Receiver<Event>,
    on_exit: OnExit,
}

impl Host {
    pub fn new(hierarchy: Hierarchy, network: Arc<Network>, disks: Arc<TmpDisks>) -> io::Result<Self> {
        let (spawner, jobs) = mpsc::channel::<SpawnJob>();
        // PR_SET_PDEATHSIG follows the thread that forked: one that lives as long as sandboxd.
        thread::Builder::new()
            .name("spawner".into())
            .spawn(move || {
                for job in jobs {
                    let _ = job.answer.send(spawn_shim(&job.socket));
                }
            })
            .inspect_err(|_| {
                hierarchy.remove();
                network.close();
            })?;
        Ok(Host { hierarchy, network, disks, sandboxes: Arc::default(), spawner })
    }
}

fn spawn_shim(socket: &OwnedFd) -> io::Result<Child> {
    let fd = socket.as_raw_fd();
    let mut command = Process::new("/proc/self/exe");
    command
        .arg0("thaw-keeper")
        .arg("keeper")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    #[cfg(feature = "bench")]
    command.envs(std::env::var_os(crate::keeper::WITHOUT).map(|taken| (crate::keeper::WITHOUT, taken)));
    // SAFETY: only system calls between fork and exec.
    unsafe {
        command.pre_exec(move || {
            if fd == 3 {
                sys::keep_over_exec(BorrowedFd::borrow_raw(fd))?;
            } else if libc::dup2(fd, 3) < 0 {
                return Err(io::Error::last_os_error());
            }
            sys::close_fds_except(4, &[]);
            libc::setpgid(0, 0);
            Ok(())
        });
    }
    command.spawn()
}

impl Keeper {
    /// Makes a ready sandbox: namespaces, root, network, control group; nothing of a function yet.
    pub fn spawn(host: &Arc<Host>, name: &str, mut config: KeeperConfig) -> Result<Arc<Self>> {
        let counted = host.sandboxes.one_more();
        let limits = Limits { memory_mib: 128, pids_max: 1024 };
        let cgroup = host.hierarchy.create(name, limits)?;
        let slot = host.network.take().inspect_err(|_| drop(cgroup.remove()))?;
        let made = Self::spawn_in(host, name, &mut config);
        match made {
            Ok(started) => Ok(Arc::new(Keeper {
                shim: Locked::new(Some((started.shim, counted))),
                socket: started.socket,
                init: started.init,
                init_pid: started.init_pid,
                answers: Locked::new(started.answers),
                cgroup: Locked::new(cgroup),
                slot,
                host: Arc::clone(host),
                on_exit: started.on_exit,
            }))
            .and_then(|keeper| keeper.make_ready().map(|()| keeper)),
            Err(error) => {
                let _ = cgroup.remove();
                host.network.release(&slot);
                if let Some(image) = config.tmp_image {
                    let _ = fs::remove_file(image);
                }
                Err(error)
            }
        }
    }

    fn spawn_in(host: &Arc<Host>, name: &str, config: &mut KeeperConfig) -> Result<Started> {
        if has_loop_devices() {
            let image = host.disks.make_empty(name, config.tmp_mib)?;
            config.tmp_image = Some(image.to_string_lossy().into_owned());
        }
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(io::Error::from)?;
        let (answer, spawned) = mpsc::channel();
        let gone = || Error::new(Code::Failed, "the thread that starts sandboxes has ended");
        // Before the processes: without a reader they would be nobody's.
        let socket = Arc::new(ours);
        let on_exit = Arc::new(Locked::new(None));
        let answers = start_reader(Arc::clone(&socket), Arc::clone(&on_exit))?;
        host.spawner.send(SpawnJob { socket: theirs, answer }).map_err(|_| gone())?;
        let mut shim = spawned.recv().map_err(|_| gone())??;
        let started = (|| {
            send_message(socket.as_fd(), &serde_json::to_vec(&*config).map_err(io::Error::from)?, &[])?;
            match answers.recv_timeout(START_TIMEOUT) {
                Ok(Event::Init { pid }) => Ok((pid, open_pid(pid)?)),
                Ok(Event::Failed { message }) => Err(Error::new(Code::Failed, message)),
                _ => Err(Error::new(Code::Failed, "the sandbox did not start")),
            }
        })();
        match started {
            Ok((init_pid, init)) => Ok(Started { shim, socket, init_pid, init, answers, on_exit }),
            Err(error) => {
                let _ = shim.kill();
                let _ = shim.wait();
                Err(error)
            }
        }
    }

    fn make_ready(&self) -> Result<()> {
        let connected = self.host.network.connect(&self.slot, self.init_pid);
        let ready = self.answers.lock().recv_timeout(START_TIMEOUT);
        let result = match ready {
            Ok(Event::Ready) => connected.map_err(|error| Error::new(Code::Failed, format!("network: {error}"))),
            Ok(Event::Failed { message }) => Err(Error::new(Code::Failed, message)),
            _ => Err(Error::new(Code::Failed, "the sandbox did not become ready")),
        };
        let result = result.and_then(|()| self.make_starter());
        if result.is_err() {
            self.destroy();
        }
        result
    }

    fn make_starter(&self) -> Result<()> {
        let procs = self.cgroup.lock().open_procs()?;
        let fds: Vec<BorrowedFd> = procs.iter().map(AsFd::as_fd).collect();
        match self.ask(&Command::Wait, &fds)? {
            Reply::Done => Ok(()),
            _ => Err(Error::new(Code::Failed, "the sandbox could not be made ready")),
        }
    }

    /// Gives one command and waits for its reply. Commands of one keeper do not overlap: the lock on the answers sees
    /// to that.
    pub fn ask(&self, command: &Command, fds: &[BorrowedFd]) -> Result<Reply> {
        self.ask_within(ANSWER_TIMEOUT, command, fds)
    }

    /// Asks with a limit. A command that is not answered by then leaves the sandbox unusable: it must be destroyed.
    pub fn ask_within(&self, limit: Duration, command: &Command, fds: &[BorrowedFd]) -> Result<Reply> {
        let answers = self.answers.lock();
        let bytes = serde_json::to_vec(command).map_err(io::Error::from)?;
        send_message(self.socket.as_fd(), &bytes, fds)?;
        match answers.recv_timeout(limit) {
            Ok(Event::Reply(Reply::Error { message })) => Err(Error::new(Code::Failed, message)),
            Ok(Event::Reply(reply)) => Ok(reply),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(Error::new(Code::RestoreTimeout, "the sandbox did not answer in time"))
            }
            _ => Err(Error::new(Code::Failed, "the sandbox died")),
        }
    }

    pub fn on_exit(&self, callback: impl FnOnce() + Send + 'static) {
        *self.on_exit.lock() = Some(Box::new(callback));
    }

    /// Path of the sandbox's root as the host sees it.
    pub fn root_path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.init_pid))
    }

    /// Name of its network device on the host.
    pub fn host_device(&self) -> Option<String> {
        self.host.network.device_of(&self.slot)
    }

    /// Lets it reach ports of the host that the operator named for functions; `services`: the server's services, too.
    pub fn grant(&self, ports: &[HostPort], services: bool) -> Result<()> {
        self.host
            .network
            .grant(&self.slot, ports, services)
            .map_err(|error| Error::new(Code::Failed, format!("network: {error}")))
    }

    /// Returns when no process, cgroup or address of it is left. Safe to call twice.
    pub fn destroy(&self) {
        let Some((mut shim, _counted)) = self.shim.lock().take() else { return };
        *self.on_exit.lock() = None;
        kill_pid(&self.init);
        let cgroup = self.cgroup.lock();
        // Version 1 does not kill what is frozen.
        let _ = cgroup.freeze(false);
        let _ = shim.wait();
        if let Err(error) = cgroup.remove() {
            thaw_stderr::tell!("sandboxd: {error}");
        }
        self.host.network.release(&self.slot);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.destroy();
    }
}

fn start_reader(socket: Arc<OwnedFd>, on_exit: OnExit) -> io::Result<Receiver<Event>> {
    let (answers, receiver) = mpsc::channel();
    thread::Builder::new().name("keeper".into()).stack_size(256 * 1024).spawn(move || {
        while let Ok(Some((bytes, _))) = receive_message(socket.as_fd()) {
            match serde_json::from_slice::<Event>(&bytes) {
                Ok(Event::Exited) => run_callback(&on_exit),
                Ok(event) => drop(answers.send(event)),
                Err(error) => thaw_stderr::tell!("sandboxd: unreadable event: {error}"),
            }
        }
        run_callback(&on_exit);
    })?;
    Ok(receiver)
}

fn run_callback(on_exit: &Locked<Option<Box<dyn FnOnce() + Send>>>) {
    let callback = on_exit.lock().take();
    if let Some(callback) = callback {
        callback();
    }
}

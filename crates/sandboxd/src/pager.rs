//! Keeps the pager running and speaks to it. When it dies, each sandbox's relay kills its clone; a new pager is there at once.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{socketpair, AddressFamily, SockFlag, SockType};
use thaw_snapshot::envelope::{DataKey, FILE_SIZE_BYTES_MAX};
use thaw_snapshot::hex;
use thaw_snapshot::messages::{receive_message, send_message};
use thaw_snapshot::pager_messages::{ChunkAnswer, Command, Event};
use thaw_snapshot::working_set::{decode_runs, TouchedRun};

use crate::error::{Code, Error, Result};
use crate::far::FarChunks;
use crate::host::{kill_pid, open_pid};
use crate::prepared::Prepared;
use crate::snapshots::{Files, Stamp};
use crate::sys;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// A pager that does not answer for so long is killed: its clones end, and the next restore has a new one.
const PONG_TIMEOUT: Duration = Duration::from_secs(5);
/// Of one recording: each page of 10 GiB, and its neighbours that came with it.
const TOUCHED_PAGES_MAX: u64 = 8 * 1024 * 1024;
/// One that ended sooner after its start is not started again before it is needed.
const LIFE_MIN: Duration = Duration::from_secs(1);

pub struct PagerOptions {
    pub program: PathBuf,
    pub uid: u32,
    pub gid: u32,
    pub memory_mib: usize,
}

struct Link {
    socket: Arc<OwnedFd>,
    child: Child,
    started: Instant,
    /// Snapshots that it has opened, and from which files.
    opened: HashMap<String, (Stamp, Option<Stamp>)>,
}

impl Link {
    /// Nothing where the pager has read these very files already.
    fn open(&mut self, snapshot: &str, key: &DataKey, files: &Files) -> Result<()> {
        let stamps = (files.manifest_stamp, files.working_set_stamp);
        if self.opened.get(snapshot) == Some(&stamps) {
            return Ok(());
        }
        let command = Command::Open { snapshot: snapshot.to_string(), key: hex::encode(key) };
        let fds: Vec<BorrowedFd> = std::iter::once(reopened(&files.manifest)?)
            .chain(files.working_set.as_ref().map(reopened).transpose()?)
            .map(|fd| fd.as_fd())
            .collect();
        send_message(self.socket.as_fd(), &serde_json::to_vec(&command).expect("plain data"), &fds)?;
        self.opened.insert(snapshot.to_string(), stamps);
        Ok(())
    }
}

/// Why a clone lost its pages.
#[derive(Clone)]
pub struct Loss {
    pub code: Code,
    pub message: String,
}

impl Loss {
    fn of_pager() -> Self {
        Loss { code: Code::PagerLost, message: "the pager ended".into() }
    }
}

#[derive(Default, Clone, Copy, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionStats {
    pub faults: u64,
    pub prefetched_pages: u64,
    pub prefetch_start_ms: f64,
    pub prefetch_end_ms: f64,
    pub restored_ms: f64,
    pub decrypt_ms: f64,
}

type Recording = (Vec<TouchedRun>, SessionStats);

#[derive(Default)]
struct Sessions {
    live: HashSet<String>,
    losses: HashMap<String, Loss>,
    completions: HashMap<String, Sender<bool>>,
    recordings: HashMap<String, Sender<Recording>>,
}

pub struct Pager {
    options: PagerOptions,
    chunks: OwnedFd,
    far: Arc<FarChunks>,
    link: Mutex<Option<Link>>,
    sessions: Mutex<Sessions>,
    is_closing: AtomicBool,
    /// Told of the sessions that died with a pager.
    on_lost: Mutex<Option<OnLost>>,
}

type OnLost = Box<dyn Fn(&[String]) + Send>;

impl Pager {
    pub fn start(options: PagerOptions, chunks: OwnedFd, far: Arc<FarChunks>) -> io::Result<Arc<Self>> {
        let pager = Arc::new(Pager {
            options,
            chunks,
            far,
            link: Mutex::default(),
            sessions: Mutex::default(),
            is_closing: false.into(),
            on_lost: Mutex::default(),
        });
        pager.ensure(&mut pager.link.lock().expect("no holder panics"))?;
        Ok(pager)
    }

    fn ensure<'a>(self: &Arc<Self>, link: &'a mut Option<Link>) -> io::Result<&'a mut Link> {
        if link.is_none() {
            let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .map_err(io::Error::from)?;
            let child = spawn(&self.options, theirs.as_fd(), self.chunks.as_fd())?;
            let socket = Arc::new(ours);
            let (pager, reader) = (Arc::downgrade(self), Arc::clone(&socket));
            let answered = Arc::new(Mutex::new(Instant::now()));
            let (watched, watching) = (open_pid(child.id() as i32)?, Arc::downgrade(&answered));
            thread::Builder::new().name("pager".into()).spawn(move || read_events(&pager, &reader, &answered))?;
            let pinged = Arc::clone(&socket);
            thread::Builder::new().name("pager-watch".into()).spawn(move || watch(&pinged, &watched, &watching))?;
            *link = Some(Link { socket, child, started: Instant::now(), opened: HashMap::new() });
        }
        Ok(link.as_mut().expect("just made"))
    }

    fn send(&self, command: &Command) {
        let link = self.link.lock().expect("no holder panics");
        if let Some(link) = link.as_ref() {
            // A pager that has died is seen by the reader.
            let _ = send_message(link.socket.as_fd(), &serde_json::to_vec(command).expect("plain data"), &[]);
        }
    }

    /// A session that has lost its pager is not live any more: its clone has holes.
    fn check_not_lost(sessions: &Sessions, session: &str) -> Result<()> {
        match sessions.losses.get(session) {
            Some(loss) => {
                Err(Error::new(Code::SnapshotFailed, format!("the clone has lost its memory: {}", loss.message)))
            }
            None => Ok(()),
        }
    }

    /// The pager reads the snapshot's files, and asks for the chunks of the working set that this host lacks.
    pub fn open(self: &Arc<Self>, snapshot: &str, key: &DataKey, files: &Files) -> Result<()> {
        let mut guard = self.link.lock().expect("no holder panics");
        self.ensure(&mut guard)?.open(snapshot, key, files)
    }

    /// Begins a session; what is returned goes to the relay in the sandbox.
    pub fn begin(self: &Arc<Self>, session: &str, prepared: &Prepared, files: &Files) -> Result<OwnedFd> {
        let (relay, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(io::Error::from)?;
        let mut guard = self.link.lock().expect("no holder panics");
        let link = self.ensure(&mut guard)?;
        link.open(&prepared.name, prepared.key(), files)?;
        self.sessions.lock().expect("no holder panics").live.insert(session.to_string());
        let command = Command::Session { session: session.to_string(), snapshot: prepared.name.clone() };
        send_message(link.socket.as_fd(), &serde_json::to_vec(&command).expect("plain data"), &[theirs.as_fd()])?;
        Ok(relay)
    }

    /// Why the clone of this session lost its pages, as far as the pager has said so or its end is known.
    pub fn known_loss(&self, session: &str) -> Option<Loss> {
        self.sessions.lock().expect("no holder panics").losses.get(session).cloned()
    }

    /// The same for a clone that has failed: it feels the end of its pager a moment before that is known here.
    pub fn loss(&self, session: &str) -> Option<Loss> {
        if let Some(loss) = self.known_loss(session) {
            return Some(loss);
        }
        let link = self.link.lock().expect("no holder panics");
        let has_ended = link.as_ref().is_none_or(|link| has_hung_up(&link.socket));
        let is_live = self.sessions.lock().expect("no holder panics").live.contains(session);
        // Whoever puts a new pager in the place of one that has ended says first what was lost.
        self.known_loss(session).or_else(|| (has_ended && is_live).then(Loss::of_pager))
    }

    pub fn end(&self, session: &str) {
        let mut sessions = self.sessions.lock().expect("no holder panics");
        sessions.live.remove(session);
        sessions.losses.remove(session);
    }

    pub fn chunk_arrived(&self, chunk: &str, answer: ChunkAnswer) {
        self.send(&Command::Chunk { chunk: chunk.to_string(), answer });
    }

    pub fn forget(&self, snapshot: &str) {
        if let Some(link) = self.link.lock().expect("no holder panics").as_mut() {
            link.opened.remove(snapshot);
        }
        self.send(&Command::Forget { snapshot: snapshot.to_string() });
    }

    /// Puts all pages of a clone in place, so that it can be dumped.
    pub fn complete(&self, session: &str) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        {
            let mut sessions = self.sessions.lock().expect("no holder panics");
            Self::check_not_lost(&sessions, session)?;
            if !sessions.live.contains(session) {
                return Ok(());
            }
            sessions.completions.insert(session.to_string(), sender);
        }
        self.send(&Command::Complete { session: session.to_string() });
        match receiver.recv_timeout(ANSWER_TIMEOUT) {
            Ok(true) => Ok(()),
            _ => Err(Error::new(Code::SnapshotFailed, "the clone's memory could not be completed")),
        }
    }

    /// What the clone has touched so far.
    pub fn recorded(&self, session: &str) -> Result<Recording> {
        let (sender, receiver) = mpsc::channel();
        {
            let mut sessions = self.sessions.lock().expect("no holder panics");
            if !sessions.live.contains(session) {
                return Ok((Vec::new(), SessionStats::default()));
            }
            sessions.recordings.insert(session.to_string(), sender);
        }
        self.send(&Command::Recorded { session: session.to_string() });
        receiver.recv_timeout(ANSWER_TIMEOUT).map_err(|_| Error::new(Code::Failed, "the pager gave no recording"))
    }

    fn take_event(&self, event: Event, mut fds: Vec<OwnedFd>) {
        match event {
            Event::Want { chunk, .. } if hex::decode::<32>(&chunk).is_none() => {
                eprintln!("sandboxd: the pager wants what is no chunk")
            }
            Event::Want { chunk, is_damaged } => {
                if !self.far.ask(&chunk, is_damaged) {
                    self.chunk_arrived(&chunk, ChunkAnswer::Nowhere);
                }
            }
            Event::Failed { session, message, is_damaged, is_late } => {
                eprintln!("sandboxd: {session}: {message}");
                let mut sessions = self.sessions.lock().expect("no holder panics");
                if sessions.live.contains(&session) {
                    let code = if is_damaged {
                        Code::SnapshotDamaged
                    } else if is_late {
                        Code::RestoreTimeout
                    } else {
                        Code::RestoreFailed
                    };
                    sessions.losses.insert(session.clone(), Loss { code, message });
                    drop(sessions);
                    self.tell_lost(&[session]);
                }
            }
            Event::Pong => {}
            Event::Completed { session, is_ok } => {
                if let Some(waiting) = self.sessions.lock().expect("no holder panics").completions.remove(&session) {
                    let _ = waiting.send(is_ok);
                }
            }
            Event::Recorded {
                session,
                faults,
                prefetched_pages,
                prefetch_start_ms,
                prefetch_end_ms,
                restored_ms,
                decrypt_ms,
            } => {
                let touched = fds.pop().and_then(|fd| read_runs(fd).ok()).unwrap_or_default();
                let stats = SessionStats {
                    faults,
                    prefetched_pages,
                    prefetch_start_ms,
                    prefetch_end_ms,
                    restored_ms,
                    decrypt_ms,
                };
                if let Some(waiting) = self.sessions.lock().expect("no holder panics").recordings.remove(&session) {
                    let _ = waiting.send((touched, stats));
                }
            }
        }
    }

    /// The pager has ended: everyone who waits for it is told, and another one is started.
    fn restart(self: &Arc<Self>, socket: &Arc<OwnedFd>) {
        let mut link = self.link.lock().expect("no holder panics");
        let is_current = link.as_ref().is_some_and(|link| Arc::ptr_eq(&link.socket, socket));
        let mut lived = Duration::ZERO;
        if let Some(mut old) = link.take_if(|_| is_current) {
            let _ = old.child.kill();
            let _ = old.child.wait();
            lived = old.started.elapsed();
        }
        let lost: Vec<String> = {
            let mut sessions = self.sessions.lock().expect("no holder panics");
            sessions.completions.clear();
            sessions.recordings.clear();
            let lost: Vec<String> = sessions.live.drain().collect();
            for session in &lost {
                sessions.losses.entry(session.clone()).or_insert_with(Loss::of_pager);
            }
            lost
        };
        self.tell_lost(&lost);
        if self.is_closing.load(Ordering::Relaxed) {
            return;
        }
        if lived < LIFE_MIN {
            eprintln!("sandboxd: the pager ended at once; the next restore starts another");
            return;
        }
        eprintln!("sandboxd: the pager ended; a new one is started");
        if let Err(error) = self.ensure(&mut link) {
            eprintln!("sandboxd: no pager: {error}");
        }
    }

    fn tell_lost(&self, sessions: &[String]) {
        if let Some(on_lost) = self.on_lost.lock().expect("no holder panics").as_ref() {
            on_lost(sessions);
        }
    }

    pub fn on_lost(&self, callback: impl Fn(&[String]) + Send + 'static) {
        *self.on_lost.lock().expect("no holder panics") = Some(Box::new(callback));
    }

    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        if let Some(mut link) = self.link.lock().expect("no holder panics").take() {
            let _ = link.child.kill();
            let _ = link.child.wait();
        }
    }
}

fn has_hung_up(socket: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    poll(&mut polled, PollTimeout::ZERO).is_ok()
        && polled[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP))
}

/// Readers share a file's position through one descriptor: each starts at the beginning.
fn reopened(file: &OwnedFd) -> io::Result<&OwnedFd> {
    File::from(file.try_clone()?).rewind()?;
    Ok(file)
}

/// The pager has fewer rights than we: what it gives must not cost more than a clone can touch.
fn read_runs(fd: OwnedFd) -> Result<Vec<TouchedRun>> {
    let file = File::from(fd);
    if !file.metadata()?.is_file() {
        return Err(Error::new(Code::Failed, "the pager's recording is no file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_SIZE_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    let runs = decode_runs(&bytes)?;
    if runs.iter().map(|run| u64::from(run.pages)).sum::<u64>() > TOUCHED_PAGES_MAX {
        return Err(Error::new(Code::Failed, "the pager's recording is too large"));
    }
    Ok(runs)
}

fn read_events(pager: &Weak<Pager>, socket: &Arc<OwnedFd>, answered: &Mutex<Instant>) {
    while let Ok(Some((bytes, fds))) = receive_message(socket.as_fd()) {
        *answered.lock().expect("no holder panics") = Instant::now();
        let Some(pager) = pager.upgrade() else { return };
        match serde_json::from_slice::<Event>(&bytes) {
            Ok(event) => pager.take_event(event, fds),
            Err(error) => {
                eprintln!("sandboxd: the pager spoke nonsense: {error}");
                break;
            }
        }
    }
    if let Some(pager) = pager.upgrade() {
        pager.restart(socket);
    }
}

/// Kills a pager that is there but does not answer. Takes no lock that a sender to it may hold. Ends with its reader.
fn watch(socket: &OwnedFd, pager: &OwnedFd, answered: &Weak<Mutex<Instant>>) {
    let ping = serde_json::to_vec(&Command::Ping).expect("plain data");
    loop {
        // SAFETY: the buffer is as long as we say. A full socket says that the pager does not read.
        unsafe {
            libc::send(socket.as_raw_fd(), ping.as_ptr().cast(), ping.len(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
        };
        thread::sleep(PING_INTERVAL);
        let Some(answered) = answered.upgrade() else { return };
        if answered.lock().expect("no holder panics").elapsed() > PONG_TIMEOUT {
            eprintln!("sandboxd: the pager does not answer; it is killed");
            kill_pid(pager);
            return;
        }
    }
}

fn spawn(options: &PagerOptions, socket: BorrowedFd, chunks: BorrowedFd) -> io::Result<Child> {
    let (socket, chunks) = (socket.as_raw_fd(), chunks.as_raw_fd());
    let mut command = Process::new(&options.program);
    command
        .args(["--memory-mib", &options.memory_mib.to_string()])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    command.uid(options.uid).gid(options.gid);
    #[cfg(feature = "fault-points")]
    command.envs(std::env::var_os("THAW_FAULTS").map(|dir| ("THAW_FAULTS", dir)));
    // SAFETY: only system calls between fork and exec.
    unsafe {
        command.pre_exec(move || {
            // First above all targets, so that none of them is overwritten before it is copied.
            let high = [libc::fcntl(socket, libc::F_DUPFD, 10), libc::fcntl(chunks, libc::F_DUPFD, 10)];
            if high.contains(&-1) || libc::dup2(high[0], 3) < 0 || libc::dup2(high[1], 4) < 0 {
                return Err(io::Error::last_os_error());
            }
            sys::close_fds_except(5, &[]);
            // It ends with its control socket, and so with sandboxd.
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            Ok(())
        });
    }
    command.spawn()
}

//! Keeps the pager running and speaks to it. When it dies, each sandbox's relay kills its clone; a new pager is there
//! at once.

mod process;
mod sessions;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{socketpair, AddressFamily, SockFlag, SockType};
use thaw_locked::Locked;
use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::hex;
use thaw_snapshot::messages::{receive_message, send_message};
use thaw_snapshot::pager_messages::{ChunkAnswer, Command, Event, SessionStats};

use crate::error::{Code, Error, Result};
use crate::snapshots::far::FarChunks;
use crate::snapshots::store::{Files, Stamp};
use crate::sys::open_pid;
pub use process::PagerOptions;
use process::{has_hung_up, spawn, watch};
use sessions::{read_runs, Loss, Recording, Sessions};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// One that ended sooner after its start is not started again before it is needed.
const LIFE_MIN: Duration = Duration::from_secs(1);

struct Link {
    socket: Arc<OwnedFd>,
    child: Child,
    started: Instant,
    /// Snapshots that it has opened, and from which files.
    opened: HashMap<String, (Stamp, Option<Stamp>)>,
}

impl Link {
    /// Tells the pager to open a snapshot, unless it has read these very files already.
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

pub struct Pager {
    options: PagerOptions,
    chunks: OwnedFd,
    far: Arc<FarChunks>,
    link: Locked<Option<Link>>,
    sessions: Locked<Sessions>,
    is_closing: AtomicBool,
    /// Told of the sessions that died with a pager.
    on_lost: Locked<Option<OnLost>>,
}

type OnLost = Box<dyn Fn(&[String]) + Send>;

impl Pager {
    pub fn start(options: PagerOptions, chunks: OwnedFd, far: Arc<FarChunks>) -> io::Result<Arc<Self>> {
        let pager = Arc::new(Pager {
            options,
            chunks,
            far,
            link: Locked::default(),
            sessions: Locked::default(),
            is_closing: false.into(),
            on_lost: Locked::default(),
        });
        pager.ensure(&mut pager.link.lock())?;
        Ok(pager)
    }

    fn ensure<'a>(self: &Arc<Self>, link: &'a mut Option<Link>) -> io::Result<&'a mut Link> {
        if link.is_none() {
            let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .map_err(io::Error::from)?;
            let mut child = spawn(&self.options, theirs.as_fd(), self.chunks.as_fd())?;
            let socket = Arc::new(ours);
            let (pager, reader) = (Arc::downgrade(self), Arc::clone(&socket));
            let (answered, pinged) = (Arc::new(Locked::new(Instant::now())), Arc::clone(&socket));
            let watching = Arc::downgrade(&answered);
            let started = open_pid(child.id() as i32).and_then(|watched| {
                thread::Builder::new().name("pager".into()).spawn(move || read_events(&pager, &reader, &answered))?;
                let watch = move || watch(&pinged, &watched, &watching);
                thread::Builder::new().name("pager-watch".into()).spawn(watch)
            });
            if let Err(error) = started {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
            *link = Some(Link { socket, child, started: Instant::now(), opened: HashMap::new() });
        }
        Ok(link.as_mut().expect("just made"))
    }

    fn send(&self, command: &Command) {
        let link = self.link.lock();
        if let Some(link) = link.as_ref() {
            // A pager that has died is seen by the reader.
            let _ = send_message(link.socket.as_fd(), &serde_json::to_vec(command).expect("plain data"), &[]);
        }
    }

    /// Has the pager read the snapshot's files, and ask for the chunks of the working set that this host lacks.
    pub fn open(self: &Arc<Self>, snapshot: &str, key: &DataKey, files: &Files) -> Result<()> {
        let mut guard = self.link.lock();
        self.ensure(&mut guard)?.open(snapshot, key, files)
    }

    /// Begins a session. The socket that is returned with it goes to the relay in the sandbox.
    pub fn begin(
        self: &Arc<Self>,
        session: &str,
        snapshot: &str,
        key: &DataKey,
        files: &Files,
    ) -> Result<(Session, OwnedFd)> {
        let (relay, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(io::Error::from)?;
        let mut guard = self.link.lock();
        let link = self.ensure(&mut guard)?;
        link.open(snapshot, key, files)?;
        self.sessions.lock().live.insert(session.to_string());
        let begun = Session { name: session.to_string(), pager: Arc::clone(self) };
        let command = Command::Session { session: session.to_string(), snapshot: snapshot.to_string() };
        send_message(link.socket.as_fd(), &serde_json::to_vec(&command).expect("plain data"), &[theirs.as_fd()])?;
        Ok((begun, relay))
    }

    /// Tells why the clone of this session lost its pages, as far as the pager has said so or its end is known.
    pub fn known_loss(&self, session: &str) -> Option<Loss> {
        self.sessions.lock().losses.get(session).cloned()
    }

    /// Tells the same for a clone that has failed: it feels the end of its pager a moment before that is known here.
    fn loss(&self, session: &str) -> Option<Loss> {
        if let Some(loss) = self.known_loss(session) {
            return Some(loss);
        }
        let link = self.link.lock();
        let has_ended = link.as_ref().is_none_or(|link| has_hung_up(&link.socket));
        let is_live = self.sessions.lock().live.contains(session);
        // Whoever puts a new pager in the place of one that has ended says first what was lost.
        self.known_loss(session).or_else(|| (has_ended && is_live).then(Loss::of_pager))
    }

    fn end(&self, session: &str) {
        let mut sessions = self.sessions.lock();
        sessions.live.remove(session);
        sessions.losses.remove(session);
    }

    pub fn chunk_arrived(&self, chunk: &str, answer: ChunkAnswer) {
        self.send(&Command::Chunk { chunk: chunk.to_string(), answer });
    }

    pub fn forget(&self, snapshot: &str) {
        if let Some(link) = self.link.lock().as_mut() {
            link.opened.remove(snapshot);
        }
        self.send(&Command::Forget { snapshot: snapshot.to_string() });
    }

    /// Puts all pages of a clone in place, so that it can be dumped.
    fn complete(&self, session: &str) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        {
            let mut sessions = self.sessions.lock();
            sessions.check_not_lost(session)?;
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

    /// Gives the pages that the clone has touched so far, and ends the recording.
    fn recorded(&self, session: &str) -> Result<Recording> {
        let (sender, receiver) = mpsc::channel();
        {
            let mut sessions = self.sessions.lock();
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
                thaw_stderr::tell!("sandboxd: the pager wants what is no chunk")
            }
            Event::Want { chunk, is_damaged } => {
                if !self.far.ask(&chunk, is_damaged) {
                    self.chunk_arrived(&chunk, ChunkAnswer::Nowhere);
                }
            }
            Event::Failed { session, message, is_damaged, is_late } => {
                thaw_stderr::tell!("sandboxd: {session}: {message}");
                let mut sessions = self.sessions.lock();
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
                if let Some(waiting) = self.sessions.lock().completions.remove(&session) {
                    let _ = waiting.send(is_ok);
                }
            }
            Event::Recorded { session, stats } => {
                let touched = fds.pop().and_then(|fd| read_runs(fd).ok()).unwrap_or_default();
                if let Some(waiting) = self.sessions.lock().recordings.remove(&session) {
                    let _ = waiting.send((touched, stats));
                }
            }
        }
    }

    /// Replaces a pager that has ended, and tells everyone who waits for it.
    fn restart(self: &Arc<Self>, socket: &Arc<OwnedFd>) {
        let mut link = self.link.lock();
        let is_current = link.as_ref().is_some_and(|link| Arc::ptr_eq(&link.socket, socket));
        let mut lived = Duration::ZERO;
        if let Some(mut old) = link.take_if(|_| is_current) {
            let _ = old.child.kill();
            let _ = old.child.wait();
            lived = old.started.elapsed();
        }
        let lost = self.sessions.lock().lose_all();
        self.tell_lost(&lost);
        if self.is_closing.load(Ordering::Relaxed) {
            return;
        }
        if lived < LIFE_MIN {
            thaw_stderr::tell!("sandboxd: the pager ended at once; the next restore starts another");
            return;
        }
        thaw_stderr::tell!("sandboxd: the pager ended; a new one is started");
        if let Err(error) = self.ensure(&mut link) {
            thaw_stderr::tell!("sandboxd: no pager: {error}");
        }
    }

    fn tell_lost(&self, sessions: &[String]) {
        if let Some(on_lost) = self.on_lost.lock().as_ref() {
            on_lost(sessions);
        }
    }

    pub fn on_lost(&self, callback: impl Fn(&[String]) + Send + 'static) {
        *self.on_lost.lock() = Some(Box::new(callback));
    }

    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        if let Some(mut link) = self.link.lock().take() {
            let _ = link.child.kill();
            let _ = link.child.wait();
        }
    }
}

/// The session of one clone, which is named as its sandbox. Ends with the value.
pub struct Session {
    pub name: String,
    pager: Arc<Pager>,
}

impl Session {
    /// Tells why the clone has lost its pages; null where it has not.
    pub fn loss(&self) -> Option<Loss> {
        self.pager.loss(&self.name)
    }

    /// Puts all pages of the clone in place, so that it can be dumped.
    pub fn complete(&self) -> Result<()> {
        self.pager.complete(&self.name)
    }

    /// Gives the pages that the clone has touched so far, and ends the recording.
    pub fn recorded(&self) -> Result<Recording> {
        self.pager.recorded(&self.name)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.pager.end(&self.name);
    }
}

/// Readers share a file's position through one descriptor: each starts at the beginning.
fn reopened(file: &OwnedFd) -> io::Result<&OwnedFd> {
    File::from(file.try_clone()?).rewind()?;
    Ok(file)
}

fn read_events(pager: &Weak<Pager>, socket: &Arc<OwnedFd>, answered: &Locked<Instant>) {
    while let Ok(Some((bytes, fds))) = receive_message(socket.as_fd()) {
        *answered.lock() = Instant::now();
        let Some(pager) = pager.upgrade() else { return };
        match serde_json::from_slice::<Event>(&bytes) {
            Ok(event) => pager.take_event(event, fds),
            Err(error) => {
                thaw_stderr::tell!("sandboxd: the pager spoke nonsense: {error}");
                break;
            }
        }
    }
    if let Some(pager) = pager.upgrade() {
        pager.restart(socket);
    }
}

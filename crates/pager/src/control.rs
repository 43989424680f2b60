//! The commands of sandboxd. One thread reads them; sessions have threads of their own.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use thaw_faults::fault_point;
use thaw_locked::Locked;
use thaw_snapshot::chunk_directory::ChunkDirectory;
use thaw_snapshot::hex;
use thaw_snapshot::messages::{receive_message, send_message};
use thaw_snapshot::pager_messages::{Command, Event};
use thaw_snapshot::working_set::encode_runs;

use crate::cache::{Cache, Lost};
use crate::session::{spawn, End, Session};
use crate::snapshots::Snapshot;

struct Pager {
    socket: Arc<OwnedFd>,
    cache: Arc<Cache>,
    snapshots: Locked<HashMap<String, Arc<Snapshot>>>,
    sessions: Locked<HashMap<String, Arc<Session>>>,
}

fn send(socket: BorrowedFd, event: &Event, fds: &[BorrowedFd]) {
    let bytes = serde_json::to_vec(event).expect("plain data");
    // Without sandboxd there is nothing left to do: the control thread sees its end.
    let _ = send_message(socket, &bytes, fds);
}

pub fn serve(socket: OwnedFd, chunks: OwnedFd, memory_bytes_max: usize) -> io::Result<()> {
    let socket = Arc::new(socket);
    let asking = Arc::clone(&socket);
    let ask_far = Box::new(move |name: &[u8; 32], is_damaged: bool| {
        send(asking.as_fd(), &Event::Want { chunk: hex::encode(name), is_damaged }, &[]);
    });
    let cache = Arc::new(Cache::new(ChunkDirectory::new(chunks), memory_bytes_max, ask_far));
    let pager = Arc::new(Pager { socket, cache, snapshots: Locked::default(), sessions: Locked::default() });
    while let Some((bytes, fds)) = receive_message(pager.socket.as_fd())? {
        let command = serde_json::from_slice::<Command>(&bytes).map_err(io::Error::from)?;
        pager.obey(command, fds);
    }
    Ok(())
}

impl Pager {
    fn obey(self: &Arc<Self>, command: Command, mut fds: Vec<OwnedFd>) {
        match command {
            Command::Open { snapshot, key } => {
                let working_set = (fds.len() > 1).then(|| fds.remove(1));
                match (hex::decode::<32>(&key), fds.pop()) {
                    (Some(key), Some(manifest)) => self.open(snapshot, &key, manifest, working_set),
                    _ => thaw_stderr::tell!("pager: open without a key or a manifest"),
                }
            }
            Command::Session { session, snapshot } => {
                if let Some(relay) = fds.pop() {
                    self.begin(session, &snapshot, relay);
                }
            }
            Command::Chunk { chunk, answer } => {
                if let Some(name) = hex::decode::<32>(&chunk) {
                    self.cache.arrived(&name, answer);
                }
            }
            Command::Complete { session } => self.complete(session),
            Command::Recorded { session } => self.report(session),
            Command::Ping => self.send(&Event::Pong),
            Command::Forget { snapshot } => drop(self.snapshots.lock().remove(&snapshot)),
        }
    }

    fn open(&self, name: String, key: &[u8; 32], manifest: OwnedFd, working_set: Option<OwnedFd>) {
        let opened = open_snapshot(&name, key, manifest, working_set);
        if let Ok(snapshot) = &opened {
            // On a host that lacks them they come while CRIU's own files do.
            self.cache.ask_ahead(snapshot.working_set_chunks().iter());
        }
        let mut snapshots = self.snapshots.lock();
        match opened {
            Ok(snapshot) => drop(snapshots.insert(name, Arc::new(snapshot))),
            Err(error) => {
                // Sessions of it fail; sandboxd has checked the same file, so this is a change in between.
                thaw_stderr::tell!("pager: {name}: {error}");
                snapshots.remove(&name);
            }
        }
    }

    fn begin(self: &Arc<Self>, name: String, snapshot: &str, relay: OwnedFd) {
        let Some(snapshot) = self.snapshots.lock().get(snapshot).cloned() else {
            let event = Event::Failed {
                session: name,
                message: "the snapshot could not be opened".into(),
                is_damaged: true,
                is_late: false,
            };
            send(self.socket.as_fd(), &event, &[]);
            return;
        };
        let session = Session::new(snapshot, Arc::clone(&self.cache), relay);
        self.sessions.lock().insert(name.clone(), Arc::clone(&session));
        let pager = Arc::clone(self);
        spawn("faults", move || {
            let end = session.run();
            match &end {
                // Ignored where nobody waits for it.
                End::Gone => pager.send(&Event::Completed { session: name.clone(), is_ok: false }),
                End::Complete => pager.send(&Event::Completed { session: name.clone(), is_ok: true }),
                End::Failed(lost) => pager.fail(&name, lost),
            }
            pager.sessions.lock().remove(&name);
            // The last owner closes the relay's socket, and the relay kills the clone. Its descriptors go only then.
            if let End::Failed(_) = end {
                session.abandon();
            }
        });
    }

    fn send(&self, event: &Event) {
        send(self.socket.as_fd(), event, &[]);
    }

    fn fail(&self, session: &str, lost: &Lost) {
        self.send(&Event::Failed {
            session: session.into(),
            message: lost.message.clone(),
            is_damaged: lost.is_damaged,
            is_late: lost.is_late(),
        });
    }

    fn find(&self, session: &str) -> Option<Arc<Session>> {
        self.sessions.lock().get(session).cloned()
    }

    fn complete(self: &Arc<Self>, name: String) {
        let Some(session) = self.find(&name) else {
            // Nothing is missing in a clone that has no session.
            self.send(&Event::Completed { session: name, is_ok: true });
            return;
        };
        let pager = Arc::clone(self);
        spawn("complete", move || {
            if let Err(lost) = session.complete() {
                thaw_stderr::tell!("pager: {name}: {lost}");
                pager.send(&Event::Completed { session: name, is_ok: false });
            }
        });
    }

    fn report(&self, name: String) {
        let (touched, stats) = self.find(&name).map(|session| session.take_touched()).unwrap_or_default();
        let event = Event::Recorded { session: name, stats };
        match memory_file(&encode_runs(&touched)) {
            Ok(file) => send(self.socket.as_fd(), &event, &[file.as_fd()]),
            Err(_) => send(self.socket.as_fd(), &event, &[]),
        }
    }
}

fn open_snapshot(
    name: &str,
    key: &[u8; 32],
    manifest: OwnedFd,
    working_set: Option<OwnedFd>,
) -> thaw_snapshot::Result<Snapshot> {
    let opened = Snapshot::open(name, key, manifest, working_set)?;
    fault_point!("pager.opened");
    Ok(opened)
}

fn memory_file(bytes: &[u8]) -> io::Result<File> {
    // SAFETY: the name is a valid C string; the descriptor is new.
    let mut file = unsafe {
        let fd = libc::memfd_create(c"touched".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        File::from_raw_fd(fd)
    };
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

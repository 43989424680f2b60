//! One clone: its processes' userfaultfds, what they may read, and what they have touched.
//!
//! ```text
//!  relay ──SEQPACKET──► fault thread: processes, events, faults          relay: holds a copy of every userfaultfd, so that it
//!        ◄── hold ────  prefetch thread: the working set, in order               outlives the pager; end of the socket = kill
//! ```
//! Events of an address space are read under the session's lock, and pages are put in place under it: a page can't land
//! in a range that the clone has just given up, because the kernel lets it go on only once its event was read.

mod prefetch;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use thaw_faults::fault_point;
use thaw_locked::{Changed, Locked};
use thaw_snapshot::messages::{receive_message, send_message};
use thaw_snapshot::pager_messages::SessionStats;
use thaw_snapshot::relay::{has_process, FromRelay, ToRelay};
use thaw_snapshot::working_set::TouchedRun;
use thaw_snapshot::PAGE_SIZE_BYTES;

use crate::address_map::AddressMap;
use crate::cache::{Cache, Lost};
use crate::snapshots::{Place, Snapshot};
use crate::uffd::{self, Event, Outcome};
use crate::window::{self, Streams};

const PAGE: u64 = PAGE_SIZE_BYTES as u64;
/// Zero pages cost no memory before they are written to.
const ZERO_WINDOW_PAGES: u64 = 64;
/// Descriptors of processes that have ended are kept up to this number.
const PROCESSES_DEAD_MAX: usize = 64;
/// Pieces of a clone's address maps, of all its processes together, some 60 bytes each: beyond this its memory is put
/// in place whole, so that nothing has to be remembered any more.
const PIECES_MAX: usize = 1 << 16;
/// A clone that adds pieces faster than its memory comes is ended here.
const PIECES_LIMIT: usize = 4 * PIECES_MAX;
const CLONE_END_TIMEOUT: Duration = Duration::from_secs(60);
/// Until CRIU has registered a range.
const REGISTRATION_RETRY: Duration = Duration::from_micros(200);

struct Process {
    /// Whose pages it has: a forked child has its parent's.
    pid: u32,
    uffd: OwnedFd,
    map: AddressMap,
}

#[derive(Default)]
struct Inner {
    processes: Vec<Process>,
    touched: Vec<TouchedRun>,
    streams: Streams,
    is_recording: bool,
    is_restored: bool,
    is_over: bool,
    is_complete: bool,
    /// Memory that was moved, and processes that were made: what `complete` has to look at again.
    changes: u64,
    /// Number of pieces in the processes' address maps, or more.
    pieces_at_most: usize,
    is_completing: bool,
    stats: SessionStats,
}

pub struct Session {
    snapshot: Arc<Snapshot>,
    cache: Arc<Cache>,
    socket: OwnedFd,
    inner: Locked<Inner>,
    changed: Changed,
    started: Instant,
    decrypt_before_ms: f64,
}

/// How a session ended.
pub enum End {
    /// The clone has gone.
    Gone,
    /// All its pages are in place; it needs the pager no more.
    Complete,
    Failed(Lost),
}

/// Outcome of putting a page in place.
enum Placed {
    Yes,
    /// Read the events first.
    Changing,
}

impl Session {
    pub fn new(snapshot: Arc<Snapshot>, cache: Arc<Cache>, socket: OwnedFd) -> Arc<Self> {
        let inner = Locked::new(Inner { is_recording: true, ..Inner::default() });
        let decrypt_before_ms = cache.decrypt_ms();
        Arc::new(Session {
            snapshot,
            cache,
            socket,
            inner,
            changed: Changed::new(),
            started: Instant::now(),
            decrypt_before_ms,
        })
    }

    fn now_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }

    /// Runs the fault thread until the clone has gone, or its pages can't be had.
    pub fn run(self: &Arc<Self>) -> End {
        let end = self.serve();
        if end.is_ok() && !self.inner.lock().is_complete {
            self.outlive_clone();
        }
        let mut inner = self.inner.lock();
        inner.is_over = true;
        let is_complete = inner.is_complete;
        // A loss leaves the descriptors open: the relay kills the clone first (it sees the end of the socket).
        if end.is_ok() {
            inner.processes.clear();
        }
        self.changed.notify_all();
        match end {
            Ok(()) if is_complete => End::Complete,
            Ok(()) => End::Gone,
            Err(lost) => End::Failed(lost),
        }
    }

    /// The relay has ended, and pid 1 of the sandbox ends the clone: until then the descriptors stay open, so that what
    /// is missing keeps its reader waiting.
    fn outlive_clone(&self) {
        let deadline = Instant::now() + CLONE_END_TIMEOUT;
        while self.inner.lock().processes.iter().any(|process| has_process(process.uffd.as_fd()))
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn serve(self: &Arc<Self>) -> Result<(), Lost> {
        let mut faults = VecDeque::new();
        loop {
            if faults.is_empty() {
                let has_relay_sent = self
                    .wait_for_work()
                    .map_err(|error| Lost { message: format!("poll: {error}"), is_damaged: false })?;
                if has_relay_sent && !self.read_relay()? {
                    return Ok(());
                }
            }
            self.read_events(&mut faults)?;
            if let Some((process, address)) = faults.pop_front() {
                fault_point!("pager.fault");
                match self.answer(process, address)? {
                    Placed::Yes => {}
                    Placed::Changing => {
                        faults.push_front((process, address));
                        // The clone's own thread has to get on with its change first.
                        drop(self.changed.wait_timeout(self.inner.lock(), REGISTRATION_RETRY));
                    }
                }
            }
        }
    }

    /// Waits. True where the relay has sent something, or has ended; false where a clone has something.
    fn wait_for_work(&self) -> io::Result<bool> {
        let fds: Vec<std::os::fd::RawFd> = {
            use std::os::fd::AsRawFd;
            self.inner.lock().processes.iter().map(|process| process.uffd.as_raw_fd()).collect()
        };
        let mut polled = vec![PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        // SAFETY: processes are added and dropped by this thread only.
        polled.extend(
            fds.iter().map(|fd| PollFd::new(unsafe { std::os::fd::BorrowedFd::borrow_raw(*fd) }, PollFlags::POLLIN)),
        );
        loop {
            match poll(&mut polled, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        Ok(polled[0].revents().is_none_or(|events| !events.is_empty()))
    }

    /// Takes what the relay has sent. False at its end.
    fn read_relay(self: &Arc<Self>) -> Result<bool, Lost> {
        let Ok(Some((bytes, mut fds))) = receive_message(self.socket.as_fd()) else { return Ok(false) };
        match FromRelay::decode(&bytes) {
            Some(FromRelay::Process { pid }) if fds.len() == 1 => {
                let mut inner = self.inner.lock();
                let is_first = inner.processes.is_empty();
                inner.processes.push(Process { pid, uffd: fds.remove(0), map: AddressMap::new() });
                drop(inner);
                self.changed.notify_all();
                if is_first && !self.snapshot.ahead.is_empty() {
                    let session = Arc::clone(self);
                    spawn("prefetch", move || session.prefetch());
                }
            }
            Some(FromRelay::Restored) => {
                fault_point!("pager.restored");
                let mut inner = self.inner.lock();
                inner.is_restored = true;
                inner.stats.restored_ms = self.now_ms();
                self.changed.notify_all();
            }
            _ => return Err(Lost { message: "the relay spoke nonsense".into(), is_damaged: false }),
        }
        Ok(true)
    }

    fn read_events(self: &Arc<Self>, faults: &mut VecDeque<(usize, u64)>) -> Result<(), Lost> {
        let mut inner = self.inner.lock();
        let mut children = Vec::new();
        let mut count = 0;
        let mut changes = 0;
        let mut more_pieces = 0;
        for index in 0..inner.processes.len() {
            let process = &mut inner.processes[index];
            // A process that has gone has no events; its end is seen by the relay.
            for event in uffd::read_events(process.uffd.as_fd()).unwrap_or_default() {
                match event {
                    Event::Fault { address } => {
                        faults.push_back((index, address));
                        count += 1;
                    }
                    Event::Remove { start, end } => {
                        more_pieces += pieces_added(&process.map);
                        process.map.remove(start, end);
                    }
                    Event::Remap { from, to, length } => {
                        more_pieces += pieces_added(&process.map);
                        process.map.remap(from, to, length);
                        changes += 1;
                    }
                    Event::Fork { child } => {
                        children.push(Process { pid: process.pid, uffd: child, map: process.map.clone() })
                    }
                }
            }
        }
        inner.stats.faults += count;
        inner.changes += changes + children.len() as u64;
        for child in children {
            let _ = send_message(self.socket.as_fd(), &ToRelay::Hold.encode(), &[child.uffd.as_fd()]);
            add_child(&mut inner.processes, child);
        }
        inner.pieces_at_most += more_pieces;
        self.bound_pieces(&mut inner)
    }

    /// Keeps the address maps small: what one clone does to its address space must not fill the memory of the pager,
    /// which serves all.
    fn bound_pieces(self: &Arc<Self>, inner: &mut Inner) -> Result<(), Lost> {
        let limit = if inner.is_completing { PIECES_LIMIT } else { PIECES_MAX };
        if inner.pieces_at_most <= limit {
            return Ok(());
        }
        inner.pieces_at_most = AddressMap::count_pieces(inner.processes.iter().map(|process| &process.map));
        if inner.pieces_at_most > PIECES_LIMIT {
            let message = format!("the clone's address space is in more than {PIECES_LIMIT} pieces");
            return Err(Lost { message, is_damaged: false });
        }
        if inner.pieces_at_most > PIECES_MAX && !inner.is_completing {
            inner.is_completing = true;
            let session = Arc::clone(self);
            // A chunk that can't be had is met again by the fault that needs it.
            spawn("complete", move || drop(session.complete()));
        }
        Ok(())
    }

    fn answer(&self, index: usize, address: u64) -> Result<Placed, Lost> {
        let (pid, origin) = {
            let inner = self.inner.lock();
            let process = &inner.processes[index];
            (process.pid, process.map.origin(address))
        };
        let room = (origin.end - address) / PAGE;
        let Some(image) = origin.image else { return Ok(self.answer_zero(index, address, None, room)) };
        let (chunk, offset, pages_before, pages) = match self.snapshot.place(pid, image) {
            Place::Zero { pages } => {
                return Ok(self.answer_zero(
                    index,
                    address,
                    Some(TouchedRun { pid, address: image, pages: 0 }),
                    pages.min(room),
                ))
            }
            Place::Chunk { chunk, offset, pages_before, pages } => (chunk, offset, pages_before, pages),
        };
        let content = self.cache.get(chunk)?;
        let mut inner = self.inner.lock();
        if inner.processes[index].map.origin(address) != origin {
            return Ok(Placed::Changing);
        }
        let process = &inner.processes[index];
        match uffd::copy(process.uffd.as_fd(), address, &content[offset..offset + PAGE_SIZE_BYTES]) {
            Ok((_, Outcome::Changing)) => return Ok(Placed::Changing),
            Ok((_, Outcome::Present)) => uffd::wake(process.uffd.as_fd(), address, PAGE),
            Ok(_) => {}
            Err(error) => return Err(Lost::not_placed(&error)),
        }
        // The rest of the window, as far as it lies in one piece before and behind the page.
        let (before, window) =
            if inner.is_recording { inner.streams.window(pid, image) } else { window::around(image) };
        let before = before.min(pages_before);
        let behind = window.min(pages).min((origin.end - address) / PAGE);
        let process = &inner.processes[index];
        let start = address - before * PAGE;
        if before > 0 && process.map.origin(start).image == Some(image - before * PAGE) {
            let from = offset - (before * PAGE) as usize;
            fill(process, start, &content[from..offset]);
        }
        fill(process, address + PAGE, &content[offset + PAGE_SIZE_BYTES..offset + (behind * PAGE) as usize]);
        if inner.is_recording {
            inner.touched.push(TouchedRun { pid, address: image - before * PAGE, pages: (before + behind) as u32 });
        }
        Ok(Placed::Yes)
    }

    /// `touched`: where it is in the image, if it comes from there.
    fn answer_zero(&self, index: usize, address: u64, touched: Option<TouchedRun>, pages: u64) -> Placed {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let uffd = inner.processes[index].uffd.as_fd();
        let wanted = pages.clamp(1, ZERO_WINDOW_PAGES) as usize * PAGE_SIZE_BYTES;
        // Zeros behind the touched page are no promise: they end where something is in the way.
        match uffd::zero(uffd, address, wanted) {
            Ok((0, Outcome::Changing)) => return Placed::Changing,
            Ok((0, Outcome::Present)) => uffd::wake(uffd, address, PAGE),
            Ok((placed, _)) if placed > 0 && inner.is_recording => {
                inner
                    .touched
                    .extend(touched.map(|run| TouchedRun { pages: placed as u32 / PAGE_SIZE_BYTES as u32, ..run }));
            }
            Ok(_) | Err(_) => {}
        }
        Placed::Yes
    }

    /// Puts every page in place; then the clone needs the pager no more. Where it moved memory or forked meanwhile,
    /// once more.
    pub fn complete(&self) -> Result<(), Lost> {
        loop {
            let (count, changes) = {
                let inner = self.inner.lock();
                (inner.processes.len(), inner.changes)
            };
            for index in 0..count {
                self.complete_process(index)?;
            }
            let mut inner = self.inner.lock();
            if inner.is_over {
                return Ok(());
            }
            if inner.changes == changes {
                inner.is_complete = true;
                break;
            }
        }
        let _ = send_message(self.socket.as_fd(), &ToRelay::Release.encode(), &[]);
        Ok(())
    }

    fn complete_process(&self, index: usize) -> Result<(), Lost> {
        let (pid, pieces) = {
            let inner = self.inner.lock();
            let Some(process) = inner.processes.get(index) else { return Ok(()) };
            (process.pid, process.map.image_pieces())
        };
        for run in self.snapshot.runs(pid).iter().filter(|run| run.place.is_some()) {
            let run_end = run.address + u64::from(run.pages) * PAGE;
            let first = pieces.partition_point(|piece| piece.image + piece.length <= run.address);
            for piece in pieces[first..].iter().take_while(|piece| piece.image < run_end) {
                let from = run.address.max(piece.image);
                let to = run_end.min(piece.image + piece.length);
                self.complete_range(index, pid, piece.address + (from - piece.image), from, to - from)?;
            }
        }
        Ok(())
    }

    fn complete_range(&self, index: usize, pid: u32, address: u64, image: u64, length: u64) -> Result<(), Lost> {
        let mut done = 0;
        while done < length {
            let Place::Chunk { chunk, offset, pages, .. } = self.snapshot.place(pid, image + done) else {
                done += PAGE;
                continue;
            };
            let size = (pages * PAGE).min(length - done);
            let content = self.cache.get(chunk)?;
            let inner = self.inner.lock();
            // The clone has gone.
            let Some(process) = inner.processes.get(index) else { return Ok(()) };
            let at = address + done;
            if process.map.origin(at).image != Some(image + done) {
                done += PAGE;
                continue;
            }
            let size = size.min(process.map.origin(at).end - at);
            match uffd::copy(process.uffd.as_fd(), at, &content[offset..offset + size as usize]) {
                Ok((copied, Outcome::Changing)) => {
                    done += copied as u64;
                    drop(self.changed.wait_timeout(inner, REGISTRATION_RETRY));
                }
                Ok((copied, Outcome::Done)) => done += copied as u64,
                Ok((copied, _)) => done += copied as u64 + PAGE,
                Err(error) => return Err(Lost::not_placed(&error)),
            }
        }
        Ok(())
    }

    /// Ends a session after a loss: tells the relay by the end of its socket, and keeps the descriptors until it has
    /// killed the clone.
    pub fn abandon(&self) {
        use std::os::fd::AsRawFd;
        // SAFETY: plain numbers.
        unsafe { libc::shutdown(self.socket.as_raw_fd(), libc::SHUT_WR) };
        // The relay ends with the sandbox.
        while let Ok(Some(_)) = receive_message(self.socket.as_fd()) {}
        self.inner.lock().processes.clear();
    }

    /// Takes what was touched so far, and ends the recording.
    pub fn take_touched(&self) -> (Vec<TouchedRun>, SessionStats) {
        let mut inner = self.inner.lock();
        inner.is_recording = false;
        let stats = SessionStats { decrypt_ms: self.cache.decrypt_ms() - self.decrypt_before_ms, ..inner.stats };
        (std::mem::take(&mut inner.touched), stats)
    }
}

/// Number of pieces that one change adds at most. A map that is shared with a parent or child is copied by its first
/// change.
fn pieces_added(map: &AddressMap) -> usize {
    let copied = if map.is_shared() { map.pieces() } else { 0 };
    copied + 4
}

/// In the place of one that has ended where there are many: a function may fork for each of its events. Only of one
/// with the same pages: who is just completing that place goes on with the right content.
fn add_child(processes: &mut Vec<Process>, child: Process) {
    if processes.len() >= PROCESSES_DEAD_MAX {
        let is_free = |process: &&mut Process| process.pid == child.pid && !has_process(process.uffd.as_fd());
        if let Some(place) = processes.iter_mut().find(is_free) {
            *place = child;
            return;
        }
    }
    processes.push(child);
}

/// Pages that nobody waits for yet; one that is there already ends the run at that page only.
fn fill(process: &Process, address: u64, content: &[u8]) {
    let mut done = 0;
    while done < content.len() {
        match uffd::copy(process.uffd.as_fd(), address + done as u64, &content[done..]) {
            Ok((copied, Outcome::Present)) => done += copied + PAGE_SIZE_BYTES,
            Ok((copied, Outcome::Done)) => done += copied,
            _ => return,
        }
    }
}

pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) {
    static HAS_FAILED: AtomicBool = AtomicBool::new(false);
    let started = std::thread::Builder::new().name(name.into()).stack_size(256 * 1024).spawn(body);
    if started.is_err() && !HAS_FAILED.swap(true, Ordering::Relaxed) {
        thaw_stderr::tell!("pager: no thread could be started");
    }
}

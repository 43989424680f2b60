//! Decrypted chunks, shared by all clones of this host, within a memory limit. A chunk that the host lacks, or that
//! does not authenticate, is asked for once more from afar; what still does not authenticate is lost, and never given
//! out.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use thaw_locked::{Changed, Locked};
use thaw_snapshot::chunk::{self, ChunkName, ChunkRef};
use thaw_snapshot::chunk_directory::ChunkDirectory;
use thaw_snapshot::pager_messages::ChunkAnswer;

/// A little longer than a restore may take (10 s): the answer to the client is then the timeout, not this.
const FAR_TIMEOUT: Duration = Duration::from_secs(12);

pub type Content = Arc<Vec<u8>>;

/// Why a chunk can't be had.
#[derive(Debug, Clone)]
pub struct Lost {
    pub message: String,
    /// It was there and has been changed, or is nowhere: a new snapshot is needed. Else: it may come later.
    pub is_damaged: bool,
}

const LATE: &str = "a chunk did not come in time";

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Lost { message: error.to_string(), is_damaged: false }
    }
}

impl Lost {
    pub fn not_placed(error: &io::Error) -> Self {
        Lost { message: format!("a page could not be put in place: {error}"), is_damaged: false }
    }

    /// True where the content did not come from the far store in time.
    pub fn is_late(&self) -> bool {
        self.message == LATE
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

enum Entry {
    /// Outcome, for those that wait: they don't repeat a decryption that has just failed.
    Loading(Arc<OnceLock<Result<Content, Lost>>>),
    Ready {
        content: Content,
        used_at: u64,
    },
}

#[derive(Default)]
struct State {
    entries: HashMap<ChunkName, Entry>,
    size_bytes: usize,
    uses: u64,
    /// Asked for from afar.
    wanted: HashMap<ChunkName, Wanted>,
}

struct Wanted {
    asked: Instant,
    answer: Option<ChunkAnswer>,
}

type AskFar = dyn Fn(&ChunkName, bool) + Send + Sync;

pub struct Cache {
    directory: ChunkDirectory,
    size_bytes_max: usize,
    state: Locked<State>,
    changed: Changed,
    /// Sends a request for a chunk; true: the one at hand is damaged.
    ask_far: Box<AskFar>,
    /// Spent on authenticating and decrypting, since the start.
    decrypt_ns: AtomicU64,
}

impl Cache {
    pub fn new(directory: ChunkDirectory, size_bytes_max: usize, ask_far: Box<AskFar>) -> Self {
        Cache {
            directory,
            size_bytes_max,
            state: Locked::default(),
            changed: Changed::new(),
            ask_far,
            decrypt_ns: AtomicU64::new(0),
        }
    }

    /// Gives a chunk's content, authenticated. Several callers that want the same chunk wait for one load, and share
    /// its outcome.
    pub fn get(&self, wanted: &ChunkRef) -> Result<Content, Lost> {
        let mut state = self.state.lock();
        state.uses += 1;
        let now = state.uses;
        match state.entries.get_mut(&wanted.name) {
            Some(Entry::Ready { content, used_at }) => {
                *used_at = now;
                return Ok(Arc::clone(content));
            }
            Some(Entry::Loading(outcome)) => {
                let outcome = Arc::clone(outcome);
                let _state = self.changed.wait_while(state, |_| outcome.get().is_none());
                return outcome.get().expect("was waited for").clone();
            }
            None => {}
        }
        let outcome = Arc::new(OnceLock::new());
        state.entries.insert(wanted.name, Entry::Loading(Arc::clone(&outcome)));
        drop(state);
        let loaded = self.load(wanted);
        let mut state = self.state.lock();
        outcome.set(loaded.clone()).expect("one loads");
        state.entries.remove(&wanted.name);
        if let Ok(content) = &loaded {
            let used_at = state.uses;
            state.size_bytes += content.len();
            state.entries.insert(wanted.name, Entry::Ready { content: Arc::clone(content), used_at });
            self.evict(&mut state);
        }
        self.changed.notify_all();
        loaded
    }

    fn evict(&self, state: &mut State) {
        while state.size_bytes > self.size_bytes_max {
            let oldest = state
                .entries
                .iter()
                .filter_map(|(name, entry)| match entry {
                    Entry::Ready { used_at, .. } => Some((*used_at, *name)),
                    Entry::Loading(_) => None,
                })
                .min();
            let Some((_, name)) = oldest else { return };
            if let Some(Entry::Ready { content, .. }) = state.entries.remove(&name) {
                state.size_bytes -= content.len();
            }
        }
    }

    fn load(&self, wanted: &ChunkRef) -> Result<Content, Lost> {
        let is_damaged = match self.read(wanted) {
            Ok(content) => return Ok(content),
            Err(Problem::Missing) => false,
            Err(Problem::Damaged) => true,
            Err(Problem::Io(error)) => {
                return Err(Lost { message: format!("a chunk can't be read: {error}"), is_damaged: false })
            }
        };
        self.ask(&wanted.name, is_damaged);
        if self.wait_for(&wanted.name)? == ChunkAnswer::Nowhere {
            let message = if is_damaged { "a chunk was changed" } else { "a chunk is missing" };
            return Err(Lost { message: message.into(), is_damaged: true });
        }
        self.read(wanted).map_err(|_| Lost { message: "a chunk was changed, here and afar".into(), is_damaged: true })
    }

    fn read(&self, wanted: &ChunkRef) -> Result<Content, Problem> {
        let file = self.directory.read(&wanted.name).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Problem::Missing,
            _ => Problem::Io(error),
        })?;
        let started = Instant::now();
        let frame = chunk::decrypt(wanted, file).map_err(|_| Problem::Damaged)?;
        self.decrypt_ns.fetch_add(started.elapsed().as_nanos() as u64, Ordering::Relaxed);
        chunk::decompress(wanted, &frame).map(Arc::new).map_err(|_| Problem::Damaged)
    }

    /// Milliseconds spent on decryption so far, for all clones.
    pub fn decrypt_ms(&self) -> f64 {
        self.decrypt_ns.load(Ordering::Relaxed) as f64 / 1e6
    }

    fn ask(&self, name: &ChunkName, is_damaged: bool) {
        let mut state = self.state.lock();
        // A server that went away does not answer any more.
        if state.wanted.get(name).is_some_and(|wanted| wanted.answer.is_none() && wanted.asked.elapsed() < FAR_TIMEOUT)
        {
            return;
        }
        state.wanted.insert(*name, Wanted { asked: Instant::now(), answer: None });
        drop(state);
        (self.ask_far)(name, is_damaged);
    }

    /// Chunks that will be needed soon: those that the host lacks are asked for now, all at once.
    pub fn ask_ahead<'a>(&self, chunks: impl Iterator<Item = &'a ChunkRef>) {
        for wanted in chunks {
            let is_known = self.state.lock().entries.contains_key(&wanted.name);
            if !is_known && !self.directory.has(&wanted.name) {
                self.ask(&wanted.name, false);
            }
        }
    }

    /// True where some of them are still to be decrypted, and all can be kept until they are used.
    pub fn is_worth_loading(&self, chunks: &[ChunkRef]) -> bool {
        let size: usize = chunks.iter().map(|chunk| chunk.size_bytes as usize).sum();
        let state = self.state.lock();
        size <= self.size_bytes_max / 2 && chunks.iter().any(|chunk| !state.entries.contains_key(&chunk.name))
    }

    /// Waits for the answer. Throws where it is `Late`.
    fn wait_for(&self, name: &ChunkName) -> Result<ChunkAnswer, Lost> {
        let deadline = Instant::now() + FAR_TIMEOUT;
        let mut state = self.state.lock();
        loop {
            let answer = state.wanted.get(name).and_then(|wanted| wanted.answer);
            let left = deadline.saturating_duration_since(Instant::now());
            if answer.is_some() || left.is_zero() {
                state.wanted.remove(name);
            }
            if let Some(answer @ (ChunkAnswer::Here | ChunkAnswer::Nowhere)) = answer {
                return Ok(answer);
            }
            if answer.is_some() || left.is_zero() {
                return Err(Lost { message: LATE.into(), is_damaged: false });
            }
            state = self.changed.wait_timeout(state, left);
        }
    }

    /// Takes the answer to `ask_far`.
    pub fn arrived(&self, name: &ChunkName, answer: ChunkAnswer) {
        let mut state = self.state.lock();
        if let Some(wanted) = state.wanted.get_mut(name) {
            wanted.answer = Some(answer);
        }
        self.changed.notify_all();
    }
}

enum Problem {
    Missing,
    Damaged,
    Io(io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::sync::mpsc;
    use std::thread;

    /// Counts the holders of a chunk's outcome: those that wait, the one that loads it, and the entry.
    fn holders(cache: &Cache, name: &ChunkName) -> usize {
        match cache.state.lock().entries.get(name) {
            Some(Entry::Loading(outcome)) => Arc::strong_count(outcome),
            _ => 0,
        }
    }

    #[test]
    fn all_who_wait_for_a_chunk_share_its_failure() {
        let (asked, asks) = mpsc::channel();
        // No chunk is there.
        let directory = ChunkDirectory::new(File::open("/").expect("there is a root").into());
        let cache = Cache::new(directory, 1, Box::new(move |name, _| asked.send(*name).expect("the test listens")));
        let wanted = ChunkRef { name: [7; 32], key: [0; 32], size_bytes: 1 };
        thread::scope(|scope| {
            let readers: Vec<_> = (0..3).map(|_| scope.spawn(|| cache.get(&wanted))).collect();
            assert_eq!(asks.recv(), Ok(wanted.name));
            while holders(&cache, &wanted.name) != 4 {
                thread::yield_now();
            }
            cache.arrived(&wanted.name, ChunkAnswer::Late);
            for reader in readers {
                assert!(reader.join().expect("does not panic").expect_err("it is late").is_late());
            }
        });
        assert!(asks.try_recv().is_err(), "nobody asked for it again");
        assert_eq!(holders(&cache, &wanted.name), 0);
    }
}

//! The chunks of this host: written once, pinned while a snapshot that will name them is being made or one that named
//! them is in use, collected when nobody needs them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use super::cutter::Sink;
use thaw_faults::fault_point;
use thaw_locked::Locked;
use thaw_snapshot::chunk::{self, ChunkName, ChunkRef, ChunkSecret};
use thaw_snapshot::chunk_directory::ChunkDirectory;

pub struct ChunkStore {
    pub directory: ChunkDirectory,
    /// A chunk is checked and pinned, or found unpinned and removed, in one step.
    pins: Locked<Pins>,
    /// One collection at a time.
    collecting: Locked<()>,
    /// Read from before a manifest is opened until its chunks are pinned. For moments only: a collection waits for it.
    opening: RwLock<()>,
}

#[derive(Default)]
struct Pins {
    /// How many drafts and users need each chunk.
    counts: HashMap<ChunkName, usize>,
    /// While chunks are collected: all that were pinned since it began. A draft may be published and unpin its chunks
    /// after the collector has read the manifests.
    since_collection: Option<HashSet<ChunkName>>,
}

impl Pins {
    fn add(&mut self, name: &ChunkName) {
        *self.counts.entry(*name).or_default() += 1;
        if let Some(since) = &mut self.since_collection {
            since.insert(*name);
        }
    }

    fn remove(&mut self, name: &ChunkName) {
        if let Some(count) = self.counts.get_mut(name) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(name);
            }
        }
    }
}

/// The chunks of a manifest in use: none of them is removed as long as this lives.
pub struct Pinned {
    store: Arc<ChunkStore>,
    names: Vec<ChunkName>,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let mut pins = self.store.pins.lock();
        for name in &self.names {
            pins.remove(name);
        }
    }
}

/// A manifest is being opened: no collection removes what it names before that is pinned.
pub struct Opening<'a> {
    store: &'a Arc<ChunkStore>,
    _no_removal: RwLockReadGuard<'a, ()>,
}

impl Opening<'_> {
    pub fn pin(self, names: impl Iterator<Item = ChunkName>) -> Pinned {
        let names: Vec<ChunkName> = names.collect();
        let mut pins = self.store.pins.lock();
        for name in &names {
            pins.add(name);
        }
        drop(pins);
        Pinned { store: Arc::clone(self.store), names }
    }
}

impl ChunkStore {
    pub fn new(dir: OwnedFd) -> Self {
        ChunkStore {
            directory: ChunkDirectory::new(dir),
            pins: Locked::default(),
            collecting: Locked::default(),
            opening: RwLock::default(),
        }
    }

    pub fn opening(self: &Arc<Self>) -> Opening<'_> {
        Opening { store: self, _no_removal: self.opening.read().expect("a panic ends the process") }
    }

    /// Removes every chunk that no snapshot names and nobody has pinned. `read_names` is called once, when new pins are
    /// watched already: what is published after it is not removed. Returns how many.
    pub fn collect<E: From<io::Error>>(
        &self,
        read_names: impl FnOnce() -> Result<HashSet<ChunkName>, E>,
    ) -> Result<usize, E> {
        let _one_at_a_time = self.collecting.lock();
        {
            let mut pins = self.pins.lock();
            pins.since_collection = Some(pins.counts.keys().copied().collect());
        }
        let removed = read_names().and_then(|named| {
            // A manifest that was opened and then replaced before it was read is pinned by now; later ones were read.
            drop(self.opening.write().expect("a panic ends the process"));
            Ok(self.remove_unnamed(&named)?)
        });
        self.pins.lock().since_collection = None;
        removed
    }

    fn remove_unnamed(&self, named: &HashSet<ChunkName>) -> io::Result<usize> {
        fault_point!("collect.marked");
        let mut removed = 0;
        for name in self.directory.list()? {
            let pins = self.pins.lock();
            let is_pinned = pins.since_collection.as_ref().is_some_and(|since| since.contains(&name));
            if !named.contains(&name) && !is_pinned {
                self.directory.remove(&name)?;
                removed += 1;
                fault_point!("collect.sweeping");
            }
        }
        Ok(removed)
    }
}

/// The chunks of one snapshot being made, each once. Unpins them when dropped.
pub struct ChunkWriter<'a> {
    store: &'a ChunkStore,
    secret: ChunkSecret,
    pub chunks: Vec<ChunkRef>,
    numbers: HashMap<ChunkName, u32>,
    /// Bytes of files that were not there before.
    pub new_bytes: u64,
}

impl<'a> ChunkWriter<'a> {
    pub fn new(store: &'a ChunkStore, secret: &[u8; 32]) -> Self {
        ChunkWriter {
            store,
            secret: ChunkSecret::new(secret),
            chunks: Vec::new(),
            numbers: HashMap::new(),
            new_bytes: 0,
        }
    }

    /// Goes on from the chunks that a snapshot has already.
    pub fn resume(store: &'a ChunkStore, secret: &[u8; 32], chunks: Vec<ChunkRef>) -> Self {
        let mut writer = ChunkWriter::new(store, secret);
        for chunk in chunks {
            writer.pin(&chunk.name);
            writer.numbers.insert(chunk.name, writer.chunks.len() as u32);
            writer.chunks.push(chunk);
        }
        writer
    }

    fn pin(&self, name: &ChunkName) {
        self.store.pins.lock().add(name);
    }
}

impl Sink for ChunkWriter<'_> {
    fn add(&mut self, content: Vec<u8>) -> io::Result<u32> {
        let (chunk, file) = chunk::seal(&self.secret, &content);
        if let Some(number) = self.numbers.get(&chunk.name) {
            return Ok(*number);
        }
        self.pin(&chunk.name);
        let number = self.chunks.len() as u32;
        self.numbers.insert(chunk.name, number);
        self.chunks.push(chunk);
        if self.store.directory.write(&chunk.name, &file)? {
            self.new_bytes += file.len() as u64;
        }
        Ok(number)
    }
}

impl Drop for ChunkWriter<'_> {
    fn drop(&mut self) {
        let mut pins = self.store.pins.lock();
        for name in self.numbers.keys() {
            pins.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TestDirectory;

    #[test]
    fn keeps_what_is_published_while_chunks_are_collected() {
        let dir = TestDirectory::new();
        let store = ChunkStore::new(dir.open());
        let add = |byte: u8| ChunkWriter::new(&store, &[1; 32]).add(vec![byte; 5000]).expect("is written");
        add(1);
        add(2);
        let removed = store.collect::<io::Error>(|| {
            // A publish that ends after the manifests were read: of a chunk that was there, and of a new one.
            add(2);
            add(3);
            Ok(HashSet::new())
        });
        assert_eq!(removed.expect("collects"), 1);
        assert_eq!(store.directory.list().expect("lists").len(), 2);
        assert_eq!(store.collect::<io::Error>(|| Ok(HashSet::new())).expect("collects"), 2);
    }

    #[test]
    fn keeps_what_is_in_use_and_waits_for_who_is_about_to_use_it() {
        let dir = TestDirectory::new();
        let store = Arc::new(ChunkStore::new(dir.open()));
        let mut writer = ChunkWriter::new(&store, &[1; 32]);
        writer.add(vec![1; 5000]).expect("is written");
        let name = writer.chunks[0].name;
        drop(writer);
        let opening = store.opening();
        let (sender, names_are_read) = std::sync::mpsc::channel();
        let collecting = {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                store.collect::<io::Error>(|| {
                    sender.send(()).expect("the test listens");
                    Ok(HashSet::new())
                })
            })
        };
        names_are_read.recv().expect("it reads the names");
        for _ in 0..10_000 {
            std::thread::yield_now();
            assert!(!collecting.is_finished(), "it did not wait");
        }
        let pinned = opening.pin([name].into_iter());
        assert_eq!(collecting.join().expect("ends").expect("collects"), 0);
        assert_eq!(store.collect::<io::Error>(|| Ok(HashSet::new())).expect("collects"), 0);
        drop(pinned);
        assert_eq!(store.collect::<io::Error>(|| Ok(HashSet::new())).expect("collects"), 1);
    }

    #[test]
    fn removes_nothing_where_the_names_are_not_known() {
        let dir = TestDirectory::new();
        let store = ChunkStore::new(dir.open());
        ChunkWriter::new(&store, &[1; 32]).add(vec![1; 5000]).expect("is written");
        assert!(store.collect::<io::Error>(|| Err(io::ErrorKind::PermissionDenied.into())).is_err());
        assert_eq!(store.directory.list().expect("lists").len(), 1);
    }
}

//! The chunks of this host: written once, pinned while a snapshot that will name them is being made, collected when nobody does.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Mutex;

use thaw_snapshot::chunk::{self, ChunkName, ChunkRef, ChunkSecret};
use thaw_snapshot::chunk_directory::ChunkDirectory;

pub struct ChunkStore {
    pub directory: ChunkDirectory,
    /// A chunk is checked and pinned, or found unpinned and removed, in one step.
    pins: Mutex<Pins>,
    /// One collection at a time.
    collecting: Mutex<()>,
}

#[derive(Default)]
struct Pins {
    /// How many drafts need each chunk.
    counts: HashMap<ChunkName, usize>,
    /// While chunks are collected: all that were pinned since it began. A draft may be published and unpin its chunks after the
    /// collector has read the manifests.
    since_collection: Option<HashSet<ChunkName>>,
}

impl ChunkStore {
    pub fn new(dir: OwnedFd) -> Self {
        ChunkStore { directory: ChunkDirectory::new(dir), pins: Mutex::default(), collecting: Mutex::default() }
    }

    /// Removes every chunk that no snapshot names and no draft needs. `read_names` is called once, when new drafts are watched
    /// already: what is published after it is not removed. Returns how many.
    pub fn collect<E: From<io::Error>>(&self, read_names: impl FnOnce() -> Result<HashSet<ChunkName>, E>) -> Result<usize, E> {
        let _one_at_a_time = self.collecting.lock().expect("no holder panics");
        {
            let mut pins = self.pins.lock().expect("no holder panics");
            pins.since_collection = Some(pins.counts.keys().copied().collect());
        }
        let removed = read_names().and_then(|named| Ok(self.remove_unnamed(&named)?));
        self.pins.lock().expect("no holder panics").since_collection = None;
        removed
    }

    fn remove_unnamed(&self, named: &HashSet<ChunkName>) -> io::Result<usize> {
        let mut removed = 0;
        for name in self.directory.list()? {
            let pins = self.pins.lock().expect("no holder panics");
            let is_pinned = pins.since_collection.as_ref().is_some_and(|since| since.contains(&name));
            if !named.contains(&name) && !is_pinned {
                self.directory.remove(&name)?;
                removed += 1;
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
        ChunkWriter { store, secret: ChunkSecret::new(secret), chunks: Vec::new(), numbers: HashMap::new(), new_bytes: 0 }
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
        let mut pins = self.store.pins.lock().expect("no holder panics");
        *pins.counts.entry(*name).or_default() += 1;
        if let Some(since) = &mut pins.since_collection {
            since.insert(*name);
        }
    }

    /// Stores a chunk; returns its number in this snapshot.
    pub fn add(&mut self, content: Vec<u8>) -> io::Result<u32> {
        let (chunk, file) = chunk::seal(&self.secret, content);
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
        let mut pins = self.store.pins.lock().expect("no holder panics");
        for name in self.numbers.keys() {
            if let Some(count) = pins.counts.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    pins.counts.remove(name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

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
    fn removes_nothing_where_the_names_are_not_known() {
        let dir = TestDirectory::new();
        let store = ChunkStore::new(dir.open());
        ChunkWriter::new(&store, &[1; 32]).add(vec![1; 5000]).expect("is written");
        assert!(store.collect::<io::Error>(|| Err(io::ErrorKind::PermissionDenied.into())).is_err());
        assert_eq!(store.directory.list().expect("lists").len(), 1);
    }
}

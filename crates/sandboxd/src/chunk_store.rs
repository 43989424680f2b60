//! The chunks of this host: written once, pinned while a snapshot that will name them is being made, collected when nobody does.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Mutex;

use thaw_snapshot::chunk::{self, ChunkName, ChunkRef, ChunkSecret};
use thaw_snapshot::chunk_directory::ChunkDirectory;

pub struct ChunkStore {
    pub directory: ChunkDirectory,
    /// How many drafts need each chunk. A chunk is checked and pinned, or found unpinned and removed, in one step.
    pins: Mutex<HashMap<ChunkName, usize>>,
}

impl ChunkStore {
    pub fn new(dir: OwnedFd) -> Self {
        ChunkStore { directory: ChunkDirectory::new(dir), pins: Mutex::default() }
    }

    /// Removes every chunk that `is_named` does not know and no draft needs. Returns how many.
    pub fn collect(&self, is_named: impl Fn(&ChunkName) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for name in self.directory.list()? {
            if is_named(&name) {
                continue;
            }
            let pins = self.pins.lock().expect("no holder panics");
            if !pins.contains_key(&name) {
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
        *self.store.pins.lock().expect("no holder panics").entry(*name).or_default() += 1;
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
            if let Some(count) = pins.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    pins.remove(name);
                }
            }
        }
    }
}

//! Decrypted chunks of one snapshot at hand, for work that goes through its pages.

use std::collections::hash_map::Entry;
use std::collections::HashMap;

use thaw_snapshot::manifest::Manifest;

use super::store::SnapshotStore;
use crate::error::Result;

/// 64 MiB.
const CHUNKS_HELD_MAX: usize = 128;

pub struct ChunkCache<'a> {
    store: &'a SnapshotStore,
    manifest: &'a Manifest,
    contents: HashMap<u32, Vec<u8>>,
}

impl<'a> ChunkCache<'a> {
    pub fn new(store: &'a SnapshotStore, manifest: &'a Manifest) -> Self {
        ChunkCache { store, manifest, contents: HashMap::new() }
    }

    pub fn get(&mut self, chunk: u32) -> Result<&[u8]> {
        if self.contents.len() > CHUNKS_HELD_MAX && !self.contents.contains_key(&chunk) {
            self.contents.clear();
        }
        Ok(match self.contents.entry(chunk) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(free) => free.insert(self.store.read_chunk(&self.manifest.chunks[chunk as usize])?),
        })
    }
}

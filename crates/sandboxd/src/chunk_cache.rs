//! Decrypted chunks of one snapshot at hand, for work that goes through its pages.

use std::collections::hash_map::Entry;
use std::collections::HashMap;

use thaw_snapshot::manifest::Manifest;

use crate::error::Result;
use crate::sandboxes::Sandboxes;

/// 64 MiB.
const CHUNKS_HELD_MAX: usize = 128;

pub struct ChunkCache<'a> {
    all: &'a Sandboxes,
    manifest: &'a Manifest,
    contents: HashMap<u32, Vec<u8>>,
}

impl<'a> ChunkCache<'a> {
    pub fn new(all: &'a Sandboxes, manifest: &'a Manifest) -> Self {
        ChunkCache { all, manifest, contents: HashMap::new() }
    }

    pub fn get(&mut self, chunk: u32) -> Result<&[u8]> {
        if self.contents.len() > CHUNKS_HELD_MAX && !self.contents.contains_key(&chunk) {
            self.contents.clear();
        }
        Ok(match self.contents.entry(chunk) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(free) => free.insert(
                self.all.far.read(&self.all.snapshots.chunks.directory, &self.manifest.chunks[chunk as usize])?,
            ),
        })
    }
}

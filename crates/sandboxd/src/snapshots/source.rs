//! The chunks of one snapshot as its restores read them: decrypted, and fetched where this host lacks them.

use std::fs::File;
use std::os::unix::fs::FileExt;

use thaw_snapshot::manifest::{Extent, Manifest};
use thaw_snapshot::PAGE_SIZE_BYTES;

use super::store::SnapshotStore;
use super::zeros::for_each_filled;
use crate::error::Result;

pub struct Source<'a> {
    store: &'a SnapshotStore,
    manifest: &'a Manifest,
    /// Kept because extents of small files follow one another in one chunk.
    last: Option<(u32, Vec<u8>)>,
}

impl<'a> Source<'a> {
    pub fn new(store: &'a SnapshotStore, manifest: &'a Manifest) -> Self {
        Source { store, manifest, last: None }
    }

    /// Reads the chunk with that number in the manifest.
    pub fn chunk(&self, number: u32) -> Result<Vec<u8>> {
        self.store.read_chunk(&self.manifest.chunks[number as usize])
    }

    /// Asks for the chunks that are needed first, all at once: the engine's own files, then the working set's.
    pub fn ask_ahead(&self, needs_all_pages: bool) {
        let chunks = &self.manifest.chunks;
        let count = if needs_all_pages { chunks.len() } else { self.manifest.header.early_chunks as usize };
        self.store.ask_ahead(chunks[..count].iter());
    }

    /// Writes the extents into the file, which is nothing but holes, each at its place. Pages of zeros stay holes.
    pub fn fill(&mut self, file: &File, extents: &[Extent]) -> Result<()> {
        for extent in extents {
            if self.last.as_ref().is_none_or(|(number, _)| *number != extent.chunk) {
                self.last = Some((extent.chunk, self.chunk(extent.chunk)?));
            }
            let (_, content) = self.last.as_ref().expect("just read");
            let from = extent.offset as usize;
            let bytes = &content[from..from + extent.length as usize];
            for_each_filled(bytes, extent.at, PAGE_SIZE_BYTES, |at, bytes| file.write_all_at(bytes, at))?;
        }
        Ok(())
    }
}

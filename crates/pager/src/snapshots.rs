//! Snapshots that were opened: for each process its lazy pages by address, and the working set.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use thaw_snapshot::chunk::ChunkRef;
use thaw_snapshot::envelope::{DataKey, FILE_SIZE_BYTES_MAX};
use thaw_snapshot::manifest::{Manifest, Run};
use thaw_snapshot::working_set::{TouchedRun, WorkingSet};
use thaw_snapshot::{Result, PAGE_SIZE_BYTES};

const PAGE: u64 = PAGE_SIZE_BYTES as u64;

pub struct Snapshot {
    chunks: Vec<ChunkRef>,
    /// Sorted by address, for each process.
    tables: HashMap<u32, Vec<Run>>,
    pub working_set: Vec<TouchedRun>,
}

/// Where a page of the snapshot is.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// `pages` of them follow one another in the chunk from `offset` on.
    Chunk { chunk: &'a ChunkRef, offset: usize, pages: u64 },
    Zero { pages: u64 },
}

fn read_all(fd: OwnedFd) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::from(fd).take(FILE_SIZE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Snapshot {
    pub fn open(key: &DataKey, manifest: OwnedFd, working_set: Option<OwnedFd>) -> Result<Self> {
        let manifest = Manifest::open(key, &read_all(manifest)?)?;
        let working_set = match working_set {
            None => Vec::new(),
            Some(fd) => WorkingSet::open(key, &read_all(fd)?)?.runs,
        };
        let mut tables = HashMap::new();
        for space in manifest.spaces.into_iter().filter(|space| space.pid != 0) {
            let mut runs = space.runs;
            runs.sort_unstable_by_key(|run| run.address);
            tables.insert(space.pid, runs);
        }
        Ok(Snapshot { chunks: manifest.chunks, tables, working_set })
    }

    /// The page at `address` of process `pid`; a page that the snapshot does not have is zero.
    pub fn place(&self, pid: u32, address: u64) -> Place<'_> {
        let runs = self.tables.get(&pid).map_or(&[][..], Vec::as_slice);
        let next = runs.partition_point(|run| run.address <= address);
        if let Some(run) = next.checked_sub(1).map(|index| &runs[index]) {
            let page = (address - run.address) / PAGE;
            if page < u64::from(run.pages) {
                let pages = u64::from(run.pages) - page;
                return match run.place {
                    None => Place::Zero { pages },
                    Some((chunk, slot)) => {
                        let offset = (u64::from(slot) + page) as usize * PAGE_SIZE_BYTES;
                        Place::Chunk { chunk: &self.chunks[chunk as usize], offset, pages }
                    }
                };
            }
        }
        let end = runs.get(next).map_or(address + PAGE, |run| run.address);
        Place::Zero { pages: (end - address) / PAGE }
    }

    pub fn runs(&self, pid: u32) -> &[Run] {
        self.tables.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Chunks of the working set in the order of access, each once.
    pub fn working_set_chunks(&self) -> Vec<&ChunkRef> {
        let mut seen = std::collections::HashSet::new();
        let mut chunks = Vec::new();
        for run in &self.working_set {
            let mut at = run.address;
            let end = run.address + u64::from(run.pages) * PAGE;
            while at < end {
                let pages = match self.place(run.pid, at) {
                    Place::Zero { pages } => pages,
                    Place::Chunk { chunk, pages, .. } => {
                        if seen.insert(chunk.name) {
                            chunks.push(chunk);
                        }
                        pages
                    }
                };
                at += pages * PAGE;
            }
        }
        chunks
    }
}

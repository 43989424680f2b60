//! Snapshots that were opened: for each process its lazy pages by address, and the working set.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use thaw_snapshot::chunk::ChunkRef;
use thaw_snapshot::envelope::{DataKey, FILE_SIZE_BYTES_MAX};
use thaw_snapshot::manifest::{Manifest, Run};
use thaw_snapshot::working_set::{by_batches, TouchedRun, WorkingSet};
use thaw_snapshot::{damaged, Result, PAGE_SIZE_BYTES};

const PAGE: u64 = PAGE_SIZE_BYTES as u64;

pub struct Snapshot {
    chunks: Vec<ChunkRef>,
    /// Sorted by address, for each process.
    tables: HashMap<u32, Vec<Run>>,
    /// The working set in the order of access, by batches, as the sessions bring it: worked out once for all of them.
    pub ahead: Vec<Piece>,
    /// Chunks of these pieces, each once.
    ahead_chunks: Vec<ChunkRef>,
}

/// Pages of the working set that lie together, both in the address space and in a chunk.
#[derive(Clone, Copy)]
pub struct Piece {
    pub pid: u32,
    pub address: u64,
    pub pages: u64,
    /// Where in which chunk; none: zeros.
    pub place: Option<(ChunkRef, usize)>,
}

/// Where a page of the snapshot is.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// `pages` of them follow one another in the chunk from `offset` on, this one among them; `pages_before` lie in
    /// front of it likewise.
    Chunk {
        chunk: &'a ChunkRef,
        offset: usize,
        pages_before: u64,
        pages: u64,
    },
    Zero {
        pages: u64,
    },
}

fn read_all(fd: OwnedFd) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::from(fd).take(FILE_SIZE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Snapshot {
    pub fn open(name: &str, key: &DataKey, manifest: OwnedFd, working_set: Option<OwnedFd>) -> Result<Self> {
        let manifest = Manifest::open(key, &read_all(manifest)?)?;
        if manifest.header.snapshot != name {
            return damaged("its manifest belongs to another snapshot");
        }
        // A working set that can't be trusted is left out: it is only a help.
        let working_set = working_set
            .and_then(|fd| WorkingSet::open(key, &read_all(fd).ok()?).ok())
            .filter(|set| set.header.snapshot == name)
            .map_or_else(Vec::new, |set| set.runs);
        Ok(Self::new(manifest, working_set))
    }

    fn new(manifest: Manifest, working_set: Vec<TouchedRun>) -> Self {
        let mut tables = HashMap::new();
        for space in manifest.spaces.into_iter().filter(|space| space.pid != 0) {
            // Pages that CRIU put in place itself are never asked for: a fault there is in a later mapping, and is of
            // zeros.
            let mut runs: Vec<Run> = space.runs.into_iter().filter(|run| run.is_lazy).collect();
            runs.sort_unstable_by_key(|run| run.address);
            tables.insert(space.pid, runs);
        }
        let mut snapshot = Snapshot { chunks: manifest.chunks, tables, ahead: Vec::new(), ahead_chunks: Vec::new() };
        let ahead: Vec<Piece> = by_batches(&working_set).iter().flat_map(|run| snapshot.pieces(run)).collect();
        let mut seen = HashSet::new();
        snapshot.ahead_chunks =
            ahead.iter().filter_map(|piece| Some(piece.place?.0)).filter(|chunk| seen.insert(chunk.name)).collect();
        snapshot.ahead = ahead;
        snapshot
    }

    fn pieces(&self, run: &TouchedRun) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut address = run.address;
        let end = run.address + u64::from(run.pages) * PAGE;
        while address < end {
            let (pages, place) = match self.place(run.pid, address) {
                Place::Zero { pages } => (pages, None),
                Place::Chunk { chunk, offset, pages, .. } => (pages, Some((*chunk, offset))),
            };
            let pages = pages.min((end - address) / PAGE);
            pieces.push(Piece { pid: run.pid, address, pages, place });
            address += pages * PAGE;
        }
        pieces
    }

    /// Finds the page at `address` of process `pid`; a page that the snapshot does not have is zero.
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
                        Place::Chunk { chunk: &self.chunks[chunk as usize], offset, pages_before: page, pages }
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
    pub fn working_set_chunks(&self) -> &[ChunkRef] {
        &self.ahead_chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thaw_snapshot::manifest::{Header, Space};
    use thaw_snapshot::working_set::Header as WorkingSetHeader;

    const KEY: DataKey = [3; 32];

    fn manifest() -> Manifest {
        let run = |address, place, is_lazy| Run { address, pages: 2, place, is_lazy };
        Manifest {
            header: Header {
                snapshot: "snap-1".into(),
                fingerprint: String::new(),
                engine: String::new(),
                uid: 0,
                created_at_ms: 0,
                generation: 0,
                early_chunks: 0,
                memory_pages: 6,
                stored_pages: 4,
                image_bytes: 0,
                disk_bytes: 0,
            },
            supervisor_pid: 1,
            clocks: Default::default(),
            images: Vec::new(),
            disk: Vec::new(),
            spaces: vec![Space {
                pid: 9,
                pages_id: 1,
                runs: vec![run(0x8000, Some((0, 0)), false), run(0x1000, Some((0, 2)), true), run(0x4000, None, true)],
            }],
            chunks: vec![ChunkRef { name: [1; 32], key: [2; 32], size_bytes: 4 * 4096 }],
        }
    }

    fn file(bytes: &[u8]) -> OwnedFd {
        use std::io::{Seek, Write};
        use std::os::fd::FromRawFd;
        // SAFETY: the name is a valid C string; the descriptor is new.
        let mut file = unsafe { File::from_raw_fd(libc::memfd_create(c"test".as_ptr(), 0)) };
        file.write_all(bytes).expect("is written");
        file.rewind().expect("can be read again");
        file.into()
    }

    #[test]
    fn gives_lazy_pages_only() {
        let snapshot = Snapshot::new(manifest(), Vec::new());
        assert!(matches!(snapshot.place(9, 0x1000), Place::Chunk { offset: 0x2000, pages: 2, .. }));
        assert!(matches!(snapshot.place(9, 0x2000), Place::Chunk { offset: 0x3000, pages: 1, .. }));
        assert!(matches!(snapshot.place(9, 0x3000), Place::Zero { pages: 1 }));
        assert!(matches!(snapshot.place(9, 0x4000), Place::Zero { pages: 2 }));
        assert!(
            matches!(snapshot.place(9, 0x8000), Place::Zero { .. }),
            "CRIU has put it in place; a later mapping is empty"
        );
        assert!(matches!(snapshot.place(8, 0x1000), Place::Zero { .. }), "another process");
    }

    #[test]
    fn neighbours_are_one_piece_where_they_lie_together_in_a_chunk_too() {
        let page = |address| TouchedRun { pid: 9, address, pages: 1 };
        let shape = |manifest: Manifest, touched: &[u64]| -> Vec<(u64, u64)> {
            let ahead = Snapshot::new(manifest, touched.iter().copied().map(page).collect()).ahead;
            ahead.iter().map(|piece| (piece.address / PAGE, piece.pages)).collect()
        };
        assert_eq!(shape(manifest(), &[0x2000, 0x4000, 0x1000]), [(1, 2), (4, 1)]);
        let mut apart = manifest();
        let place = |address, slot| Run { address, pages: 1, place: Some((0, slot)), is_lazy: true };
        apart.spaces[0].runs = vec![place(0x1000, 3), place(0x2000, 0)];
        assert_eq!(shape(apart, &[0x2000, 0x1000]), [(1, 1), (2, 1)], "not together in the chunk");
    }

    #[test]
    fn a_working_set_that_cannot_be_trusted_is_left_out() {
        let set = |snapshot: &str| WorkingSet {
            header: WorkingSetHeader { snapshot: snapshot.into(), recordings: 1 },
            runs: vec![TouchedRun { pid: 9, address: 0x1000, pages: 1 }],
        };
        let sealed = manifest().seal(&KEY).expect("small");
        let open =
            |bytes: &[u8]| Snapshot::open("snap-1", &KEY, file(&sealed), Some(file(bytes))).expect("opens").ahead.len();
        let mut flipped = set("snap-1").seal(&KEY).expect("small");
        flipped[60] ^= 1;
        assert_eq!(open(&set("snap-1").seal(&KEY).expect("small")), 1);
        assert_eq!(open(&flipped), 0);
        assert_eq!(open(&set("snap-2").seal(&KEY).expect("small")), 0);
        assert_eq!(open(b""), 0);
        assert!(Snapshot::open("snap-2", &KEY, file(&sealed), None).is_err());
    }
}

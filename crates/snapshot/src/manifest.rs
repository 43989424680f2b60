//! The manifest of a snapshot: what its memory, its disk and CRIU's own files consist of, and which chunks hold them.
//!
//! Sealed part of the envelope: `u32` size of the description, the description (JSON), then for each chunk its key and
//! its size (36 bytes), then the runs of all spaces (24 bytes each). The names of the chunks are in the clear part: a
//! collector needs no key.

use serde::{Deserialize, Serialize};

use crate::chunk::{ChunkName, ChunkRef};
use crate::envelope::{self, DataKey};
use crate::{damaged, Result, CHUNK_SIZE_BYTES_MAX, PAGES_PER_CHUNK_MAX, PAGE_SIZE_BYTES};

const CHUNK_ENTRY_SIZE_BYTES: usize = 36;
const RUN_SIZE_BYTES: usize = 24;
/// In place of a chunk's number: the pages are all zero.
const ZERO_CHUNK: u32 = u32::MAX;
const FLAG_LAZY: u32 = 1;

/// Clear: what a host must know before it asks for the key.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    pub snapshot: String,
    pub fingerprint: String,
    /// The engine that took it, which alone can restore it.
    pub engine: String,
    pub uid: u32,
    pub created_at_ms: u64,
    /// Rises when the chunks are laid out anew.
    pub generation: u32,
    /// Number of chunks, the first ones, that are needed before the first response.
    pub early_chunks: u32,
    /// Pages of memory, those of zeros left out of `storedPages`.
    pub memory_pages: u64,
    pub stored_pages: u64,
    pub image_bytes: u64,
    pub disk_bytes: u64,
}

/// The function's clocks at the moment of the snapshot.
#[derive(Serialize, Deserialize, Clone, Copy, Default, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Clocks {
    pub monotonic_ns: i64,
    pub boottime_ns: i64,
}

/// `length` bytes of a file at `at`, found in a chunk. What no extent covers is a hole.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extent {
    pub at: u64,
    pub chunk: u32,
    pub offset: u32,
    pub length: u32,
}

/// One of CRIU's files, but for those of pages.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    pub name: String,
    pub size: u64,
    pub extents: Vec<Extent>,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum DiskKind {
    File,
    Directory,
    /// `target` is what it points to.
    Symlink,
    /// Another name of the file `target`, which comes before it.
    Hardlink,
    Fifo,
    Socket,
}

/// What a copy of the file system would have, and a file that is made anew has not.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    pub inode: u64,
    pub accessed_ns: i64,
    /// Of the inode (ctime), and of its birth.
    pub changed_ns: i64,
    pub born_ns: i64,
}

/// Something in `/tmp`, or `/tmp` itself: the first one, with an empty path. Paths and targets are bytes, as
/// hexadecimal digits: a name need not be UTF-8.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiskEntry {
    pub path: String,
    pub kind: DiskKind,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime_ns: i64,
    pub size: u64,
    pub target: String,
    pub extents: Vec<Extent>,
    /// Extended attributes, name and value as hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(String, String)>,
    /// None where inode numbers mean nothing: `/tmp` was on more than one file system, or in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SpaceDescription {
    pid: u32,
    pages_id: u32,
    runs: u32,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Description {
    supervisor_pid: i32,
    clocks: Clocks,
    images: Vec<Image>,
    disk: Vec<DiskEntry>,
    spaces: Vec<SpaceDescription>,
}

/// Pages that follow one another both in the address space and in a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    pub address: u64,
    pub pages: u32,
    /// Number of the chunk and of the first page in it; `None`: all zero.
    pub place: Option<(u32, u32)>,
    /// CRIU leaves them out: they come on demand.
    pub is_lazy: bool,
}

/// The pages of one process (`pid`), or of one shared mapping (`pid` 0), in the order of CRIU's `pages-ID.img`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Space {
    pub pid: u32,
    pub pages_id: u32,
    pub runs: Vec<Run>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    pub header: Header,
    pub supervisor_pid: i32,
    pub clocks: Clocks,
    pub images: Vec<Image>,
    pub disk: Vec<DiskEntry>,
    pub spaces: Vec<Space>,
    pub chunks: Vec<ChunkRef>,
}

impl Manifest {
    /// Fails with `TooLarge` where the function has more to describe than a file may hold.
    pub fn seal(&self, key: &DataKey) -> Result<Vec<u8>> {
        self.seal_with(key, envelope::new_nonce())
    }

    pub(crate) fn seal_with(&self, key: &DataKey, nonce: envelope::Nonce12) -> Result<Vec<u8>> {
        let description = Description {
            supervisor_pid: self.supervisor_pid,
            clocks: self.clocks,
            images: self.images.clone(),
            disk: self.disk.clone(),
            spaces: self
                .spaces
                .iter()
                .map(|s| SpaceDescription { pid: s.pid, pages_id: s.pages_id, runs: s.runs.len() as u32 })
                .collect(),
        };
        let json = serde_json::to_vec(&description).expect("plain data");
        let mut secret = (json.len() as u32).to_le_bytes().to_vec();
        secret.extend_from_slice(&json);
        for chunk in &self.chunks {
            secret.extend_from_slice(&chunk.key);
            secret.extend_from_slice(&chunk.size_bytes.to_le_bytes());
        }
        for run in self.spaces.iter().flat_map(|space| &space.runs) {
            write_run(&mut secret, run);
        }
        let names: Vec<ChunkName> = self.chunks.iter().map(|chunk| chunk.name).collect();
        envelope::seal_with(key, nonce, &serde_json::to_vec(&self.header).expect("plain data"), &names, secret)
    }

    /// Authenticates, then checks that each reference is within its chunk: what reads pages later need not ask again.
    pub fn open(key: &DataKey, file: &[u8]) -> Result<Self> {
        let (clear, secret) = envelope::open(key, file)?;
        let header: Header = parse(clear.header)?;
        let json_size = match secret.first_chunk::<4>() {
            Some(size) => u32::from_le_bytes(*size) as usize,
            None => return damaged("its description is missing"),
        };
        let Some(json) = secret.get(4..4 + json_size) else { return damaged("its description is cut short") };
        let description: Description = parse(json)?;
        let chunks_at = 4 + json_size;
        let runs_at = chunks_at + clear.names.len() * CHUNK_ENTRY_SIZE_BYTES;
        let run_count: usize = description.spaces.iter().map(|space| space.runs as usize).sum();
        if secret.len() != runs_at + run_count * RUN_SIZE_BYTES {
            return damaged("its tables have another size");
        }
        let chunks = read_chunks(&clear.names, &secret[chunks_at..runs_at])?;
        if header.early_chunks as usize > chunks.len() {
            return damaged("it has fewer chunks than it needs early");
        }
        let mut runs = secret[runs_at..].chunks_exact(RUN_SIZE_BYTES).map(read_run);
        let spaces =
            description.spaces.iter().map(|space| read_space(space, &mut runs, &chunks)).collect::<Result<Vec<_>>>()?;
        let Description { supervisor_pid, clocks, images, disk, .. } = description;
        let extents =
            images.iter().flat_map(|image| &image.extents).chain(disk.iter().flat_map(|entry| &entry.extents));
        for extent in extents {
            let is_inside = chunks.get(extent.chunk as usize).is_some_and(|chunk| {
                u64::from(extent.offset) + u64::from(extent.length) <= u64::from(chunk.size_bytes)
            });
            if !is_inside || extent.length == 0 {
                return damaged("an extent leaves its chunk");
            }
        }
        Ok(Manifest { header, supervisor_pid, clocks, images, disk, spaces, chunks })
    }
}

/// Reads the clear header and the names of the chunks, without a key and so not authenticated.
pub fn read_header(file: &[u8]) -> Result<(Header, Vec<ChunkName>)> {
    let clear = envelope::read_clear(file)?;
    Ok((parse(clear.header)?, clear.names))
}

fn parse<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).or_else(|error| damaged(format!("unreadable: {error}")))
}

fn write_run(to: &mut Vec<u8>, run: &Run) {
    let (chunk, slot) = run.place.unwrap_or((ZERO_CHUNK, 0));
    to.extend_from_slice(&run.address.to_le_bytes());
    for number in [run.pages, chunk, slot, if run.is_lazy { FLAG_LAZY } else { 0 }] {
        to.extend_from_slice(&number.to_le_bytes());
    }
}

fn read_run(bytes: &[u8]) -> Run {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let chunk = number(12);
    Run {
        address: u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")),
        pages: number(8),
        place: (chunk != ZERO_CHUNK).then_some((chunk, number(16))),
        is_lazy: number(20) & FLAG_LAZY != 0,
    }
}

fn read_chunks(names: &[ChunkName], table: &[u8]) -> Result<Vec<ChunkRef>> {
    let chunks: Vec<ChunkRef> = names
        .iter()
        .zip(table.chunks_exact(CHUNK_ENTRY_SIZE_BYTES))
        .map(|(name, entry)| ChunkRef {
            name: *name,
            key: entry[..32].try_into().expect("32 bytes"),
            size_bytes: u32::from_le_bytes(entry[32..].try_into().expect("four bytes")),
        })
        .collect();
    if chunks.iter().any(|chunk| chunk.size_bytes == 0 || chunk.size_bytes as usize > CHUNK_SIZE_BYTES_MAX) {
        return damaged("a chunk's size is out of range");
    }
    Ok(chunks)
}

fn read_space(space: &SpaceDescription, runs: &mut impl Iterator<Item = Run>, chunks: &[ChunkRef]) -> Result<Space> {
    let runs: Vec<Run> = runs.take(space.runs as usize).collect();
    for run in &runs {
        let end = run.address.checked_add(u64::from(run.pages) * PAGE_SIZE_BYTES as u64);
        let is_inside = run.place.is_none_or(|(chunk, slot)| {
            chunks.get(chunk as usize).is_some_and(|chunk| {
                slot as usize + run.pages as usize <= PAGES_PER_CHUNK_MAX
                    && (slot as usize + run.pages as usize) * PAGE_SIZE_BYTES <= chunk.size_bytes as usize
            })
        });
        if run.pages == 0 || run.address % PAGE_SIZE_BYTES as u64 != 0 || end.is_none() || !is_inside {
            return damaged("a run of pages leaves its chunk");
        }
    }
    Ok(Space { pid: space.pid, pages_id: space.pages_id, runs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        Manifest {
            header: Header {
                snapshot: "snap-0000000000000001".into(),
                fingerprint: "f".into(),
                engine: "criu".into(),
                uid: 100_000,
                created_at_ms: 1,
                generation: 0,
                early_chunks: 1,
                memory_pages: 4,
                stored_pages: 3,
                image_bytes: 10,
                disk_bytes: 5,
            },
            supervisor_pid: 1001,
            clocks: Clocks { monotonic_ns: 5, boottime_ns: -6 },
            images: vec![Image {
                name: "inventory.img".into(),
                size: 10,
                extents: vec![Extent { at: 0, chunk: 1, offset: 0, length: 10 }],
            }],
            disk: vec![DiskEntry {
                path: "61".into(),
                kind: DiskKind::File,
                mode: 0o644,
                uid: 1,
                gid: 2,
                mtime_ns: 3,
                size: 5,
                target: String::new(),
                extents: vec![Extent { at: 0, chunk: 1, offset: 10, length: 5 }],
                attributes: Vec::new(),
                identity: Some(Identity { inode: 12, accessed_ns: 4, changed_ns: 5, born_ns: -6 }),
            }],
            spaces: vec![Space {
                pid: 1001,
                pages_id: 1,
                runs: vec![
                    Run { address: 0x1000, pages: 3, place: Some((0, 0)), is_lazy: true },
                    Run { address: 0x9000, pages: 1, place: None, is_lazy: false },
                ],
            }],
            chunks: vec![
                ChunkRef { name: [1; 32], key: [2; 32], size_bytes: 3 * 4096 },
                ChunkRef { name: [3; 32], key: [4; 32], size_bytes: 15 },
            ],
        }
    }

    #[test]
    fn another_format_is_refused_by_its_number() {
        let mut file = sample().seal(&[5; 32]).expect("small");
        file[8..12].copy_from_slice(&3u32.to_le_bytes());
        let refused = Manifest::open(&[5; 32], &file).expect_err("is refused").to_string();
        assert_eq!(refused, "damaged: its format is 3, this Thaw reads 6");
    }

    #[test]
    fn gives_back_what_was_sealed() {
        let file = sample().seal(&[5; 32]).expect("small");
        assert_eq!(Manifest::open(&[5; 32], &file).expect("opens"), sample());
        assert_eq!(read_header(&file).expect("reads").1, vec![[1; 32], [3; 32]]);
    }

    #[test]
    fn refuses_references_that_leave_their_chunk() {
        let spoil: [fn(&mut Manifest); 6] = [
            |m| m.spaces[0].runs[0].pages = 4,
            |m| m.spaces[0].runs[0].place = Some((2, 0)),
            |m| m.spaces[0].runs[0].address = 0x1001,
            |m| m.spaces[0].runs[1].pages = 0,
            |m| m.images[0].extents[0].length = 16,
            |m| m.disk[0].extents[0].chunk = 9,
        ];
        for (number, change) in spoil.iter().enumerate() {
            let mut manifest = sample();
            change(&mut manifest);
            assert!(Manifest::open(&[5; 32], &manifest.seal(&[5; 32]).expect("small")).is_err(), "case {number}");
        }
    }

    #[test]
    fn no_flipped_bit_is_accepted() {
        let file = sample().seal(&[5; 32]).expect("small");
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::open(&[5; 32], &changed).is_err(), "bit {bit}");
            // Without a key: read or refused, never a panic.
            let _ = read_header(&changed);
        }
        for length in 0..file.len() {
            assert!(Manifest::open(&[5; 32], &file[..length]).is_err(), "cut to {length}");
        }
    }

    fn sealed(secret: Vec<u8>, names: &[ChunkName]) -> Vec<u8> {
        let header = serde_json::to_vec(&sample().header).expect("plain data");
        envelope::seal_with(&[5; 32], envelope::new_nonce(), &header, names, secret).expect("small")
    }

    /// All that a reader of pages relies on.
    fn check(manifest: &Manifest) {
        for run in manifest.spaces.iter().flat_map(|space| &space.runs) {
            assert!(run.pages > 0 && run.address % 4096 == 0);
            assert!(run.address.checked_add(u64::from(run.pages) * 4096).is_some());
            if let Some((chunk, slot)) = run.place {
                assert!(
                    (slot as usize + run.pages as usize) * 4096 <= manifest.chunks[chunk as usize].size_bytes as usize
                );
            }
        }
        let images = manifest.images.iter().flat_map(|image| &image.extents);
        for extent in images.chain(manifest.disk.iter().flat_map(|entry| &entry.extents)) {
            assert!(
                u64::from(extent.offset) + u64::from(extent.length)
                    <= u64::from(manifest.chunks[extent.chunk as usize].size_bytes)
            );
        }
    }

    use proptest::prelude::*;

    proptest! {
        /// A holder of the key may seal nonsense: it is refused, or all its references are good.
        #[test]
        fn any_sealed_bytes_are_refused(
            secret in proptest::collection::vec(any::<u8>(), 0..600),
            names in proptest::collection::vec(any::<[u8; 32]>(), 0..4),
        ) {
            prop_assert!(Manifest::open(&[5; 32], &sealed(secret, &names)).is_err());
        }

        #[test]
        fn changed_tables_are_refused_or_harmless(
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let file = sample().seal(&[5; 32]).expect("small");
            let (clear, mut secret) = envelope::open(&[5; 32], &file).expect("opens");
            for (index, byte) in changes {
                let at = index.index(secret.len());
                secret[at] = byte;
            }
            if let Ok(manifest) = Manifest::open(&[5; 32], &sealed(secret, &clear.names)) { check(&manifest); }
        }

        #[test]
        fn any_header_is_read_or_refused(header in proptest::collection::vec(any::<u8>(), 0..300)) {
            let file = envelope::seal_with(&[5; 32], [0; 12], &header, &[], Vec::new()).expect("small");
            let _ = read_header(&file);
        }
    }
}

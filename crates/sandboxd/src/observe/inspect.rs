//! Looks into a snapshot's memory and into a running clone, for `thaw check`. Secrets are counted, never given out.

use std::collections::HashSet;

use aho_corasick::AhoCorasick;
use serde::Serialize;
use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::hex;
use thaw_snapshot::manifest::{DiskEntry, DiskKind, Manifest, Space};
use thaw_snapshot::PAGE_SIZE_BYTES;

use super::secrets::{self, Secret};
use crate::error::{Code, Error, Result};
use crate::names::check_name;
use crate::snapshots::chunk_cache::ChunkCache;
use crate::snapshots::store::SnapshotStore;

/// Searched at once.
const WINDOW_SIZE_BYTES: usize = 8 * 1024 * 1024;
/// Matches that begin in the last bytes of a window are found with the next one: longer than any needle or secret.
const OVERLAP_SIZE_BYTES: usize = 16 * 1024;
/// A shorter one is found everywhere.
const NEEDLE_SIZE_BYTES_MIN: usize = 4;
const NEEDLE_SIZE_BYTES_MAX: usize = 4096;
const FILES_LISTED_MAX: usize = 50;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected {
    /// Number of places for each needle, in the memory of the function's processes.
    needles: Vec<u64>,
    secrets: Vec<SecretCount>,
    files: Vec<TmpFile>,
    /// All of them, also those that are not listed.
    file_count: usize,
    searched_bytes: u64,
}

#[derive(Serialize)]
struct SecretCount {
    kind: &'static str,
    /// Different ones.
    values: usize,
    places: u64,
}

#[derive(Serialize)]
struct TmpFile {
    path: String,
    size: u64,
}

/// Searches a snapshot's memory and lists its `/tmp`. `needles` are bytes, as hexadecimal digits.
pub fn inspect(store: &SnapshotStore, snapshot: &str, key: &DataKey, needles: &[String]) -> Result<Inspected> {
    check_name("snapshot", snapshot)?;
    let needles = read_needles(needles)?;
    let opening = store.chunks.opening();
    let files = store.open_files(snapshot)?;
    let manifest = store.open_manifest(snapshot, &files.manifest, key)?;
    let _pinned = opening.pin(manifest.chunks.iter().map(|chunk| chunk.name));
    let mut search = Search::new(&needles)?;
    let mut chunks = ChunkCache::new(store, &manifest);
    let is_ours = |space: &&Space| i64::from(space.pid) == i64::from(manifest.supervisor_pid);
    for space in manifest.spaces.iter().filter(|space| !is_ours(space)) {
        search_space(space, &mut chunks, &mut search)?;
    }
    let (files, file_count) = list_files(&manifest);
    Ok(Inspected {
        needles: search.counts,
        secrets: search.secrets.into_iter().map(Found::count).collect(),
        files,
        file_count,
        searched_bytes: search.searched,
    })
}

fn read_needles(digits: &[String]) -> Result<Vec<Vec<u8>>> {
    let needles: Option<Vec<Vec<u8>>> = digits.iter().map(|needle| hex::decode_vec(needle)).collect();
    let sizes = NEEDLE_SIZE_BYTES_MIN..=NEEDLE_SIZE_BYTES_MAX;
    needles
        .filter(|needles| needles.iter().all(|needle| sizes.contains(&needle.len())))
        .ok_or_else(|| Error::new(Code::BadRequest, "needles: each has 4 to 4096 bytes, as hexadecimal digits"))
}

/// Lists files, and of the directories only the empty ones: the others are seen in the files' paths.
fn list_files(manifest: &Manifest) -> (Vec<TmpFile>, usize) {
    let decode = |path: &str| hex::decode_vec(path).unwrap_or_default();
    let parent = |path: &str| {
        let mut path = decode(path);
        path.truncate(path.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
        path
    };
    let filled: HashSet<Vec<u8>> = manifest.disk.iter().map(|entry| parent(&entry.path)).collect();
    let show = |entry: &DiskEntry| {
        let path = decode(&entry.path);
        let is_directory = entry.kind == DiskKind::Directory;
        if is_directory && filled.contains(&path) {
            return None;
        }
        let end = if is_directory { "/" } else { "" };
        Some(TmpFile {
            path: String::from_utf8_lossy(&path).into_owned() + end,
            size: if is_directory { 0 } else { entry.size },
        })
    };
    let mut files: Vec<TmpFile> = manifest.disk.iter().filter_map(show).collect();
    let count = files.len();
    files.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
    files.truncate(FILES_LISTED_MAX);
    (files, count)
}

fn search_space(space: &Space, chunks: &mut ChunkCache, search: &mut Search) -> Result<()> {
    let mut window: Vec<u8> = Vec::with_capacity(WINDOW_SIZE_BYTES + 1024 * 1024);
    let mut end = None;
    for run in &space.runs {
        let Some((chunk, slot)) = run.place else { continue };
        if end != Some(run.address) {
            search.look(&window, true);
            window.clear();
        }
        let size = run.pages as usize * PAGE_SIZE_BYTES;
        let from = slot as usize * PAGE_SIZE_BYTES;
        window.extend_from_slice(&chunks.get(chunk)?[from..from + size]);
        end = Some(run.address + size as u64);
        if window.len() >= WINDOW_SIZE_BYTES {
            search.look(&window, false);
            window.drain(..window.len() - OVERLAP_SIZE_BYTES);
        }
    }
    search.look(&window, true);
    Ok(())
}

struct Found {
    kind: Secret,
    values: HashSet<Vec<u8>>,
    places: u64,
}

impl Found {
    fn count(self) -> SecretCount {
        SecretCount { kind: self.kind.name(), values: self.values.len(), places: self.places }
    }
}

struct Search {
    automaton: AhoCorasick,
    /// Meaning of each pattern: a needle by number, or the beginning of a secret.
    meanings: Vec<Meaning>,
    counts: Vec<u64>,
    secrets: Vec<Found>,
    searched: u64,
}

#[derive(Clone, Copy)]
enum Meaning {
    Needle(usize),
    Secret(usize),
}

impl Search {
    fn new(needles: &[Vec<u8>]) -> Result<Self> {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut meanings = Vec::new();
        for (number, needle) in needles.iter().enumerate() {
            patterns.push(needle.clone());
            meanings.push(Meaning::Needle(number));
        }
        for (number, secret) in secrets::ALL.iter().enumerate() {
            patterns.push(secret.beginning().to_vec());
            meanings.push(Meaning::Secret(number));
        }
        let automaton =
            AhoCorasick::new(&patterns).map_err(|error| Error::new(Code::BadRequest, format!("needles: {error}")))?;
        let found = secrets::ALL.iter().map(|kind| Found { kind: *kind, values: HashSet::new(), places: 0 }).collect();
        Ok(Search { automaton, meanings, counts: vec![0; needles.len()], secrets: found, searched: 0 })
    }

    /// Counts what begins in the window; where more follows, not what begins in its last bytes.
    fn look(&mut self, window: &[u8], is_last: bool) {
        let limit = if is_last { window.len() } else { window.len() - OVERLAP_SIZE_BYTES };
        self.searched += limit as u64;
        for found in self.automaton.find_overlapping_iter(window).filter(|found| found.start() < limit) {
            match self.meanings[found.pattern().as_usize()] {
                Meaning::Needle(number) => self.counts[number] += 1,
                Meaning::Secret(number) => {
                    let secret = &mut self.secrets[number];
                    if let Some(value) = secret.kind.read(window, found.start()) {
                        secret.places += 1;
                        secret.values.insert(value.to_vec());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_once_where_windows_overlap() {
        let mut search = Search::new(&[b"needle".to_vec()]).expect("builds");
        let mut memory = vec![b' '; 3 * OVERLAP_SIZE_BYTES];
        for at in [0, OVERLAP_SIZE_BYTES, 2 * OVERLAP_SIZE_BYTES - 3, 2 * OVERLAP_SIZE_BYTES + 9] {
            memory[at..at + 6].copy_from_slice(b"needle");
        }
        search.look(&memory, false);
        assert_eq!(search.counts, vec![3]);
        search.look(&memory[2 * OVERLAP_SIZE_BYTES..], true);
        assert_eq!(search.counts, vec![4]);
        assert_eq!(search.searched, memory.len() as u64);
    }

    #[test]
    fn finds_needles_and_secrets() {
        let mut search = Search::new(&[b"token".to_vec()]).expect("builds");
        search.look(b"token AKIA0123456789ABCDEF AKIAIOSFODNN7EXAMPLE AKIA0123456789ABCDEF", true);
        assert_eq!(search.counts, vec![1]);
        let long_lived = &search.secrets[0];
        assert_eq!((long_lived.values.len(), long_lived.places), (1, 2));
    }
}

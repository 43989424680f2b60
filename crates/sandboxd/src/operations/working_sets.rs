//! Working sets: what clones touched up to their first response, merged, and the chunks laid out after it.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use thaw_faults::fault_point;
use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::{Manifest, Run};
use thaw_snapshot::pager_messages::SessionStats;
use thaw_snapshot::working_set::{by_batches, push_run, Header, TouchedRun, WorkingSet};
use thaw_snapshot::{PAGES_PER_CHUNK_MAX, PAGE_SIZE_BYTES};

use crate::error::{Code, Error, Result};
use crate::names::check_name;
use crate::sandboxes::entry::Entry;
use crate::snapshots::chunk_cache::ChunkCache;
use crate::snapshots::chunks::ChunkWriter;
use crate::snapshots::cutter::{push_page, Sink};
use crate::snapshots::store::{Changed, SnapshotStore};

const PAGE: u64 = PAGE_SIZE_BYTES as u64;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    is_merged: bool,
    /// Pages of the merged working set; 0 where there is none.
    pages: u64,
    recordings: u32,
    #[serde(flatten)]
    stats: SessionStats,
}

/// Ends the recording of a clone. The pages that it touched are merged into the snapshot's working set, unless that is
/// of `recordings_max` clones already.
pub fn record(store: &SnapshotStore, entry: &Entry, recordings_max: u32) -> Result<Recorded> {
    let (Some(session), Some(prepared)) = (&entry.session, &entry.prepared) else {
        return Ok(Recorded { is_merged: false, pages: 0, recordings: 0, stats: SessionStats::default() });
    };
    let (touched, stats) = session.recorded()?;
    fault_point!("working-set.recorded");
    let name = &prepared.name;
    let mut is_merged = false;
    let changed = store.change_working_set(name, &prepared.key, |known| {
        let recordings = known.as_ref().map_or(0, |set| set.header.recordings);
        let runs = known.map_or_else(Vec::new, |set| set.runs);
        is_merged = recordings < recordings_max;
        if is_merged {
            let header = Header { snapshot: name.clone(), recordings: recordings + 1 };
            Changed::As(WorkingSet { header, runs: merge(&runs, &touched) })
        } else {
            Changed::Not(WorkingSet { header: Header { snapshot: name.clone(), recordings }, runs })
        }
    });
    match changed {
        Ok(set) => Ok(Recorded { is_merged, pages: set.pages(), recordings: set.header.recordings, stats }),
        // The version was deleted while its clone answered.
        Err(error) if error.code == Code::Unknown => Ok(Recorded { is_merged: false, pages: 0, recordings: 0, stats }),
        Err(error) => Err(error),
    }
}

/// Lays the working set out in chunks of its own, in the order of access: a cold host then fetches few chunks before
/// the first response. Clones that run go on with the old layout, whose chunks hold all other pages still. Returns the
/// number of pages.
pub fn repack(store: &SnapshotStore, snapshot: &str, key: &DataKey, chunk_secret: &[u8; 32]) -> Result<u64> {
    check_name("snapshot", snapshot)?;
    let _turn = store.turn_at_layout(snapshot);
    let opening = store.chunks.opening();
    let files = store.open_files(snapshot)?;
    let mut manifest = store.open_manifest(snapshot, &files.manifest, key)?;
    let Some(set) = store.open_working_set(snapshot, files.working_set.as_ref(), key) else {
        return Err(Error::new(Code::Unknown, "the snapshot has no working set"));
    };
    let mut writer = ChunkWriter::resume(&store.chunks, chunk_secret, manifest.chunks.clone());
    // The writer has pinned the chunks that it goes on from.
    drop(opening);
    let moved = pack_working_set(store, &manifest, &set.runs, &mut writer)?;
    fault_point!("repack.packed");
    move_pages(&mut manifest, &moved);
    manifest.header.generation += 1;
    manifest.chunks = writer.chunks.clone();
    manifest.order_chunks(&set.runs);
    store.replace_manifest(snapshot, &manifest, key)?;
    Ok(moved.len() as u64)
}

/// Returns the new places by process and address.
fn pack_working_set(
    store: &SnapshotStore,
    manifest: &Manifest,
    runs: &[TouchedRun],
    writer: &mut ChunkWriter,
) -> Result<HashMap<(u32, u64), (u32, u32)>> {
    let places = places_of(manifest);
    let mut order: Vec<(u32, u64)> = Vec::new();
    let mut seen = HashSet::new();
    for run in by_batches(runs) {
        for page in 0..u64::from(run.pages) {
            let at = (run.pid, run.address + page * PAGE);
            if places.contains_key(&at) && seen.insert(at) {
                order.push(at);
            }
        }
    }
    let needed: HashSet<u32> = order.iter().map(|at| places[at].0).collect();
    store.ask_ahead(needed.iter().map(|chunk| &manifest.chunks[*chunk as usize]));
    let mut moved = HashMap::new();
    let mut contents = ChunkCache::new(store, manifest);
    for group in order.chunks(PAGES_PER_CHUNK_MAX) {
        let mut content = Vec::with_capacity(group.len() * PAGE_SIZE_BYTES);
        for at in group.iter() {
            let (chunk, slot) = places[at];
            let from = slot as usize * PAGE_SIZE_BYTES;
            content.extend_from_slice(&contents.get(chunk)?[from..from + PAGE_SIZE_BYTES]);
        }
        let chunk = writer.add(content)?;
        for (slot, at) in group.iter().enumerate() {
            moved.insert(*at, (chunk, slot as u32));
        }
    }
    Ok(moved)
}

fn places_of(manifest: &Manifest) -> HashMap<(u32, u64), (u32, u32)> {
    let mut places = HashMap::new();
    for space in manifest.spaces.iter().filter(|space| space.pid != 0) {
        for run in &space.runs {
            let Some((chunk, slot)) = run.place else { continue };
            for page in 0..run.pages {
                places.insert((space.pid, run.address + u64::from(page) * PAGE), (chunk, slot + page));
            }
        }
    }
    places
}

fn move_pages(manifest: &mut Manifest, moved: &HashMap<(u32, u64), (u32, u32)>) {
    for space in &mut manifest.spaces {
        let mut runs: Vec<Run> = Vec::new();
        for run in &space.runs {
            for page in 0..run.pages {
                let address = run.address + u64::from(page) * PAGE;
                let old = run.place.map(|(chunk, slot)| (chunk, slot + page));
                let place = moved.get(&(space.pid, address)).copied().or(old);
                push_page(&mut runs, address, place, run.is_lazy);
            }
        }
        space.runs = runs;
    }
}

/// Appends the touched pages to the known ones, each page once.
fn merge(known: &[TouchedRun], touched: &[TouchedRun]) -> Vec<TouchedRun> {
    let mut seen: HashSet<(u32, u64)> = HashSet::new();
    let mut runs: Vec<TouchedRun> = Vec::new();
    for run in known.iter().chain(touched) {
        for page in 0..u64::from(run.pages) {
            let address = run.address + page * PAGE;
            if seen.insert((run.pid, address)) {
                push_run(&mut runs, TouchedRun { pid: run.pid, address, pages: 1 });
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_each_page_once_in_the_order_of_access() {
        let run = |address: u64, pages| TouchedRun { pid: 1, address, pages };
        let first = merge(&[], &[run(0x5000, 2), run(0x1000, 1), run(0x6000, 2)]);
        assert_eq!(first, vec![run(0x5000, 2), run(0x1000, 1), run(0x7000, 1)]);
        let second = merge(&first, &[run(0x1000, 2)]);
        assert_eq!(second, vec![run(0x5000, 2), run(0x1000, 1), run(0x7000, 1), run(0x2000, 1)]);
    }
}

//! `snapshot`: the engine's state and `/tmp` go into chunks as they come, the manifest is written last.

use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use thaw_faults::fault_point;
use thaw_snapshot::chunk::ChunkRef;
use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::{DiskEntry, Header, Manifest, Run};
use thaw_snapshot::PAGE_SIZE_BYTES;

use super::prepare::PreparedSnapshots;
use crate::engines::{Captured, Engine, Original};
use crate::error::Result;
use crate::sandboxes::entry::Entry;
use crate::snapshots::chunks::ChunkWriter;
use crate::snapshots::disk;
use crate::snapshots::store::SnapshotStore;
use crate::snapshots::tmp_image;
use crate::sys::stopwatch::{Phases, Stopwatch};

pub struct TakeRequest<'a> {
    pub sandbox: &'a str,
    pub snapshot: &'a str,
    pub fingerprint: &'a str,
    pub key: &'a DataKey,
    /// The account's, for its chunks.
    pub chunk_secret: &'a [u8; 32],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// Size of the pages of memory that are not all zero.
    memory_bytes: u64,
    image_bytes: u64,
    disk_bytes: u64,
    /// Size of the chunks that were not on this host before.
    new_bytes: u64,
    cut_connections: u32,
    phases: Phases,
}

/// Takes a snapshot of a sandbox that is off the registry's list. It is gone afterwards, whatever the outcome.
pub fn take(
    store: &SnapshotStore,
    prepared: &PreparedSnapshots,
    engine: &dyn Engine,
    entry: Arc<Entry>,
    request: &TakeRequest,
) -> Result<Taken> {
    let mut watch = Stopwatch::start();
    store.check_free(request.snapshot)?;
    entry.keeper.on_exit(|| ());
    entry.keeper.cgroup.lock().freeze(false)?;
    if let Some(session) = &entry.session {
        // The engine takes a page that is not there for a hole.
        session.complete()?;
        watch.lap("complete");
    }
    fault_point!("take.stopped");
    let mut writer = ChunkWriter::new(&store.chunks, request.chunk_secret);
    let original = Original { sandbox: request.sandbox, keeper: &entry.keeper, uid: entry.uid, tmp_mib: entry.tmp_mib };
    let captured = engine.capture(&original, &mut writer)?;
    let cut_connections = captured.cut_connections;
    watch.lap("criu");
    fault_point!("take.dumped");
    let mut disk = disk::read(&entry.keeper.root_path().join("tmp"), entry.has_tmp_on_one_disk(), &mut writer)?;
    if !tmp_image::is_wanted(&disk) {
        // No clone would have them, and the list has a limit.
        disk.iter_mut().for_each(|entry| entry.identity = None);
    }
    watch.lap("tmp");
    let manifest = compose(request, engine, entry.uid, captured, (disk, writer.chunks.clone()));
    // Better now than at each restore.
    prepared.check_images(engine.laid_out_size(&manifest))?;
    prepared.check_tmp(disk::laid_out_size(&manifest.disk))?;
    store.publish(request.snapshot, &manifest, request.key)?;
    watch.lap("seal");
    fault_point!("take.committed");
    let header = &manifest.header;
    let taken = Taken {
        memory_bytes: header.stored_pages * PAGE_SIZE_BYTES as u64,
        image_bytes: header.image_bytes,
        disk_bytes: header.disk_bytes,
        new_bytes: writer.new_bytes,
        cut_connections,
        phases: watch.phases,
    };
    // The dead sandbox is cleared away after the answer.
    let clearing = thread::Builder::new().name("clear".into()).spawn(move || drop(entry));
    // Not started, it has dropped the sandbox already.
    drop(clearing);
    Ok(taken)
}

fn compose(
    request: &TakeRequest,
    engine: &dyn Engine,
    uid: u32,
    captured: Captured,
    (disk, chunks): (Vec<DiskEntry>, Vec<ChunkRef>),
) -> Manifest {
    let runs = || captured.spaces.iter().flat_map(|space| &space.runs);
    let pages_of = |run: &Run| u64::from(run.pages);
    let header = Header {
        snapshot: request.snapshot.to_string(),
        fingerprint: request.fingerprint.to_string(),
        engine: engine.name().to_string(),
        uid,
        created_at_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64),
        generation: 0,
        early_chunks: 0,
        memory_pages: runs().map(pages_of).sum(),
        stored_pages: runs().filter(|run| run.place.is_some()).map(pages_of).sum(),
        image_bytes: captured.images.iter().map(|image| image.size).sum(),
        disk_bytes: disk.iter().map(|entry| entry.size).sum(),
    };
    let mut manifest = Manifest {
        header,
        supervisor_pid: captured.supervisor_pid,
        clocks: captured.clocks,
        images: captured.images,
        disk,
        spaces: captured.spaces,
        chunks,
    };
    manifest.order_chunks(&[]);
    manifest
}

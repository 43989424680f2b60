//! The snapshots that this host keeps ready for restores, and their removal.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use thaw_faults::fault_point;
use thaw_locked::Locked;
use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::Manifest;

use crate::engines::Engine;
use crate::error::Result;
use crate::names::check_name;
use crate::pager::{Pager, Session};
use crate::snapshots::disk;
use crate::snapshots::prepared::Prepared;
use crate::snapshots::source::Source;
use crate::snapshots::store::{Files, SnapshotStore};

/// Snapshots that are kept ready though no clone of them lives.
const IDLE_MAX: usize = 16;

/// Locked while it is made.
type Place = Arc<Locked<Option<Arc<Prepared>>>>;

pub struct PreparedSnapshots {
    directory: PathBuf,
    store: Arc<SnapshotStore>,
    /// Absent where memory does not come on demand.
    pager: Option<Arc<Pager>>,
    serial: AtomicU64,
    /// Oldest use first; each under a lock of its own while it is made.
    ready: Locked<Vec<(String, Place)>>,
}

impl PreparedSnapshots {
    pub fn new(directory: PathBuf, store: Arc<SnapshotStore>, pager: Option<Arc<Pager>>) -> Self {
        PreparedSnapshots { directory, store, pager, serial: AtomicU64::new(0), ready: Locked::default() }
    }

    fn place(&self, name: &str) -> Place {
        let mut ready = self.ready.lock();
        let found = ready.iter().position(|(other, _)| other == name).map(|index| ready.remove(index));
        let (name, place) = found.unwrap_or_else(|| (name.to_string(), Arc::default()));
        ready.push((name, Arc::clone(&place)));
        if ready.len() > IDLE_MAX {
            // One in use lives on with its users.
            ready.remove(0);
        }
        place
    }

    /// Gives a snapshot that is ready for a restore, and the files that it was made from. Makes it now where it is not
    /// there, or is of another manifest.
    pub fn get(&self, name: &str, key: &DataKey, engine: &dyn Engine) -> Result<(Arc<Prepared>, Files)> {
        let needs_all_pages = engine.needs_all_pages();
        let place = self.place(name);
        let mut slot = place.lock();
        let opening = self.store.chunks.opening();
        let files = self.store.open_files(name)?;
        fault_point!("restore.opened");
        if let Some(prepared) = slot.as_ref() {
            let has_pages = prepared.has_all_pages || !needs_all_pages;
            if prepared.stamp == files.manifest_stamp && prepared.key == *key && has_pages {
                return Ok((Arc::clone(prepared), files));
            }
        }
        let manifest = self.store.open_manifest(name, &files.manifest, key)?;
        let prepared = Prepared {
            name: name.to_string(),
            header: manifest.header.clone(),
            supervisor_pid: manifest.supervisor_pid,
            clocks: manifest.clocks,
            _chunks: opening.pin(manifest.chunks.iter().map(|chunk| chunk.name)),
            key: *key,
            stamp: files.manifest_stamp,
            directory: self.directory.join(format!("{name}-{}", self.serial.fetch_add(1, Ordering::Relaxed))),
            has_all_pages: needs_all_pages,
        };
        let mut source = Source::new(&self.store, &manifest);
        source.ask_ahead(needs_all_pages);
        if let Some(pager) = &self.pager {
            // It reads the manifest meanwhile, and asks for what was touched since the chunks were put in order.
            pager.open(name, key, &files)?;
        }
        lay_out(&prepared, &manifest, &mut source, engine)?;
        let prepared = Arc::new(prepared);
        *slot = Some(Arc::clone(&prepared));
        Ok((prepared, files))
    }

    /// Begins to give a clone its pages on demand. Gives the session and the socket for the engine; none without a
    /// pager.
    pub fn begin_session(
        &self,
        sandbox: &str,
        prepared: &Prepared,
        files: &Files,
    ) -> Result<Option<(Session, OwnedFd)>> {
        self.pager.as_ref().map(|pager| pager.begin(sandbox, &prepared.name, &prepared.key, files)).transpose()
    }

    /// Makes it anew for the next restore. Clones of the old one go on with it.
    pub fn forget(&self, name: &str) {
        self.ready.lock().retain(|(other, _)| other != name);
    }

    /// Removes a snapshot from this host. Its clones go on: what they have not read yet stays until they have gone.
    pub fn remove(&self, snapshot: &str) -> Result<()> {
        check_name("snapshot", snapshot)?;
        fault_point!("remove.asked");
        self.store.remove(snapshot)?;
        self.forget(snapshot);
        if let Some(pager) = &self.pager {
            pager.forget(snapshot);
        }
        Ok(())
    }
}

fn lay_out(prepared: &Prepared, manifest: &Manifest, source: &mut Source, engine: &dyn Engine) -> Result<()> {
    let images = prepared.images_directory();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&images)?;
    engine.lay_out(&images, manifest, source)?;
    let tmp = prepared.tmp_directory();
    disk::make_root(&tmp, manifest.header.uid)?;
    disk::write(&tmp, manifest.header.uid, &manifest.disk, |file, extents| source.fill(file, extents))
}

//! What a host keeps ready of a snapshot, in memory only: CRIU's own files decrypted, the pages that CRIU reads at once, `/tmp`.
//!
//! ```text
//! (tmpfs of sandboxd's own mount namespace)/snap-…-N/images/*.img          as CRIU wrote them
//!                                                    images/pages-N.img    a hole where pages come on demand
//!                                                    tmp/                  lower layer of the clones' /tmp
//! ```

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use thaw_faults::fault_point;
use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::{Clocks, Extent, Header, Manifest};
use thaw_snapshot::PAGE_SIZE_BYTES;

use crate::chunk_store::Pinned;
use crate::disk;
use crate::error::{Code, Error, Result};
use crate::far::FarChunks;
use crate::names::is_name;
use crate::pager::Pager;
use crate::snapshots::{Files, Snapshots, Stamp};
use crate::sys;

/// Snapshots that are kept ready though no clone of them lives.
const IDLE_MAX: usize = 16;

pub struct Prepared {
    pub name: String,
    pub header: Header,
    pub supervisor_pid: i32,
    pub clocks: Clocks,
    /// A clone may ask for any of them as long as it lives.
    _chunks: Pinned,
    key: DataKey,
    stamp: Stamp,
    dir: PathBuf,
    /// Holds every page: for restores without a pager.
    is_eager: bool,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Prepared {
    pub fn open_images(&self) -> std::io::Result<OwnedFd> {
        Ok(File::open(self.dir.join("images"))?.into())
    }

    pub fn clone_tmp_tree(&self) -> std::io::Result<OwnedFd> {
        sys::open_tree_clone(&self.dir.join("tmp"))
    }

    pub fn key(&self) -> &DataKey {
        &self.key
    }
}

/// Locked while it is made.
type Place = Arc<Mutex<Option<Arc<Prepared>>>>;

pub struct PreparedSnapshots {
    dir: PathBuf,
    far: Arc<FarChunks>,
    pager: Option<Arc<Pager>>,
    serial: AtomicU64,
    /// Oldest use first; each under a lock of its own while it is made.
    ready: Mutex<Vec<(String, Place)>>,
}

impl PreparedSnapshots {
    pub fn new(dir: PathBuf, far: Arc<FarChunks>, pager: Option<Arc<Pager>>) -> Self {
        PreparedSnapshots { dir, far, pager, serial: AtomicU64::new(0), ready: Mutex::default() }
    }

    fn place(&self, name: &str) -> Place {
        let mut ready = self.ready.lock().expect("no holder panics");
        let found = ready.iter().position(|(other, _)| other == name).map(|index| ready.remove(index));
        let (name, place) = found.unwrap_or_else(|| (name.to_string(), Arc::default()));
        ready.push((name, Arc::clone(&place)));
        if ready.len() > IDLE_MAX {
            // One in use lives on with its users.
            ready.remove(0);
        }
        place
    }

    /// Ready for a restore, with the files that it was made from; made now where it is not there, or is of another manifest.
    pub fn get(
        &self,
        snapshots: &Snapshots,
        name: &str,
        key: &DataKey,
        is_eager: bool,
    ) -> Result<(Arc<Prepared>, Files)> {
        let place = self.place(name);
        let mut slot = place.lock().expect("no holder panics");
        let opening = snapshots.chunks.opening();
        let files = snapshots.open_files(name)?;
        fault_point!("restore.opened");
        if let Some(prepared) = slot.as_ref() {
            // The key is what the manifest was opened with: another one never opens it.
            if prepared.stamp == files.manifest_stamp && prepared.key == *key && (prepared.is_eager || !is_eager) {
                return Ok((Arc::clone(prepared), files));
            }
        }
        let manifest = snapshots.open_manifest(name, &files.manifest, key)?;
        let dir = self.dir.join(format!("{name}-{}", self.serial.fetch_add(1, Ordering::Relaxed)));
        let prepared = Prepared {
            name: name.to_string(),
            header: manifest.header.clone(),
            supervisor_pid: manifest.supervisor_pid,
            clocks: manifest.clocks,
            _chunks: opening.pin(manifest.chunks.iter().map(|chunk| chunk.name)),
            key: *key,
            stamp: files.manifest_stamp,
            dir,
            is_eager,
        };
        let source = Source { snapshots, far: &self.far, manifest: &manifest };
        source.ask_ahead(is_eager);
        if let Some(pager) = &self.pager {
            // It reads the manifest meanwhile, and asks for what was touched since the chunks were put in order.
            pager.open(name, key, &files)?;
        }
        lay_out(&prepared.dir, &manifest, &source, is_eager)?;
        let prepared = Arc::new(prepared);
        *slot = Some(Arc::clone(&prepared));
        Ok((prepared, files))
    }

    /// Its users go on with it; from now on another one is made.
    pub fn forget(&self, name: &str) {
        self.ready.lock().expect("no holder panics").retain(|(other, _)| other != name);
    }
}

struct Source<'a> {
    snapshots: &'a Snapshots,
    far: &'a FarChunks,
    manifest: &'a Manifest,
}

impl Source<'_> {
    fn chunk(&self, number: u32) -> Result<Vec<u8>> {
        self.far.read(&self.snapshots.chunks.directory, &self.manifest.chunks[number as usize])
    }

    /// On a host that lacks them they come at the same time, not one after the other: CRIU's first, then the working set's.
    fn ask_ahead(&self, is_eager: bool) {
        let chunks = &self.manifest.chunks;
        let count = if is_eager { chunks.len() } else { self.manifest.header.early_chunks as usize };
        self.far.ask_ahead(&self.snapshots.chunks.directory, chunks[..count].iter());
    }

    /// The last chunk is kept: extents of small files follow one another in it.
    fn fill(&self, last: &mut Option<(u32, Vec<u8>)>, file: &File, extents: &[Extent]) -> Result<()> {
        for extent in extents {
            if last.as_ref().is_none_or(|(number, _)| *number != extent.chunk) {
                *last = Some((extent.chunk, self.chunk(extent.chunk)?));
            }
            let (_, content) = last.as_ref().expect("just read");
            let from = extent.offset as usize;
            file.write_all_at(&content[from..from + extent.length as usize], extent.at)?;
        }
        Ok(())
    }
}

fn lay_out(dir: &Path, manifest: &Manifest, source: &Source, is_eager: bool) -> Result<()> {
    let images = dir.join("images");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&images)?;
    let mut last = None;
    for image in &manifest.images {
        if !is_name(&image.name) {
            return Err(Error::new(Code::SnapshotDamaged, "an image has no plain name"));
        }
        let file = File::create(images.join(&image.name))?;
        file.set_len(image.size)?;
        source.fill(&mut last, &file, &image.extents)?;
    }
    let tmp = dir.join("tmp");
    disk::make_root(&tmp, manifest.header.uid)?;
    disk::write(&tmp, &manifest.disk, |file, extents| source.fill(&mut last, file, extents))?;
    lay_out_pages(&images, manifest, source, is_eager)
}

/// A page to be written: where in the chunk, into the file of which pages, where in it.
struct Piece {
    slot: u32,
    pages: u32,
    pages_id: u32,
    at: u64,
}

fn lay_out_pages(images: &Path, manifest: &Manifest, source: &Source, is_eager: bool) -> Result<()> {
    let path = |pages_id: u32| images.join(format!("pages-{pages_id}.img"));
    let mut pieces: HashMap<u32, Vec<Piece>> = HashMap::new();
    for space in &manifest.spaces {
        let mut at = 0;
        for run in &space.runs {
            if let (Some((chunk, slot)), true) = (run.place, is_eager || !run.is_lazy) {
                pieces.entry(chunk).or_default().push(Piece { slot, pages: run.pages, pages_id: space.pages_id, at });
            }
            at += u64::from(run.pages) * PAGE_SIZE_BYTES as u64;
        }
        File::create(path(space.pages_id))?.set_len(at)?;
    }
    for (chunk, pieces) in pieces {
        let content = source.chunk(chunk)?;
        // One is open at a time: a function may have tens of thousands of shared mappings, each with a file of its own. Within a
        // chunk the pages of a file follow one another.
        let mut open: Option<(u32, File)> = None;
        for piece in pieces {
            if open.as_ref().is_none_or(|(pages_id, _)| *pages_id != piece.pages_id) {
                open = Some((piece.pages_id, File::options().write(true).open(path(piece.pages_id))?));
            }
            let (_, file) = open.as_ref().expect("just opened");
            let from = piece.slot as usize * PAGE_SIZE_BYTES;
            file.write_all_at(&content[from..from + piece.pages as usize * PAGE_SIZE_BYTES], piece.at)?;
        }
    }
    Ok(())
}

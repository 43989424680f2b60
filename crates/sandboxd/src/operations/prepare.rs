//! The snapshots that this host keeps ready for restores, and their removal.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use thaw_faults::fault_point;
use thaw_locked::Locked;
use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::{Extent, Manifest};

use crate::engines::Engine;
use crate::error::{Code, Error, Result};
use crate::names::check_name;
use crate::pager::{Pager, Session};
use crate::snapshots::disk::{self, split_root};
use crate::snapshots::prepared::{Images, Prepared, Tmp, TmpTree};
use crate::snapshots::room::{Kept, Room};
use crate::snapshots::source::Source;
use crate::snapshots::store::{Files, SnapshotStore};
use crate::snapshots::tmp_disks::{self, TmpDisks};
use crate::snapshots::tmp_image;
use crate::sys;
use crate::sys::loop_device::has_loop_devices;

/// Snapshots that are kept ready though no clone of them lives.
const IDLE_MAX: usize = 16;
/// How long a restore waits for the engines' files of other restores to go.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Slot {
    snapshot: Option<Arc<Prepared>>,
    /// The engine's files for the next restore; none where they are so large that they stay for one only.
    kept: Option<Arc<Images>>,
    /// The same, or those that restores under way are reading.
    images: Weak<Images>,
}

/// Locked while it is made.
type Place = Arc<Locked<Slot>>;

/// A snapshot as a restore takes it.
pub struct Ready {
    pub snapshot: Arc<Prepared>,
    pub images: Arc<Images>,
    /// The files that both were made from.
    pub files: Files,
}

pub struct PreparedSnapshots {
    directory: PathBuf,
    store: Arc<SnapshotStore>,
    disks: Arc<TmpDisks>,
    /// Absent where memory does not come on demand.
    pager: Option<Arc<Pager>>,
    serial: AtomicU64,
    image_room: Arc<Room>,
    tmp_room: Arc<Room>,
    /// Oldest use first; each under a lock of its own while it is made.
    ready: Locked<Vec<(String, Place)>>,
}

impl PreparedSnapshots {
    /// `size_bytes`: what is prepared may take so much memory, all together.
    pub fn new(
        directory: PathBuf,
        size_bytes: u64,
        (store, disks): (Arc<SnapshotStore>, Arc<TmpDisks>),
        pager: Option<Arc<Pager>>,
    ) -> Self {
        PreparedSnapshots {
            directory,
            store,
            disks,
            pager,
            serial: AtomicU64::new(0),
            image_room: Room::new(size_bytes - size_bytes / 4),
            tmp_room: Room::new(size_bytes / 4),
            ready: Locked::default(),
        }
    }

    /// Size up to which a snapshot's part stays for the next restore: no single one makes all others be laid out anew.
    fn kept_size_max(&self) -> u64 {
        self.tmp_room.size_bytes / 4
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

    /// Gives a snapshot that is ready for a restore. Makes now what is not there, or is of another manifest. `tmp_mib`:
    /// the size of the clone's `/tmp`.
    pub fn get(&self, name: &str, key: &DataKey, tmp_mib: u64, engine: &dyn Engine) -> Result<Ready> {
        let needs_all_pages = engine.needs_all_pages();
        let place = self.place(name);
        let mut slot = place.lock();
        let opening = self.store.chunks.opening();
        let files = self.store.open_files(name)?;
        fault_point!("restore.opened");
        let is_this = |known: &Arc<Prepared>| {
            known.stamp == files.manifest_stamp && known.key == *key && known.tmp_mib == tmp_mib
        };
        let of_this_manifest = slot.snapshot.clone().filter(is_this);
        let images = slot.images.upgrade().filter(|images| images.has_all_pages || !needs_all_pages);
        if let (Some(snapshot), Some(images)) = (&of_this_manifest, images) {
            return Ok(Ready { snapshot: Arc::clone(snapshot), images, files });
        }
        let manifest = self.store.open_manifest(name, &files.manifest, key)?;
        self.check_images(engine.laid_out_size(&manifest))?;
        // Before the new ones take their room.
        slot.kept = None;
        let mut source = Source::new(&self.store, &manifest);
        source.ask_ahead(needs_all_pages);
        if let Some(pager) = &self.pager {
            // It reads the manifest meanwhile, and asks for what was touched since the chunks were put in order.
            pager.open(name, key, &files)?;
        }
        // Before anything is waited for: a collection waits for what is being opened.
        let chunks = opening.pin(manifest.chunks.iter().map(|chunk| chunk.name));
        let (images, is_kept) = self.lay_out_images(name, &manifest, &mut source, engine)?;
        let images = Arc::new(images);
        let snapshot = match of_this_manifest {
            Some(snapshot) => snapshot,
            None => Arc::new(Prepared {
                name: name.to_string(),
                header: manifest.header.clone(),
                supervisor_pid: manifest.supervisor_pid,
                clocks: manifest.clocks,
                _chunks: chunks,
                key: *key,
                stamp: files.manifest_stamp,
                tmp_mib,
                tmp: self.lay_out_tmp(tmp_mib, &manifest, &mut source)?,
            }),
        };
        slot.snapshot = Some(Arc::clone(&snapshot));
        slot.images = Arc::downgrade(&images);
        slot.kept = is_kept.then(|| Arc::clone(&images));
        Ok(Ready { snapshot, images, files })
    }

    fn new_directory(&self, name: &str, kind: &str) -> PathBuf {
        self.directory.join(format!("{name}-{}.{kind}", self.serial.fetch_add(1, Ordering::Relaxed)))
    }

    /// Throws `PreparedTooLarge` where no restore could lay out an engine's files of that size, not even alone.
    pub fn check_images(&self, size_bytes: u64) -> Result<()> {
        check_size("its shared memory and open state", size_bytes, &self.image_room)
    }

    /// Throws `PreparedTooLarge` where no clone could have this `/tmp`.
    pub fn check_tmp(&self, size_bytes: u64) -> Result<()> {
        if has_loop_devices() {
            return Ok(());
        }
        check_size("its /tmp, on a host without loop devices,", size_bytes, &self.tmp_room)
    }

    fn lay_out_images(
        &self,
        name: &str,
        manifest: &Manifest,
        source: &mut Source,
        engine: &dyn Engine,
    ) -> Result<(Images, bool)> {
        let size_bytes = engine.laid_out_size(manifest);
        let wanted = (size_bytes, self.new_directory(name, "images"));
        let files = Kept::take(&self.image_room, wanted, PATIENCE, || self.drop_idle(drop_images))
            .ok_or_else(|| Error::new(Code::Busy, "other restores hold the memory for prepared snapshots"))?;
        fs::DirBuilder::new().mode(0o700).create(&files.directory)?;
        engine.lay_out(&files.directory, manifest, source)?;
        let images = Images { files, has_all_pages: engine.needs_all_pages() };
        Ok((images, size_bytes <= self.kept_size_max()))
    }

    /// Lays `/tmp` out for all clones, if there is room for it.
    fn lay_out_tmp(&self, tmp_mib: u64, manifest: &Manifest, source: &mut Source) -> Result<Tmp> {
        if manifest.disk.is_empty() {
            return Ok(Tmp::Empty);
        }
        if has_loop_devices() && tmp_image::is_wanted(&manifest.disk) {
            if let Some(tmp) = self.lay_out_image(tmp_mib, manifest, source)? {
                return Ok(tmp);
            }
        }
        self.lay_out_layer(manifest, source)
    }

    /// Takes room for files of `/tmp`, below a directory of their own, which is not made yet.
    fn take_tmp_room(&self, name: &str, kind: &str, size_bytes: u64) -> Option<Kept> {
        let wanted = (size_bytes, self.new_directory(name, kind));
        Kept::take(&self.tmp_room, wanted, Duration::ZERO, || self.drop_idle(drop_snapshot))
    }

    /// Makes the file system that clones get a copy of. None where this host can't give files their numbers.
    fn lay_out_image(&self, tmp_mib: u64, manifest: &Manifest, source: &mut Source) -> Result<Option<Tmp>> {
        let size_bytes = tmp_image::size_of(&manifest.disk).unwrap_or(u64::MAX);
        let Some(kept) = self.take_tmp_room(&manifest.header.snapshot, "disk", size_bytes) else {
            return Ok(Some(Tmp::OwnImage));
        };
        fs::DirBuilder::new().mode(0o700).create(&kept.directory)?;
        let path = kept.directory.join("image");
        let image = File::options().read(true).write(true).create_new(true).open(path)?;
        let is_built = self.build_image(&image, tmp_mib, manifest, source)?;
        if !is_built {
            let name = &manifest.header.snapshot;
            thaw_stderr::tell!(
                "sandboxd: /sys/fs/ext4 can't be written to: clones of {name} get new inode numbers in /tmp"
            );
        }
        Ok(is_built.then_some(Tmp::Image { image, _kept: kept }))
    }

    fn build_image(&self, image: &File, tmp_mib: u64, manifest: &Manifest, source: &mut Source) -> Result<bool> {
        let empty = self.disks.open_empty(tmp_mib)?;
        let uid = manifest.header.uid;
        tmp_image::build(image, &empty, uid, &manifest.disk, |file, extents| source.fill(file, extents))
    }

    fn lay_out_layer(&self, manifest: &Manifest, source: &mut Source) -> Result<Tmp> {
        let size_bytes = disk::laid_out_size(&manifest.disk);
        self.check_tmp(size_bytes)?;
        if size_bytes > self.kept_size_max() && has_loop_devices() {
            return Ok(Tmp::OwnFiles);
        }
        let Some(files) = self.take_tmp_room(&manifest.header.snapshot, "tmp", size_bytes) else {
            return if has_loop_devices() {
                Ok(Tmp::OwnFiles)
            } else {
                Err(Error::new(Code::Busy, "other clones hold the memory for prepared snapshots"))
            };
        };
        disk::make_root(&files.directory, manifest.header.uid)?;
        write_files(&files.directory, manifest, source)?;
        Ok(Tmp::Layer(files))
    }

    /// Makes `/tmp` for one clone. None where `upper`, on its own disk, has all of it by then.
    pub fn make_tmp(&self, ready: &Ready, upper: &Path) -> Result<Option<TmpTree>> {
        let snapshot = &ready.snapshot;
        match &snapshot.tmp {
            Tmp::Empty => Ok(None),
            Tmp::Layer(files) => Ok(Some(TmpTree::Lower(sys::open_tree_clone(&files.directory)?))),
            Tmp::Image { image, .. } => Ok(Some(TmpTree::Disk(self.disks.mount_copy(image)?))),
            Tmp::OwnImage | Tmp::OwnFiles => {
                let manifest = self.store.open_manifest(&snapshot.name, &ready.files.manifest, &snapshot.key)?;
                let mut source = Source::new(&self.store, &manifest);
                if matches!(snapshot.tmp, Tmp::OwnImage) {
                    let image = self.disks.make_file()?;
                    if self.build_image(&image, snapshot.tmp_mib, &manifest, &mut source)? {
                        return Ok(Some(TmpTree::Disk(tmp_disks::mount(&image)?)));
                    }
                }
                write_files(upper, &manifest, &mut source)?;
                Ok(None)
            }
        }
    }

    /// Drops a part of the snapshot that was used longest ago and has one to drop. One that is being made is left
    /// alone.
    fn drop_idle(&self, drop_part: fn(&mut Slot) -> bool) -> bool {
        let places: Vec<Place> = self.ready.lock().iter().map(|(_, place)| Arc::clone(place)).collect();
        places.iter().any(|place| place.try_lock().is_some_and(|mut slot| drop_part(&mut slot)))
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

/// Drops the engine's files where no restore reads them.
fn drop_images(slot: &mut Slot) -> bool {
    slot.kept.take_if(|images| Arc::strong_count(images) == 1).is_some()
}

/// Lays `/tmp` out as files that are made anew: their inode numbers and times of birth are others.
fn write_files(root: &Path, manifest: &Manifest, source: &mut Source) -> Result<()> {
    let below = split_root(&manifest.disk).1;
    disk::write(root, manifest.header.uid, below, None, |file: &File, extents: &[Extent]| source.fill(file, extents))
}

/// Drops `/tmp`, and with it the snapshot, where no clone of it lives.
fn drop_snapshot(slot: &mut Slot) -> bool {
    let idle = slot.snapshot.take_if(|snapshot| snapshot.tmp.is_kept() && Arc::strong_count(snapshot) == 1);
    if idle.is_some() {
        slot.kept = None;
    }
    idle.is_some()
}

fn check_size(what: &str, size_bytes: u64, room: &Room) -> Result<()> {
    if size_bytes <= room.size_bytes {
        return Ok(());
    }
    let (needed_mib, most_mib) = (size_bytes.div_ceil(1 << 20), room.size_bytes >> 20);
    let message = format!("{what} takes {needed_mib} MiB in each restore, {most_mib} MiB are set aside for that");
    Err(Error::new(Code::PreparedTooLarge, message))
}

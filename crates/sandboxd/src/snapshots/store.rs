//! Snapshots on disk: sealed manifests beside the chunks that they name. Written beside and renamed into place; never
//! seen half.
//!
//! ```text
//! DATA/snapshots/snap-…/manifest       sealed under the snapshot's data key; written last
//!                       working-set    sealed too; comes with use
//! DATA/chunks/ab/abcd…                 named by content, shared by snapshots
//! ```
//! The server's user owns both directories (it fetches, uploads and removes): everything is authenticated before it is
//! used.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use thaw_faults::fault_point;
use thaw_snapshot::beneath;
use thaw_snapshot::chunk::{ChunkName, ChunkRef};
use thaw_snapshot::envelope::{DataKey, FILE_SIZE_BYTES_MAX};
use thaw_snapshot::manifest::{read_header, Manifest};
use thaw_snapshot::working_set::WorkingSet;

use super::chunks::ChunkStore;
use super::far::FarChunks;
use super::turns::{Turn, Turns};
use crate::error::{Code, Error, Result};
use crate::sys::data_directory::DataDirectory;

const PARTIAL: &str = ".partial";
const MANIFEST: &str = "manifest";
const WORKING_SET: &str = "working-set";

pub struct SnapshotStore {
    root: OwnedFd,
    far: Arc<FarChunks>,
    pub chunks: Arc<ChunkStore>,
    owner: u32,
    /// By snapshot: clones answer at once, and each has its part of the one working set.
    working_sets: Turns,
    /// By snapshot: one layout may still be in the making when the next is wanted.
    layouts: Turns,
}

/// Changes whenever a file is replaced or written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp([i64; 4]);

/// The open files of a snapshot, and what they were when they were opened.
pub struct Files {
    pub manifest: OwnedFd,
    pub working_set: Option<OwnedFd>,
    pub manifest_stamp: Stamp,
    pub working_set_stamp: Option<Stamp>,
}

pub enum Changed<T> {
    As(T),
    Not(T),
}

/// A file of a snapshot that is written, but has not its name yet.
struct Draft {
    dir: OwnedFd,
    file: File,
    becomes: &'static str,
}

impl Draft {
    fn settle(self) -> Result<()> {
        beneath::rename(&self.dir, format!("{}{PARTIAL}", self.becomes), self.becomes)?;
        Ok(File::from(self.dir).sync_all()?)
    }
}

fn damaged(name: &str, why: &str) -> Error {
    Error::new(Code::SnapshotDamaged, format!("snapshot {name}: {why}"))
}

fn stamp_of(file: &OwnedFd) -> io::Result<Stamp> {
    let meta = File::from(file.try_clone()?).metadata()?;
    Ok(Stamp([meta.ino() as i64, meta.size() as i64, meta.ctime(), meta.ctime_nsec()]))
}

pub fn read_all(file: &OwnedFd) -> io::Result<Vec<u8>> {
    use std::io::Seek;
    let mut file = File::from(file.try_clone()?);
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(FILE_SIZE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl SnapshotStore {
    /// `far`: where chunks come from that this host lacks.
    pub fn open(data: &DataDirectory, far: Arc<FarChunks>) -> io::Result<Self> {
        let root = data.open_for_server("snapshots")?;
        let chunks = Arc::new(ChunkStore::new(data.open_for_server("chunks")?));
        Ok(SnapshotStore {
            far,
            root,
            chunks,
            owner: data.owner,
            working_sets: Turns::default(),
            layouts: Turns::default(),
        })
    }

    /// Reads a chunk's content, authenticated; fetches it where this host lacks it or has it damaged.
    pub fn read_chunk(&self, wanted: &ChunkRef) -> Result<Vec<u8>> {
        self.far.read(&self.chunks.directory, wanted)
    }

    /// Asks for chunks that will be needed soon and that this host lacks, all at once.
    pub fn ask_ahead<'a>(&self, chunks: impl Iterator<Item = &'a ChunkRef>) {
        self.far.ask_ahead(&self.chunks.directory, chunks);
    }

    fn path(&self, name: &str) -> PathBuf {
        beneath::path_in(self.root.as_fd(), name)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        fs::read_dir(self.path("."))?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read_manifest(&self, name: &str) -> Result<Vec<u8>> {
        let file = beneath::open_file(&self.root, format!("{name}/{MANIFEST}"))
            .map_err(|_| damaged(name, "it has no manifest"))?;
        Ok(read_all(&file)?)
    }

    /// Lists the snapshots that have a manifest of this format.
    pub fn list(&self) -> io::Result<Vec<String>> {
        let is_whole = |name: &String| {
            !name.ends_with(PARTIAL) && self.read_manifest(name).is_ok_and(|file| read_header(&file).is_ok())
        };
        let mut names: Vec<String> = self.names()?.into_iter().filter(is_whole).collect();
        names.sort();
        Ok(names)
    }

    /// Removes what a crash left half-written or half-removed, and what another version of Thaw left.
    pub fn sweep(&self) -> io::Result<()> {
        let whole: HashSet<String> = self.list()?.into_iter().collect();
        for name in self.names()?.iter().filter(|name| !whole.contains(*name)) {
            fs::remove_dir_all(self.path(name))?;
        }
        Ok(())
    }

    /// Removes chunks that no manifest names and nobody has pinned. A manifest that can't be read stops it: its chunks
    /// may be needed yet.
    pub fn collect(&self) -> Result<usize> {
        self.chunks.collect(|| {
            let mut named: HashSet<ChunkName> = HashSet::new();
            for name in self.names()?.iter().filter(|name| !name.ends_with(PARTIAL)) {
                let file = match beneath::open_file(&self.root, format!("{name}/{MANIFEST}")) {
                    // Removed meanwhile, or never whole.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    other => other?,
                };
                named.extend(read_header(&read_all(&file)?).map_err(|error| damaged(name, &error.to_string()))?.1);
            }
            Ok(named)
        })
    }

    /// Removes a snapshot. It is unreadable at once: it is renamed before its files go.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let _turn = self.working_sets.take(name);
        let gone = format!("{name}.removed{PARTIAL}");
        match beneath::rename(&self.root, name, &gone) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
        fault_point!("remove.renamed");
        fs::remove_dir_all(self.path(&gone))
    }

    pub fn check_free(&self, name: &str) -> Result<()> {
        if fs::symlink_metadata(self.path(name)).is_ok() {
            return Err(Error::new(Code::Exists, format!("snapshot {name} is there already")));
        }
        Ok(())
    }

    /// Makes a snapshot visible whose chunks are all written: syncs them, then the manifest, then renames.
    pub fn publish(&self, name: &str, manifest: &Manifest, key: &DataKey) -> Result<()> {
        let draft = format!("{name}{PARTIAL}");
        let written =
            self.write_draft(&draft, manifest, key).and_then(|()| Ok(beneath::rename(&self.root, &draft, name)?));
        if written.is_err() {
            let _ = fs::remove_dir_all(self.path(&draft));
        }
        written?;
        Ok(File::from(self.root.try_clone()?).sync_all()?)
    }

    fn write_draft(&self, draft: &str, manifest: &Manifest, key: &DataKey) -> Result<()> {
        // One sync for the whole file system: cheaper than one for each of hundreds of chunks, and it holds the
        // directories too.
        self.chunks.directory.sync()?;
        fault_point!("take.chunks-synced");
        let dir = beneath::make_dir(&self.root, draft, 0o755)?;
        let mut file = beneath::create_anew(&dir, MANIFEST, 0o644)?;
        file.write_all(&manifest.seal(key)?)?;
        file.sync_all()?;
        beneath::give(&dir, self.owner)?;
        fault_point!("take.manifest-synced");
        Ok(())
    }

    /// Waits until nobody else makes a new manifest of this snapshot's.
    pub fn turn_at_layout(&self, name: &str) -> Turn<'_> {
        self.layouts.take(name)
    }

    /// Puts another manifest in the place of a snapshot's. Those who have the old one open go on with it.
    pub fn replace_manifest(&self, name: &str, manifest: &Manifest, key: &DataKey) -> Result<()> {
        let draft = self.draft_in(name, MANIFEST, &manifest.seal(key)?)?;
        self.chunks.directory.sync()?;
        draft.file.sync_all()?;
        fault_point!("repack.manifest-synced");
        draft.settle()
    }

    /// Puts what `change` makes of a snapshot's working set in its place, and returns it. `change` gets `None` where
    /// there is none yet. Nobody else changes it meanwhile. Fails with `Unknown` where the snapshot has been removed.
    pub fn change_working_set(
        &self,
        name: &str,
        key: &DataKey,
        change: impl FnOnce(Option<WorkingSet>) -> Changed<WorkingSet>,
    ) -> Result<WorkingSet> {
        let _turn = self.working_sets.take(name);
        let files = self.open_files(name)?;
        match change(self.open_working_set(name, files.working_set.as_ref(), key)) {
            Changed::As(set) => {
                self.write_working_set(name, &set, key)?;
                Ok(set)
            }
            Changed::Not(set) => Ok(set),
        }
    }

    fn write_working_set(&self, name: &str, working_set: &WorkingSet, key: &DataKey) -> Result<()> {
        let draft = self.draft_in(name, WORKING_SET, &working_set.seal(key)?)?;
        draft.file.sync_all()?;
        fault_point!("working-set.synced");
        draft.settle()
    }

    /// Writes a file beside the one of a snapshot whose place it will take.
    fn draft_in(&self, name: &str, becomes: &'static str, content: &[u8]) -> Result<Draft> {
        let dir = beneath::open_dir(&self.root, name)?;
        let mut file = beneath::create_anew(&dir, format!("{becomes}{PARTIAL}"), 0o644)?;
        file.write_all(content)?;
        Ok(Draft { dir, file, becomes })
    }

    pub fn open_files(&self, name: &str) -> Result<Files> {
        let dir = beneath::open_dir(&self.root, name)
            .map_err(|_| Error::new(Code::Unknown, format!("there is no snapshot {name}")))?;
        let manifest = beneath::open_file(&dir, MANIFEST).map_err(|_| damaged(name, "it has no manifest"))?;
        let working_set = beneath::open_file(&dir, WORKING_SET).ok();
        Ok(Files {
            manifest_stamp: stamp_of(&manifest)?,
            working_set_stamp: working_set.as_ref().map(stamp_of).transpose()?,
            manifest,
            working_set,
        })
    }

    /// Opens a manifest. Throws `SnapshotDamaged` where it does not authenticate, or belongs to another snapshot.
    pub fn open_manifest(&self, name: &str, file: &OwnedFd, key: &DataKey) -> Result<Manifest> {
        let manifest = Manifest::open(key, &read_all(file)?).map_err(|error| damaged(name, &error.to_string()))?;
        if manifest.header.snapshot != name {
            return Err(damaged(name, "its manifest belongs to another snapshot"));
        }
        Ok(manifest)
    }

    /// Opens a working set; `None` where there is none, or one that can't be trusted: it is only a help.
    pub fn open_working_set(&self, name: &str, file: Option<&OwnedFd>, key: &DataKey) -> Option<WorkingSet> {
        let set = WorkingSet::open(key, &read_all(file?).ok()?).ok()?;
        (set.header.snapshot == name).then_some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TestDirectory;
    use thaw_snapshot::chunk::ChunkSecret;
    use thaw_snapshot::manifest::Header as ManifestHeader;

    const KEY: DataKey = [7; 32];

    fn manifest(name: &str, chunk: ChunkRef) -> Manifest {
        let header = ManifestHeader {
            snapshot: name.into(),
            fingerprint: String::new(),
            engine: String::new(),
            uid: 0,
            created_at_ms: 0,
            generation: 0,
            early_chunks: 0,
            memory_pages: 0,
            stored_pages: 0,
            image_bytes: 0,
            disk_bytes: 0,
        };
        Manifest {
            header,
            supervisor_pid: 1,
            clocks: Default::default(),
            images: Vec::new(),
            disk: Vec::new(),
            spaces: Vec::new(),
            chunks: vec![chunk],
        }
    }

    fn open(dir: &TestDirectory) -> SnapshotStore {
        let data = DataDirectory::open(&dir.0, nix::unistd::getuid().as_raw()).expect("opens");
        SnapshotStore::open(&data, Arc::default()).expect("opens")
    }

    /// What the server's user may do at any moment: a link in the place of a draft.
    #[test]
    fn nothing_is_written_or_renamed_through_a_link() {
        use std::os::unix::fs::symlink;
        let dir = TestDirectory::new();
        let snapshots = open(&dir);
        let (chunk, _) = thaw_snapshot::chunk::seal(&ChunkSecret::new(&[1; 32]), &[1; 5000]);
        snapshots.publish("snap-1", &manifest("snap-1", chunk), &KEY).expect("publishes");
        let target = dir.0.join("target");
        fs::write(&target, b"theirs").expect("writes");
        let working_set = WorkingSet {
            header: thaw_snapshot::working_set::Header { snapshot: "snap-1".into(), recordings: 1 },
            runs: Vec::new(),
        };
        for draft in ["manifest.partial", "working-set.partial"] {
            symlink(&target, dir.0.join("snapshots/snap-1").join(draft)).expect("links");
        }
        snapshots.write_working_set("snap-1", &working_set, &KEY).expect("writes");
        snapshots.replace_manifest("snap-1", &manifest("snap-1", chunk), &KEY).expect("writes");
        assert_eq!(fs::read(&target).expect("reads"), b"theirs");
        // A link in the place of the whole snapshot, and of the draft of one.
        let outside = dir.0.join("outside");
        fs::create_dir(&outside).expect("makes");
        for name in ["snap-2", "snap-3.partial"] {
            symlink(&outside, dir.0.join("snapshots").join(name)).expect("links");
        }
        assert!(snapshots.write_working_set("snap-2", &working_set, &KEY).is_err());
        assert!(snapshots.replace_manifest("snap-2", &manifest("snap-2", chunk), &KEY).is_err());
        assert!(snapshots.publish("snap-3", &manifest("snap-3", chunk), &KEY).is_err());
        assert!(snapshots.check_free("snap-2").is_err());
        snapshots.remove("snap-2").expect("removes the link");
        snapshots.sweep().expect("sweeps");
        assert_eq!(fs::read_dir(&outside).expect("is there").count(), 0);
    }

    #[test]
    fn clones_that_answer_at_once_are_all_in_the_working_set() {
        const CLONES: u32 = 8;
        const EACH: u32 = 20;
        let dir = TestDirectory::new();
        let snapshots = open(&dir);
        let (chunk, _) = thaw_snapshot::chunk::seal(&ChunkSecret::new(&[1; 32]), &[1; 5000]);
        snapshots.publish("snap-1", &manifest("snap-1", chunk), &KEY).expect("publishes");
        let one_more = |known: Option<WorkingSet>| {
            let recordings = known.map_or(0, |set| set.header.recordings) + 1;
            let header = thaw_snapshot::working_set::Header { snapshot: "snap-1".into(), recordings };
            Changed::As(WorkingSet { header, runs: Vec::new() })
        };
        std::thread::scope(|scope| {
            for _ in 0..CLONES {
                scope.spawn(|| {
                    for _ in 0..EACH {
                        snapshots.change_working_set("snap-1", &KEY, one_more).expect("changes");
                    }
                });
            }
        });
        let set = snapshots.change_working_set("snap-1", &KEY, |known| Changed::Not(known.expect("is there")));
        assert_eq!(set.expect("reads").header.recordings, CLONES * EACH);
        snapshots.remove("snap-1").expect("removes");
        let Err(error) = snapshots.change_working_set("snap-1", &KEY, one_more) else { panic!("it has gone") };
        assert_eq!(error.code, Code::Unknown);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_stops_the_collection() {
        let dir = TestDirectory::new();
        let snapshots = open(&dir);
        let (chunk, file) = thaw_snapshot::chunk::seal(&ChunkSecret::new(&[1; 32]), &[1; 5000]);
        snapshots.chunks.directory.write(&chunk.name, &file).expect("writes");
        snapshots.publish("snap-1", &manifest("snap-1", chunk), &KEY).expect("publishes");
        assert_eq!(snapshots.collect().expect("collects"), 0);
        let path = dir.0.join("snapshots/snap-1/manifest");
        let whole = fs::read(&path).expect("reads");
        fs::write(&path, &whole[..20]).expect("writes");
        assert!(snapshots.collect().is_err());
        assert!(snapshots.chunks.directory.has(&chunk.name));
        snapshots.remove("snap-1").expect("removes");
        assert_eq!(snapshots.collect().expect("collects"), 1);
    }
}

//! Snapshots on disk: written beside, checked, and renamed into place; never seen half.
//!
//! ```text
//! SNAPSHOTS/snap-…/images/     CRIU's files
//!                  tmp/        the function's /tmp
//!                  manifest    one line of JSON, one line with its SHA-256; written last
//! ```
//! Every byte is checked against the manifest before a restore, unless no file changed (by inode, size and times) since the last check.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Code, Error, Result};
use crate::keeper::TimeOffsets;
use crate::sys;

const FORMAT: u32 = 1;
const PARTIAL: &str = ".partial";
const MANIFEST_SIZE_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: u32,
    pub snapshot: String,
    pub fingerprint: String,
    pub supervisor_pid: i32,
    pub uid: u32,
    /// The clocks as the function saw them when it was stopped.
    pub clocks: TimeOffsets,
    pub images_bytes: u64,
    pub tmp_bytes: u64,
    files: Vec<Entry>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Entry {
    path: String,
    mode: u32,
    uid: u32,
    size: u64,
    /// Content of a file, target of a link, empty for the rest.
    sha256: String,
}

pub struct Snapshots {
    root: OwnedFd,
    /// What was checked whole, by the stamp of its files.
    checked: Mutex<HashMap<String, [u8; 32]>>,
}

/// A snapshot being written. Dropped without `publish`, it is removed.
pub struct Draft<'a> {
    snapshots: &'a Snapshots,
    name: String,
    published: bool,
}

fn damaged(name: &str, why: &str) -> Error {
    Error::new(Code::SnapshotDamaged, format!("snapshot {name}: {why}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Snapshots {
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Snapshots { root: File::open(path)?.into(), checked: Mutex::new(HashMap::new()) })
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(&sys::self_fd_path(self.root.as_fd())).join(name)
    }

    pub fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path("."))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.ends_with(PARTIAL) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Removes what a crash left half-written or half-removed.
    pub fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.path("."))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().ends_with(PARTIAL) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Unreadable at once: it is renamed before its files go.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.checked.lock().expect("no holder panics").remove(name);
        let gone = self.path(&format!("{name}.removed{PARTIAL}"));
        match fs::rename(self.path(name), &gone) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
        fs::remove_dir_all(gone)
    }

    pub fn draft(&self, name: &str) -> Result<Draft<'_>> {
        if self.path(name).exists() {
            return Err(Error::new(Code::Exists, format!("snapshot {name} is there already")));
        }
        let draft = Draft { snapshots: self, name: name.to_string(), published: false };
        for dir in ["", "images", "tmp"] {
            fs::DirBuilder::new().mode(0o700).create(draft.path().join(dir))?;
        }
        Ok(draft)
    }

    /// Reads the manifest and checks all files. `SnapshotDamaged` if anything differs from what was written.
    pub fn check(&self, name: &str, fingerprint: &str) -> Result<Manifest> {
        let root = sys::open_dir_beneath(self.root.as_fd(), name)
            .map_err(|_| Error::new(Code::Unknown, format!("there is no snapshot {name}")))?;
        let manifest = read_manifest(&root, name)?;
        if manifest.snapshot != name {
            return Err(damaged(name, "its manifest belongs to another snapshot"));
        }
        if manifest.fingerprint != fingerprint {
            return Err(Error::new(Code::RestoreFailed, format!("snapshot {name} was made for another runtime or host")));
        }
        let base = self.path(name);
        let stamp = stamp(&base, &manifest).map_err(|error| damaged(name, &error.to_string()))?;
        let known = self.checked.lock().expect("no holder panics").get(name) == Some(&stamp);
        if !known {
            check_files(&base, name, &manifest)?;
            self.checked.lock().expect("no holder panics").insert(name.to_string(), stamp);
        }
        Ok(manifest)
    }

    /// When it was whole: its manifest comes last.
    pub fn taken_at_ms(&self, name: &str) -> io::Result<i64> {
        let meta = fs::metadata(self.path(name).join("manifest"))?;
        Ok(meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000)
    }

    pub fn open_images(&self, name: &str) -> io::Result<OwnedFd> {
        sys::open_dir_beneath(self.root.as_fd(), &format!("{name}/images"))
    }

    pub fn clone_tmp_tree(&self, name: &str) -> io::Result<OwnedFd> {
        sys::open_tree_clone(&self.path(name).join("tmp"))
    }
}

impl Draft<'_> {
    pub fn path(&self) -> PathBuf {
        self.snapshots.path(&format!("{}{PARTIAL}", self.name))
    }

    pub fn open_images(&self) -> io::Result<OwnedFd> {
        sys::open_dir_beneath(self.snapshots.root.as_fd(), &format!("{}{PARTIAL}/images", self.name))
    }

    /// Copies a `/tmp` as it is: owners, modes, times, links.
    pub fn copy_tmp(&self, from: &Path) -> io::Result<()> {
        let to = fs::canonicalize(self.path())?.join("tmp");
        let output = Command::new("cp")
            .args(["-a", "--sparse=auto", "--"])
            .arg(from.join("."))
            .arg(&to)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .output()?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        if text.contains("No space left") {
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        Err(io::Error::other(text.trim().to_string()))
    }

    /// Digests, syncs, and makes the snapshot visible, in this order.
    pub fn publish(mut self, fingerprint: &str, supervisor_pid: i32, uid: u32, clocks: TimeOffsets) -> Result<Manifest> {
        let base = self.path();
        let files = list_files(&base)?.iter().map(|path| describe(&base, path)).collect::<io::Result<Vec<_>>>()?;
        let sum = |prefix: &str| files.iter().filter(|file| file.path.starts_with(prefix)).map(|file| file.size).sum();
        let manifest = Manifest {
            format: FORMAT,
            snapshot: self.name.clone(),
            fingerprint: fingerprint.to_string(),
            supervisor_pid,
            uid,
            clocks,
            images_bytes: sum("images/"),
            tmp_bytes: sum("tmp/"),
            files,
        };
        let line = serde_json::to_string(&manifest).map_err(io::Error::from)?;
        let mut file = File::create(base.join("manifest"))?;
        write!(file, "{line}\n{}\n", hex(&Sha256::digest(line.as_bytes())))?;
        // One sync for the whole file system: cheaper than one for each of a hundred files, and it holds the directories too.
        nix::unistd::syncfs(&file).map_err(io::Error::from)?;
        let target = self.snapshots.path(&self.name);
        fs::rename(&base, &target)?;
        self.published = true;
        File::from(self.snapshots.root.try_clone()?).sync_all()?;
        if let Ok(stamp) = stamp(&target, &manifest) {
            self.snapshots.checked.lock().expect("no holder panics").insert(self.name.clone(), stamp);
        }
        Ok(manifest)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_dir_all(self.path());
        }
    }
}

fn read_manifest(root: &OwnedFd, name: &str) -> Result<Manifest> {
    let file = sys::open_file_beneath(root.as_fd(), "manifest").map_err(|_| damaged(name, "it has no manifest"))?;
    let mut text = String::new();
    File::from(file)
        .take(MANIFEST_SIZE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|_| damaged(name, "its manifest is unreadable"))?;
    let mut lines = text.split('\n');
    let (line, digest, end) = (lines.next(), lines.next(), lines.next());
    let (Some(line), Some(digest), Some("")) = (line, digest, end) else {
        return Err(damaged(name, "its manifest is cut short"));
    };
    if hex(&Sha256::digest(line.as_bytes())) != digest {
        return Err(damaged(name, "its manifest was changed"));
    }
    let manifest: Manifest = serde_json::from_str(line).map_err(|_| damaged(name, "its manifest is unreadable"))?;
    if manifest.format != FORMAT {
        return Err(damaged(name, "its format is of another version of Thaw"));
    }
    Ok(manifest)
}

fn list_files(base: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut dirs = vec!["images".to_string(), "tmp".to_string()];
    while let Some(dir) = dirs.pop() {
        found.push(dir.clone());
        for entry in fs::read_dir(base.join(&dir))? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|_| io::Error::other("a file name in /tmp is not UTF-8"))?;
            let path = format!("{dir}/{name}");
            if entry.file_type()?.is_dir() {
                dirs.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn describe(base: &Path, path: &str) -> io::Result<Entry> {
    let full = base.join(path);
    let meta = fs::symlink_metadata(&full)?;
    let sha256 = if meta.is_file() {
        digest_file(&full)?
    } else if meta.is_symlink() {
        hex(&Sha256::digest(fs::read_link(&full)?.as_os_str().as_encoded_bytes()))
    } else {
        String::new()
    };
    let size = if meta.is_file() { meta.len() } else { 0 };
    Ok(Entry { path: path.to_string(), mode: meta.mode(), uid: meta.uid(), size, sha256 })
}

fn digest_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1024 * 1024];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..length]);
    }
}

/// Changes whenever any file was written to, replaced, or given another size.
fn stamp(base: &Path, manifest: &Manifest) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    for file in &manifest.files {
        let meta = fs::symlink_metadata(base.join(&file.path))?;
        for number in [meta.ino() as i64, meta.size() as i64, meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()] {
            hasher.update(number.to_le_bytes());
        }
    }
    Ok(hasher.finalize().into())
}

fn check_files(base: &Path, name: &str, manifest: &Manifest) -> Result<()> {
    let found = list_files(base).map_err(|error| damaged(name, &error.to_string()))?;
    if found.len() != manifest.files.len() {
        return Err(damaged(name, "a file is missing or was added"));
    }
    for (path, expected) in found.iter().zip(&manifest.files) {
        let entry = describe(base, path).map_err(|error| damaged(name, &error.to_string()))?;
        if entry != *expected {
            return Err(damaged(name, &format!("{path} was changed")));
        }
    }
    Ok(())
}

//! A function's `/tmp` in a snapshot: read into chunks when its processes are gone, laid out again as the lower layer
//! of clones.

use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{
    chown, lchown, symlink, DirBuilderExt, FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt,
};
use std::path::{Path, PathBuf};

use thaw_snapshot::hex;
use thaw_snapshot::manifest::{DiskEntry, DiskKind, Extent};

use super::cutter::{ByteCutter, Sink};
use super::room::{size_of_extents, FILE_SIZE_BYTES};
use super::zeros::for_each_filled;
use crate::error::{Code, Error, Result};
use crate::sys::xattr;

const READ_SIZE_BYTES: usize = 512 * 1024;
/// Blocks of zeros of this size become holes. Large, so that what describes them is small beside them.
const HOLE_SIZE_BYTES: usize = 64 * 1024;
/// Size of what describes a disk in a manifest: some 150,000 files. It is in this process's memory several times while
/// a snapshot is made, and in the memory of all who open it.
const DESCRIPTION_SIZE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Members of an entry besides its texts, and one extent, as JSON.
const ENTRY_SIZE_BYTES: usize = 160;
const EXTENT_SIZE_BYTES: usize = 64;

fn encode(path: &Path) -> String {
    hex::encode(path.as_os_str().as_bytes())
}

fn kind_of(meta: &fs::Metadata) -> Option<DiskKind> {
    let kind = meta.file_type();
    if kind.is_dir() {
        Some(DiskKind::Directory)
    } else if kind.is_file() {
        Some(DiskKind::File)
    } else if kind.is_symlink() {
        Some(DiskKind::Symlink)
    } else if kind.is_fifo() {
        Some(DiskKind::Fifo)
    } else if kind.is_socket() {
        Some(DiskKind::Socket)
    } else {
        // A function can't make devices: without the right to, and on a file system that does not honour them.
        None
    }
}

/// Reads everything below `root`, parents first. Nothing of it may be in use any more.
pub fn read(root: &Path, sink: &mut dyn Sink) -> Result<Vec<DiskEntry>> {
    let mut entries: Vec<DiskEntry> = Vec::new();
    let mut description = Description::default();
    let mut cutter = ByteCutter::default();
    let mut content_of = Vec::new();
    let mut links: HashMap<(u64, u64), PathBuf> = HashMap::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        let mut names: Vec<_> = fs::read_dir(root.join(&dir))?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()?;
        names.sort();
        for name in names {
            let path = dir.join(name);
            let full = root.join(&path);
            let meta = fs::symlink_metadata(&full)?;
            let Some(mut kind) = kind_of(&meta) else { continue };
            let mut target = String::new();
            match kind {
                DiskKind::Directory => dirs.push(path.clone()),
                DiskKind::Symlink => target = encode(&fs::read_link(&full)?),
                DiskKind::File if meta.nlink() > 1 => match links.get(&(meta.dev(), meta.ino())) {
                    Some(first) => {
                        kind = DiskKind::Hardlink;
                        target = encode(first);
                    }
                    None => drop(links.insert((meta.dev(), meta.ino()), path.clone())),
                },
                _ => {}
            }
            let is_file = kind == DiskKind::File;
            if is_file {
                let file = cutter.begin();
                content_of.push(entries.len());
                read_content(&full, file, &mut cutter, sink)?;
            }
            let path = encode(&path);
            let attributes = xattr::read(&full)?;
            let attributes_size: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
            description.add(ENTRY_SIZE_BYTES + path.len() + target.len() + attributes_size)?;
            entries.push(DiskEntry {
                path,
                kind,
                mode: meta.mode() & 0o7777,
                uid: meta.uid(),
                gid: meta.gid(),
                mtime_ns: meta.mtime() * 1_000_000_000 + meta.mtime_nsec(),
                size: if is_file { meta.size() } else { 0 },
                target,
                extents: Vec::new(),
                attributes,
            });
        }
    }
    for (entry, extents) in content_of.into_iter().zip(cutter.finish(sink)?) {
        description.add(extents.len() * EXTENT_SIZE_BYTES)?;
        entries[entry].extents = extents;
    }
    Ok(entries)
}

/// Size of the entries so far, as they will be in the manifest.
#[derive(Default)]
struct Description {
    size_bytes: usize,
}

impl Description {
    fn add(&mut self, size_bytes: usize) -> Result<()> {
        self.size_bytes += size_bytes;
        if self.size_bytes <= DESCRIPTION_SIZE_BYTES_MAX {
            return Ok(());
        }
        let limit_mib = DESCRIPTION_SIZE_BYTES_MAX / 1024 / 1024;
        let message =
            format!("/tmp has so many files, links, attributes or holes that their list is over {limit_mib} MiB");
        Err(Error::new(Code::SnapshotTooLarge, message))
    }
}

/// Holes stay holes, and blocks of zeros become holes.
fn read_content(path: &Path, number: usize, cutter: &mut ByteCutter, sink: &mut dyn Sink) -> io::Result<()> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let mut buffer = vec![0u8; READ_SIZE_BYTES];
    let mut at = 0;
    loop {
        // SAFETY: plain numbers.
        let data = unsafe { libc::lseek(file.as_raw_fd(), at, libc::SEEK_DATA) };
        if data < 0 {
            // ENXIO: nothing but a hole up to the end.
            return Ok(());
        }
        // SAFETY: as above.
        let hole = unsafe { libc::lseek(file.as_raw_fd(), data, libc::SEEK_HOLE) };
        at = data;
        while at < hole {
            let wanted = buffer.len().min((hole - at) as usize);
            let length = file.read_at(&mut buffer[..wanted], at as u64)?;
            if length == 0 {
                return Ok(());
            }
            for_each_filled(&buffer[..length], at as u64, HOLE_SIZE_BYTES, |at, bytes| {
                cutter.push(number, at, bytes, sink)
            })?;
            at += length as i64;
        }
    }
}

fn decode(text: &str) -> Result<PathBuf> {
    let bytes = hex::decode_vec(text).ok_or_else(|| damaged("a path is unreadable"))?;
    let path = PathBuf::from(OsStr::from_bytes(&bytes));
    Ok(path)
}

/// Decodes a path below the root of the disk: plain names only.
fn decode_below(text: &str) -> Result<PathBuf> {
    let path = decode(text)?;
    let is_plain =
        !path.as_os_str().is_empty() && path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if is_plain {
        Ok(path)
    } else {
        Err(damaged("a path leaves the disk"))
    }
}

fn damaged(why: &str) -> Error {
    Error::new(Code::SnapshotDamaged, why)
}

/// Size of the memory that `write` takes below a root in memory, at most.
pub fn laid_out_size(entries: &[DiskEntry]) -> u64 {
    let size_of = |entry: &DiskEntry| {
        let attributes: usize = entry.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        // Texts are hexadecimal here.
        let texts = (entry.path.len() + entry.target.len()) / 2 + attributes;
        FILE_SIZE_BYTES + texts as u64 + size_of_extents(&entry.extents)
    };
    FILE_SIZE_BYTES + entries.iter().map(size_of).sum::<u64>()
}

/// Lays the entries out below `root`, which only root can reach. `content` fills a file from its extents.
pub fn write(
    root: &Path,
    entries: &[DiskEntry],
    mut content: impl FnMut(&File, &[Extent]) -> Result<()>,
) -> Result<()> {
    for entry in entries {
        let full = root.join(decode_below(&entry.path)?);
        match entry.kind {
            DiskKind::Directory => fs::DirBuilder::new().mode(0o700).create(&full)?,
            DiskKind::Symlink => symlink(decode(&entry.target)?, &full)?,
            DiskKind::Hardlink => {
                fs::hard_link(root.join(decode_below(&entry.target)?), &full)?;
                continue;
            }
            DiskKind::Fifo | DiskKind::Socket => make_node(&full, entry.kind)?,
            DiskKind::File => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&full)?;
                file.set_len(entry.size)?;
                content(&file, &entry.extents)?;
            }
        }
        lchown(&full, Some(entry.uid), Some(entry.gid))?;
        for (name, value) in &entry.attributes {
            xattr::write(&full, name, value)?;
        }
        if entry.kind != DiskKind::Symlink {
            fs::set_permissions(&full, fs::Permissions::from_mode(entry.mode))?;
        }
    }
    // A directory's time changes with what is put into it.
    for entry in entries.iter().rev() {
        set_mtime(&root.join(decode_below(&entry.path)?), entry.mtime_ns)?;
    }
    Ok(())
}

fn cstring(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

fn make_node(path: &Path, kind: DiskKind) -> io::Result<()> {
    let path = cstring(path)?;
    let mode = if kind == DiskKind::Fifo { libc::S_IFIFO } else { libc::S_IFSOCK } | 0o600;
    // SAFETY: the path is a valid C string.
    if unsafe { libc::mknod(path.as_ptr(), mode, 0) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn set_mtime(path: &Path, mtime_ns: i64) -> io::Result<()> {
    let path = cstring(path)?;
    let time =
        libc::timespec { tv_sec: mtime_ns.div_euclid(1_000_000_000), tv_nsec: mtime_ns.rem_euclid(1_000_000_000) };
    let times = [time, time];
    // SAFETY: the path is a valid C string and there are two times.
    if unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), times.as_ptr(), libc::AT_SYMLINK_NOFOLLOW) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Makes the root of a disk, as `/tmp` is, for the function.
pub fn make_root(path: &Path, uid: u32) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)?;
    chown(path, Some(uid), Some(uid))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o1777))
}

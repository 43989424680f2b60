//! A function's `/tmp` in a snapshot: read into chunks when its processes are gone, laid out again as the lower layer
//! of clones. Both go from one open directory to the next and follow no link: neither a function that has escaped a
//! dump nor a manifest of somebody else's making reaches what is outside.

use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{
    chown, lchown, symlink, DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt,
};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use thaw_snapshot::beneath;
use thaw_snapshot::hex;
use thaw_snapshot::manifest::{DiskEntry, DiskKind, Extent, Identity};

use super::cutter::{ByteCutter, Sink};
use super::inodes::InodeNumbers;
use super::room::{size_of_extents, FILE_SIZE_BYTES};
use super::tmp_disks::for_each_piece;
use super::zeros::for_each_filled;
use crate::error::{Code, Error, Result};
use crate::sys::xattr;

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

/// Opens a directory of the disk; the top for an empty path.
fn open_below(top: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    if path.as_os_str().is_empty() {
        return top.try_clone();
    }
    beneath::open_dir(top, path)
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

fn identity_of(meta: &fs::Metadata) -> io::Result<Identity> {
    // No file is as old as 1970.
    let born = meta.created()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    Ok(Identity {
        inode: meta.ino(),
        accessed_ns: nanoseconds(meta.atime(), meta.atime_nsec()),
        changed_ns: nanoseconds(meta.ctime(), meta.ctime_nsec()),
        born_ns: nanoseconds(born.as_secs() as i64, i64::from(born.subsec_nanos())),
    })
}

/// Describes a file, but for its content, its attributes and where it leads to.
fn entry_of(path: &Path, kind: DiskKind, meta: &fs::Metadata, has_identity: bool) -> io::Result<DiskEntry> {
    Ok(DiskEntry {
        path: encode(path),
        kind,
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        mtime_ns: nanoseconds(meta.mtime(), meta.mtime_nsec()),
        size: if kind == DiskKind::File { meta.size() } else { 0 },
        target: String::new(),
        extents: Vec::new(),
        attributes: Vec::new(),
        identity: if has_identity && kind != DiskKind::Hardlink { Some(identity_of(meta)?) } else { None },
    })
}

/// Reads everything below `root`, parents first, and before it `root` itself; nothing where it is empty. Nothing of it
/// may be in use any more. `has_identity`: inode numbers mean something there.
pub fn read(root: &Path, has_identity: bool, sink: &mut dyn Sink) -> Result<Vec<DiskEntry>> {
    let mut entries: Vec<DiskEntry> = Vec::new();
    let mut description = Description::default();
    let mut cutter = ByteCutter::default();
    let mut content_of = Vec::new();
    let mut links: HashMap<(u64, u64), PathBuf> = HashMap::new();
    let mut dirs = vec![PathBuf::new()];
    let top: OwnedFd = File::open(root)?.into();
    let root_entry = DiskEntry {
        attributes: xattr::read(root)?,
        ..entry_of(Path::new(""), DiskKind::Directory, &fs::metadata(root)?, has_identity)?
    };
    while let Some(dir) = dirs.pop() {
        let open = open_below(&top, &dir)?;
        let mut names: Vec<_> = fs::read_dir(beneath::path_in(open.as_fd(), "."))?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()?;
        names.sort();
        for name in names {
            let full = beneath::path_in(open.as_fd(), &name);
            let path = dir.join(name);
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
            if kind == DiskKind::File {
                let file = cutter.begin();
                content_of.push(entries.len());
                read_content(&full, file, &mut cutter, sink)?;
            }
            let attributes = xattr::read(&full)?;
            let attributes_size: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
            description.add(ENTRY_SIZE_BYTES + path.as_os_str().len() * 2 + target.len() + attributes_size)?;
            entries.push(DiskEntry { target, attributes, ..entry_of(&path, kind, &meta, has_identity)? });
        }
    }
    for (entry, extents) in content_of.into_iter().zip(cutter.finish(sink)?) {
        description.add(extents.len() * EXTENT_SIZE_BYTES)?;
        entries[entry].extents = extents;
    }
    if !entries.is_empty() {
        entries.insert(0, root_entry);
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
    for_each_piece(&file, |at, piece| {
        for_each_filled(piece, at, HOLE_SIZE_BYTES, |at, bytes| cutter.push(number, at, bytes, sink))
    })
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

/// The directories that entries go into: one is open at a time, as those of a directory follow one another.
struct Places {
    top: OwnedFd,
    last: Option<(PathBuf, OwnedFd)>,
}

impl Places {
    fn new(root: &Path) -> io::Result<Self> {
        Ok(Places { top: File::open(root)?.into(), last: None })
    }

    /// A path to an entry for calls that do not follow a link at its end. Throws `SnapshotDamaged` where something else
    /// than a directory is on the way: the entries before it may be links.
    fn of(&mut self, text: &str) -> Result<PathBuf> {
        let path = decode_below(text)?;
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(damaged("a path has no name"));
        };
        if self.last.as_ref().is_none_or(|(path, _)| path != parent) {
            let open = open_below(&self.top, parent)
                .map_err(|error| damaged(&format!("a path does not go through directories only: {error}")))?;
            self.last = Some((parent.to_path_buf(), open));
        }
        let (_, open) = self.last.as_ref().expect("just opened");
        Ok(beneath::path_in(open.as_fd(), name))
    }
}

/// Parts what `read` gave into the root, if it is there, and what is below it.
pub fn split_root(entries: &[DiskEntry]) -> (Option<&DiskEntry>, &[DiskEntry]) {
    match entries.split_first() {
        Some((root, below)) if root.path.is_empty() && root.kind == DiskKind::Directory => (Some(root), below),
        _ => (None, entries),
    }
}

/// Gives the identity of what has one of its own: a further name of a file has none.
pub fn identity_in(entry: &DiskEntry) -> Result<&Identity> {
    entry.identity.as_ref().ok_or_else(|| damaged("a file in /tmp has no inode number"))
}

/// Lays the entries out below `root`, which only root can reach, all as files of the user `uid`. `numbers`: they get
/// their inode numbers. `content` fills a file from its extents.
pub fn write(
    root: &Path,
    uid: u32,
    entries: &[DiskEntry],
    numbers: Option<&InodeNumbers>,
    mut content: impl FnMut(&File, &[Extent]) -> Result<()>,
) -> Result<()> {
    let (mut places, mut targets) = (Places::new(root)?, Places::new(root)?);
    for entry in entries {
        let full = places.of(&entry.path)?;
        // A further name of a file has nothing of its own.
        let is_new = entry.kind != DiskKind::Hardlink;
        if let (Some(numbers), true) = (numbers, is_new) {
            numbers.choose(identity_in(entry)?)?;
        }
        match entry.kind {
            DiskKind::Hardlink => fs::hard_link(targets.of(&entry.target)?, &full)?,
            DiskKind::Directory => fs::DirBuilder::new().mode(0o700).create(&full)?,
            DiskKind::Symlink => symlink(decode(&entry.target)?, &full)?,
            DiskKind::Fifo | DiskKind::Socket => make_node(&full, entry.kind)?,
            DiskKind::File => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&full)?;
                file.set_len(entry.size)?;
                content(&file, &entry.extents)?;
            }
        }
        if is_new {
            if numbers.is_some() {
                InodeNumbers::check(&full, identity_in(entry)?)?;
            }
            set_owner_and_mode(&full, uid, entry)?;
        }
    }
    // A directory's time changes with what is put into it.
    for entry in entries.iter().rev() {
        set_times(&places.of(&entry.path)?, entry)?;
    }
    Ok(())
}

/// Gives a path, just made, the owner, attributes and mode of an entry.
pub fn set_owner_and_mode(path: &Path, uid: u32, entry: &DiskEntry) -> Result<()> {
    if entry.uid != uid || entry.gid != uid {
        return Err(damaged("a file in /tmp is not the function's"));
    }
    lchown(path, Some(uid), Some(uid))?;
    for (name, value) in &entry.attributes {
        xattr::write(path, name, value)?;
    }
    if entry.kind != DiskKind::Symlink {
        // Just made, and no link.
        fs::set_permissions(path, fs::Permissions::from_mode(entry.mode & 0o7777))?;
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

/// Sets the times that there is a call for.
pub fn set_times(path: &Path, entry: &DiskEntry) -> io::Result<()> {
    let path = cstring(path)?;
    let time = |ns: i64| libc::timespec { tv_sec: ns.div_euclid(1_000_000_000), tv_nsec: ns.rem_euclid(1_000_000_000) };
    let accessed_ns = entry.identity.map_or(entry.mtime_ns, |identity| identity.accessed_ns);
    let times = [time(accessed_ns), time(entry.mtime_ns)];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::cutter::testing::NoSink;
    use crate::sys::testing::TestDirectory;

    fn me() -> u32 {
        nix::unistd::geteuid().as_raw()
    }

    fn entry(path: &str, kind: DiskKind, target: &str) -> DiskEntry {
        DiskEntry {
            path: hex::encode(path.as_bytes()),
            kind,
            mode: 0o644,
            uid: me(),
            gid: me(),
            mtime_ns: 5,
            size: 0,
            target: hex::encode(target.as_bytes()),
            extents: Vec::new(),
            attributes: Vec::new(),
            identity: None,
        }
    }

    fn lay_out(root: &Path, entries: &[DiskEntry]) -> Result<()> {
        write(root, me(), split_root(entries).1, None, |_, _| Ok(()))
    }

    /// What somebody writes who knows the snapshot's key: each entry is a plain name by itself.
    #[test]
    fn entries_do_not_leave_the_disk_through_earlier_ones() {
        let dir = TestDirectory::new();
        let outside = dir.0.join("outside");
        fs::create_dir(&outside).expect("makes");
        fs::write(outside.join("secret"), b"theirs").expect("writes");
        let link = entry("a", DiskKind::Symlink, &outside.to_string_lossy());
        let relative = entry("a", DiskKind::Symlink, "../outside");
        let hostile = [
            vec![link.clone(), entry("a/x", DiskKind::File, "")],
            vec![relative.clone(), entry("a/x", DiskKind::Directory, "")],
            vec![relative.clone(), entry("a/x", DiskKind::Fifo, "")],
            vec![relative.clone(), entry("a/x", DiskKind::Symlink, "y")],
            vec![relative.clone(), entry("x", DiskKind::Hardlink, "a/secret")],
            vec![link.clone(), entry("f", DiskKind::File, ""), entry("a/x", DiskKind::Hardlink, "f")],
            vec![entry("d", DiskKind::Directory, ""), entry("d/up", DiskKind::Symlink, "../.."), {
                entry("d/up/outside/x", DiskKind::File, "")
            }],
            vec![entry("../outside/x", DiskKind::File, "")],
            vec![DiskEntry { uid: me() + 1, ..entry("x", DiskKind::File, "") }],
            vec![DiskEntry { gid: me() + 1, ..entry("x", DiskKind::File, "") }],
        ];
        for (number, entries) in hostile.iter().enumerate() {
            let root = dir.0.join(format!("root-{number}"));
            fs::create_dir(&root).expect("makes");
            let refused = lay_out(&root, entries).map_err(|error| error.code);
            assert_eq!(refused, Err(Code::SnapshotDamaged), "case {number}");
        }
        assert_eq!(fs::read_dir(&outside).expect("lists").count(), 1);
        assert_eq!(fs::metadata(outside.join("secret")).expect("is there").nlink(), 1);
    }

    #[test]
    fn gives_back_what_was_read() {
        let dir = TestDirectory::new();
        let (root, again) = (dir.0.join("root"), dir.0.join("again"));
        for path in [&root, &again] {
            fs::create_dir(path).expect("makes");
        }
        let mut entries = vec![
            entry("d", DiskKind::Directory, ""),
            entry("f", DiskKind::File, ""),
            entry("link", DiskKind::Symlink, "/etc/../nowhere"),
            entry("pipe", DiskKind::Fifo, ""),
            entry("d/e", DiskKind::Directory, ""),
            entry("d/same", DiskKind::Hardlink, "f"),
            entry("d/e/deep", DiskKind::File, ""),
        ];
        lay_out(&root, &entries).expect("lays out");
        let read = |root: &Path| split_root(&read(root, false, &mut NoSink).expect("reads")).1.to_vec();
        let mut found = read(&root);
        lay_out(&again, &found).expect("lays out");
        assert_eq!(read(&again), found);
        let by_path = |a: &DiskEntry, b: &DiskEntry| a.path.cmp(&b.path);
        found.sort_by(by_path);
        entries.sort_by(by_path);
        let names = |entries: &[DiskEntry]| entries.iter().map(|entry| entry.path.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found), names(&entries));
    }
}

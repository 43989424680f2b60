//! A snapshot's `/tmp` as the file system that it was: an ext4 image in which each file has its inode number and all of
//! its times, made of the manifest's list. Clones get copies of the image. No image of anybody else's is ever mounted:
//! the kernel writes this one, and only what the list may hold comes into it.

use std::collections::HashSet;
use std::fs::{DirBuilder, File};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::thread;

use nix::unistd::syncfs;
use thaw_snapshot::manifest::{DiskEntry, DiskKind, Extent};

use super::disk::{self, identity_in, split_root};
use super::inodes::{InodeNumbers, InodeTimes, INODES_PER_BLOCK};
use super::room::size_of_extents;
use super::tmp_disks::{copy_sparse, BLOCK_SIZE_BYTES};
use crate::error::{Code, Error, Result};
use crate::sys::detached::Ext4;
use crate::sys::loop_device;

/// Larger ones stay lists: a copy takes each clone a millisecond for each MiB.
pub const SIZE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// An empty file system, its groups' tables, and what the directories above `/tmp` take.
const EMPTY_SIZE_BYTES: u64 = 512 * 1024;
const BLOCK: u64 = BLOCK_SIZE_BYTES as u64;
/// A link that is longer takes a block.
const TARGET_SIZE_BYTES_MAX: usize = 59;
/// A file that is in more pieces takes a block for each so many of them.
const EXTENTS_PER_INODE: usize = 4;
const EXTENTS_PER_BLOCK: usize = 128;

/// Size of the blocks that the image of a list uses, at most. None where files have no numbers to keep.
pub fn size_of(entries: &[DiskEntry]) -> Option<u64> {
    split_root(entries).0?;
    let mut tables = HashSet::new();
    let mut size = EMPTY_SIZE_BYTES;
    for entry in entries {
        // Its name's entry in a directory of which half may be empty.
        size += 2 * (16 + entry.path.len() as u64 / 2) + size_of_extents(&entry.extents);
        if entry.kind == DiskKind::Hardlink {
            continue;
        }
        tables.insert(entry.identity?.inode.saturating_sub(1) / INODES_PER_BLOCK);
        let attributes: usize = entry.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        let pieces = entry.extents.len();
        let blocks = 2 * u64::from(entry.kind == DiskKind::Directory)
            + u64::from(entry.target.len() / 2 > TARGET_SIZE_BYTES_MAX)
            + attributes.div_ceil(BLOCK_SIZE_BYTES) as u64
            + if pieces > EXTENTS_PER_INODE { 1 + pieces.div_ceil(EXTENTS_PER_BLOCK) as u64 } else { 0 };
        size += blocks * BLOCK;
    }
    Some(size + tables.len() as u64 * BLOCK)
}

/// True where clones are to have the image, and not the list.
pub fn is_wanted(entries: &[DiskEntry]) -> bool {
    size_of(entries).is_some_and(|size| size <= SIZE_BYTES_MAX)
}

/// Writes the image of a list into an empty file. `empty`: an empty file system of the right size. False where this
/// host does not let inode numbers be chosen. Throws `SnapshotDamaged` where the list can't be one of a file system.
pub fn build(
    image: &File,
    empty: &File,
    uid: u32,
    entries: &[DiskEntry],
    content: impl FnMut(&File, &[Extent]) -> Result<()>,
) -> Result<bool> {
    let (Some(root), below) = split_root(entries) else {
        return Err(Error::new(Code::SnapshotDamaged, "the list of /tmp does not begin with /tmp itself"));
    };
    copy_sparse(empty, image)?;
    let device = loop_device::attach(image)?;
    let disk = Ext4::mount(&device)?;
    let Some(numbers) = InodeNumbers::open(&device) else { return Ok(false) };
    // Opened first: what is synced tells of each error since then.
    let top = File::open(disk.path())?;
    let upper = disk.path().join("upper");
    numbers.choose(identity_in(root)?)?;
    DirBuilder::new().mode(0o700).create(&upper)?;
    InodeNumbers::check(&upper, identity_in(root)?)?;
    disk::write(&upper, uid, below, Some(&numbers), content)?;
    numbers.choose_no_more()?;
    DirBuilder::new().mode(0o700).create(disk.path().join("work"))?;
    disk::set_owner_and_mode(&upper, uid, root)?;
    disk::set_times(&upper, root)?;
    syncfs(top.as_fd()).map_err(std::io::Error::from)?;
    drop(top);
    disk.finish()?;
    // Read-only by now. To unmount it takes the kernel several grace periods, and nobody needs to wait for them.
    drop(thread::Builder::new().name("unmount".into()).spawn(move || drop((disk, device))));
    let times = InodeTimes::open(image)?;
    for entry in entries.iter().filter(|entry| entry.kind != DiskKind::Hardlink) {
        times.set(identity_in(entry)?)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::cutter::testing::NoSink;
    use crate::snapshots::tmp_disks::TmpDisks;
    use crate::sys::data_directory::DataDirectory;
    use crate::sys::testing::TestDirectory;
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;
    use thaw_snapshot::hex;
    use thaw_snapshot::manifest::Identity;

    const TMP_MIB: u64 = 64;

    fn me() -> u32 {
        nix::unistd::geteuid().as_raw()
    }

    fn entry(path: &str, kind: DiskKind, inode: u64) -> DiskEntry {
        DiskEntry {
            path: hex::encode(path.as_bytes()),
            kind,
            mode: 0o755,
            uid: me(),
            gid: me(),
            mtime_ns: 1_000_000_000_000_000_003,
            size: 0,
            target: String::new(),
            extents: Vec::new(),
            attributes: Vec::new(),
            identity: Some(Identity {
                inode,
                accessed_ns: -1,
                changed_ns: 1_700_000_000_000_000_000 + inode as i64,
                born_ns: 1_600_000_000_123_456_789 + inode as i64,
            }),
        }
    }

    fn further_name(path: &str, of: &str) -> DiskEntry {
        DiskEntry { target: hex::encode(of.as_bytes()), identity: None, ..entry(path, DiskKind::Hardlink, 0) }
    }

    fn root() -> DiskEntry {
        entry("", DiskKind::Directory, 4000)
    }

    fn built(disks: &TmpDisks, entries: &[DiskEntry]) -> Result<File> {
        let image = disks.make_file()?;
        let empty = disks.open_empty(TMP_MIB)?;
        assert!(build(&image, &empty, me(), entries, |_, _| Ok(()))?, "sysfs can't be written to");
        Ok(image)
    }

    fn disks_in(dir: &TestDirectory) -> TmpDisks {
        let data = DataDirectory::open(&dir.0, me()).expect("opens");
        TmpDisks::open(data.open_private("scratch").expect("opens")).expect("opens")
    }

    /// Reads the list out of a copy, as it is read for a snapshot.
    fn read_copy(disks: &TmpDisks, image: &File) -> Vec<DiskEntry> {
        let mount = disks.mount_copy(image).expect("mounts");
        let upper = PathBuf::from(format!("/proc/self/fd/{}/upper", std::os::fd::AsRawFd::as_raw_fd(&mount)));
        disk::read(&upper, true, &mut NoSink).expect("reads")
    }

    #[test]
    fn copies_have_the_numbers_and_times_of_the_list() {
        let dir = TestDirectory::new();
        let disks = disks_in(&dir);
        let entries = vec![
            root(),
            entry("b", DiskKind::Directory, 12),
            entry("f", DiskKind::File, 3999),
            entry("p", DiskKind::Fifo, 77),
            further_name("b/same", "f"),
            entry("b/z", DiskKind::File, 13),
        ];
        let image = built(&disks, &entries).expect("is built");
        let used = image.metadata().expect("is there").blocks() * 512;
        assert!(used <= size_of(&entries).expect("has numbers"), "{used}");
        let known = |mut entries: Vec<DiskEntry>| {
            entries.sort_by(|a, b| a.path.cmp(&b.path));
            // Which of two names is the further one, reading decides.
            let named = |entry: &DiskEntry| (entry.path.clone(), entry.identity, entry.mtime_ns, entry.mode);
            let alone =
                entries.iter().filter(|entry| ![&hex::encode(b"f"), &hex::encode(b"b/same")].contains(&&entry.path));
            alone.map(named).collect::<Vec<_>>()
        };
        for _ in 0..2 {
            let found = read_copy(&disks, &image);
            let of_two_names: Vec<_> = found.iter().filter_map(|entry| Some(entry.identity?.inode)).collect();
            assert!(of_two_names.contains(&3999) && found.len() == entries.len());
            assert_eq!(known(found), known(entries.clone()));
        }
    }

    #[test]
    fn an_image_is_finished_after_a_file_of_it_was_open_for_writing() {
        let dir = TestDirectory::new();
        let disks = disks_in(&dir);
        let image = disks.make_file().expect("makes");
        copy_sparse(&disks.open_empty(TMP_MIB).expect("opens"), &image).expect("copies");
        let disk = Ext4::mount(&loop_device::attach(&image).expect("attaches")).expect("mounts");
        let file = File::create(disk.path().join("file")).expect("makes");
        let busy = disk.make_read_only().expect_err("a file is open");
        assert_eq!(busy.raw_os_error(), Some(libc::EBUSY));
        drop(file);
        disk.finish().expect("nothing is open");
        let refused = File::create(disk.path().join("other")).expect_err("it is read-only");
        assert_eq!(refused.raw_os_error(), Some(libc::EROFS));
    }

    /// What somebody writes who knows the snapshot's key.
    #[test]
    fn lists_that_no_file_system_has_are_refused() {
        let dir = TestDirectory::new();
        let disks = disks_in(&dir);
        let file = |inode| entry("f", DiskKind::File, inode);
        let hostile = [
            ("no root", vec![file(12)]),
            ("a root that is a file", vec![entry("", DiskKind::File, 12)]),
            ("two roots", vec![root(), root()]),
            ("the number of another", vec![root(), file(12), entry("g", DiskKind::File, 12)]),
            ("the number of the root", vec![root(), file(4000)]),
            ("no number", vec![root(), DiskEntry { identity: None, ..file(12) }]),
            ("number 0", vec![root(), file(0)]),
            ("the number of the file system's root", vec![root(), file(2)]),
            ("the number of lost+found", vec![root(), file(11)]),
            ("a number beyond the last", vec![root(), file(1 << 30)]),
            ("a number of 33 bits", vec![root(), file((1 << 32) + 12)]),
            ("the largest number", vec![root(), file(u64::MAX)]),
            ("another owner", vec![root(), DiskEntry { uid: me() + 1, ..file(12) }]),
            ("another owner of the root", vec![DiskEntry { gid: me() + 1, ..root() }]),
            ("a path through a link", {
                let link = DiskEntry { target: hex::encode(b"/"), ..entry("l", DiskKind::Symlink, 12) };
                vec![root(), link, entry("l/x", DiskKind::File, 13)]
            }),
        ];
        for (what, entries) in hostile {
            let code = built(&disks, &entries).err().map(|error| error.code);
            assert_eq!(code, Some(Code::SnapshotDamaged), "{what}");
        }
        // The kernel goes on after each of them.
        assert!(built(&disks, &[root(), file(12)]).is_ok());
    }

    #[test]
    fn what_can_be_no_image_or_a_large_one_stays_a_list() {
        let of_size = |length: u32| DiskEntry {
            size: u64::from(length),
            extents: vec![Extent { at: 0, chunk: 0, offset: 0, length }],
            ..entry("f", DiskKind::File, 12)
        };
        assert!(is_wanted(&[root(), of_size(8 << 20)]));
        assert!(!is_wanted(&[root(), of_size(16 << 20)]));
        assert!(!is_wanted(&[root(), DiskEntry { identity: None, ..of_size(1) }]));
        assert!(!is_wanted(&[]));
        // Each in a block of its own of the table.
        let spread = (1..5000).map(|number| entry("f", DiskKind::File, number * 100));
        assert!(!is_wanted(&std::iter::once(root()).chain(spread).collect::<Vec<_>>()));
    }

    /// An image that this process did not make is never written to.
    #[test]
    fn times_are_set_in_no_other_form_of_image() {
        let dir = TestDirectory::new();
        let disks = disks_in(&dir);
        let empty = disks.open_empty(TMP_MIB).expect("is there");
        let mut superblock = vec![0u8; 2048];
        std::os::unix::fs::FileExt::read_exact_at(&empty, &mut superblock, 0).expect("reads");
        assert!(InodeTimes::open(&empty).is_ok());
        // Magic, inode size, checksums, block size, inodes in a group, size of a group.
        for (at, value) in [(0x38, 0), (0x59, 2), (0x65, 4), (0x18, 0), (0xFE, 32)] {
            let mut changed = superblock.clone();
            changed[1024 + at] = value;
            let file = disks.make_file().expect("makes");
            std::os::unix::fs::FileExt::write_all_at(&file, &changed, 0).expect("writes");
            assert!(InodeTimes::open(&file).is_err(), "at {at}");
        }
    }
}

//! What a sandbox shows of the host's files: read-only, through overlays of its own.
//!
//! ```text
//!  lowerdir = the host's directory : an empty one      →  inodes of this sandbox, pages of all
//! ```
//! Locks, leases and watches belong to an inode. With a bind mount the inode of a runtime's or a package's file would
//! be the same in all sandboxes of the host, and one that locks it would stop the others. The overlay asks for a second
//! layer: an empty directory, on the layer's own file system where there is one (then inode numbers stay as they are).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::mount::{umount2, MntFlags};

use thaw_snapshot::beneath;

use crate::sys;

/// Below the sandbox's private directory: the empty directory on the disk of sandboxd's data, the one in memory, and
/// where a layer is attached for as long as it takes to make its overlay.
pub const DIRECTORIES: [&str; 3] = ["empty", "none", "stage"];
const WRITABLE_BY_OTHERS: u32 = 0o022;

pub struct Shown {
    empty: [OwnedFd; 2],
    stage: PathBuf,
}

fn describe(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn open_path(path: &Path) -> io::Result<OwnedFd> {
    Ok(OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path)?.into())
}

/// Attaches the empty directory of sandboxd's data. `private` has the `DIRECTORIES`.
pub fn attach_empty(empty: &Path, private: &Path) -> io::Result<()> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).open(empty)?;
    let meta = opened.metadata()?;
    // Whatever lies in it would lie in each sandbox's root.
    let is_empty = fs::read_dir(beneath::path_in(opened.as_fd(), ""))?.next().is_none();
    if meta.uid() != 0 || meta.permissions().mode() & WRITABLE_BY_OTHERS != 0 || !is_empty {
        return Err(io::Error::other(format!("{} is not root's own empty directory", empty.display())));
    }
    let tree = sys::open_tree_clone_fd(opened.as_fd())?;
    sys::restrict_tree(tree.as_fd(), true)?;
    sys::attach_tree(tree.as_fd(), &private.join(DIRECTORIES[0]))
}

impl Shown {
    pub fn new(private: &Path) -> io::Result<Self> {
        let open = |name: &str| open_path(&private.join(name));
        Ok(Shown { empty: [open(DIRECTORIES[0])?, open(DIRECTORIES[1])?], stage: private.join(DIRECTORIES[2]) })
    }

    /// Makes a detached overlay of a directory in a mount of this process's namespace.
    fn overlay_of(&self, directory: BorrowedFd) -> io::Result<OwnedFd> {
        let device = |fd: BorrowedFd| Ok::<_, io::Error>(File::from(fd.try_clone_to_owned()?).metadata()?.dev());
        let is_beside = device(directory)? == device(self.empty[0].as_fd())?;
        sys::detached::overlay_read_only(directory, self.empty[usize::from(!is_beside)].as_fd(), is_beside)
    }

    /// Shows a directory or file of the host at `target`, with what is mounted below it.
    pub fn show(&self, source: &Path, target: &Path) -> io::Result<()> {
        let result = if source.is_dir() {
            self.show_directory(source, target).and_then(|()| self.show_mounts_below(source, target))
        } else {
            self.show_file(source, target)
        };
        result.map_err(|error| describe(target, &error))
    }

    fn show_directory(&self, source: &Path, target: &Path) -> io::Result<()> {
        let overlay = self.overlay_of(open_path(source)?.as_fd())?;
        sys::attach_tree(overlay.as_fd(), target)
    }

    /// An overlay shows directories: the file's own one is laid out aside, and the file taken from there.
    fn show_file(&self, source: &Path, target: &Path) -> io::Result<()> {
        let (Some(parent), Some(name)) = (source.parent(), source.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        self.lay_aside(parent)?.show(Path::new(name), target)
    }

    /// Lays out a directory of which several parts are shown, and not what is mounted below it.
    pub fn lay_aside(&self, source: &Path) -> io::Result<Aside<'_>> {
        self.show_directory(source, &self.stage)?;
        Ok(Aside { stage: &self.stage })
    }

    /// Shows a detached mount of a directory: with kernels before 6.15 only what is attached can be a layer.
    pub fn show_tree(&self, tree: BorrowedFd, target: &Path) -> io::Result<()> {
        sys::attach_tree(tree, &self.stage)?;
        let _aside = Aside { stage: &self.stage };
        self.show_directory(&self.stage, target).map_err(|error| describe(target, &error))
    }

    /// Makes a detached overlay of the root, without what is mounted in it, over a detached mount of a directory.
    pub fn overlay_below_root(&self, tree: BorrowedFd) -> io::Result<OwnedFd> {
        sys::attach_tree(tree, &self.stage)?;
        let _aside = Aside { stage: &self.stage };
        sys::detached::overlay_read_only(open_path(Path::new("/"))?.as_fd(), open_path(&self.stage)?.as_fd(), false)
    }

    /// An overlay does not show what is mounted below its layers. What can't be a layer (a file, a file system of an
    /// odd kind) is shown as it is, with the host's inodes.
    fn show_mounts_below(&self, source: &Path, target: &Path) -> io::Result<()> {
        for point in mounts_below(source, &fs::read("/proc/self/mountinfo")?) {
            let place = target.join(point.strip_prefix(source).expect("is below it"));
            if !point.is_dir() || self.show_directory(&point, &place).is_err() {
                show_part(&point, &place)?;
            }
        }
        Ok(())
    }
}

/// What is attached to the stage, until it is dropped. Another one may be attached above it meanwhile.
pub struct Aside<'a> {
    stage: &'a Path,
}

impl Aside<'_> {
    /// Shows the directory or file of that name at `target`.
    pub fn show(&self, name: &Path, target: &Path) -> io::Result<()> {
        show_part(&self.stage.join(name), target).map_err(|error| describe(target, &error))
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        let _ = umount2(self.stage, MntFlags::MNT_DETACH);
    }
}

/// Shows a part of a mount of this namespace by its own inodes.
pub fn show_part(source: &Path, target: &Path) -> io::Result<()> {
    let tree = sys::open_tree_clone(source)?;
    sys::restrict_tree(tree.as_fd(), true)?;
    sys::attach_tree(tree.as_fd(), target)
}

/// Lists the mount points below a directory, outer ones first. `table`: `/proc/self/mountinfo`, whose fifth column has
/// them, with blanks and the like as `\040`.
fn mounts_below(directory: &Path, table: &[u8]) -> Vec<PathBuf> {
    let points = table.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    let mut below: Vec<PathBuf> = points
        .map(|point| PathBuf::from(std::ffi::OsString::from_vec(unescape(point))))
        .filter(|point| point != directory && point.starts_with(directory))
        .collect();
    below.sort();
    below.dedup();
    below
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits =
            after.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        match digits {
            Some(digits) => {
                let value = digits.iter().fold(0u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                plain.push(value as u8);
                rest = &after[3..];
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_mounted_below_a_directory() {
        let line = |point: &str| format!("36 35 98:0 / {point} rw,noatime master:1 - ext4 /dev/root rw\n");
        let table: String =
            ["/", "/usr", "/usr/lib/a\\040b/c", "/usr/lib/a\\040b", "/usrlocal", "/usr/lib/a\\040b"].map(line).concat();
        let found = |directory: &str| mounts_below(Path::new(directory), table.as_bytes());
        assert_eq!(found("/usr"), [PathBuf::from("/usr/lib/a b"), PathBuf::from("/usr/lib/a b/c")]);
        assert_eq!(found("/opt"), [] as [PathBuf; 0]);
        assert_eq!(mounts_below(Path::new("/"), b"\n1 2 \xff\\0 / \\777 x\n").len(), 0);
    }

    #[test]
    fn refuses_an_empty_directory_that_is_not() {
        let parent = crate::sys::testing::TestDirectory::new();
        let private = parent.0.join("private");
        fs::create_dir(parent.0.join("taken")).expect("made");
        fs::write(parent.0.join("taken/file"), b"").expect("written");
        for name in ["taken", "missing"] {
            assert!(attach_empty(&parent.0.join(name), &private).is_err(), "{name}");
        }
    }
}

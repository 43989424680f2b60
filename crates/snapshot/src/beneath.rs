//! Files below a directory that another user may change. Each step is taken from an open directory and follows no link,
//! so that whoever swaps a name for a link reaches nothing outside.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{openat2, renameat, OFlag, OpenHow, ResolveFlag};
use nix::sys::stat::{fstat, mkdirat, Mode};
use nix::unistd::{fchown, geteuid, unlinkat, Gid, Uid, UnlinkatFlags};

/// Opens a file below `dir`. Fails where a link is on the way, or where the way leaves `dir`.
pub fn open(dir: impl AsFd, path: impl AsRef<Path>, flags: OFlag, mode: u32) -> io::Result<OwnedFd> {
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .mode(Mode::from_bits_truncate(mode))
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    Ok(openat2(dir.as_fd(), path.as_ref(), how)?)
}

pub fn open_dir(dir: impl AsFd, path: impl AsRef<Path>) -> io::Result<OwnedFd> {
    open(dir, path, OFlag::O_DIRECTORY | OFlag::O_RDONLY, 0)
}

/// Opens a file to be read. One of another kind (a FIFO) keeps nobody waiting.
pub fn open_file(dir: impl AsFd, path: impl AsRef<Path>) -> io::Result<OwnedFd> {
    open(dir, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY, 0)
}

/// Makes a file that was not there.
pub fn create_new(dir: impl AsFd, name: impl AsRef<Path>, mode: u32) -> io::Result<File> {
    Ok(open(dir, name, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL, mode)?.into())
}

/// Makes a file in the place of what has the name, without writing into that.
pub fn create_anew(dir: impl AsFd, name: impl AsRef<Path>, mode: u32) -> io::Result<File> {
    remove_file(dir.as_fd(), name.as_ref())?;
    create_new(dir, name, mode)
}

/// Makes a directory where there is none. Gives it open.
pub fn make_dir(dir: impl AsFd, name: impl AsRef<Path>, mode: u32) -> io::Result<OwnedFd> {
    match mkdirat(dir.as_fd(), name.as_ref(), Mode::from_bits_truncate(mode)) {
        Ok(()) | Err(nix::errno::Errno::EEXIST) => open_dir(dir, name),
        Err(error) => Err(error.into()),
    }
}

/// Gives an open directory to a user and group. Fails where it is neither that user's nor the caller's: then somebody
/// else has put it there.
pub fn give(dir: impl AsFd, owner: u32) -> io::Result<()> {
    let found = fstat(dir.as_fd())?.st_uid;
    if found != owner && found != geteuid().as_raw() {
        let message = format!("a directory in its place belongs to user {found}");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(fchown(dir, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)))?)
}

/// Renames within a directory. A link that has the new name is replaced, not followed.
pub fn rename(dir: impl AsFd, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    Ok(renameat(dir.as_fd(), from.as_ref(), dir.as_fd(), to.as_ref())?)
}

/// Removes a file, or a link itself. True where there was one.
pub fn remove_file(dir: impl AsFd, name: impl AsRef<Path>) -> io::Result<bool> {
    match unlinkat(dir, name.as_ref(), UnlinkatFlags::NoRemoveDir) {
        Ok(()) => Ok(true),
        Err(nix::errno::Errno::ENOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Names `name` in an open directory for functions that take a path, and that do not follow a link at its end.
pub fn path_in(dir: BorrowedFd, name: impl AsRef<OsStr>) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd())).join(name.as_ref())
}

//! System calls that `nix` does not wrap: the mount API of Linux 5.2 and later, and others.

pub mod count;
pub mod cpu_latency;
pub mod data_directory;
pub mod host_facts;
pub mod stopwatch;
#[cfg(test)]
pub mod testing;
pub mod xattr;

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

const OPEN_TREE_CLONE: libc::c_uint = 1;
const AT_RECURSIVE: libc::c_uint = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 4;
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const MOUNT_ATTR_RDONLY: u64 = 0x01;
const MOUNT_ATTR_NOSUID: u64 = 0x02;
const MOUNT_ATTR_NODEV: u64 = 0x04;

fn cstring(path: &Path) -> io::Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Makes a detached copy of the mount tree at `path`.
pub fn open_tree_clone(path: &Path) -> io::Result<OwnedFd> {
    let path = cstring(path)?;
    // SAFETY: the path is a valid C string; the kernel returns a new descriptor that nobody else owns.
    unsafe {
        let fd = check(libc::syscall(
            libc::SYS_open_tree,
            libc::AT_FDCWD,
            path.as_ptr(),
            OPEN_TREE_CLONE | AT_RECURSIVE | libc::O_CLOEXEC as libc::c_uint,
        ))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// Makes a detached copy of the mount at an open directory.
pub fn open_tree_clone_fd(dir: BorrowedFd) -> io::Result<OwnedFd> {
    // SAFETY: as above, with an empty path that stands for the descriptor itself.
    unsafe {
        let fd = check(libc::syscall(
            libc::SYS_open_tree,
            dir.as_raw_fd(),
            c"".as_ptr(),
            OPEN_TREE_CLONE | libc::AT_EMPTY_PATH as libc::c_uint | libc::O_CLOEXEC as libc::c_uint,
        ))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

#[repr(C)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Forbids set-uid programs and devices below a detached mount; makes it read-only too if asked.
pub fn restrict_tree(tree: BorrowedFd, read_only: bool) -> io::Result<()> {
    let read_only = if read_only { MOUNT_ATTR_RDONLY } else { 0 };
    let attr = MountAttr {
        attr_set: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | read_only,
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: 0,
    };
    // SAFETY: `attr` outlives the call and its size is given.
    unsafe {
        check(libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH as libc::c_uint | AT_RECURSIVE,
            &raw const attr,
            std::mem::size_of::<MountAttr>(),
        ))?;
    }
    Ok(())
}

/// Makes a detached, read-only overlay that shows `upper` over `lower`: both must be in mounts of this process's
/// namespace. Its inodes are its own, the pages of its files are those of the layers.
pub fn overlay_read_only(upper: BorrowedFd, lower: BorrowedFd, is_one_file_system: bool) -> io::Result<OwnedFd> {
    // Through descriptors: a path may hold what separates layers and options.
    let layers = format!("/proc/self/fd/{}:/proc/self/fd/{}", upper.as_raw_fd(), lower.as_raw_fd());
    let set = |fs: &OwnedFd, command: libc::c_uint, key: Option<&CStr>, value: Option<&CStr>| {
        let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
        // SAFETY: the texts outlive the call; null where the command has none.
        check(unsafe { libc::syscall(libc::SYS_fsconfig, fs.as_raw_fd(), command, pointer(key), pointer(value), 0) })
    };
    // SAFETY: the name is a valid C string; the kernel returns a new descriptor that nobody else owns.
    let fs = unsafe {
        let fd = check(libc::syscall(libc::SYS_fsopen, c"overlay".as_ptr(), FSOPEN_CLOEXEC))?;
        OwnedFd::from_raw_fd(fd as RawFd)
    };
    let layers = CString::new(layers).expect("a path of /proc has no NUL");
    set(&fs, FSCONFIG_SET_STRING, Some(c"lowerdir"), Some(&layers))?;
    if !is_one_file_system {
        // One device number for all of it. Else the kernel's log would say each time that it has one.
        set(&fs, FSCONFIG_SET_STRING, Some(c"xino"), Some(c"on"))?;
    }
    // A watch is found again by its file's handle. The kernel leaves it off where the layers have none.
    set(&fs, FSCONFIG_SET_STRING, Some(c"redirect_dir"), Some(c"nofollow"))?;
    set(&fs, FSCONFIG_SET_STRING, Some(c"nfs_export"), Some(c"on"))?;
    set(&fs, FSCONFIG_SET_FLAG, Some(c"ro"), None)?;
    set(&fs, FSCONFIG_CMD_CREATE, None, None)?;
    let attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    // SAFETY: plain numbers; the kernel returns a new descriptor that nobody else owns.
    unsafe {
        let fd = check(libc::syscall(libc::SYS_fsmount, fs.as_raw_fd(), FSMOUNT_CLOEXEC, attributes))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// Attaches a detached mount at `target` in this process's mount namespace.
pub fn attach_tree(tree: BorrowedFd, target: &Path) -> io::Result<()> {
    let target = cstring(target)?;
    // SAFETY: both paths are valid C strings.
    unsafe {
        check(libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        ))?;
    }
    Ok(())
}

/// Lets `fd` survive exec.
pub fn keep_over_exec(fd: impl AsFd) -> io::Result<()> {
    nix::fcntl::fcntl(fd.as_fd(), nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()))?;
    Ok(())
}

/// Closes every descriptor from `first` on, except those in `keep`.
pub fn close_fds_except(first: RawFd, keep: &[RawFd]) {
    let mut keep: Vec<RawFd> = keep.iter().copied().filter(|fd| *fd >= first).collect();
    keep.sort_unstable();
    let mut start = first;
    for fd in keep {
        close_range(start, fd - 1);
        start = fd + 1;
    }
    close_range(start, RawFd::MAX);
}

fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: only called in a process that is about to exec or holds no other owner of these descriptors.
    unsafe {
        libc::syscall(libc::SYS_close_range, first as libc::c_uint, last as libc::c_uint, 0);
    }
}

pub fn clock_ns(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

pub fn kill_pid(pid: &OwnedFd) {
    // SAFETY: plain numbers and a null pointer that the kernel takes for "no details".
    unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pid.as_raw_fd(), libc::SIGKILL, std::ptr::null::<u8>(), 0);
    }
}

pub fn open_pid(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers; the descriptor is new.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

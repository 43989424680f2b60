//! File systems that are mounted nowhere: each is an open descriptor, and gone when that is closed, unless it was
//! attached.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::loop_device::LoopDevice;
use super::{check, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};

const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSPICK_CLOEXEC: libc::c_uint = 1;
const FSPICK_EMPTY_PATH: libc::c_uint = 8;
const SET_FLAG: libc::c_uint = 0;
const SET_STRING: libc::c_uint = 1;
const CREATE: libc::c_uint = 6;
const RECONFIGURE: libc::c_uint = 7;
const MOUNT_ATTR_NOATIME: u64 = 0x10;
/// A process that is being started holds copies of all descriptors, until its program runs.
const BUSY_STEP: Duration = Duration::from_millis(1);
const BUSY_STEPS: u32 = 5000;

/// The kernel's configuration of a file system.
struct Context(OwnedFd);

impl Context {
    fn open(kind: &CStr) -> io::Result<Self> {
        // SAFETY: the name is a valid C string; the kernel returns a new descriptor that nobody else owns.
        unsafe {
            let fd = check(libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC))?;
            Ok(Context(OwnedFd::from_raw_fd(fd as RawFd)))
        }
    }

    /// For changes of a file system that is mounted.
    fn pick(mount: BorrowedFd) -> io::Result<Self> {
        let flags = FSPICK_CLOEXEC | FSPICK_EMPTY_PATH;
        // SAFETY: the path is a valid C string; the kernel returns a new descriptor that nobody else owns.
        unsafe {
            let fd = check(libc::syscall(libc::SYS_fspick, mount.as_raw_fd(), c"".as_ptr(), flags))?;
            Ok(Context(OwnedFd::from_raw_fd(fd as RawFd)))
        }
    }

    fn command(&self, command: libc::c_uint, key: Option<&CStr>, value: Option<&CStr>) -> io::Result<()> {
        let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
        let fd = self.0.as_raw_fd();
        // SAFETY: the texts outlive the call; null where the command has none.
        check(unsafe { libc::syscall(libc::SYS_fsconfig, fd, command, pointer(key), pointer(value), 0) })?;
        Ok(())
    }

    fn set(&self, key: &CStr, value: &CStr) -> io::Result<()> {
        self.command(SET_STRING, Some(key), Some(value))
    }

    fn set_flag(&self, key: &CStr) -> io::Result<()> {
        self.command(SET_FLAG, Some(key), None)
    }

    fn mount(&self, attributes: u64) -> io::Result<OwnedFd> {
        self.command(CREATE, None, None)?;
        // SAFETY: plain numbers; the kernel returns a new descriptor that nobody else owns.
        unsafe {
            let fd = check(libc::syscall(libc::SYS_fsmount, self.0.as_raw_fd(), FSMOUNT_CLOEXEC, attributes))?;
            Ok(OwnedFd::from_raw_fd(fd as RawFd))
        }
    }
}

/// Makes a detached, read-only overlay that shows `upper` over `lower`: both must be in mounts of this process's
/// namespace. Its inodes are its own, the pages of its files are those of the layers.
pub fn overlay_read_only(upper: BorrowedFd, lower: BorrowedFd, is_one_file_system: bool) -> io::Result<OwnedFd> {
    // Through descriptors: a path may hold what separates layers and options.
    let layers = format!("/proc/self/fd/{}:/proc/self/fd/{}", upper.as_raw_fd(), lower.as_raw_fd());
    let layers = CString::new(layers).expect("a path of /proc has no NUL");
    let context = Context::open(c"overlay")?;
    context.set(c"lowerdir", &layers)?;
    if !is_one_file_system {
        // One device number for all of it. Else the kernel's log would say each time that it has one.
        context.set(c"xino", c"on")?;
    }
    // A watch is found again by its file's handle. The kernel leaves it off where the layers have none.
    context.set(c"redirect_dir", c"nofollow")?;
    context.set(c"nfs_export", c"on")?;
    context.set_flag(c"ro")?;
    context.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
}

/// A mounted ext4 that can be written to.
pub struct Ext4 {
    pub mount: OwnedFd,
}

impl Ext4 {
    pub fn mount(device: &LoopDevice) -> io::Result<Self> {
        let context = Context::open(c"ext4")?;
        context.set(c"source", &CString::new(device.path()).expect("a device path has no NUL"))?;
        // Blocks that are given up become holes of the file again, and no thread fills unused tables with zeros.
        context.set_flag(c"discard")?;
        context.set_flag(c"noinit_itable")?;
        let mount = context.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME)?;
        Ok(Ext4 { mount })
    }

    /// A path to its root.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.mount.as_fd().as_raw_fd()))
    }

    /// Writes all of it to the device, and marks it clean there. Nothing is written to it afterwards.
    pub fn finish(&self) -> io::Result<()> {
        let mut steps = 0;
        loop {
            match self.make_read_only() {
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) && steps < BUSY_STEPS => {
                    steps += 1;
                    thread::sleep(BUSY_STEP);
                }
                done => return done,
            }
        }
    }

    /// EBUSY: a file is open for writing.
    pub fn make_read_only(&self) -> io::Result<()> {
        // A new one each time: the kernel takes no further command of one that has failed once, and says EBUSY as well.
        let context = Context::pick(self.mount.as_fd())?;
        context.set_flag(c"ro")?;
        context.command(RECONFIGURE, None, None)
    }
}

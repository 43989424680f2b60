//! `/tmp`: the only writable place of a sandbox, an overlay whose upper layer lies on a disk of limited size.
//!
//! The disk is an ext4 image on a loop device (its pages are file cache, not the function's memory), or a tmpfs where
//! the host has no loop devices. The image is deleted once it is mounted: it goes with the sandbox, however that ends.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{chown, PermissionsExt};
use std::path::Path;

use nix::mount::{mount, MsFlags};

use super::messages::KeeperConfig;
use crate::sys::{self, loop_device};

/// Inside /run, for root only: where the layers of /tmp are attached.
pub const PRIVATE: &str = "/run/.thaw";
const DISK: &str = "/run/.thaw/disk";
/// Where the disk of a clone is attached. The empty one stays mounted beside it, and goes with the sandbox: to unmount
/// a file system takes the kernel several of its grace periods, tens of milliseconds on a busy host.
const COPY: &str = "/run/.thaw/copy";
/// Directories of `PRIVATE` that are mounts' places.
pub const DIRECTORIES: [&str; 3] = ["lower", "disk", "copy"];

/// What a clone finds in `/tmp`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// What is on the disk, for the function's user from now on.
    Disk,
    /// The snapshot's files, as the lower layer of this sandbox's.
    Lower,
    /// A copy of the snapshot's disk, whose owners are right already.
    Copy,
}

pub fn mount_disk(config: &KeeperConfig, target: &Path) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOATIME;
    match &config.tmp_image {
        Some(image) => {
            let backing = OpenOptions::new().read(true).write(true).open(image)?;
            let device = loop_device::attach(&backing)?;
            let options = Some("discard,noinit_itable");
            mount(Some(device.path().as_str()), target, Some("ext4"), flags, options)?;
            drop(device);
            fs::remove_file(image)?;
        }
        None => {
            let options = format!("mode=755,size={}m", config.tmp_mib);
            mount(Some("thaw"), target, Some("tmpfs"), flags, Some(options.as_str()))?;
        }
    }
    for dir in ["upper", "work"] {
        fs::create_dir(target.join(dir))?;
    }
    Ok(())
}

/// Attaches a clone's own disk.
pub fn attach_copy(disk: BorrowedFd) -> io::Result<()> {
    sys::attach_tree(disk, Path::new(COPY))
}

/// Joins the layers on /tmp for the function's user.
pub fn mount_tmp(uid: u32, origin: Origin) -> io::Result<()> {
    let disk = if origin == Origin::Copy { COPY } else { DISK };
    let upper = format!("{disk}/upper");
    if origin != Origin::Copy {
        chown(&upper, Some(uid), Some(uid))?;
        fs::set_permissions(&upper, fs::Permissions::from_mode(0o1777))?;
    }
    // Files have the device number of their directories: so a watch on one is found again. Above a snapshot's files
    // inode numbers would be negative. There a file with several names stays one when it is first written to.
    let more = if origin == Origin::Lower { "index=on" } else { "xino=on" };
    let options = format!("lowerdir={PRIVATE}/lower,upperdir={upper},workdir={disk}/work,{more}");
    // A new overlay writes an id of its own into the upper directory, and with it the time when that was changed. Linux
    // before 6.6 does neither, and does not know the option.
    let without_id = format!("{options},uuid=null");
    let mount_with = |options: &str| {
        mount(Some("overlay"), "/tmp", Some("overlay"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(options))
    };
    match mount_with(&without_id) {
        Err(nix::errno::Errno::EINVAL) => Ok(mount_with(&options)?),
        done => Ok(done?),
    }
}

//! `/tmp`: the only writable place of a sandbox, an overlay whose upper layer lies on a disk of limited size.
//!
//! The disk is an ext4 image on a loop device (its pages are file cache, not the function's memory), or a tmpfs where
//! the host has no loop devices. The image is deleted once it is mounted: it goes with the sandbox, however that ends.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{chown, PermissionsExt};
use std::path::Path;

use nix::mount::{mount, MsFlags};

use super::messages::KeeperConfig;

/// Inside /run, for root only: where the layers of /tmp are attached.
pub const PRIVATE: &str = "/run/.thaw";
const LOOP_CTL_GET_FREE: libc::c_ulong = 0x4C82;
const LOOP_CONFIGURE: libc::c_ulong = 0x4C0A;
const LO_FLAGS_AUTOCLEAR: u32 = 4;
/// Two sandboxes may be told the same free device; the loser asks again.
const LOOP_ATTEMPTS: u32 = 64;

#[repr(C)]
struct LoopInfo64 {
    numbers: [u64; 5],
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo64,
    reserved: [u64; 8],
}

pub fn mount_disk(config: &KeeperConfig, target: &Path) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOATIME;
    match &config.tmp_image {
        Some(image) => {
            let backing = OpenOptions::new().read(true).write(true).open(image)?;
            let (device, path) = attach_loop(&backing)?;
            mount(Some(path.as_str()), target, Some("ext4"), flags, Some("discard"))?;
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

fn attach_loop(backing: &File) -> io::Result<(File, String)> {
    let control = OpenOptions::new().read(true).write(true).open("/dev/loop-control")?;
    let mut last = io::Error::from(io::ErrorKind::ResourceBusy);
    for _ in 0..LOOP_ATTEMPTS {
        // SAFETY: this request takes no argument.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        let path = format!("/dev/loop{number}");
        ensure_node(&path, number)?;
        let device = OpenOptions::new().read(true).write(true).open(&path)?;
        // SAFETY: an all-zero configuration is valid.
        let mut setup: LoopConfig = unsafe { std::mem::zeroed() };
        setup.fd = backing.as_raw_fd() as u32;
        setup.info.flags = LO_FLAGS_AUTOCLEAR;
        // SAFETY: `setup` is a loop_config and outlives the call.
        if unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const setup) } == 0 {
            return Ok((device, path));
        }
        last = io::Error::last_os_error();
        if last.raw_os_error() != Some(libc::EBUSY) {
            break;
        }
    }
    Err(last)
}

/// Makes a device's node where it is missing: in a container /dev may be a plain directory in which none appears by
/// itself.
fn ensure_node(path: &str, number: libc::c_int) -> io::Result<()> {
    if Path::new(path).exists() {
        return Ok(());
    }
    let name = CString::new(path).expect("a device path has no NUL");
    // SAFETY: `name` is a valid C string.
    let made = unsafe { libc::mknod(name.as_ptr(), libc::S_IFBLK | 0o600, libc::makedev(7, number as libc::c_uint)) };
    let error = io::Error::last_os_error();
    if made == 0 || error.kind() == io::ErrorKind::AlreadyExists {
        Ok(())
    } else {
        Err(error)
    }
}

/// Joins the layers on /tmp for the function's user. The lower one is the snapshot's, or empty.
pub fn mount_tmp(uid: u32, has_lower: bool) -> io::Result<()> {
    let upper = format!("{PRIVATE}/disk/upper");
    chown(&upper, Some(uid), Some(uid))?;
    fs::set_permissions(&upper, fs::Permissions::from_mode(0o1777))?;
    // Fresh files have the device number of their directories: so a watch on one is found again. Above a snapshot's
    // files inode numbers would be negative. There a file with several names stays one when it is first written to.
    let more = if has_lower { "index=on" } else { "xino=on" };
    let options = format!("lowerdir={PRIVATE}/lower,upperdir={upper},workdir={PRIVATE}/disk/work,{more}");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("overlay"), "/tmp", Some("overlay"), flags, Some(options.as_str()))?;
    Ok(())
}

//! Loop devices: files as disks.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const CONTROL: &str = "/dev/loop-control";
const LOOP_CTL_GET_FREE: libc::c_ulong = 0x4C82;
const LOOP_CONFIGURE: libc::c_ulong = 0x4C0A;
const LO_FLAGS_AUTOCLEAR: u32 = 4;
/// Who attaches a device holds it for milliseconds before the kernel counts it as taken. All others are told meanwhile
/// that it is free, and then that it is busy: they ask again, a millisecond later, for as long as many may need.
const LOOP_PATIENCE: Duration = Duration::from_secs(10);
const LOOP_PAUSE: Duration = Duration::from_millis(1);

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

/// An attached device. It goes when nothing has it open and no mount uses it.
pub struct LoopDevice {
    /// Below `/dev`, and in the names of sysfs.
    pub name: String,
    _device: File,
}

impl LoopDevice {
    pub fn path(&self) -> String {
        format!("/dev/{}", self.name)
    }
}

pub fn has_loop_devices() -> bool {
    Path::new(CONTROL).exists()
}

/// Attaches a file that is open for reading and writing.
pub fn attach(backing: &File) -> io::Result<LoopDevice> {
    let control = OpenOptions::new().read(true).write(true).open(CONTROL)?;
    let begun = Instant::now();
    loop {
        // SAFETY: this request takes no argument.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        let name = format!("loop{number}");
        let path = format!("/dev/{name}");
        ensure_node(&path, number)?;
        let device = OpenOptions::new().read(true).write(true).open(&path)?;
        // SAFETY: an all-zero configuration is valid.
        let mut setup: LoopConfig = unsafe { std::mem::zeroed() };
        setup.fd = backing.as_raw_fd() as u32;
        setup.info.flags = LO_FLAGS_AUTOCLEAR;
        // SAFETY: `setup` is a loop_config and outlives the call.
        if unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const setup) } == 0 {
            return Ok(LoopDevice { name, _device: device });
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EBUSY) || begun.elapsed() > LOOP_PATIENCE {
            return Err(error);
        }
        thread::sleep(LOOP_PAUSE);
    }
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

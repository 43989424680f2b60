//! What no call sets of an inode. Its number: while an ext4 is mounted, the kernel takes the one that sysfs names, or
//! the next one that is free. The times of its change and of its birth: in an image that this process has made and that
//! is mounted nowhere.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use thaw_snapshot::manifest::Identity;

use super::tmp_disks::BLOCK_SIZE_BYTES;
use crate::error::{Code, Error, Result};
use crate::sys::loop_device::LoopDevice;

/// The first that is a file's: those before it are the file system's own, and `lost+found`.
const FIRST_NUMBER: u64 = 12;
/// Of the superblock, and of it the members that are needed (Documentation/filesystems/ext4/super.rst).
const SUPERBLOCK_AT: u64 = 1024;
const MAGIC: u16 = 0xEF53;
const LOG_BLOCK_SIZE: usize = 0x18;
const INODES_PER_GROUP: usize = 0x28;
const MAGIC_AT: usize = 0x38;
const INODE_SIZE: usize = 0x58;
const FEATURES_READ_ONLY: usize = 0x64;
const GROUP_SIZE: usize = 0xFE;
const GROUP_SIZE_BYTES: u16 = 64;
/// Each inode has a checksum of its own.
const FEATURE_METADATA_CSUM: u32 = 0x400;
/// Of a group, in the block after the superblock's (group_descr.rst).
const TABLE_LOW: usize = 0x08;
const TABLE_HIGH: usize = 0x28;
/// Of an inode (inodes.rst).
const CHANGED: usize = 0x0C;
const EXTRA_SIZE: usize = 0x80;
const CHANGED_EXTRA: usize = 0x84;
const BORN: usize = 0x90;
const BORN_EXTRA: usize = 0x94;
/// Up to the end of `BORN_EXTRA`.
const EXTRA_SIZE_MIN: u16 = 0x18;
const INODE_SIZE_BYTES: u16 = 256;
/// How many share a block.
pub const INODES_PER_BLOCK: u64 = BLOCK_SIZE_BYTES as u64 / INODE_SIZE_BYTES as u64;

/// Chooses the numbers of new files in one mounted file system.
pub struct InodeNumbers(File);

impl InodeNumbers {
    /// None where this host does not let us: sysfs is read-only, or not there.
    pub fn open(device: &LoopDevice) -> Option<Self> {
        let path = format!("/sys/fs/ext4/{}/inode_goal", device.name);
        OpenOptions::new().write(true).open(path).ok().map(InodeNumbers)
    }

    fn set(&self, number: u64) -> io::Result<()> {
        self.0.write_all_at(number.to_string().as_bytes(), 0)
    }

    /// The next file has this one. `check` must follow: one that is taken, or too large, is not an error of the
    /// kernel's.
    pub fn choose(&self, identity: &Identity) -> Result<()> {
        if !(FIRST_NUMBER..=u64::from(u32::MAX)).contains(&identity.inode) {
            return Err(wrong_number(identity.inode));
        }
        Ok(self.set(identity.inode)?)
    }

    /// Throws `SnapshotDamaged` where the file has another one: two have the same, or it is beyond the last.
    pub fn check(path: &Path, identity: &Identity) -> Result<()> {
        if fs::symlink_metadata(path)?.ino() == identity.inode {
            Ok(())
        } else {
            Err(wrong_number(identity.inode))
        }
    }

    /// Leaves the next numbers to the kernel.
    pub fn choose_no_more(&self) -> io::Result<()> {
        self.set(0)
    }
}

fn wrong_number(number: u64) -> Error {
    Error::new(Code::SnapshotDamaged, format!("a file in /tmp can't have the inode number {number}"))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the image of /tmp {what}"))
}

/// Sets times of inodes in an image.
pub struct InodeTimes<'a> {
    image: &'a File,
    inodes_per_group: u64,
}

impl<'a> InodeTimes<'a> {
    pub fn open(image: &'a File) -> io::Result<Self> {
        let mut superblock = [0u8; 1024];
        image.read_exact_at(&mut superblock, SUPERBLOCK_AT)?;
        let is_known = u16_at(&superblock, MAGIC_AT) == MAGIC
            && u16_at(&superblock, INODE_SIZE) == INODE_SIZE_BYTES
            && u32_at(&superblock, FEATURES_READ_ONLY) & FEATURE_METADATA_CSUM == 0
            && u32_at(&superblock, LOG_BLOCK_SIZE) == 2
            && u32_at(&superblock, INODES_PER_GROUP) > 0
            && u16_at(&superblock, GROUP_SIZE) == GROUP_SIZE_BYTES;
        if !is_known {
            return Err(invalid("has another form than the one that sandboxd makes"));
        }
        Ok(InodeTimes { image, inodes_per_group: u64::from(u32_at(&superblock, INODES_PER_GROUP)) })
    }

    fn place_of(&self, inode: u64) -> io::Result<u64> {
        let index = inode.checked_sub(1).ok_or_else(|| invalid("has no inode 0"))?;
        let (group, index) = (index / self.inodes_per_group, index % self.inodes_per_group);
        let mut found = [0u8; GROUP_SIZE_BYTES as usize];
        self.image.read_exact_at(&mut found, BLOCK_SIZE_BYTES as u64 + group * u64::from(GROUP_SIZE_BYTES))?;
        let table = u64::from(u32_at(&found, TABLE_LOW)) | u64::from(u32_at(&found, TABLE_HIGH)) << 32;
        Ok(table * BLOCK_SIZE_BYTES as u64 + index * u64::from(INODE_SIZE_BYTES))
    }

    /// Sets the times of an inode that is in use.
    pub fn set(&self, identity: &Identity) -> io::Result<()> {
        let at = self.place_of(identity.inode)?;
        let mut inode = [0u8; INODE_SIZE_BYTES as usize];
        self.image.read_exact_at(&mut inode, at)?;
        if u16_at(&inode, 0) == 0 || u16_at(&inode, EXTRA_SIZE) < EXTRA_SIZE_MIN {
            return Err(invalid("lacks an inode that was just made"));
        }
        for (ns, low, extra) in [(identity.changed_ns, CHANGED, CHANGED_EXTRA), (identity.born_ns, BORN, BORN_EXTRA)] {
            let (seconds, rest) = encode(ns);
            inode[low..low + 4].copy_from_slice(&seconds.to_le_bytes());
            inode[extra..extra + 4].copy_from_slice(&rest.to_le_bytes());
        }
        self.image.write_all_at(&inode, at)
    }
}

/// The low half of the seconds; and the nanoseconds above two bits, which count how often the half has wrapped.
fn encode(ns: i64) -> (u32, u32) {
    let (seconds, ns) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000) as u32);
    let low = seconds as u32;
    let wraps = (seconds - i64::from(low as i32)) >> 32;
    (low, ns << 2 | (wraps & 3) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kernel decodes it (`ext4_decode_extra_time`).
    fn decode(low: u32, extra: u32) -> i64 {
        (i64::from(low as i32) + (i64::from(extra & 3) << 32)) * 1_000_000_000 + i64::from(extra >> 2)
    }

    #[test]
    fn times_are_those_of_the_kernel_also_before_1970_and_after_2038() {
        for seconds in [0, 1, -1, 1_700_000_000, i64::from(i32::MAX), 1 << 31, (1 << 32) + 5, 9_000_000_000, -(1 << 31)]
        {
            for ns in [0, 1, 999_999_999] {
                let time = seconds * 1_000_000_000 + ns;
                let (low, extra) = encode(time);
                assert_eq!(decode(low, extra), time);
            }
        }
    }
}

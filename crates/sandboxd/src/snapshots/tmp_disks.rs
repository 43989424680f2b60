//! Disks for `/tmp`: sparse files in root's scratch directory, each with an ext4 of the size that was asked for.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use thaw_locked::Locked;

use super::zeros::for_each_filled;
use crate::sys::data_directory::PrivateDirectory;
use crate::sys::detached::Ext4;
use crate::sys::loop_device;

pub const BLOCK_SIZE_BYTES: usize = 4096;
const COPY_SIZE_BYTES: usize = 512 * 1024;
/// All that the kernel's format has by default, but a journal and checksums: a disk lives as long as its sandbox.
const FEATURES: &str = "none,sparse_super,large_file,filetype,dir_index,ext_attr,extent,huge_file,flex_bg,64bit,\
                        dir_nlink,extra_isize,uninit_bg";
/// Orders the names of a directory. It is the same everywhere: where a program was in a directory that it was reading
/// holds in a clone, on each host.
const HASH_SEED: &str = "6d1f6a5e-0d4e-4b7a-9e5b-2f5c1a3b9d10";
const TEMPLATE: &str = "template-";

pub struct TmpDisks {
    scratch: PrivateDirectory,
    templates: Locked<()>,
    copies: AtomicU64,
}

impl TmpDisks {
    /// Removes what an earlier process left: a crash of the host may have left a template half on disk.
    pub fn open(scratch: PrivateDirectory) -> io::Result<Self> {
        for entry in fs::read_dir(scratch.path())?.flatten() {
            let name = entry.file_name();
            if ["sb-", TEMPLATE].iter().any(|start| name.to_string_lossy().starts_with(start)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(TmpDisks { scratch, templates: Locked::default(), copies: AtomicU64::new(0) })
    }

    /// Opens the empty file system of that size, which is made once: only its written blocks take space.
    pub fn open_empty(&self, tmp_mib: u64) -> io::Result<File> {
        let template = self.scratch.path().join(format!("{TEMPLATE}{tmp_mib}.ext4"));
        // Sandboxes made at the same time share one template: only one of them makes it.
        let _one_at_a_time = self.templates.lock();
        if !template.exists() {
            make_file_system(&template, tmp_mib)?;
        }
        File::open(template)
    }

    /// Makes a disk with an empty file system, under that name.
    pub fn make_empty(&self, name: &str, tmp_mib: u64) -> io::Result<PathBuf> {
        let path = self.scratch.path().join(format!("{name}.ext4"));
        let disk = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        copy_sparse(&self.open_empty(tmp_mib)?, &disk).inspect_err(|_| drop(fs::remove_file(&path))).map(|()| path)
    }

    /// Makes an empty file that has no name: it is gone when nothing has it open.
    pub fn make_file(&self) -> io::Result<File> {
        let number = self.copies.fetch_add(1, Ordering::Relaxed);
        // Not every file system has O_TMPFILE.
        let path = self.scratch.path().join(format!("sb-copy-{number}.ext4"));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(path)?;
        Ok(file)
    }

    /// Mounts a copy of an image, for one sandbox.
    pub fn mount_copy(&self, image: &File) -> io::Result<OwnedFd> {
        let copy = self.make_file()?;
        copy_sparse(image, &copy)?;
        mount(&copy)
    }
}

/// Mounts an image. The file goes with the mount.
pub fn mount(image: &File) -> io::Result<OwnedFd> {
    Ok(Ext4::mount(&loop_device::attach(image)?)?.mount)
}

/// Makes an empty file system, a little larger than asked, for its own tables.
fn make_file_system(template: &Path, tmp_mib: u64) -> io::Result<()> {
    let partial = template.with_extension("partial");
    let file = File::create(&partial)?;
    file.set_len((tmp_mib + tmp_mib / 32 + 8) * 1024 * 1024)?;
    let extended = format!("lazy_itable_init=1,nodiscard,hash_seed={HASH_SEED}");
    run(Command::new("mkfs.ext4")
        .args(["-q", "-F", "-m", "0", "-b", "4096", "-I", "256", "-i", "16384", "-O", FEATURES, "-E", &extended])
        .arg(&partial))?;
    fs::rename(partial, template)
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_string();
    if text.contains("No space left") {
        return Err(io::Error::from_raw_os_error(libc::ENOSPC));
    }
    Err(io::Error::other(text))
}

/// Calls `each` with the stretches of a file that are no holes, in pieces, and their places. Nothing may change the
/// file meanwhile.
pub fn for_each_piece<E: From<io::Error>>(
    file: &File,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = vec![0u8; COPY_SIZE_BYTES];
    let mut at = 0;
    loop {
        // SAFETY: plain numbers.
        let data = unsafe { libc::lseek(file.as_raw_fd(), at, libc::SEEK_DATA) };
        if data < 0 {
            let error = io::Error::last_os_error();
            // ENXIO: nothing but a hole up to the end.
            return if error.raw_os_error() == Some(libc::ENXIO) { Ok(()) } else { Err(error.into()) };
        }
        // SAFETY: as above.
        let hole = unsafe { libc::lseek(file.as_raw_fd(), data, libc::SEEK_HOLE) };
        if hole < 0 {
            return Err(io::Error::last_os_error().into());
        }
        at = data;
        while at < hole {
            let wanted = buffer.len().min((hole - at) as usize);
            let length = file.read_at(&mut buffer[..wanted], at as u64)?;
            if length == 0 {
                return Ok(());
            }
            each(at as u64, &buffer[..length])?;
            at += length as i64;
        }
    }
}

/// Copies a file into an empty one. Holes, and blocks of zeros, are holes there.
pub fn copy_sparse(from: &File, to: &File) -> io::Result<()> {
    to.set_len(from.metadata()?.len())?;
    for_each_piece(from, |at, piece| {
        for_each_filled(piece, at, BLOCK_SIZE_BYTES, |at, bytes| to.write_all_at(bytes, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::data_directory::DataDirectory;
    use crate::sys::testing::TestDirectory;
    use std::os::unix::fs::MetadataExt;

    fn open(dir: &TestDirectory) -> TmpDisks {
        let data = DataDirectory::open(&dir.0, nix::unistd::getuid().as_raw()).expect("opens");
        TmpDisks::open(data.open_private("scratch").expect("opens")).expect("opens")
    }

    #[test]
    fn a_copy_has_the_holes_and_the_content() {
        let dir = TestDirectory::new();
        let disks = open(&dir);
        let (from, to) = (disks.make_file().expect("makes"), disks.make_file().expect("makes"));
        from.set_len(64 << 20).expect("grows");
        for at in [0, 5 << 20, (64 << 20) - 3] {
            from.write_all_at(b"abc", at).expect("writes");
        }
        from.write_all_at(&[0; 4 << 20], 9 << 20).expect("writes");
        copy_sparse(&from, &to).expect("copies");
        let mut found = vec![1; 64 << 20];
        to.read_exact_at(&mut found, 0).expect("reads");
        let mut expected = vec![0; 64 << 20];
        from.read_exact_at(&mut expected, 0).expect("reads");
        assert!(found == expected && to.metadata().expect("is there").blocks() * 512 <= 64 << 10);
    }

    #[test]
    fn an_empty_disk_takes_little_and_what_a_crash_left_goes() {
        let dir = TestDirectory::new();
        let left = dir.0.join("scratch");
        fs::create_dir(&left).expect("makes");
        for name in ["sb-7.ext4", "template-512.ext4", "template-64.partial"] {
            fs::write(left.join(name), b"half").expect("writes");
        }
        let disks = open(&dir);
        assert_eq!(fs::read_dir(&left).expect("lists").count(), 0);
        let meta = fs::metadata(disks.make_empty("sb-1", 512).expect("makes")).expect("is there");
        assert!(meta.len() > 512 << 20 && meta.blocks() * 512 < 1 << 20, "{meta:?}");
    }
}

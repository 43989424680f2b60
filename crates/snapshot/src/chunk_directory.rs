//! A directory of chunk files, `ab/abcdef…`, each written beside and renamed into place. The server's user may write
//! here too, so nothing is trusted: names are opened without following links, and contents are compared or
//! authenticated.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chunk::{ChunkName, FILE_SIZE_BYTES_MAX};
use crate::hex;

const DRAFT_LIFETIME: std::time::Duration = std::time::Duration::from_secs(3600);
const RESOLVE_NO_SYMLINKS: u64 = 0x04;
const RESOLVE_BENEATH: u64 = 0x08;

#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

pub struct ChunkDirectory {
    dir: OwnedFd,
    serial: AtomicU64,
}

fn path_of(name: &ChunkName) -> String {
    let text = hex::encode(name);
    format!("{}/{text}", &text[..2])
}

fn cstring(text: &str) -> CString {
    CString::new(text).expect("our names have no NUL")
}

/// A chunk is written in a moment.
fn is_left_behind(entry: &std::fs::DirEntry) -> bool {
    let written = entry.metadata().and_then(|meta| meta.modified());
    written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > DRAFT_LIFETIME))
}

impl ChunkDirectory {
    pub fn new(dir: OwnedFd) -> Self {
        ChunkDirectory { dir, serial: AtomicU64::new(0) }
    }

    fn open(&self, path: &str, flags: i32, mode: u64) -> io::Result<File> {
        let path = cstring(path);
        let how =
            OpenHow { flags: (flags | libc::O_CLOEXEC) as u64, mode, resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
        // SAFETY: `how` and the path outlive the call; the kernel returns a new descriptor.
        unsafe {
            let fd = libc::syscall(
                libc::SYS_openat2,
                self.dir.as_raw_fd(),
                path.as_ptr(),
                &raw const how,
                std::mem::size_of::<OpenHow>(),
            );
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(File::from_raw_fd(fd as i32))
        }
    }

    /// Reads the file as it is; `NotFound` where there is none. One longer than a chunk may be is cut one byte over the
    /// limit, so that it is refused.
    pub fn read(&self, name: &ChunkName) -> io::Result<Vec<u8>> {
        let file = self.open(&path_of(name), libc::O_RDONLY | libc::O_NONBLOCK, 0)?;
        let mut bytes = Vec::with_capacity(FILE_SIZE_BYTES_MAX + 1);
        file.take(FILE_SIZE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes everything durable that was written so far.
    pub fn sync(&self) -> io::Result<()> {
        Ok(nix::unistd::syncfs(&self.dir)?)
    }

    pub fn has(&self, name: &ChunkName) -> bool {
        let path = cstring(&path_of(name));
        // SAFETY: the path is a valid C string.
        unsafe { libc::faccessat(self.dir.as_raw_fd(), path.as_ptr(), libc::F_OK, 0) == 0 }
    }

    /// Writes a chunk; true where the file is new. One that is there already is compared byte by byte: a crash may have
    /// left it empty, and another user may have put it there.
    pub fn write(&self, name: &ChunkName, bytes: &[u8]) -> io::Result<bool> {
        match self.read(name) {
            Ok(found) if found == bytes => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let path = path_of(name);
        self.make_parent(&path[..2])?;
        let draft = format!("{}/.{}-{}", &path[..2], std::process::id(), self.serial.fetch_add(1, Ordering::Relaxed));
        let mut file = self.open(&draft, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL, 0o644)?;
        let written = file.write_all(bytes).and_then(|()| self.rename(&draft, &path));
        if written.is_err() {
            self.unlink(&draft)?;
        }
        written.map(|()| true)
    }

    fn make_parent(&self, name: &str) -> io::Result<()> {
        let name = cstring(name);
        // SAFETY: the name is a valid C string.
        let made = unsafe { libc::mkdirat(self.dir.as_raw_fd(), name.as_ptr(), 0o755) };
        let error = io::Error::last_os_error();
        if made != 0 && error.kind() != io::ErrorKind::AlreadyExists {
            return Err(error);
        }
        if made == 0 {
            // The server adds what it fetches, and removes what is evicted.
            let owner = nix::sys::stat::fstat(&self.dir).map_err(io::Error::from)?;
            // SAFETY: as above.
            unsafe {
                libc::fchownat(
                    self.dir.as_raw_fd(),
                    name.as_ptr(),
                    owner.st_uid,
                    owner.st_gid,
                    libc::AT_SYMLINK_NOFOLLOW,
                )
            };
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (cstring(from), cstring(to));
        // SAFETY: both are valid C strings.
        let done = unsafe { libc::renameat(self.dir.as_raw_fd(), from.as_ptr(), self.dir.as_raw_fd(), to.as_ptr()) };
        if done == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    fn unlink(&self, path: &str) -> io::Result<()> {
        let path = cstring(path);
        // SAFETY: the path is a valid C string.
        let done = unsafe { libc::unlinkat(self.dir.as_raw_fd(), path.as_ptr(), 0) };
        if done == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    pub fn remove(&self, name: &ChunkName) -> io::Result<()> {
        match self.unlink(&path_of(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Lists every chunk that is there. Removes drafts that a crash left: those that nobody can be writing any more.
    pub fn list(&self) -> io::Result<Vec<ChunkName>> {
        let mut names = Vec::new();
        let base = std::path::PathBuf::from(format!("/proc/self/fd/{}", self.dir.as_raw_fd()));
        for group in std::fs::read_dir(&base)?.flatten() {
            if !group.file_type()?.is_dir() {
                continue;
            }
            for entry in std::fs::read_dir(group.path())?.flatten() {
                match entry.file_name().to_str().and_then(hex::decode::<32>) {
                    Some(name) => names.push(name),
                    None if is_left_behind(&entry) => drop(std::fs::remove_file(entry.path())),
                    None => {}
                }
            }
        }
        Ok(names)
    }
}

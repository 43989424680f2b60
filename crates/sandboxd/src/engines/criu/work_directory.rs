//! A directory for one run of CRIU: its log and its sockets. In memory, removed with the value.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

const LOG_TAIL_BYTES: usize = 2000;

pub struct WorkDirectory {
    pub path: PathBuf,
    pub fd: OwnedFd,
}

impl WorkDirectory {
    pub fn new(parent: &Path, name: &str) -> io::Result<Self> {
        let path = parent.join(name);
        fs::create_dir_all(&path)?;
        let fd = File::open(&path)?.into();
        Ok(WorkDirectory { path, fd })
    }

    /// Reads the last lines of a log; empty where there is none.
    pub fn log_tail(&self, name: &str) -> String {
        let bytes = fs::read(self.path.join(name)).unwrap_or_default();
        let start = bytes.len().saturating_sub(LOG_TAIL_BYTES);
        String::from_utf8_lossy(&bytes[start..]).trim().to_string()
    }
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

//! A snapshot that is ready for restores, in memory only: the engine's own files decrypted, and `/tmp`.
//!
//! ```text
//! (tmpfs of sandboxd's own mount namespace)/snap-…-N/images/    the engine's files
//!                                                    tmp/       lower layer of the clones' /tmp
//! ```

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::{Clocks, Header};

use super::chunks::Pinned;
use super::store::Stamp;
use crate::sys;

pub struct Prepared {
    pub name: String,
    pub header: Header,
    pub supervisor_pid: i32,
    pub clocks: Clocks,
    /// A clone may ask for any of them as long as it lives.
    pub _chunks: Pinned,
    /// The key that the manifest was opened with: no other one opens it.
    pub key: DataKey,
    /// The manifest file that it was made from.
    pub stamp: Stamp,
    pub directory: PathBuf,
    /// True where the engine's files hold every page, for restores without a pager.
    pub has_all_pages: bool,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Prepared {
    pub fn images_directory(&self) -> PathBuf {
        self.directory.join("images")
    }

    pub fn tmp_directory(&self) -> PathBuf {
        self.directory.join("tmp")
    }

    pub fn open_images(&self) -> io::Result<OwnedFd> {
        Ok(File::open(self.images_directory())?.into())
    }

    pub fn clone_tmp_tree(&self) -> io::Result<OwnedFd> {
        sys::open_tree_clone(&self.tmp_directory())
    }
}

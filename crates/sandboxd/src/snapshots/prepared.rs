//! A snapshot that is ready for restores, in memory only: the engine's own files decrypted, and `/tmp`.
//!
//! ```text
//! (tmpfs of sandboxd's own mount namespace)/snap-…-N.images/    the engine's files, for the moments of a restore
//!                                           snap-…-N.tmp/       lower layer of the clones' /tmp, while they live
//! ```

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::{Clocks, Header};

use super::chunks::Pinned;
use super::room::Kept;
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
    /// `/tmp`, shared by all clones; none where it is so large that each clone gets it on its own disk.
    pub tmp: Option<Kept>,
}

/// The engine's files.
pub struct Images {
    pub files: Kept,
    /// True where they hold every page, for restores without a pager.
    pub has_all_pages: bool,
}

impl Prepared {
    pub fn clone_tmp_tree(&self) -> io::Result<Option<OwnedFd>> {
        self.tmp.as_ref().map(|tmp| sys::open_tree_clone(&tmp.directory)).transpose()
    }
}

impl Images {
    pub fn open(&self) -> io::Result<OwnedFd> {
        Ok(File::open(&self.files.directory)?.into())
    }
}

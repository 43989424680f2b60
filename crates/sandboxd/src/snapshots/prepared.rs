//! A snapshot that is ready for restores, in memory only: the engine's own files decrypted, and `/tmp`.
//!
//! ```text
//! (tmpfs of sandboxd's own mount namespace)/snap-…-N.images/    the engine's files, for the moments of a restore
//!                                           snap-…-N.disk/image the file system of /tmp, which clones get copies of
//!                                           snap-…-N.tmp/       or a lower layer of the clones' /tmp, while they live
//! ```

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::{Clocks, Header};

use super::chunks::Pinned;
use super::room::Kept;
use super::store::Stamp;

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
    pub tmp_mib: u64,
    pub tmp: Tmp,
}

/// What clones get as their `/tmp`.
pub enum Tmp {
    /// Nothing was in it.
    Empty,
    /// A copy of this file system, as their disk.
    Image { image: File, _kept: Kept },
    /// The same, made anew for each: there was no room to keep it.
    OwnImage,
    /// The files, shared by all, as the lower layer of an overlay.
    Layer(Kept),
    /// The files, laid out on the disk of each: they are too many or too large to be shared.
    OwnFiles,
}

impl Tmp {
    /// True where it holds memory that could be set free.
    pub fn is_kept(&self) -> bool {
        matches!(self, Tmp::Image { .. } | Tmp::Layer(_))
    }
}

/// A mount for one clone's `/tmp`.
pub enum TmpTree {
    Lower(OwnedFd),
    Disk(OwnedFd),
}

/// The engine's files.
pub struct Images {
    pub files: Kept,
    /// True where they hold every page, for restores without a pager.
    pub has_all_pages: bool,
}

impl Images {
    pub fn open(&self) -> io::Result<OwnedFd> {
        Ok(File::open(&self.files.directory)?.into())
    }
}

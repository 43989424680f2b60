//! The number of pieces of shared memory. CRIU keeps a file open for each of them while it restores, within a limit
//! that it may not raise: what no restore could bring back is refused while the snapshot is taken, not at each restore.

use std::io;

use nix::sys::resource::{getrlimit, Resource};

use crate::error::{Code, Error, Result};

/// What CRIU and the runtime have open besides.
const OTHER_FILES: u64 = 64;

/// Those of one dump so far: each has a page map of its own.
pub struct SharedMemory {
    pieces: u64,
    pieces_max: u64,
}

impl SharedMemory {
    /// Goes by this process's limit of open files, which CRIU inherits.
    pub fn of_this_host() -> io::Result<Self> {
        let (_, files_max) = getrlimit(Resource::RLIMIT_NOFILE)?;
        Ok(Self::within(files_max))
    }

    fn within(files_max: u64) -> Self {
        SharedMemory { pieces: 0, pieces_max: files_max.saturating_sub(OTHER_FILES) }
    }

    /// Counts a file that CRIU writes. Throws `SnapshotRefused` where there are too many.
    pub fn add(&mut self, file: &str) -> Result<()> {
        self.pieces += u64::from(file.starts_with("pagemap-shmem-"));
        if self.pieces <= self.pieces_max {
            return Ok(());
        }
        let message = format!(
            "The execution environment could not be saved: it has more than {} pieces of shared memory, and each needs \
             an open file while it is restored. Map fewer and larger ones, or raise this host's limit of open files.",
            self.pieces_max
        );
        Err(Error::new(Code::SnapshotRefused, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_more_than_may_be_open() {
        let mut memory = SharedMemory::within(OTHER_FILES + 2);
        for file in ["pagemap-shmem-1.img", "pages-1.img", "pagemap-1.img", "mm-1.img", "pagemap-shmem-2.img"] {
            memory.add(file).expect("is not too much");
        }
        let error = memory.add("pagemap-shmem-3.img").expect_err("is one too many");
        assert_eq!(error.code, Code::SnapshotRefused);
        assert!(error.message.contains("more than 2 pieces"), "{}", error.message);
    }
}

//! Messages between sandboxd and a keeper. Both are the same program, so the form is free to change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where the parts of the root file system are; paths of the host, seen before the root is changed.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash)]
pub struct KeeperConfig {
    /// `/` (only its `/usr` and what hangs on it are shown) or an installed root file system. None: the root is a
    /// container image's, which comes with `MountPoint::Root`.
    pub root: Option<String>,
    pub lang: Option<String>,
    /// Links in `/var/lang/bin` by name; empty where `lang` is there.
    pub programs: BTreeMap<String, String>,
    /// None: whatever the image has is there.
    pub client: Option<String>,
    pub supervisor: String,
    /// Library that every dynamically linked program loads; none: nothing is preloaded.
    pub preload: Option<String>,
    /// An empty directory of the host to build on.
    pub mount_point: String,
    /// Root's own empty directory, on the disk of sandboxd's data.
    pub empty: String,
    /// The kernel facts CRIU has cached; empty without CRIU.
    pub kdat: String,
    pub tmp_mib: u64,
    /// Image of an empty ext4 file system for `/tmp`, deleted once mounted; none: tmpfs.
    pub tmp_image: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub enum MountPoint {
    /// A container image, unpacked: all of the root but what is the sandbox's own.
    Root,
    Task,
    Opt,
    Control,
    /// The snapshot's `/tmp`: lower layer of this sandbox's.
    TmpLower,
    /// A disk with a copy of the snapshot's `/tmp`.
    TmpDisk,
    /// Read-write at `/mnt/NAME`.
    FileSystem {
        name: String,
    },
}

impl MountPoint {
    pub fn file_system(&self) -> Option<&str> {
        match self {
            MountPoint::FileSystem { name } => Some(name),
            _ => None,
        }
    }
}

/// Added to the host's clocks, so that a clone goes on where its snapshot stopped.
pub type TimeOffsets = thaw_snapshot::manifest::Clocks;

/// Facts of its snapshot that a clone can read.
#[derive(Serialize, Deserialize)]
pub struct SnapshotFacts {
    pub snapshot: String,
    pub taken_at_ms: i64,
}

#[derive(Serialize, Deserialize)]
pub enum Command {
    /// Makes the starter. Descriptors: the `cgroup.procs` files.
    Wait,
    /// Detached mount trees come as descriptors in this order.
    Take {
        mounts: Vec<MountPoint>,
        uid: u32,
        snapshot: Option<SnapshotFacts>,
        /// Of the server's service door; empty: there is none.
        certificate: String,
    },
    Start {
        server_uid: u32,
    },
    /// Descriptors: criu, images directory, work directory.
    Dump {
        ghost_limit_bytes: u64,
    },
    /// Descriptors: criu, images directory, work directory; with a pager also the socket on which CRIU calls it, and
    /// the one to it.
    Restore {
        supervisor_pid: i32,
        offsets: TimeOffsets,
        memory: Memory,
    },
}

/// Where a clone's pages come from.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// CRIU reads all of them before the processes run.
    Eager,
    /// The pager, on demand.
    Lazy,
    /// As CRIU does it by itself, with nothing left out: to compare with.
    #[cfg(feature = "bench")]
    StockEager,
    /// The same with CRIU's own lazy-pages daemon.
    #[cfg(feature = "bench")]
    StockLazy,
}

impl Memory {
    /// True where every page must be in CRIU's files.
    pub fn needs_all_pages(self) -> bool {
        self != Memory::Lazy
    }

    /// True where CRIU leaves pages out of a restore.
    pub fn is_lazy(self) -> bool {
        match self {
            Memory::Eager => false,
            Memory::Lazy => true,
            #[cfg(feature = "bench")]
            Memory::StockEager => false,
            #[cfg(feature = "bench")]
            Memory::StockLazy => true,
        }
    }

    /// True where CRIU is measured as it is.
    pub fn is_stock(self) -> bool {
        match self {
            Memory::Eager | Memory::Lazy => false,
            #[cfg(feature = "bench")]
            Memory::StockEager | Memory::StockLazy => true,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub enum Reply {
    Done,
    Started {
        pid: i32,
    },
    Dumped {
        supervisor_pid: i32,
        clocks: TimeOffsets,
        cut_connections: u32,
    },
    /// What the function holds that no engine would find again: a sentence for its owner.
    Refused {
        what: String,
    },
    /// CRIU's exit code; its log is in the work directory.
    CriuFailed {
        code: i32,
    },
    Error {
        message: String,
    },
}

#[derive(Serialize, Deserialize)]
pub enum Event {
    /// Pid 1 of the sandbox, in the host's pid namespace.
    Init {
        pid: i32,
    },
    Ready,
    Failed {
        message: String,
    },
    Exited,
    Reply(Reply),
}

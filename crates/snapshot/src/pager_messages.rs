//! What sandboxd and the pager say to each other: JSON with descriptors over one SEQPACKET socket.

use serde::{Deserialize, Serialize};

/// What became of a chunk that was asked for from afar.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum ChunkAnswer {
    /// It is in the directory of chunks.
    Here,
    /// There is none to be had.
    Nowhere,
    /// It did not come in time, and may come another time.
    Late,
}

#[derive(Serialize, Deserialize, Debug)]
pub enum Command {
    /// Descriptors: the manifest, and the working set where there is one. Again whenever one of them changes.
    Open { snapshot: String, key: String },
    /// Descriptor: the socket to the relay of a sandbox that is being restored.
    Session { session: String, snapshot: String, prefetch: bool },
    /// The answer to `Want`.
    Chunk { chunk: String, answer: ChunkAnswer },
    /// Puts every page of the clone in place, then ends the session.
    Complete { session: String },
    /// Asks for what was touched so far, and ends the recording.
    Recorded { session: String },
    Forget { snapshot: String },
}

#[derive(Serialize, Deserialize, Debug)]
pub enum Event {
    /// A chunk that this host lacks, or has damaged.
    Want { chunk: String, is_damaged: bool },
    /// The clone can't have its pages, and is killed. `is_late`: they did not come from afar in time.
    Failed { session: String, message: String, is_damaged: bool, is_late: bool },
    Completed { session: String, is_ok: bool },
    /// Descriptor: the runs that were touched (working_set.rs).
    Recorded { session: String, faults: u64, prefetched_pages: u64, prefetch_start_ms: f64, prefetch_end_ms: f64, restored_ms: f64 },
}

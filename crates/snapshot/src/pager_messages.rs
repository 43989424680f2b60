//! Messages between sandboxd and the pager: JSON with descriptors over one SEQPACKET socket.

use serde::{Deserialize, Serialize};

/// Outcome of a request for a chunk of the far store.
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

/// The pager's work for one clone. Milliseconds are counted from the beginning of the session.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct SessionStats {
    pub faults: u64,
    pub prefetched_pages: u64,
    pub prefetch_start_ms: f64,
    pub prefetch_end_ms: f64,
    pub restored_ms: f64,
    /// Time that this host's pager spent on decryption meanwhile, for all clones that were restored at the same time.
    pub decrypt_ms: f64,
}

#[derive(Serialize, Deserialize, Debug)]
pub enum Command {
    /// Descriptors: the manifest, and the working set where there is one. Again whenever one of them changes.
    Open {
        snapshot: String,
        key: String,
    },
    /// Descriptor: the socket to the relay of a sandbox that is being restored.
    Session {
        session: String,
        snapshot: String,
    },
    /// The answer to `Want`.
    Chunk {
        chunk: String,
        answer: ChunkAnswer,
    },
    /// Puts every page of the clone in place, then ends the session.
    Complete {
        session: String,
    },
    /// Asks for what was touched so far, and ends the recording.
    Recorded {
        session: String,
    },
    Forget {
        snapshot: String,
    },
    /// Answered at once, by `Pong`: a pager that does not is killed.
    Ping,
}

#[derive(Serialize, Deserialize, Debug)]
pub enum Event {
    /// A chunk that this host lacks, or has damaged.
    Want {
        chunk: String,
        is_damaged: bool,
    },
    /// The clone can't have its pages, and is killed. `is_late`: they did not come from afar in time.
    Failed {
        session: String,
        message: String,
        is_damaged: bool,
        is_late: bool,
    },
    Completed {
        session: String,
        is_ok: bool,
    },
    /// Descriptor: the runs that were touched (working_set.rs).
    Recorded {
        session: String,
        stats: SessionStats,
    },
    Pong,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[{\":,}\\]a-zA-Z0-9_ .-]{0,120}") {
            for bytes in [&bytes[..], text.as_bytes()] {
                let _ = serde_json::from_slice::<Command>(bytes);
                let _ = serde_json::from_slice::<Event>(bytes);
            }
        }

        #[test]
        fn a_message_cut_short_is_refused(session in "[a-z0-9-]{1,20}", cut in any::<proptest::sample::Index>()) {
            let whole = serde_json::to_vec(&Event::Completed { session, is_ok: true }).expect("plain data");
            prop_assert!(serde_json::from_slice::<Event>(&whole).is_ok());
            prop_assert!(serde_json::from_slice::<Event>(&whole[..cut.index(whole.len())]).is_err());
        }
    }
}

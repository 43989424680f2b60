//! The requests of the server, as JSON has them.

use serde::Deserialize;
use thaw_snapshot::hex;
use thaw_snapshot::pager_messages::ChunkAnswer;

use crate::sandboxes::spec::Spec;

#[derive(Deserialize)]
pub struct Request {
    pub id: u64,
    #[serde(flatten)]
    pub operation: Operation,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub enum Operation {
    Hello {
        protocol: u32,
    },
    Create {
        engine: String,
        sandbox: String,
        spec: Spec,
    },
    #[serde(rename_all = "camelCase")]
    Restore {
        engine: String,
        sandbox: String,
        spec: Spec,
        snapshot: String,
        fingerprint: String,
        data_key: Secret,
    },
    #[serde(rename_all = "camelCase")]
    Snapshot {
        engine: String,
        sandbox: String,
        snapshot: String,
        fingerprint: String,
        data_key: Secret,
        chunk_secret: Secret,
    },
    #[serde(rename_all = "camelCase")]
    RecordWorkingSet {
        sandbox: String,
        recordings_max: u32,
    },
    #[serde(rename_all = "camelCase")]
    Repack {
        snapshot: String,
        data_key: Secret,
        chunk_secret: Secret,
    },
    Chunk {
        chunk: String,
        answer: ChunkAnswer,
    },
    CollectChunks,
    #[serde(rename_all = "camelCase")]
    Inspect {
        snapshot: String,
        data_key: Secret,
        needles: Vec<String>,
    },
    Observe {
        sandbox: String,
    },
    Freeze {
        sandbox: String,
    },
    Thaw {
        sandbox: String,
    },
    Boost {
        sandbox: String,
        on: bool,
    },
    Usage {
        sandbox: String,
        #[serde(default)]
        reset: bool,
    },
    Destroy {
        sandbox: String,
    },
    Network,
    Door {
        port: u16,
        certificate: String,
        /// Where the server's services listen; none: no function may reach them.
        services: Option<u16>,
    },
    ListSnapshots,
    RemoveSnapshot {
        snapshot: String,
    },
}

impl Operation {
    /// True for what environments that are there already need: it starts no process, and takes moments.
    pub fn is_short(&self) -> bool {
        matches!(
            self,
            Operation::Freeze { .. }
                | Operation::Thaw { .. }
                | Operation::Boost { .. }
                | Operation::Usage { .. }
                | Operation::Destroy { .. }
                | Operation::Chunk { .. }
        )
    }
}

/// 32 bytes as hexadecimal digits.
pub struct Secret(pub [u8; 32]);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(&text).map(Secret).ok_or_else(|| serde::de::Error::custom("expected 64 hexadecimal digits"))
    }
}

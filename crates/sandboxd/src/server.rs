//! The socket that the server speaks to. docs/formats/sandboxd-protocol.md has the form.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde::Deserialize;
use serde_json::{json, Value};

use crate::cgroup::Version;
use crate::error::{Code, Error, Result};
use crate::host_facts;
use crate::restore::RestoreRequest;
use crate::sandboxes::{Sandboxes, Spec};
use crate::take::TakeRequest;
use thaw_snapshot::hex;
use thaw_snapshot::pager_messages::ChunkAnswer;

const LINE_SIZE_BYTES_MAX: u64 = 64 * 1024;
const PROTOCOL: u32 = 2;
const POOL_SIZE_MAX: usize = 64;

#[derive(Deserialize)]
struct Request {
    id: u64,
    #[serde(flatten)]
    operation: Operation,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
enum Operation {
    Hello {
        protocol: u32,
    },
    Create {
        sandbox: String,
        spec: Spec,
    },
    #[serde(rename_all = "camelCase")]
    Restore {
        sandbox: String,
        spec: Spec,
        snapshot: String,
        fingerprint: String,
        data_key: Secret,
    },
    #[serde(rename_all = "camelCase")]
    Snapshot {
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
    List,
    ListSnapshots,
    RemoveSnapshot {
        snapshot: String,
    },
    Pool {
        size: usize,
    },
}

/// 32 bytes as hexadecimal digits.
struct Secret([u8; 32]);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(&text).map(Secret).ok_or_else(|| serde::de::Error::custom("expected 64 hexadecimal digits"))
    }
}

#[derive(Clone)]
struct Connection {
    stream: Arc<Mutex<UnixStream>>,
}

impl Connection {
    fn send(&self, value: &Value) {
        let mut line = value.to_string();
        line.push('\n');
        // A server that hung up is seen by the reader.
        let _ = self.stream.lock().expect("no holder panics").write_all(line.as_bytes());
    }

    fn exit_notice(&self, sandboxes: &Arc<Sandboxes>, sandbox: &str) -> impl FnOnce() + Send + 'static {
        let (connection, sandboxes, sandbox) = (self.clone(), Arc::downgrade(sandboxes), sandbox.to_string());
        move || {
            let all = sandboxes.upgrade();
            let oom =
                all.as_ref().and_then(|all| all.usage(&sandbox, false).ok()).is_some_and(|usage| usage.oom_kills > 0);
            let damaged = all.is_some_and(|all| all.is_damaged(&sandbox));
            connection.send(&json!({ "event": "exited", "sandbox": sandbox, "oom": oom, "snapshotDamaged": damaged }));
        }
    }
}

/// The connection of now, so that the end can be told before the sandboxes go.
#[derive(Default)]
pub struct Current(Mutex<Option<UnixStream>>);

impl Current {
    /// The server learns that sandboxd is lost. Were the sandboxes ended first, it would take that for the functions' failure.
    pub fn hang_up(&self) {
        if let Some(stream) = self.0.lock().expect("no holder panics").take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

pub fn serve(
    listener: &UnixListener,
    sandboxes: &Arc<Sandboxes>,
    current: &Current,
    version: Version,
    has_nat: bool,
) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        let peer = getsockopt(&stream, PeerCredentials).map_err(io::Error::from)?;
        if peer.uid() != sandboxes.server_uid {
            continue;
        }
        *current.0.lock().expect("no holder panics") = Some(stream.try_clone()?);
        // One server at a time: while this one is connected, another waits in the backlog.
        let connection = Connection { stream: Arc::new(Mutex::new(stream.try_clone()?)) };
        let asking = connection.clone();
        sandboxes.far.connect(move |chunk, is_damaged| {
            asking.send(&json!({ "event": "chunkWanted", "chunk": chunk, "isDamaged": is_damaged }));
        });
        if let Err(error) = serve_connection(stream, &connection, sandboxes, version, has_nat) {
            eprintln!("sandboxd: connection: {error}");
        }
        sandboxes.far.disconnect();
        sandboxes.destroy_all();
    }
    Ok(())
}

fn serve_connection(
    stream: UnixStream,
    connection: &Connection,
    sandboxes: &Arc<Sandboxes>,
    version: Version,
    has_nat: bool,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let length = reader.by_ref().take(LINE_SIZE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            return Err(io::Error::other("a line is too long or cut short"));
        }
        let request: Request = match serde_json::from_slice(&line) {
            Ok(request) => request,
            Err(error) => {
                let id = serde_json::from_slice::<Value>(&line).ok().and_then(|value| value["id"].as_u64());
                connection.send(&answer(id.unwrap_or(0), Err(Error::new(Code::BadRequest, error.to_string()))));
                continue;
            }
        };
        let (connection, sandboxes) = (connection.clone(), Arc::clone(sandboxes));
        thread::spawn(move || {
            let result = run(&connection, &sandboxes, request.operation, version, has_nat);
            connection.send(&answer(request.id, result));
        });
    }
}

fn answer(id: u64, result: Result<Value>) -> Value {
    match result {
        Ok(value) => json!({ "id": id, "ok": value }),
        Err(error) => json!({ "id": id, "error": { "code": error.code.name(), "message": error.message } }),
    }
}

fn to_value(value: impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::new(Code::Failed, error.to_string()))
}

fn run(
    connection: &Connection,
    all: &Arc<Sandboxes>,
    operation: Operation,
    version: Version,
    has_nat: bool,
) -> Result<Value> {
    let done = json!({});
    match operation {
        Operation::Hello { protocol } if protocol != PROTOCOL => {
            Err(Error::new(Code::BadRequest, format!("this sandboxd speaks protocol {PROTOCOL}")))
        }
        Operation::Hello { .. } => Ok(hello(all, version, has_nat)),
        Operation::Create { sandbox, spec } => {
            to_value(all.create(&sandbox, &spec, connection.exit_notice(all, &sandbox))?)
        }
        Operation::Restore { sandbox, spec, snapshot, fingerprint, data_key } => {
            let request = RestoreRequest { snapshot: &snapshot, fingerprint: &fingerprint, key: &data_key.0 };
            to_value(all.restore(&sandbox, &spec, &request, connection.exit_notice(all, &sandbox))?)
        }
        Operation::Snapshot { sandbox, snapshot, fingerprint, data_key, chunk_secret } => {
            let request = TakeRequest {
                snapshot: &snapshot,
                fingerprint: &fingerprint,
                key: &data_key.0,
                chunk_secret: &chunk_secret.0,
            };
            to_value(all.snapshot(&sandbox, &request)?)
        }
        Operation::RecordWorkingSet { sandbox, recordings_max } => {
            to_value(all.record_working_set(&sandbox, recordings_max)?)
        }
        Operation::Repack { snapshot, data_key, chunk_secret } => {
            Ok(json!({ "pages": all.repack(&snapshot, &data_key.0, &chunk_secret.0)? }))
        }
        Operation::Chunk { chunk, answer } => {
            let name = hex::decode(&chunk).ok_or_else(|| Error::new(Code::BadRequest, "chunk: not a name"))?;
            all.far.arrived(&name, answer);
            if let Some(pager) = &all.pager {
                pager.chunk_arrived(&chunk, answer);
            }
            Ok(done)
        }
        Operation::CollectChunks => Ok(json!({ "removed": all.collect_chunks()? })),
        Operation::Inspect { snapshot, data_key, needles } => to_value(all.inspect(&snapshot, &data_key.0, &needles)?),
        Operation::Observe { sandbox } => to_value(all.observe(&sandbox)?),
        Operation::Freeze { sandbox } => all.freeze(&sandbox, true).map(|()| done),
        Operation::Thaw { sandbox } => all.freeze(&sandbox, false).map(|()| done),
        Operation::Boost { sandbox, on } => all.boost(&sandbox, on).map(|()| done),
        Operation::Usage { sandbox, reset } => to_value(all.usage(&sandbox, reset)?),
        Operation::Destroy { sandbox } => {
            all.destroy(&sandbox);
            Ok(done)
        }
        Operation::List => Ok(json!({ "sandboxes": all.list() })),
        Operation::ListSnapshots => Ok(json!({ "snapshots": all.snapshots.list()? })),
        Operation::RemoveSnapshot { snapshot } => all.remove_snapshot(&snapshot).map(|()| done),
        Operation::Pool { size } => {
            all.pool.resize(size.min(POOL_SIZE_MAX));
            Ok(done)
        }
    }
}

fn hello(all: &Sandboxes, version: Version, has_nat: bool) -> Value {
    let (criu, problem) = match &all.criu {
        Ok(criu) => (json!({ "version": criu.version, "path": criu.path }), Value::Null),
        Err(problem) => (Value::Null, json!(problem)),
    };
    json!({
        "protocol": PROTOCOL,
        "criu": criu,
        "criuProblem": problem,
        "cgroup": if version == Version::V2 { "v2" } else { "v1" },
        "cpuFingerprint": host_facts::cpu_fingerprint(),
        "kernel": host_facts::kernel(),
        "network": has_nat,
        "tmpQuota": all.tmp_quota(),
    })
}

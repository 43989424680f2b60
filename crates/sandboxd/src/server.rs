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
use crate::sandboxes::{Sandboxes, Spec};
use crate::{host_facts, names};

const LINE_SIZE_BYTES_MAX: u64 = 64 * 1024;
const PROTOCOL: u32 = 1;
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
    Hello { protocol: u32 },
    Create { sandbox: String, spec: Spec },
    Restore { sandbox: String, spec: Spec, snapshot: String, fingerprint: String },
    Snapshot { sandbox: String, snapshot: String, fingerprint: String },
    Freeze { sandbox: String },
    Thaw { sandbox: String },
    Boost { sandbox: String, on: bool },
    Usage { sandbox: String, #[serde(default)] reset: bool },
    Destroy { sandbox: String },
    List,
    ListSnapshots,
    RemoveSnapshot { snapshot: String },
    Pool { size: usize },
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
            let oom = sandboxes.upgrade().and_then(|all| all.usage(&sandbox, false).ok()).is_some_and(|usage| usage.oom_kills > 0);
            connection.send(&json!({ "event": "exited", "sandbox": sandbox, "oom": oom }));
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

pub fn serve(listener: &UnixListener, sandboxes: &Arc<Sandboxes>, current: &Current, version: Version, has_nat: bool) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        let peer = getsockopt(&stream, PeerCredentials).map_err(io::Error::from)?;
        if peer.uid() != sandboxes.server_uid {
            continue;
        }
        *current.0.lock().expect("no holder panics") = Some(stream.try_clone()?);
        // One server at a time: while this one is connected, another waits in the backlog.
        if let Err(error) = serve_connection(stream, sandboxes, version, has_nat) {
            eprintln!("sandboxd: connection: {error}");
        }
        sandboxes.destroy_all();
    }
    Ok(())
}

fn serve_connection(stream: UnixStream, sandboxes: &Arc<Sandboxes>, version: Version, has_nat: bool) -> io::Result<()> {
    let connection = Connection { stream: Arc::new(Mutex::new(stream.try_clone()?)) };
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

fn run(connection: &Connection, all: &Arc<Sandboxes>, operation: Operation, version: Version, has_nat: bool) -> Result<Value> {
    let done = json!({});
    match operation {
        Operation::Hello { protocol } if protocol != PROTOCOL => {
            Err(Error::new(Code::BadRequest, format!("this sandboxd speaks protocol {PROTOCOL}")))
        }
        Operation::Hello { .. } => Ok(hello(all, version, has_nat)),
        Operation::Create { sandbox, spec } => to_value(all.create(&sandbox, &spec, connection.exit_notice(all, &sandbox))?),
        Operation::Restore { sandbox, spec, snapshot, fingerprint } => {
            to_value(all.restore(&sandbox, &spec, &snapshot, &fingerprint, connection.exit_notice(all, &sandbox))?)
        }
        Operation::Snapshot { sandbox, snapshot, fingerprint } => to_value(all.snapshot(&sandbox, &snapshot, &fingerprint)?),
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
        Operation::RemoveSnapshot { snapshot } if names::is_name(&snapshot) => {
            all.snapshots.remove(&snapshot)?;
            Ok(done)
        }
        Operation::RemoveSnapshot { .. } => Err(Error::new(Code::BadRequest, "snapshot: not a name")),
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

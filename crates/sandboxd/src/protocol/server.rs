//! The socket that the server speaks to. docs/formats/sandboxd-protocol.md has the form.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde_json::{json, Value};
use thaw_locked::Locked;
use thaw_snapshot::hex;

use super::messages::{Operation, Request};
use crate::engines::Engines;
use crate::error::{Code, Error, Result};
use crate::names::check_name;
use crate::observe::{inspect::inspect, view::observe};
use crate::operations::create::create;
use crate::operations::prepare::PreparedSnapshots;
use crate::operations::restore::{restore, RestoreRequest};
use crate::operations::take::{take, TakeRequest};
use crate::operations::working_sets;
use crate::pager::Pager;
use crate::sandboxes::cgroup::Version;
use crate::sandboxes::host::Host;
use crate::sandboxes::maker::Maker;
use crate::sandboxes::registry::Registry;
use crate::snapshots::far::FarChunks;
use crate::snapshots::store::SnapshotStore;
use crate::sys::host_facts;
use crate::sys::loop_device::has_loop_devices;

const LINE_SIZE_BYTES_MAX: u64 = 64 * 1024;
const CERTIFICATE_BYTES_MAX: usize = 8192;
/// Before the next try where a connection can't be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const PROTOCOL: u32 = 3;

/// The parts of sandboxd that requests work on.
pub struct Parts {
    pub server_uid: u32,
    pub cgroup_version: Version,
    pub has_nat: bool,
    /// Null where the program can't be read: nothing starts then.
    pub supervisor_build: Option<String>,
    pub host: Arc<Host>,
    pub registry: Registry,
    pub maker: Maker,
    pub store: Arc<SnapshotStore>,
    pub far: Arc<FarChunks>,
    pub prepared: PreparedSnapshots,
    /// Absent where memory does not come on demand.
    pub pager: Option<Arc<Pager>>,
    pub engines: Engines,
}

#[derive(Clone)]
struct Connection {
    stream: Arc<Locked<UnixStream>>,
}

impl Connection {
    fn send(&self, value: &Value) {
        let mut line = value.to_string();
        line.push('\n');
        // A server that hung up is seen by the reader.
        let _ = self.stream.lock().write_all(line.as_bytes());
    }

    fn exit_notice(&self, parts: &Arc<Parts>, sandbox: &str) -> impl FnOnce() + Send + 'static {
        let (connection, parts, sandbox) = (self.clone(), Arc::downgrade(parts), sandbox.to_string());
        move || {
            let parts = parts.upgrade();
            let usage = parts.as_ref().and_then(|parts| parts.registry.usage(&sandbox, false).ok());
            let oom = usage.is_some_and(|usage| usage.oom_kills > 0);
            let loss = parts.and_then(|parts| parts.pager.as_ref()?.known_loss(&sandbox));
            let damaged = loss.is_some_and(|loss| loss.code == Code::SnapshotDamaged);
            connection.send(&json!({ "event": "exited", "sandbox": sandbox, "oom": oom, "snapshotDamaged": damaged }));
        }
    }
}

/// The connection of now, so that the end can be told before the sandboxes go.
#[derive(Default)]
pub struct Current(Locked<Option<UnixStream>>);

impl Current {
    /// Tells the server that sandboxd is lost. Were the sandboxes ended first, it would take that for the functions'
    /// failure.
    pub fn hang_up(&self) {
        if let Some(stream) = self.0.lock().take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Serves until the process ends.
pub fn serve(listener: &UnixListener, parts: &Arc<Parts>, current: &Current) {
    loop {
        let accepted = listener.accept().map_err(|error| thaw_stderr::tell!("sandboxd: no connection: {error}"));
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, for one: the next may be free in a moment.
            thread::sleep(ACCEPT_PAUSE);
            continue;
        };
        if let Err(error) = serve_stream(stream, parts, current) {
            thaw_stderr::tell!("sandboxd: connection: {error}");
        }
    }
}

fn serve_stream(stream: UnixStream, parts: &Arc<Parts>, current: &Current) -> io::Result<()> {
    let peer = getsockopt(&stream, PeerCredentials).map_err(io::Error::from)?;
    if peer.uid() != parts.server_uid {
        return Ok(());
    }
    *current.0.lock() = Some(stream.try_clone()?);
    // One server at a time: while this one is connected, another waits in the backlog.
    let connection = Connection { stream: Arc::new(Locked::new(stream.try_clone()?)) };
    let asking = connection.clone();
    parts.far.connect(move |chunk, is_damaged| {
        asking.send(&json!({ "event": "chunkWanted", "chunk": chunk, "isDamaged": is_damaged }));
    });
    let served = serve_connection(stream, &connection, parts);
    parts.far.disconnect();
    parts.registry.destroy_all();
    served
}

fn serve_connection(stream: UnixStream, connection: &Connection, parts: &Arc<Parts>) -> io::Result<()> {
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
        start(connection, parts, request);
    }
}

/// Answers a request in a thread of its own, but for what each warm invoke asks for and nothing holds up: to make a
/// thread takes longer than that. Without a thread, what warm environments need is done here and now; the rest is
/// refused.
fn start(connection: &Connection, parts: &Arc<Parts>, request: Request) {
    let id = request.id;
    if let Some(result) = run_at_once(&parts.registry, &request.operation) {
        return connection.send(&answer(id, result));
    }
    let waiting = Arc::new(Locked::new(Some(request.operation)));
    let work = {
        let (connection, parts, waiting) = (connection.clone(), Arc::clone(parts), Arc::clone(&waiting));
        move || {
            let operation = waiting.lock().take();
            if let Some(operation) = operation {
                let result = run(&connection, &parts, operation);
                connection.send(&answer(id, result));
            }
        }
    };
    let Err(error) = thread::Builder::new().name("request".into()).spawn(work) else { return };
    let operation = waiting.lock().take();
    let result = match operation {
        Some(operation) if operation.is_short() => run(connection, parts, operation),
        _ => Err(error.into()),
    };
    connection.send(&answer(id, result));
}

/// Does what needs no other process and no lock that somebody holds: whoever waits here holds up all requests. Null
/// where it was not done, or not wholly.
fn run_at_once(registry: &Registry, operation: &Operation) -> Option<Result<Value>> {
    match operation {
        Operation::Thaw { sandbox } => {
            when_done(registry.thaw_at_once(sandbox).map(|is_done| is_done.then(|| json!({}))))
        }
        Operation::Usage { sandbox, reset } => when_done(registry.usage_at_once(sandbox, *reset)),
        _ => None,
    }
}

/// Null for nothing; an error is an answer.
fn when_done(done: Result<Option<impl serde::Serialize>>) -> Option<Result<Value>> {
    done.transpose().map(|result| result.and_then(to_value))
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

fn run(connection: &Connection, parts: &Arc<Parts>, operation: Operation) -> Result<Value> {
    let done = json!({});
    let Parts { registry, maker, store, prepared, engines, .. } = &**parts;
    match operation {
        Operation::Hello { protocol } if protocol != PROTOCOL => {
            Err(Error::bad_request(format!("this sandboxd speaks protocol {PROTOCOL}")))
        }
        Operation::Hello { .. } => Ok(hello(parts)),
        Operation::Create { engine, sandbox, spec } => {
            Engines::check_name(&engine)?;
            let on_exit = connection.exit_notice(parts, &sandbox);
            to_value(registry.add(&sandbox, || create(maker, &sandbox, &spec, on_exit))?)
        }
        Operation::Restore { engine, sandbox, spec, snapshot, fingerprint, data_key } => {
            let on_exit = connection.exit_notice(parts, &sandbox);
            let engine = engines.get(&engine)?;
            let (sandbox, snapshot, fingerprint) = (&sandbox, &snapshot, &fingerprint);
            let request = RestoreRequest { sandbox, spec: &spec, snapshot, fingerprint, key: &data_key.0 };
            to_value(registry.add(sandbox, || restore(maker, prepared, engine, &request, on_exit))?)
        }
        Operation::Snapshot { engine, sandbox, snapshot, fingerprint, data_key, chunk_secret } => {
            Engines::check_name(&engine)?;
            check_name("snapshot", &snapshot)?;
            let entry = registry.remove(&sandbox)?;
            let request = TakeRequest {
                sandbox: &sandbox,
                snapshot: &snapshot,
                fingerprint: &fingerprint,
                key: &data_key.0,
                chunk_secret: &chunk_secret.0,
            };
            to_value(take(store, prepared, engines.get(&engine)?, entry, &request)?)
        }
        Operation::RecordWorkingSet { sandbox, recordings_max } => {
            let entry = registry.entry(&sandbox)?;
            to_value(working_sets::record(store, &entry, recordings_max)?)
        }
        Operation::Repack { snapshot, data_key, chunk_secret } => {
            let pages = working_sets::repack(store, &snapshot, &data_key.0, &chunk_secret.0)?;
            // It would keep chunks that only the old layout has.
            prepared.forget(&snapshot);
            Ok(json!({ "pages": pages }))
        }
        Operation::Chunk { chunk, answer } => {
            let name = hex::decode(&chunk).ok_or_else(|| Error::bad_request("chunk: not a name"))?;
            parts.far.arrived(&name, answer);
            if let Some(pager) = &parts.pager {
                pager.chunk_arrived(&chunk, answer);
            }
            Ok(done)
        }
        Operation::CollectChunks => Ok(json!({ "removed": store.collect()? })),
        Operation::Inspect { snapshot, data_key, needles } => {
            to_value(inspect(store, &snapshot, &data_key.0, &needles)?)
        }
        Operation::Observe { sandbox } => {
            let entry = registry.entry(&sandbox)?;
            let pids = entry.keeper.cgroup.lock().pids()?;
            to_value(observe(&pids, entry.recorder.as_ref()))
        }
        Operation::Network => to_value(parts.host.network.state()),
        Operation::Door { port, certificate, services } => {
            check_door(port, services, &certificate)?;
            maker.trust(certificate);
            parts.host.network.open_door(port, services)?;
            Ok(done)
        }
        Operation::Freeze { sandbox } => registry.freeze(&sandbox).map(|()| done),
        Operation::Thaw { sandbox } => registry.thaw(&sandbox).map(|()| done),
        Operation::Boost { sandbox, on } => registry.boost(&sandbox, on).map(|()| done),
        Operation::Usage { sandbox, reset } => to_value(registry.usage(&sandbox, reset)?),
        Operation::Destroy { sandbox } => {
            registry.destroy(&sandbox);
            Ok(done)
        }
        Operation::ListSnapshots => Ok(json!({ "snapshots": store.list()? })),
        Operation::RemoveSnapshot { snapshot } => prepared.remove(&snapshot).map(|()| done),
    }
}

/// A certificate is text in every sandbox, and a port below 1024 is no port of a user without privileges.
fn check_door(port: u16, services: Option<u16>, certificate: &str) -> Result<()> {
    let is_pem = certificate.starts_with("-----BEGIN CERTIFICATE-----\n")
        && certificate.ends_with("-----END CERTIFICATE-----\n")
        && certificate.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=- \n".contains(&byte));
    let is_privileged = port < 1024 || services.is_some_and(|port| port < 1024);
    if is_privileged || !is_pem || certificate.len() > CERTIFICATE_BYTES_MAX {
        return Err(Error::bad_request("door: expected ports from 1024 on, and a certificate in PEM"));
    }
    Ok(())
}

fn hello(parts: &Parts) -> Value {
    let (criu, problem) = match parts.engines.criu() {
        Ok(criu) => (json!({ "version": criu.program.version, "path": criu.program.path }), Value::Null),
        Err(problem) => (Value::Null, json!(problem)),
    };
    json!({
        "protocol": PROTOCOL,
        "criu": criu,
        "criuProblem": problem,
        "cgroup": if parts.cgroup_version == Version::V2 { "v2" } else { "v1" },
        "cpuFingerprint": host_facts::cpu_fingerprint(),
        "supervisorBuild": parts.supervisor_build,
        "kernel": host_facts::kernel(),
        "network": parts.has_nat,
        "tmpQuota": if has_loop_devices() { "loop" } else { "tmpfs" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(text: Value) -> Operation {
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn requests_of_a_warm_invoke_are_answered_by_the_reader() {
        let registry = Registry::default();
        for text in
            [json!({ "op": "thaw", "sandbox": "gone" }), json!({ "op": "usage", "sandbox": "gone", "reset": true })]
        {
            let answer = run_at_once(&registry, &operation(text)).expect("it needs nobody");
            assert_eq!(answer.unwrap_err().code.name(), "SANDBOX_UNKNOWN");
        }
    }

    #[test]
    fn whatever_may_wait_is_left_to_a_thread() {
        let registry = Registry::default();
        for name in ["freeze", "destroy"] {
            assert!(run_at_once(&registry, &operation(json!({ "op": name, "sandbox": "gone" }))).is_none());
        }
        assert!(when_done(Ok(None::<Value>)).is_none());
        assert_eq!(when_done(Ok(Some(json!({ "pids": 1 })))).unwrap().unwrap(), json!({ "pids": 1 }));
    }
}

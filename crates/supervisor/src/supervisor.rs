//! The loop: one thread, one epoll, everything else is a state beside it.
//!
//! Without a connection of the server nothing of the function is read: its output and its calls stay in their pipes and
//! sockets.

mod outward;
mod relay;
mod reset;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;

use serde::Deserialize;
use serde_json::{json, Value};

use crate::connections::Connection;
use crate::control::{self, Control};
use crate::directory;
use crate::frames::kind;
use crate::interest::Interest;
use crate::processes::{self, NotSpawned, Spawn};
use crate::program;
use crate::sys::{self, Epoll};

const PROTOCOL: u64 = 2;
/// What this program can do beyond what every supervisor of this protocol could.
const FEATURES: [&str; 3] = ["list", "keep", "connect"];
/// Beyond those, where all processes that it may signal are the function's.
const FEATURE_ALONE: &str = "reset";
/// Text that the server may leave here for the servers to come.
const KEPT_SIZE_BYTES_MAX: usize = 64 * 1024;
const TOKEN_CONTROL_LISTENER: u64 = 0;
const TOKEN_HTTP_LISTENER: u64 = 2;
const TOKEN_CHILDREN: u64 = 3;
const TOKEN_FIRST: u64 = 16;
const READABLE: u32 = libc::EPOLLIN as u32;
/// Answers not yet taken by the function: above this the server is not read.
const ANSWERS_BYTES_HIGH: usize = 8 * 1024 * 1024;
const READ_SIZE: usize = 32 * 1024;

struct Output {
    source: String,
    stream: u8,
    file: File,
    interest: Interest,
}

struct Call {
    connection: u64,
    head: Value,
    /// The whole request has been relayed.
    is_whole: bool,
}

pub struct Supervisor {
    epoll: Epoll,
    control_listener: UnixListener,
    http_listener: TcpListener,
    http_interest: Interest,
    children: OwnedFd,
    server_uid: u32,
    control: Option<Control>,
    connections: HashMap<u64, Connection>,
    outputs: HashMap<u64, Output>,
    /// Live processes by pid.
    processes: BTreeMap<i32, String>,
    /// Ended, but the server was not there to be told.
    ended: Vec<(String, i32, Result<i32, i32>)>,
    /// In flight, by id: in order of arrival.
    calls: BTreeMap<u32, Call>,
    next_call: u32,
    next_token: u64,
    /// Connections of the server to listeners of the function.
    outwards: HashMap<u64, outward::Outward>,
    /// What the server left here, as it is: it is in the snapshot, and told to the server of each clone.
    kept: Option<String>,
    is_alone: bool,
    /// All processes were killed, and some of them have not been reaped.
    is_resetting: bool,
}

#[derive(Deserialize)]
struct Signal {
    name: String,
    signal: i32,
}

#[derive(Deserialize)]
struct List {
    path: String,
}

#[derive(Deserialize)]
struct ResponseHead {
    status: u16,
    headers: Vec<(String, String)>,
    length: Option<u64>,
}

fn invalid<E>(_: E) -> io::Error {
    io::Error::from(ErrorKind::InvalidData)
}

impl Supervisor {
    pub fn new(
        control_listener: UnixListener,
        http_listener: TcpListener,
        server_uid: u32,
        is_alone: bool,
    ) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        let children = sys::watch_children()?;
        control_listener.set_nonblocking(true)?;
        http_listener.set_nonblocking(true)?;
        epoll.add(control_listener.as_raw_fd(), READABLE, TOKEN_CONTROL_LISTENER)?;
        epoll.add(children.as_raw_fd(), READABLE, TOKEN_CHILDREN)?;
        let http_interest = Interest::none(http_listener.as_raw_fd(), TOKEN_HTTP_LISTENER);
        Ok(Supervisor {
            epoll,
            control_listener,
            http_listener,
            http_interest,
            children,
            server_uid,
            control: None,
            connections: HashMap::new(),
            outputs: HashMap::new(),
            processes: BTreeMap::new(),
            ended: Vec::new(),
            calls: BTreeMap::new(),
            next_call: 1,
            next_token: TOKEN_FIRST,
            outwards: HashMap::new(),
            kept: None,
            is_alone,
            is_resetting: false,
        })
    }

    pub fn run(&mut self) -> io::Result<()> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 32];
        loop {
            let found = self.epoll.wait(&mut events)?;
            for event in &events[..found] {
                let (token, flags) = (event.u64, event.events);
                match token {
                    TOKEN_CONTROL_LISTENER => self.accept_control()?,
                    control::TOKEN => self.serve_control(flags),
                    TOKEN_HTTP_LISTENER => self.accept_http()?,
                    TOKEN_CHILDREN => self.reap()?,
                    // Bytes that are read now would be told to nobody: they stay where they are.
                    _ if !self.is_relaying() => self.serve_http(token, flags & libc::EPOLLOUT as u32),
                    _ if self.outputs.contains_key(&token) => self.read_output(token),
                    _ if self.outwards.contains_key(&token) => self.serve_outward(token, flags),
                    _ => self.serve_http(token, flags),
                }
            }
            self.settle()?;
        }
    }

    /// Sends what is queued, then decides what is waited for next.
    fn settle(&mut self) -> io::Result<()> {
        if let Some(control) = &mut self.control {
            let failed = control.write().is_err();
            if failed || control.parking && !control.has_queue() {
                self.lose_control();
            }
        }
        let ready = self.is_relaying() && !self.control.as_ref().is_some_and(Control::is_full);
        let events = if ready { READABLE } else { 0 };
        self.http_interest.set(&self.epoll, events)?;
        for output in self.outputs.values_mut() {
            output.interest.set(&self.epoll, events)?;
        }
        for outward in self.outwards.values_mut() {
            outward.update_interest(&self.epoll, ready)?;
        }
        let mut queued = 0;
        for connection in self.connections.values_mut() {
            connection.update_interest(&self.epoll, ready)?;
            queued += connection.queued();
        }
        if let Some(control) = &mut self.control {
            control.update_interest(&self.epoll, queued < ANSWERS_BYTES_HIGH)?;
        }
        Ok(())
    }

    /// The server is there, has said HELLO, and is not parking.
    fn is_relaying(&self) -> bool {
        self.control.as_ref().is_some_and(|control| control.greeted && !control.parking)
    }

    /// Forgets the connection of the server. Requests that it has seen a part of are told to the next one from their
    /// head; those whose beginning is no longer here are cut.
    fn lose_control(&mut self) {
        self.control = None;
        self.outwards.clear();
        let halves: Vec<u32> = self.calls.iter().filter(|(_, call)| !call.is_whole).map(|(id, _)| *id).collect();
        for id in halves {
            let Some(call) = self.calls.remove(&id) else { continue };
            let is_kept = self.connections.get_mut(&call.connection).is_some_and(Connection::take_back);
            if !is_kept {
                self.connections.remove(&call.connection);
            }
        }
    }

    fn accept_control(&mut self) -> io::Result<()> {
        let (stream, _) = match self.control_listener.accept() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // The function's connections have taken all descriptors. The server must be able to come: one of them goes,
            // and the listener, which is ready still, is asked again.
            Err(error) if error.raw_os_error() == Some(libc::EMFILE) && self.drop_connection() => return Ok(()),
            other => other?,
        };
        let uid = sys::peer_uid(stream.as_raw_fd())?;
        // The function runs as this process's own user: it must not answer its own calls.
        if self.control.is_none() && (uid == self.server_uid || uid == 0) {
            self.control = Some(Control::new(stream)?);
        }
        Ok(())
    }

    fn serve_control(&mut self, flags: u32) {
        let result = self.read_control(flags);
        if result.is_err() {
            self.lose_control();
        }
    }

    fn read_control(&mut self, flags: u32) -> io::Result<()> {
        let Some(control) = &mut self.control else { return Ok(()) };
        if flags & (libc::EPOLLIN | libc::EPOLLHUP | libc::EPOLLERR) as u32 == 0 {
            return Ok(());
        }
        let is_open = control.read()?;
        for (kind, call, payload) in control.take_frames()? {
            self.obey(kind, call, &payload)?;
        }
        if is_open {
            Ok(())
        } else {
            Err(io::Error::from(ErrorKind::UnexpectedEof))
        }
    }

    fn obey(&mut self, kind: u8, call: u32, payload: &[u8]) -> io::Result<()> {
        match kind {
            kind::HELLO => self.greet(payload),
            kind::SPAWN => self.spawn(payload),
            kind::SIGNAL => self.signal(payload),
            kind::RESPONSE_HEAD => {
                let head: ResponseHead = serde_json::from_slice(payload).map_err(invalid)?;
                if let Some(connection) = self.connection_of(call) {
                    connection.respond_head(head.status, &head.headers, head.length);
                }
                Ok(())
            }
            kind::RESPONSE_BODY => {
                if let Some(connection) = self.connection_of(call) {
                    connection.respond_body(payload);
                }
                Ok(())
            }
            kind::RESPONSE_END => {
                self.end_response(call);
                Ok(())
            }
            kind::RESPONSE_ABORT => {
                if let Some(call) = self.calls.remove(&call) {
                    self.connections.remove(&call.connection);
                }
                Ok(())
            }
            kind::REQUEST_MORE => {
                let bytes = payload.try_into().map(u32::from_le_bytes).map_err(invalid)?;
                if let Some(connection) = self.connection_of(call) {
                    connection.widen(bytes);
                }
                Ok(())
            }
            kind::REQUEST_SKIP => {
                if let Some(connection) = self.connection_of(call) {
                    connection.skip();
                }
                Ok(())
            }
            kind::LIST => self.list(payload),
            kind::KEEP => self.keep(payload),
            kind::CONNECT => self.connect_outward(call, payload),
            kind::SEND => {
                self.send_outward(call, payload);
                Ok(())
            }
            kind::HANG_UP => {
                self.hang_up_outward(call);
                Ok(())
            }
            kind::RESET => self.begin_reset(),
            kind::PARK => {
                self.outwards.clear();
                let calls: Vec<u32> = self.calls.iter().filter(|(_, call)| call.is_whole).map(|(id, _)| *id).collect();
                let control = self.control.as_mut().ok_or(ErrorKind::NotConnected)?;
                control.push_json(kind::PARKED, 0, &json!({ "calls": calls }));
                control.parking = true;
                Ok(())
            }
            _ => Err(invalid(())),
        }
    }

    fn greet(&mut self, payload: &[u8]) -> io::Result<()> {
        let hello: Value = serde_json::from_slice(payload).map_err(invalid)?;
        if hello["protocol"] != json!(PROTOCOL) {
            return Err(invalid(()));
        }
        let calls: Vec<Value> = self
            .calls
            .iter()
            .map(|(id, call)| {
                let mut head = call.head.clone();
                head["id"] = json!(id);
                head
            })
            .collect();
        let processes: Vec<Value> =
            self.processes.iter().map(|(pid, name)| json!({ "name": name, "pid": pid })).collect();
        let features: Vec<&str> = FEATURES.into_iter().chain(self.is_alone.then_some(FEATURE_ALONE)).collect();
        let control = self.control.as_mut().ok_or(ErrorKind::NotConnected)?;
        control.push_json(
            kind::HELLO_BACK,
            0,
            &json!({
                "protocol": PROTOCOL,
                "calls": calls,
                "processes": processes,
                "features": features,
                "kept": self.kept,
            }),
        );
        control.greeted = true;
        self.relay_again();
        for (name, pid, end) in std::mem::take(&mut self.ended) {
            self.tell_exit(&name, pid, end);
        }
        Ok(())
    }

    fn list(&mut self, payload: &[u8]) -> io::Result<()> {
        let request: List = serde_json::from_slice(payload).map_err(invalid)?;
        let mut answer = directory::list(&request.path);
        answer["path"] = json!(request.path);
        if let Some(control) = &mut self.control {
            control.push_json(kind::LISTED, 0, &answer);
        }
        Ok(())
    }

    fn keep(&mut self, payload: &[u8]) -> io::Result<()> {
        if payload.len() > KEPT_SIZE_BYTES_MAX {
            return Err(invalid(()));
        }
        self.kept = Some(std::str::from_utf8(payload).map_err(invalid)?.to_string());
        Ok(())
    }

    fn spawn(&mut self, payload: &[u8]) -> io::Result<()> {
        let request: Spawn = serde_json::from_slice(payload).map_err(invalid)?;
        let answer = match processes::spawn(&request) {
            Ok(spawned) => {
                self.processes.insert(spawned.pid, request.name.clone());
                self.watch_output(&request.name, 1, spawned.stdout);
                self.watch_output(&request.name, 2, spawned.stderr);
                if let Some(records) = spawned.records {
                    self.watch_output(&request.name, 3, records);
                }
                json!({ "name": request.name, "pid": spawned.pid })
            }
            Err(NotSpawned { errno, is_directory_wrong }) => {
                let program = request.program().map(program::describe);
                json!({
                    "name": request.name,
                    "error": errno,
                    "isDirectoryWrong": is_directory_wrong,
                    "program": program,
                })
            }
        };
        if let Some(control) = &mut self.control {
            control.push_json(kind::SPAWNED, 0, &answer);
        }
        Ok(())
    }

    fn watch_output(&mut self, source: &str, stream: u8, pipe: OwnedFd) {
        let token = self.take_token();
        let interest = Interest::none(pipe.as_raw_fd(), token);
        self.outputs.insert(token, Output { source: source.to_string(), stream, file: pipe.into(), interest });
    }

    fn take_token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    fn signal(&mut self, payload: &[u8]) -> io::Result<()> {
        let request: Signal = serde_json::from_slice(payload).map_err(invalid)?;
        for (pid, name) in &self.processes {
            if *name == request.name {
                // SAFETY: plain numbers; the group of a child that was not reaped yet.
                unsafe { libc::kill(-pid, request.signal) };
            }
        }
        Ok(())
    }

    /// Reads once at most, so that a chatty process does not keep the others waiting.
    fn read_output(&mut self, token: u64) {
        let Some(output) = self.outputs.get_mut(&token) else { return };
        let mut bytes = vec![0u8; 2 + output.source.len() + READ_SIZE];
        let start = 2 + output.source.len();
        match output.file.read(&mut bytes[start..]) {
            Ok(0) => drop(self.outputs.remove(&token)),
            Ok(length) => {
                bytes[0] = output.source.len() as u8;
                bytes[1..start - 1].copy_from_slice(output.source.as_bytes());
                bytes[start - 1] = output.stream;
                if let Some(control) = &mut self.control {
                    control.push(kind::LOG, 0, &bytes[..start + length]);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => drop(self.outputs.remove(&token)),
        }
    }

    fn reap(&mut self) -> io::Result<()> {
        let mut buffer = [0u8; 128];
        // SAFETY: room for one signalfd_siginfo; what it says does not matter.
        while unsafe { libc::read(self.children.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) } > 0 {}
        while let Some((pid, end)) = sys::reap() {
            // Orphans of the function have no name and are reaped silently.
            let Some(name) = self.processes.remove(&pid) else { continue };
            if self.is_relaying() {
                self.tell_exit(&name, pid, end);
            } else {
                self.ended.push((name, pid, end));
            }
        }
        self.end_reset()
    }

    /// All output that is in the pipes goes first: at most what its pipes hold, whatever the queue.
    fn tell_exit(&mut self, name: &str, pid: i32, end: Result<i32, i32>) {
        self.drain_outputs(|source| source == name);
        let (code, signal) = match end {
            Ok(code) => (Some(code), None),
            Err(signal) => (None, Some(signal)),
        };
        if let Some(control) = &mut self.control {
            control.push_json(kind::EXIT, 0, &json!({ "name": name, "pid": pid, "code": code, "signal": signal }));
        }
    }

    fn drain_outputs(&mut self, is_wanted: impl Fn(&str) -> bool) {
        let outputs = self.outputs.iter().filter(|(_, output)| is_wanted(&output.source));
        for token in outputs.map(|(token, _)| *token).collect::<Vec<u64>>() {
            for _ in 0..=(1024 * 1024 / READ_SIZE) {
                let before = self.queue_length();
                self.read_output(token);
                if self.queue_length() == before {
                    break;
                }
            }
        }
    }

    fn queue_length(&self) -> usize {
        self.control.as_ref().map_or(0, Control::queue_length)
    }
}

//! The Runtime API's side of the loop: connections of the function, and the calls on them, which are relayed while they
//! are read.

use std::io::{self, ErrorKind};

use serde_json::json;

use super::{Call, Supervisor};
use crate::connections::{Connection, Event, Request};
use crate::frames::{kind, PIECE_SIZE_BYTES_MAX};

impl Supervisor {
    pub(super) fn accept_http(&mut self) -> io::Result<()> {
        loop {
            match self.http_listener.accept() {
                Ok((stream, _)) => {
                    let token = self.take_token();
                    self.connections.insert(token, Connection::new(stream, token)?);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => {
                    return Ok(())
                }
                // The function used up its own descriptors or memory: its next try may fare better.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENOMEM | libc::ENOBUFS)) => {
                    return Ok(())
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn serve_http(&mut self, token: u64, flags: u32) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let events = connection.on_event(flags);
        self.handle(token, events);
        if self.connections.get(&token).is_some_and(Connection::is_done) {
            self.connections.remove(&token);
        }
    }

    fn handle(&mut self, token: u64, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Head(request) => self.relay_head(token, &request),
                Event::Body(bytes) => self.relay_body(token, &bytes),
                Event::End { length, trailers } => self.relay_end(token, length, &trailers),
                Event::Aborted => {
                    let call = self.connections.get_mut(&token).and_then(|connection| connection.call.take());
                    self.abandon(call);
                }
                Event::Closed => self.close(token),
            }
        }
    }

    /// Drops a connection, and with it the call that is in flight on it.
    fn close(&mut self, token: u64) {
        let call = self.connections.remove(&token).and_then(|connection| connection.call);
        self.abandon(call);
    }

    fn abandon(&mut self, call: Option<u32>) {
        let Some(call) = call else { return };
        self.calls.remove(&call);
        // Nothing follows a PARKED.
        let is_told = self.is_relaying();
        if let Some(control) = self.control.as_mut().filter(|_| is_told) {
            control.push(kind::REQUEST_ABORT, call, b"");
        }
    }

    /// Tells a server that has just connected of the requests that are still being received.
    pub(super) fn relay_again(&mut self) {
        let mut tokens: Vec<u64> = self.connections.keys().copied().collect();
        tokens.sort_unstable();
        for token in tokens {
            let Some((request, body)) = self.connections.get_mut(&token).and_then(Connection::unrelayed) else {
                continue;
            };
            self.relay_head(token, &request);
            self.relay_body(token, &body);
        }
    }

    fn relay_head(&mut self, token: u64, request: &Request) {
        let id = self.next_call;
        self.next_call += 1;
        let head = json!({ "method": request.method, "path": request.path, "headers": request.headers });
        if let Some(connection) = self.connections.get_mut(&token) {
            connection.call = Some(id);
        }
        if let Some(control) = &mut self.control {
            control.push_json(kind::REQUEST_HEAD, id, &head);
        }
        self.calls.insert(id, Call { connection: token, head, is_whole: false });
    }

    fn relay_body(&mut self, token: u64, bytes: &[u8]) {
        let Some(call) = self.connections.get(&token).and_then(|connection| connection.call) else { return };
        if let Some(control) = &mut self.control {
            for piece in bytes.chunks(PIECE_SIZE_BYTES_MAX) {
                control.push(kind::REQUEST_BODY, call, piece);
            }
        }
    }

    fn relay_end(&mut self, token: u64, length: Option<u64>, trailers: &[(String, String)]) {
        let Some(call) = self.connections.get(&token).and_then(|connection| connection.call) else { return };
        if let Some(known) = self.calls.get_mut(&call) {
            known.is_whole = true;
        }
        let Some(control) = &mut self.control else { return };
        match (length, trailers) {
            (None, []) => control.push(kind::REQUEST_END, call, b""),
            (None, trailers) => control.push_json(kind::REQUEST_END, call, &json!({ "trailers": trailers })),
            (Some(length), _) => {
                control.push_json(kind::REQUEST_END, call, &json!({ "truncated": true, "length": length }));
            }
        }
    }

    /// Closes one connection of the function, if it can be one without a call. False where there is none.
    pub(super) fn drop_connection(&mut self) -> bool {
        let idle = self.connections.iter().find(|(_, connection)| connection.call.is_none());
        let Some(token) = idle.or(self.connections.iter().next()).map(|(token, _)| *token) else { return false };
        self.close(token);
        true
    }

    pub(super) fn connection_of(&mut self, call: u32) -> Option<&mut Connection> {
        let token = self.calls.get(&call)?.connection;
        self.connections.get_mut(&token)
    }

    pub(super) fn end_response(&mut self, call: u32) {
        let Some(call) = self.calls.remove(&call) else { return };
        let Some(connection) = self.connections.get_mut(&call.connection) else { return };
        if !connection.respond_end() {
            self.connections.remove(&call.connection);
            return;
        }
        let events = connection.parse();
        self.handle(call.connection, events);
    }
}
